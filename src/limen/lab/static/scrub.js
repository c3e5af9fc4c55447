// @ts-check
/**
 * Steps through a run. Everything is in the page already: this reveals, marks and names the
 * current step, and keeps it in the fragment of the address (`#step=12`).
 */

const ANNOUNCE_EVERY_MS = 1000;
const PLAY_EVERY_MS = 1200;
const KEYS_OFF = "lab_single_keys_off";

/** @template {Element} T @param {string} selector @param {ParentNode} [within] @returns {T[]} */
const all = (selector, within = document) => /** @type {T[]} */ ([...within.querySelectorAll(selector)]);
/** @template {Element} T @param {string} selector @returns {T} */
const one = (selector) => /** @type {T} */ (document.querySelector(selector));

const main = /** @type {HTMLElement} */ (one("main"));
const scrub = /** @type {HTMLElement} */ (one(".scrub"));
const range = /** @type {HTMLInputElement} */ (one("#scrub-range"));
const number = /** @type {HTMLInputElement} */ (one("#scrub-number"));
const now = /** @type {HTMLOutputElement} */ (one("#scrub-now"));
const spoken = /** @type {HTMLElement} */ (one("#scrub-said"));
const keysOn = /** @type {HTMLInputElement} */ (one("#scrub-keys"));
const keys = /** @type {HTMLElement} */ (one("#keys"));
const play = /** @type {HTMLButtonElement} */ (one("[data-play]"));
const help = /** @type {HTMLButtonElement} */ (one("[data-help]"));
const table = /** @type {HTMLElement} */ (one(".execution"));
const tracker = /** @type {HTMLElement} */ (one(".tracker"));
const rows = /** @type {HTMLElement[]} */ (all("tr[data-step]"));
const spans = /** @type {HTMLElement[]} */ (all("[data-from]"));
const grouped = /** @type {HTMLElement[]} */ (all("[data-rows]")).map((element) => ({
  element,
  rows: new Set((element.dataset.rows ?? "").split(" ").map(Number)),
}));
const last = rows.length;

let step = 0;
let playing = 0;
let announcing = 0;

/** @param {string} hash @returns {number | null} */
function stepIn(hash) {
  const found = /^#(?:step=|row-)(\d{1,4})$/.exec(hash);
  return found ? Number(found[1]) : null;
}

/**
 * Make a step the current one.
 * @param {number} wanted
 * @param {"push" | "replace" | "keep"} history what to do with the address
 */
function go(wanted, history = "replace") {
  const next = Math.min(Math.max(Math.round(wanted) || 1, 1), last);
  const address = `#step=${next}`;
  if (history === "push" && location.hash !== address) window.history.pushState(null, "", address);
  else if (history === "replace") window.history.replaceState(null, "", address);
  if (next === step) return;
  rows[step - 1]?.classList.remove("current");
  rows[step - 1]?.removeAttribute("aria-current");
  step = next;
  const row = rows[step - 1];
  row.classList.add("current");
  row.setAttribute("aria-current", "step");
  for (const span of spans) {
    const here = Number(span.dataset.from) <= step && step <= Number(span.dataset.to);
    span.classList.toggle("current", here);
  }
  for (const group of grouped) group.element.classList.toggle("current", group.rows.has(step));
  for (const place of all("[data-step-number]")) place.textContent = String(step);
  name(row);
  for (const [region, target] of [[table, row], [tracker, one(".tracker .at.current")]]) {
    bringIntoView(/** @type {HTMLElement} */ (region), /** @type {HTMLElement} */ (target));
  }
}

/** @param {HTMLElement} row */
function name(row) {
  const title = row.dataset.title ?? "";
  const text = `Step ${step} of ${last}, ${title.charAt(0).toLowerCase()}${title.slice(1)}`;
  now.textContent = text;
  range.value = number.value = String(step);
  range.setAttribute("aria-valuetext", `${text}. ${row.dataset.said ?? ""}`);
  for (const button of /** @type {HTMLButtonElement[]} */ (all("[data-go]", scrub))) {
    const back = button.dataset.go === "first" || button.dataset.go === "previous";
    button.setAttribute("aria-disabled", String(step === (back ? 1 : last)));
  }
  // The range speaks for itself; whoever steps otherwise hears one message a second at most.
  if (document.activeElement === range || announcing) return;
  announcing = window.setTimeout(() => {
    announcing = 0;
    spoken.textContent = range.getAttribute("aria-valuetext");
  }, ANNOUNCE_EVERY_MS);
}

/**
 * Scroll inside a region only, so that the page stays where it is.
 * @param {HTMLElement} region
 * @param {HTMLElement} target
 */
function bringIntoView(region, target) {
  if (!target) return;
  const outer = region.getBoundingClientRect();
  const inner = target.getBoundingClientRect();
  const head = region.querySelector("thead")?.getBoundingClientRect().height ?? 0;
  if (target.tagName === "TR" && region.scrollHeight > region.clientHeight) {
    if (inner.top < outer.top + head) region.scrollTop -= outer.top + head - inner.top;
    else if (inner.bottom > outer.bottom) region.scrollTop += inner.bottom - outer.bottom;
  }
  if (target.tagName !== "TH") return;
  const fixed = /** @type {HTMLElement} */ (region.querySelector("thead .whose")).getBoundingClientRect().right;
  if (inner.left < fixed) region.scrollLeft -= fixed - inner.left;
  else if (inner.right > outer.right) region.scrollLeft += inner.right - outer.right + inner.width;
}

