// The client's plugins against a service: several accounts in one browser, tokens for other
// services, and a bearer. Usage: node plugins.mjs http://127.0.0.1:PORT
import { createAuthClient } from "better-auth/client";
import { jwtClient, multiSessionClient } from "better-auth/client/plugins";
import { browser, report } from "./browser.mjs";

const origin = process.argv[2];
const { jar, fetchAsBrowser } = browser(origin);
let last = null;
const client = createAuthClient({
  baseURL: origin,
  plugins: [jwtClient(), multiSessionClient()],
  fetchOptions: {
    customFetchImpl: fetchAsBrowser,
    onSuccess: (context) => {
      last = context.response.headers;
    },
  },
});
const password = "correct horse battery";
const person = (name) => ({ name, email: `${name}@example.org`, password });
const names = (result) => result.data.map((one) => one.user.name).sort();
const results = {};

results.alone = await client.multiSession.listDeviceSessions();
await client.signUp.email(person("ada"));
await client.signUp.email(person("bob"));
results.cookies = [...jar.keys()];
const listed = await client.multiSession.listDeviceSessions();
results.both = names(listed);
results.active = (await client.getSession()).data.user.name;
const [ada] = listed.data.filter((one) => one.user.name === "ada");
const [bob] = listed.data.filter((one) => one.user.name === "bob");

results.setActive = await client.multiSession.setActive({ sessionToken: ada.session.token });
results.activeNow = (await client.getSession()).data.user.name;
results.madeUp = await client.multiSession.setActive({ sessionToken: "ses_AAAAAAAAAAAAAAAAAAAAAA" });
results.revoke = await client.multiSession.revoke({ sessionToken: ada.session.token });
results.takenOver = (await client.getSession()).data.user.name;
results.left = names(await client.multiSession.listDeviceSessions());
results.again = await client.multiSession.setActive({ sessionToken: ada.session.token });
results.same = (await client.getSession()).data.session.token === bob.session.token;

results.token = (await client.token()).data.token.split(".").length;
results.jwks = (await client.jwks()).data.keys.length;
await client.getSession();
results.sessionJwt = last.get("set-auth-jwt");
results.exposed = last.get("access-control-expose-headers");

// As the documentation of the bearer plugin has it: keep what the header says, send it back.
let kept = "";
const app = createAuthClient({
  baseURL: origin,
  fetchOptions: {
    headers: { "x-limen-carrier": "bearer" },
    auth: { type: "Bearer", token: () => kept },
    onSuccess: (context) => {
      kept = context.response.headers.get("set-auth-token") ?? kept;
    },
  },
});
results.appSignUp = (await app.signUp.email(person("app"))).error;
kept = "";
results.appSignIn = (await app.signIn.email({ email: "ada@example.org", password })).error;
results.bearer = (await app.getSession()).data?.user.name;
results.bearerIsNoHandle = kept !== "" && !kept.startsWith("ses_");

await client.signUp.email(person("eve"));
results.three = names(await client.multiSession.listDeviceSessions());
const before = [...jar.entries()];
results.signOut = await client.signOut();
results.jarAfterSignOut = [...jar.keys()];
for (const [name, value] of before) jar.set(name, value);
results.afterSignOut = names(await client.multiSession.listDeviceSessions());
report(results);
