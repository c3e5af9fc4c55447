// The page's whole behaviour. It calls the API that Limen serves below /<strategy>/api/auth;
// credentials travel in HttpOnly cookies, which this script never sees.

const TRY_EVERY_MS = 250;
const AFTERMATH_MS = 1500; // how long to go on after the first refusal, or the promised end
const STATUS_WORDS = { 200: "accepted", 401: "not signed in", 403: "not allowed" };

const $ = (id) => document.getElementById(id);
let promises = {}; // strategy -> what it promises, as the server states it
let strategy = "";
let here = null; // {session, user} of the chosen strategy, null when signed out
let others = []; // the other devices of the account
let form = "sign-up"; // which one a visitor sees

// -- talking to the server

// `alone` sends no cookie, as another device would; `bearer` is a credential of its own.
async function call(path, { method = "GET", body, headers, bearer, alone, by = strategy } = {}) {
  const init = { method, headers: { ...headers }, cache: "no-store" };
  if (alone || bearer) init.credentials = "omit";
  if (bearer) init.headers.authorization = `Bearer ${bearer}`;
  if (method !== "GET") {
    init.headers["content-type"] = "application/json";
    init.body = JSON.stringify(body ?? {});
  }
  try {
    const response = await fetch(`/${by}${path}`, init);
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    return { ok: response.ok, status: response.status, data: isJson ? await response.json() : null };
  } catch {
    return { ok: false, status: 0, data: { message: "The server does not answer." } };
  }
}

const auth = (path, options) => call(`/api/auth${path}`, options);
const post = (path, body, options) => auth(path, { method: "POST", body, ...options });
const complaint = ({ data, status }) => data?.message ?? data?.detail ?? `The server answered ${status}.`;

function say(id, text, good = true) {
  $(id).textContent = text;
  $(id).classList.toggle("bad", !good);
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// -- the strategies and what they promise

const seconds = (ms) => `${Number((ms / 1000).toFixed(ms % 1000 ? 1 : 0))} s`;
const SHAPES = { signed: "A signed token", reference: "A random id" };
const CHECKS = {
  store: "each request asks the database",
  feed: "each request asks the server's own list of sign-outs, not the database",
  expiry: "no request asks anybody until it expires",
};

function costOf({ format, check, store_reads_per_request: reads }) {
  return `${SHAPES[format]}; ${CHECKS[check]} (${reads} ${reads === 1 ? "read" : "reads"}).`;
}

function endOf({ check, revocation_window: window }) {
  if (window === 0) return "After sign-out, a copy is refused at once.";
  if (check === "feed") return `After sign-out, a copy is refused within ${seconds(window)}.`;
  return `After sign-out, a copy works until it expires, up to ${seconds(window)}.`;
}

async function showStrategies() {
  promises = await (await fetch("/strategies")).json();
  for (const [name, promise] of Object.entries(promises)) {
    const radio = element("input", { type: "radio", name: "strategy", value: name });
    radio.addEventListener("change", () => choose(name));
    const label = element("label", { className: "strategy" }, radio);
    label.append(element("b", { textContent: name }));
    label.append(element("span", { textContent: costOf(promise) }));
    label.append(element("em", { textContent: endOf(promise) }));
    $("strategies").append(label);
  }
  $("lifetime").textContent = seconds(promises.jwt.revocation_window);
  $("lifetime-note").hidden = false;
  const wanted = location.hash.slice(1);
  await choose(wanted in promises ? wanted : Object.keys(promises)[0]);
}

async function choose(name) {
  strategy = name;
  here = null;
  document.querySelector(`[name=strategy][value=${name}]`).checked = true;
  history.replaceState(null, "", `#${name}`); // so that a reload stays here
  for (const id of ["account-status", "call-result", "devices-status"]) say(id, "");
  await lookWhoIsHere();
}

// -- account

async function lookWhoIsHere() {
  const by = strategy;
  let answer = await auth("/get-session", { by });
  // A short token is near its end: a GET changes nothing, a POST renews it.
  if (answer.data?.needsRefresh) answer = await post("/get-session", {}, { by });
  if (by !== strategy) return; // another one was chosen meanwhile
  if (!answer.ok) return say("account-status", complaint(answer), false);
  if (here && !answer.data) say("account-status", "You are no longer signed in here.");
  here = answer.data;
  $("signed-in").hidden = !here;
  $("devices-known").hidden = $("copy").hidden = !here;
  $("devices-empty").hidden = Boolean(here);
  $("copy-needs").hidden = Boolean(here);
  showForm(here ? null : form);
  if (!here) return;
  form = "sign-in"; // whoever was here once has an account
  $("who-name").textContent = here.user.name;
  $("who-email").textContent = here.user.email;
  $("who-strategy").textContent = strategy;
  $("copy").elements.email.value = here.user.email;
  await showDevices();
}

async function enter(event, path, done) {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(event.target));
  const answer = await whileBusy(event.target, () => post(path, fields));
  if (!answer.ok) return say("account-status", complaint(answer), false);
  event.target.reset();
  say("account-status", done);
  await lookWhoIsHere();
  $("account-title").focus(); // the button that had the focus is gone
}