function stop() {
  window.clearInterval(playing);
  playing = 0;
  play.setAttribute("aria-pressed", "false");
  play.textContent = "Play";
}

function start() {
  if (step === last) go(1);
  play.setAttribute("aria-pressed", "true");
  play.textContent = "Stop";
  playing = window.setInterval(() => (step < last ? go(step + 1) : stop()), PLAY_EVERY_MS);
}

/** @param {string} fingerprint */
function choose(fingerprint) {
  const chosen = document.querySelector(`.chosen[data-fp="${CSS.escape(fingerprint)}"]`) !== null;
  for (const label of /** @type {HTMLElement[]} */ (all("[data-fp]"))) {
    const same = !chosen && label.dataset.fp === fingerprint;
    label.classList.toggle("chosen", same);
    if (label.tagName === "BUTTON") label.setAttribute("aria-pressed", String(same));
  }
}

/** @param {number} column */
function toColumn(column) {
  const row = rows[step - 1];
  const cell = /** @type {HTMLElement | null} */ (
    row.querySelector(`[data-column="${column}"]`) ?? row.querySelector('[data-column="all"]')
  );
  if (!cell) return;
  cell.tabIndex = -1;
  cell.focus();
}

/** @param {string} letter */
function toView(letter) {
  const links = /** @type {HTMLAnchorElement[]} */ (all(".run-bar nav a:not([aria-current])"));
  links.find((link) => (link.textContent ?? "").trim().toLowerCase().startsWith(letter))?.click();
}

function toggleHelp() {
  keys.hidden = !keys.hidden;
  help.setAttribute("aria-expanded", String(!keys.hidden));
}

/** @type {Record<string, () => void>} */
const MOVES = {
  ArrowLeft: () => go(step - 1),
  ArrowRight: () => go(step + 1),
  Home: () => go(1),
  End: () => go(last),
  "?": toggleHelp,
};
for (const letter of ["w", "s", "t"]) MOVES[letter] = () => toView(letter);
for (const column of [1, 2, 3, 4]) MOVES[String(column)] = () => toColumn(column);

document.addEventListener("keydown", (event) => {
  if (playing && event.target !== play) stop();
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = /** @type {Element} */ (event.target);
  if (!keysOn.checked || target.closest("input, select, textarea, [contenteditable]")) return;
  // Regions that scroll keep their arrows as long as the focus is on them.
  if (event.key.length > 1 && target.matches(".scroll")) return;
  const move = MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  move();
});

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const label = /** @type {HTMLElement | null} */ (target.closest("[data-fp]"));
  if (label) choose(label.dataset.fp ?? "");
  const link = /** @type {HTMLAnchorElement | null} */ (target.closest('a[href^="#row-"]'));
  const wanted = link && stepIn(link.hash);
  if (!link || !wanted || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(wanted, "push");
  // From afar a row is followed to the steps; in the steps, the flow and the tables all is in sight.
  if (link.closest(".points, .sources")) one("#steps").scrollIntoView();
});

for (const button of /** @type {HTMLButtonElement[]} */ (all("[data-go]", scrub))) {
  button.addEventListener("click", () => {
    const goals = { first: 1, previous: step - 1, next: step + 1, last };
    go(goals[/** @type {keyof typeof goals} */ (button.dataset.go)]);
  });
}
for (const link of /** @type {HTMLAnchorElement[]} */ (all('a[href^="#source-"]'))) {
  link.addEventListener("click", () => {
    const source = /** @type {HTMLDetailsElement | null} */ (document.querySelector(link.hash));
    if (source) source.open = true;
  });
}
for (const layer of /** @type {HTMLInputElement[]} */ (all('[name="layer"]', scrub))) {
  layer.addEventListener("change", () => {
    main.dataset.layer = layer.value;
  });
}
range.addEventListener("input", () => go(Number(range.value)));
number.addEventListener("change", () => go(Number(number.value), "push"));
play.addEventListener("click", () => (playing ? stop() : start()));
help.addEventListener("click", toggleHelp);
keysOn.addEventListener("change", () => {
  if (keysOn.checked) localStorage.removeItem(KEYS_OFF);
  else localStorage.setItem(KEYS_OFF, "1");
});
window.addEventListener("hashchange", () => {
  const wanted = stepIn(location.hash);
  if (wanted) go(wanted, "keep");
});
window.addEventListener("popstate", () => {
  const wanted = stepIn(location.hash);
  if (wanted) go(wanted, "keep");
});

keysOn.checked = localStorage.getItem(KEYS_OFF) === null;
play.hidden = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
main.classList.add("scrubbing");
main.dataset.layer = /** @type {HTMLInputElement} */ (one('[name="layer"]:checked')).value;
keys.hidden = true;
go(stepIn(location.hash) ?? 1, "keep");
