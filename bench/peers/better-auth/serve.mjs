// better-auth on Node: Hono, better-sqlite3, and auth.api.getSession before the protected route.
//
//     node serve.mjs --port P --variant session|session-cookie-cache
//
// One process. It signs two accounts up over HTTP, signs one of them in and prints one line
// of JSON that says how to call it. The other account is for the sign-in row.

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

// Read when the library is loaded, so set before the imports below.
process.env.NODE_ENV = "production";
const { serve } = await import("@hono/node-server");
const { betterAuth } = await import("better-auth");
const { getMigrations } = await import("better-auth/db/migration");
const { default: Database } = await import("better-sqlite3");
const { Hono } = await import("hono");

const PASSWORD = "correct-horse-battery-staple";
const JSON_TYPE = { "Content-Type": "application/json" };

const { values: asked } = parseArgs({
  options: {
    port: { type: "string" },
    variant: { type: "string" },
    redis: { type: "string" },
  },
});
const cached = { "session": false, "session-cookie-cache": true }[asked.variant];
if (cached === undefined) throw new Error(`unknown variant ${asked.variant}`);
const port = Number(asked.port);
const origin = `http://127.0.0.1:${port}`;

const folder = mkdtempSync(join(tmpdir(), "limen-bench-peer-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const database = new Database(join(folder, "peer.sqlite3"));
// As Limen's own store sets them.
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");

const options = {
  database,
  secret: randomBytes(32).toString("base64url"),
  baseURL: origin,
  emailAndPassword: { enabled: true },
  session: { cookieCache: { enabled: cached } },
  // The limiter is on as in production, but not where the sign-in row needs to pass.
  rateLimit: { enabled: true, customRules: { "/sign-in/email": false } },
};
const { runMigrations } = await getMigrations(options);
await runMigrations();
const auth = betterAuth(options);

const app = new Hono();
app.on(["POST", "GET"], "/api/auth/*", (context) => auth.handler(context.req.raw));
app.get("/open", (context) => context.json({ ok: true }));
app.use("/protected", async (context, next) => {
  const session = await auth.api.getSession({ headers: context.req.raw.headers });
  if (!session) return context.json({ ok: false }, 401);
  context.set("user", session.user);
  await next();
});
app.get("/protected", (context) => context.json({ ok: true }));

function email(account) {
  return `${account}@example.com`;
}

async function send(method, path, headers, body, expected = 200) {
  const response = await fetch(origin + path, { method, headers, body });
  const text = await response.text();
  if (response.status !== expected) {
    throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 300)}`);
  }
  return response;
}

function signIn(account) {
  const body = JSON.stringify({ email: email(account), password: PASSWORD });
  return { method: "POST", path: "/api/auth/sign-in/email", headers: JSON_TYPE, body };
}

async function post({ method, path, headers, body }) {
  // The library refuses a request that looks like a browser's and names no origin of its own.
  return await send(method, path, { ...headers, Origin: origin }, body);
}

// The credential with the case of its letters swapped, under the same names.
function altered(cookies) {
  const swap = (one) => (one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase());
  const pairs = cookies.map((cookie) => {
    const [name, value] = cookie.split(/=(.*)/s);
    return `${name}=${[...value].map(swap).join("")}`;
  });
  return { Cookie: pairs.join("; ") };
}

function version(name) {
  const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).version;
}

async function prepare() {
  for (const account of ["holder", "visitor"]) {
    const fields = { name: account, email: email(account), password: PASSWORD };
    const call = { ...signIn(account), path: "/api/auth/sign-up/email" };
    await post({ ...call, body: JSON.stringify(fields) });
  }
  const answer = await post(signIn("holder"));
  const cookies = answer.headers.getSetCookie().map((value) => value.split(";")[0]);
  const headers = { Cookie: cookies.join("; ") };
  await send("GET", "/open", {}, undefined);
  await send("GET", "/protected", headers, undefined);
  await send("GET", "/protected", {}, undefined, 401);
  await send("GET", "/protected", altered(cookies), undefined, 401);
  await post(signIn("visitor"));
  const names = ["better-auth", "better-sqlite3", "hono", "@hono/node-server"];
  const versions = Object.fromEntries(names.map((name) => [name, version(name)]));
  versions.node = process.versions.node;
  process.stdout.write(`${JSON.stringify({ headers, sign_in: signIn("visitor"), versions })}\n`);
}

const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, () => {
  prepare().catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  });
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}
