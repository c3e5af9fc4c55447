// Reads the cookies of a request as the middleware of a Next.js application does.
// Usage: node cookie_cache.mjs, with {cookie, options} as JSON on the standard input.
import { readFileSync } from "node:fs";
import { getCookieCache, getSessionCookie } from "better-auth/cookies";
import { report } from "./browser.mjs";

const { cookie, options } = JSON.parse(readFileSync(0, "utf8"));
const request = new Request("http://127.0.0.1/", { headers: { cookie } });
report({
  cache: await getCookieCache(request, options),
  session: getSessionCookie(request, options),
});
