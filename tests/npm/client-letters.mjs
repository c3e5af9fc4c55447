// The unmodified better-auth client and everything that begins or ends with a letter. Whoever runs
// this reads the letters: it is asked on standard output and answers on standard input.
// Usage: node client-letters.mjs http://127.0.0.1:PORT open|required
import { createInterface } from "node:readline/promises";
import { createAuthClient } from "better-auth/client";
import { inferAdditionalFields, usernameClient } from "better-auth/client/plugins";
import { browser } from "./browser.mjs";

const [origin, mode] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Ask the one who runs this for the link in a letter. */
async function link(to, subject, count = 1) {
  process.stdout.write(`${JSON.stringify({ to, subject, count })}\n`);
  return (await answers.next()).value;
}

function device() {
  const { jar, fetchAsBrowser } = browser(origin);
  const client = createAuthClient({
    baseURL: origin,
    plugins: [
      usernameClient(),
      inferAdditionalFields({ session: { theme: { type: "string", required: false } } }),
    ],
    fetchOptions: { customFetchImpl: fetchAsBrowser },
  });
  /** Follow a link as a click does, one step. */
  async function open(url) {
    const response = await fetchAsBrowser(url, { redirect: "manual" });
    const text = await response.text();
    return {
      status: response.status,
      to: response.headers.get("location"),
      referrer: response.headers.get("referrer-policy"),
      body: text ? JSON.parse(text) : null,
    };
  }
  return { client, jar, open };
}

const tokenOf = (url) => new URL(url).searchParams.get("token");
const password = "correct horse battery";
const next = "another good battery";
const ada = { name: "Ada", email: "ada@example.org", password };
const results = {};
const laptop = device();
const phone = device();

async function openly() {
  results.signUp = await laptop.client.signUp.email({ ...ada, username: "Ada.L" });
  const verify = await link(ada.email, "Confirm your e-mail address");
  results.verify = await laptop.client.verifyEmail({ query: { token: tokenOf(verify) } });
  results.verifyAgain = await laptop.client.verifyEmail({ query: { token: tokenOf(verify) } });
  results.verified = await laptop.client.getSession();
  results.verifiedAlready = await laptop.client.sendVerificationEmail({ email: ada.email });
  results.mismatch = await laptop.client.sendVerificationEmail({ email: "eve@example.org" });
  results.anonymous = await phone.client.sendVerificationEmail({ email: "eve@example.org" });

  results.taken = await phone.client.isUsernameAvailable({ username: "ADA.L" });
  results.free = await phone.client.isUsernameAvailable({ username: "eve" });
  results.short = await phone.client.isUsernameAvailable({ username: "ab" });
  results.odd = await phone.client.isUsernameAvailable({ username: "ada lovelace" });
  results.wrongUsername = await phone.client.signIn.username({ username: "eve", password });
  results.shortUsername = await phone.client.signIn.username({ username: "ab", password });
  results.username = await phone.client.signIn.username({ username: "aDA.l", password });
  results.rename = await phone.client.updateUser({ username: "Countess" });
  results.renamed = await phone.client.getSession();
  results.badRename = await phone.client.updateUser({ username: "no spaces" });

  results.theme = await phone.client.updateSession({ theme: "dark" });
  results.themed = await phone.client.getSession();
  results.noField = await phone.client.updateSession({ colour: "red" });
  results.foreignField = await phone.client.updateSession({ userId: "usr_x" });

  results.reset = await phone.client.requestPasswordReset({
    email: ada.email,
    redirectTo: "/choose?step=1",
  });
  results.resetUnknown = await phone.client.requestPasswordReset({
    email: "nobody@example.org",
    redirectTo: "/choose?step=1",
  });
  const reset = await link(ada.email, "Choose a new password");
  results.resetOpened = await phone.open(reset);
  const token = tokenOf(results.resetOpened.to);
  results.tooShort = await phone.client.resetPassword({ newPassword: "short", token });
  results.resetDone = await phone.client.resetPassword({ newPassword: next, token });
  results.resetTwice = await phone.client.resetPassword({ newPassword: password, token });
  results.resetReopened = await phone.open(reset);
  results.afterReset = [await laptop.client.getSession(), await phone.client.getSession()];
  results.oldPassword = await phone.client.signIn.email({ email: ada.email, password });
  results.newPassword = await phone.client.signIn.email({ email: ada.email, password: next });

  results.sameEmail = await phone.client.changeEmail({ newEmail: ada.email });
  results.change = await phone.client.changeEmail({
    newEmail: "Ada@Example.net",
    callbackURL: "/account",
  });
  const confirm = await link(ada.email, "Confirm your new e-mail address");
  results.confirmed = await laptop.open(confirm);
  results.unchanged = await phone.client.getSession();
  const arrive = await link("ada@example.net", "Confirm your new e-mail address");
  results.arrived = await laptop.open(arrive);
  results.changed = await phone.client.getSession();
  results.reused = await laptop.open(arrive);

  const judge = (word) =>
    phone.client.$fetch("/verify-password", { method: "POST", body: { password: word } });
  results.rightPassword = await judge(next);
  results.wrongPassword = await judge(password);
  results.wrongDelete = await phone.client.deleteUser({ password });
  results.delete = await phone.client.deleteUser({ password: next });
  results.afterDelete = await phone.client.getSession();
  results.jarAfterDelete = [...phone.jar.keys()];
  results.gone = await phone.client.signIn.username({ username: "countess", password: next });

  // Somebody who signed in a moment ago needs no password.
  await laptop.client.signUp.email({ ...ada, email: "bob@example.org" });
  results.freshDelete = await laptop.client.deleteUser();
}

async function required() {
  results.signUp = await laptop.client.signUp.email({ ...ada, callbackURL: "/welcome" });
  results.jar = [...laptop.jar.keys()];
  const verify = await link(ada.email, "Confirm your e-mail address");
  results.again = await phone.client.signUp.email({ ...ada, password: next });
  results.unverified = await laptop.client.signIn.email({ email: ada.email, password });
  results.wrong = await laptop.client.signIn.email({ email: ada.email, password: next });
  results.opened = await laptop.open(verify);
  results.session = await laptop.client.getSession();
  results.signIn = await phone.client.signIn.email({ email: ada.email, password });
  await phone.client.signOut();

  results.request = await laptop.client.deleteUser({ callbackURL: "/bye" });
  const end = await link(ada.email, "Delete your account");
  results.stranger = await phone.open(end);
  results.stillThere = await laptop.client.getSession();
  results.deleted = await laptop.open(end);
  results.afterDelete = await laptop.client.getSession();
}

await (mode === "required" ? required() : openly());
process.stdout.write(`${JSON.stringify({ results })}\n`, () => process.exit(0));
