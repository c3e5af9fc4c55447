// Signs people in and out with @auth/core and its database strategy, over a SQLite file.
// Usage: node auth-core-server.mjs FILE ORIGIN SECRET SIGN-IN-EMAIL... [-- SIGN-OUT-COOKIE...]
// Printed is the session cookie of each sign-in, as JSON.
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

import { Auth } from "@auth/core";

const [file, origin, secret, ...rest] = process.argv.slice(2);
const middle = rest.includes("--") ? rest.indexOf("--") : rest.length;
const database = new DatabaseSync(file);
database.exec(`
  CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, name TEXT, email TEXT UNIQUE, emailVerified TEXT, image TEXT);
  CREATE TABLE IF NOT EXISTS sessions (sessionToken TEXT UNIQUE, userId TEXT, expires TEXT);
  CREATE TABLE IF NOT EXISTS letters (identifier TEXT, token TEXT, expires TEXT);
`);
const one = (text, ...values) => database.prepare(text).get(...values) ?? null;
const run = (text, ...values) => void database.prepare(text).run(...values);
const person = (row) => row && { ...row, emailVerified: row.emailVerified && new Date(row.emailVerified) };
const held = (row) => row && { ...row, expires: new Date(row.expires) };
const adapter = {
  createUser({ name, email, emailVerified }) {
    const id = randomUUID();
    run("INSERT INTO users VALUES (?, ?, ?, ?, NULL)", id, name ?? null, email, emailVerified?.toISOString() ?? null);
    return adapter.getUser(id);
  },
  getUser: (id) => person(one("SELECT * FROM users WHERE id = ?", id)),
  getUserByEmail: (email) => person(one("SELECT * FROM users WHERE email = ?", email)),
  getUserByAccount: () => null,
  updateUser: ({ id }) => adapter.getUser(id),
  linkAccount: () => null,
  createSession(session) {
    run("INSERT INTO sessions VALUES (?, ?, ?)", session.sessionToken, session.userId, session.expires.toISOString());
    return session;
  },
  getSessionAndUser(token) {
    const session = held(one("SELECT * FROM sessions WHERE sessionToken = ?", token));
    return session && { session, user: adapter.getUser(session.userId) };
  },
  updateSession: (session) => session,
  deleteSession: (token) => run("DELETE FROM sessions WHERE sessionToken = ?", token),
  createVerificationToken(letter) {
    run("INSERT INTO letters VALUES (?, ?, ?)", letter.identifier, letter.token, letter.expires.toISOString());
    return letter;
  },
  useVerificationToken({ identifier, token }) {
    const letter = held(one("SELECT * FROM letters WHERE identifier = ? AND token = ?", identifier, token));
    run("DELETE FROM letters WHERE identifier = ? AND token = ?", identifier, token);
    return letter;
  },
};
let mailed;
const config = {
  adapter,
  secret,
  trustHost: true,
  basePath: "/api/auth",
  session: { strategy: "database" },
  logger: { error: (fault) => process.stderr.write(`${fault.stack}\n`), warn() {}, debug() {} },
  providers: [
    {
      id: "post",
      type: "email",
      name: "Post",
      from: "x@example.org",
      maxAge: 600,
      options: {},
      sendVerificationRequest: ({ url }) => void (mailed = url),
    },
  ],
};

function browser(cookies = []) {
  const jar = new Map(cookies.map((line) => line.split(/=(.*)/s)));
  return {
    jar,
    async send(path, form) {
      const headers = { cookie: [...jar].map((pair) => pair.join("=")).join("; ") };
      if (form) headers["content-type"] = "application/x-www-form-urlencoded";
      const url = path.startsWith("http") ? path : `${origin}/api/auth${path}`;
      const body = form && new URLSearchParams(form).toString();
      const answer = await Auth(new Request(url, { method: form ? "POST" : "GET", headers, body }), config);
      for (const line of answer.headers.getSetCookie()) {
        const [name, value] = line.split(";")[0].split(/=(.*)/s);
        if (value) jar.set(name, value);
        else jar.delete(name);
      }
      return answer;
    },
    async post(path, form = {}) {
      const { csrfToken } = await (await this.send("/csrf")).json();
      return await this.send(path, { csrfToken, ...form });
    },
  };
}

const cookies = [];
for (const email of rest.slice(0, middle)) {
  const page = browser();
  await page.post("/signin/post", { email });
  await page.send(mailed);
  cookies.push([...page.jar].filter(([name]) => name.endsWith("session-token")).map((pair) => pair.join("="))[0]);
}
for (const cookie of rest.slice(middle + 1)) await browser([cookie]).post("/signout");
process.stdout.write(JSON.stringify(cookies), () => process.exit(0));
