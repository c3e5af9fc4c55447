// Runs the unmodified better-auth client against a service and prints what it got, as JSON.
// Usage: node client.mjs http://127.0.0.1:PORT PACKAGE
const [, , origin, from] = process.argv;
const { createAuthClient } = await import(`${from}/client`);
const { jwtClient } = await import(`${from}/client/plugins`);

/** One browser: a cookie jar that obeys Max-Age, and the Origin header that browsers send. */
function browser() {
  const jar = new Map();
  const lines = [];
  async function fetchAsBrowser(url, init = {}) {
    const headers = new Headers(init.headers);
    headers.set("origin", origin);
    if (jar.size > 0) {
      headers.set("cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
    }
    const response = await fetch(url, { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      lines.push(line);
      const [pair] = line.split(";");
      const name = pair.slice(0, pair.indexOf("="));
      if (/;\s*max-age=0\b/i.test(line)) jar.delete(name);
      else jar.set(name, pair.slice(name.length + 1));
    }
    return response;
  }
  const client = createAuthClient({
    baseURL: origin,
    plugins: [jwtClient()],
    fetchOptions: { customFetchImpl: fetchAsBrowser },
  });
  return { client, jar };
}

const person = { name: "Ada", email: "ada@example.org", password: "correct horse battery" };
const next = "another good battery";
const results = {};
const laptop = browser();
const phone = browser();

results.nobody = await laptop.client.getSession();
results.signUp = await laptop.client.signUp.email(person);
results.cookiesAfterSignUp = [...laptop.jar.keys()];
results.taken = await browser().client.signUp.email(person);
results.invalid = await browser().client.signUp.email({ ...person, email: "nobody" });
results.wrong = await phone.client.signIn.email({ email: person.email, password: "wrong one" });
results.signIn = await phone.client.signIn.email({ email: person.email, password: person.password });
results.session = await laptop.client.getSession();
results.expiresAtIsDate = results.session.data.session.expiresAt instanceof Date;
results.list = await laptop.client.listSessions();
results.update = await laptop.client.updateUser({ name: "Ada L." });
results.updated = await laptop.client.getSession();
results.token = await laptop.client.token();
results.jwks = await laptop.client.jwks();
results.revoke = await laptop.client.revokeSession({
  token: (await phone.client.getSession()).data.session.token,
});
results.revoked = await phone.client.getSession();
await phone.client.signIn.email({ email: person.email, password: person.password });
results.revokeOthers = await laptop.client.revokeOtherSessions();
results.revokedOther = await phone.client.getSession();
results.badChange = await laptop.client.changePassword({
  currentPassword: "wrong one",
  newPassword: next,
});
results.change = await laptop.client.changePassword({
  currentPassword: person.password,
  newPassword: next,
  revokeOtherSessions: true,
});
results.afterChange = await laptop.client.getSession();
results.signOut = await laptop.client.signOut();
results.cookiesAfterSignOut = [...laptop.jar.keys()];
results.afterSignOut = await laptop.client.getSession();
results.refusedList = await laptop.client.listSessions();
results.oldPassword = await laptop.client.signIn.email({
  email: person.email,
  password: person.password,
});
results.newPassword = await laptop.client.signIn.email({ email: person.email, password: next });
results.revokeAll = await laptop.client.revokeSessions();
results.afterRevokeAll = await laptop.client.getSession();

process.stdout.write(JSON.stringify(results), () => process.exit(0));
