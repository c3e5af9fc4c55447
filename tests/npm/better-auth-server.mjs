// Makes a better-auth server over a SQLite file and sends it requests, without a socket.
// Usage: node better-auth-server.mjs FILE ORIGIN SECRET < requests.json
// Each request is {path, method?, body?, headers?}; printed are the answers, as JSON.
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { admin, bearer, username } from "better-auth/plugins";

const [file, origin, secret] = process.argv.slice(2);
const kept = new Map();
const options = {
  database: new DatabaseSync(file),
  secret,
  baseURL: origin,
  emailAndPassword: { enabled: true },
  plugins: [username(), admin(), bearer()],
  rateLimit: { enabled: false },
  logger: { disabled: true },
};
if (process.env.SECONDARY) {
  options.secondaryStorage = {
    get: async (key) => kept.get(key) ?? null,
    set: async (key, value) => void kept.set(key, value),
    delete: async (key) => void kept.delete(key),
    getAndDelete: async (key) => {
      const value = kept.get(key) ?? null;
      kept.delete(key);
      return value;
    },
    increment: async (key) => {
      const count = Number(kept.get(key) ?? 0) + 1;
      kept.set(key, String(count));
      return count;
    },
  };
}
const { runMigrations } = await getMigrations(options);
await runMigrations();
const auth = betterAuth(options);

const answers = [];
for (const asked of JSON.parse(readFileSync(0, "utf8"))) {
  const headers = new Headers({ origin, ...asked.headers });
  if (asked.body) headers.set("content-type", "application/json");
  const response = await auth.handler(
    new Request(`${origin}/api/auth${asked.path}`, {
      method: asked.method ?? (asked.body ? "POST" : "GET"),
      headers,
      body: asked.body ? JSON.stringify(asked.body) : undefined,
    }),
  );
  const text = await response.text();
  answers.push({
    status: response.status,
    body: text ? JSON.parse(text) : null,
    cookies: response.headers.getSetCookie().map((line) => line.split(";")[0]),
    bearer: response.headers.get("set-auth-token"),
  });
}
process.stdout.write(JSON.stringify({ answers, secondary: Object.fromEntries(kept) }));
