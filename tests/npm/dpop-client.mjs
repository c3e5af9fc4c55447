// The unmodified better-auth client with a key of its own, as docs/dpop.md shows it; prints what
// it got as JSON. Usage: node dpop-client.mjs http://127.0.0.1:PORT
import { createAuthClient } from "better-auth/client";
import { SignJWT, calculateJwkThumbprint, exportJWK } from "jose";

const [, , origin] = process.argv;
// What browsers say of the page with each request.
const { fetch: bare } = globalThis;
let turns = 0;
globalThis.fetch = (url, init = {}) => {
  turns++;
  const headers = new Headers(init.headers);
  headers.set("origin", origin);
  return bare(url, { ...init, headers });
};
const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, [
  "sign",
  "verify",
]);
const jwk = await exportJWK(keys.publicKey);
let held = {};
let nonce;

async function proof(method, url, token) {
  const { origin, pathname } = new URL(url);
  const claims = { htm: method, htu: origin + pathname, jti: crypto.randomUUID(), nonce };
  if (token) {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
    claims.ath = btoa(String.fromCharCode(...new Uint8Array(digest)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  }
  return new SignJWT(claims)
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk })
    .setIssuedAt()
    .sign(keys.privateKey);
}

async function provingFetch(url, init = {}) {
  for (let turn = 0; ; turn++) {
    const headers = new Headers(init.headers);
    headers.set("DPoP", await proof(init.method ?? "GET", url, held.token));
    if (held.token) headers.set("Authorization", `DPoP ${held.token}`);
    const response = await fetch(url, { ...init, headers, credentials: "omit" });
    nonce = response.headers.get("dpop-nonce") ?? nonce;
    const told = response.headers.get("www-authenticate") ?? "";
    if (turn > 0 || !told.includes("use_dpop_nonce")) return response;
  }
}

const client = createAuthClient({
  baseURL: origin,
  fetchOptions: {
    customFetchImpl: provingFetch,
    onSuccess: ({ data }) => {
      if (data?.tokenType === "DPoP") held = { token: data.token, refreshToken: data.refreshToken };
    },
  },
});

const person = { name: "Ada", email: "ada@example.org", password: "correct horse battery" };
const results = { thumbprint: await calculateJwkThumbprint(jwk) };
results.extractable = keys.privateKey.extractable;
results.signUp = await client.signUp.email(person);
results.turnsForTheFirst = turns;
results.session = await client.getSession();
results.me = await (await provingFetch(`${origin}/me`)).json();
results.copied = (await fetch(`${origin}/me`, { headers: { authorization: `Bearer ${held.token}` } })).status;
const before = held;
results.refreshed = await client.$fetch("/refresh", {
  method: "POST",
  body: { refreshToken: held.refreshToken },
});
results.isNew = before.refreshToken !== held.refreshToken;
results.after = await client.getSession();
results.signOut = await client.signOut();
results.gone = (await provingFetch(`${origin}/me`)).status;
process.stdout.write(JSON.stringify(results), () => process.exit(0));