async function whileBusy(place, work) {
  const button = place.querySelector("button");
  button.disabled = true;
  try {
    return await work();
  } finally {
    button.disabled = false;
  }
}

function showForm(wanted) {
  for (const id of ["sign-up", "sign-in"]) $(id).hidden = id !== wanted;
}

function changeForm(event) {
  form = event.currentTarget.dataset.show;
  showForm(form);
  say("account-status", "");
  $(form).querySelector("input").focus();
}

async function signOut() {
  const answer = await post("/sign-out");
  here = null;
  say("account-status", answer.ok ? "Signed out." : complaint(answer), answer.ok);
  await lookWhoIsHere();
  $("account-title").focus();
}

// -- the protected call

async function callProtected(event) {
  const path = `/${event.currentTarget.dataset.call}`;
  const started = performance.now();
  const answer = await call(path);
  const took = (performance.now() - started).toFixed(1);
  const word = STATUS_WORDS[answer.status] ?? "failed";
  const line = element("span", { textContent: `${answer.status}, ${word}, in ${took} ms` });
  const json = element("pre", { textContent: JSON.stringify(answer.data, null, 2) });
  $("call-result").replaceChildren(line, json);
  $("call-result").classList.toggle("bad", !answer.ok);
  if (answer.status === 401) await lookWhoIsHere();
}

// -- devices

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function nameOf(userAgent) {
  const find = (...names) => names.find((name) => userAgent?.includes(name));
  const browser = find("Firefox", "Edg", "Chrome", "Safari")?.replace("Edg", "Edge");
  const system = find("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux");
  return [browser ?? "A program", system].filter(Boolean).join(" on ");
}

async function showDevices() {
  const answer = await call("/devices");
  if (!answer.ok) return say("devices-status", complaint(answer), false);
  others = answer.data.filter((device) => device.id !== here.session.id);
  $("devices").replaceChildren(...answer.data.map(deviceRow));
  $("sign-out-others").disabled = others.length === 0;
}

function deviceRow(device) {
  const name = nameOf(device.userAgent);
  const since = `${device.strategy}, since ${TIME.format(new Date(device.since))}`;
  const about = element("div", {}, element("b", { textContent: name }));
  about.append(element("span", { className: "aside", textContent: since }));
  if (device.id === here.session.id) {
    return element("li", {}, about, element("span", { className: "here", textContent: "This device" }));
  }
  const button = element("button", { type: "button", className: "quiet", textContent: "Sign out" });
  button.setAttribute("aria-label", `Sign out ${name}, ${since}`);
  button.addEventListener("click", () => end("/revoke-session", { token: device.id }, [device]));
  return element("li", {}, about, button);
}

async function end(path, body, devices) {
  const answer = await post(path, body);
  say("devices-status", answer.ok ? consequence(devices) : complaint(answer), answer.ok);
  await lookWhoIsHere();
  $("devices-title").focus();
}

// What the slowest of the ended credentials can still do.
function consequence(devices) {
  const promised = devices.map((device) => promises[device.strategy]);
  const slowest = promised.reduce((a, b) => (b.revocation_window > a.revocation_window ? b : a));
  const { check, revocation_window: window } = slowest;
  if (window === 0) return "Signed out. The next request from there is refused.";
  if (check === "feed") return `Signed out. Refused there within ${seconds(window)}.`;
  return `Signed out. What it holds works until it expires, up to ${seconds(window)}, and cannot be renewed.`;
}

// -- the copy

async function tryCopy(event) {
  event.preventDefault();
  const by = strategy;
  const credentials = Object.fromEntries(new FormData(event.target));
  say("copy-status", "");
  await whileBusy(event.target, async () => {
    const headers = { "x-limen-carrier": "bearer" }; // hand it over in the body, set no cookie
    const second = await post("/sign-in/email", credentials, { by, headers, alone: true });
    if (!second.ok) return say("copy-status", complaint(second), false);
    event.target.elements.password.value = "";
    const { token: copy, refreshToken } = second.data;
    const { data: device } = await auth("/get-session", { by, bearer: copy });
    const ended = await post("/revoke-session", { token: device.session.token }, { by });
    if (!ended.ok) return say("copy-status", complaint(ended), false);
    const measured = await measure(copy, by);
    const renewal = refreshToken && (await post("/refresh", { refreshToken }, { by, bearer: copy }));
    say("copy-status", summary(measured, by, renewal));
  });
  if (by === strategy) await lookWhoIsHere();
}

async function measure(copy, by) {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  let accepted = 0;
  let refusedAfter = null;
  let until = promises[by].revocation_window + AFTERMATH_MS;
  $("ticks").replaceChildren();
  $("copy-run").hidden = false;
  while (elapsed() < until) {
    const sent = elapsed();
    const { ok } = await call("/me", { by, bearer: copy });
    $("ticks").append(element("li", { className: `tick ${ok ? "accepted" : "refused"}` }));
    $("copy-clock").textContent = `${(sent / 1000).toFixed(1)} s`;
    if (ok) accepted += 1;
    else if (refusedAfter === null) {
      refusedAfter = sent;
      until = sent + AFTERMATH_MS;
    }
    await new Promise((resume) => setTimeout(resume, TRY_EVERY_MS - ((elapsed() - sent) % TRY_EVERY_MS)));
  }
  return { accepted, refusedAfter };
}

function summary({ accepted, refusedAfter }, by, renewal) {
  if (refusedAfter === null) return `${by}: the copy was accepted ${accepted} times and still works.`;
  const times = accepted === 1 ? "once" : `${accepted} times`;
  const first =
    accepted === 0
      ? `${by}: the copy was refused at the first try, ${Math.round(refusedAfter)} ms after sign-out.`
      : `${by}: the copy was accepted ${times} and refused ${seconds(refusedAfter)} after sign-out.`;
  if (!renewal) return first;
  return `${first} Renewing it was ${renewal.ok ? "accepted" : "refused"} too.`;
}

// -- wiring

$("sign-up").addEventListener("submit", (event) => enter(event, "/sign-up/email", "Account created."));
$("sign-in").addEventListener("submit", (event) => enter(event, "/sign-in/email", "Signed in."));
$("sign-out").addEventListener("click", signOut);
$("refresh-devices").addEventListener("click", lookWhoIsHere);
$("sign-out-others").addEventListener("click", () => end("/revoke-other-sessions", {}, others));
$("copy").addEventListener("submit", tryCopy);
for (const button of document.querySelectorAll("[data-show]")) button.addEventListener("click", changeForm);
for (const button of document.querySelectorAll("[data-call]")) button.addEventListener("click", callProtected);
await showStrategies();
