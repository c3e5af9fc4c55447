// Follow: asks once a second for what is new, while it is on and somebody looks. Rows are added
// at the end of their request; no node is ever replaced, so a selection stays where it is.

/**
 * @typedef {{number: number, request: string, at: string, phase: string, action: string,
 *   given: string[], word: string, told: string[], store: string, duration: string}} Line
 */

const EVERY_MS = 1000;
const MOST_ROWS = 1000;

const button = /** @type {HTMLButtonElement} */ (document.getElementById("follow"));
const news = /** @type {HTMLElement} */ (document.getElementById("news"));
const table = /** @type {HTMLTableElement} */ (document.querySelector("table[data-last]"));
let last = Number(table.dataset.last);
let rows = table.querySelectorAll("tbody tr:not(.section)").length;
/** @type {number | undefined} */
let timer;

/** @param {string} id @returns {Element} */
function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {Element} */ (template.content.cloneNode(true).firstElementChild);
}

/** @param {string} request @param {string} at @returns {Element} */
function groupOf(request, at) {
  for (const group of table.tBodies) if (group.dataset.request === request) return group;
  const group = /** @type {HTMLElement} */ (copyOf("a-request"));
  group.dataset.request = request;
  fill(group, { request, at });
  return table.appendChild(group);
}

/** @param {Element} node @param {Record<string, unknown>} values */
function fill(node, values) {
  for (const field of node.querySelectorAll("[data-field]"))
    field.textContent = String(values[/** @type {HTMLElement} */ (field).dataset.field ?? ""]);
}

/** @param {Line} line */
function add(line) {
  const row = copyOf("a-step");
  fill(row, line);
  row.id = `step-${line.number}`;
  row.querySelector(".word")?.classList.add(line.word);
  for (const name of /** @type {const} */ (["given", "told"]))
    for (const text of line[name]) {
      const item = copyOf("a-text");
      item.textContent = text;
      row.querySelector(`[data-list="${name}"]`)?.append(item);
    }
  groupOf(line.request, line.at).append(row);
}

/** @param {Line[]} lines */
function show(lines) {
  lines.forEach(add);
  rows += lines.length;
  const newest = lines[lines.length - 1];
  last = newest.number;
  document.getElementById("nothing")?.setAttribute("hidden", "");
  news.textContent = `${lines.length} new: ${newest.request}, ${newest.phase}, ${newest.word}`;
}

async function ask() {
  timer = undefined;
  if (!document.hidden) {
    try {
      const answer = await fetch(`/attached/rows?after=${last}`);
      if (answer.status === 200) show(await answer.json());
      else if (answer.status !== 204) return stop("This Lab is closed. Open it again.");
    } catch {
      return stop("The application does not answer. It may have stopped or started again.");
    }
  }
  if (rows >= MOST_ROWS) return stop("A thousand steps are shown. Reload to go on.");
  if (isOn()) timer = setTimeout(ask, EVERY_MS);
}

function isOn() {
  return button.getAttribute("aria-pressed") === "true";
}

/** @param {string} why */
function stop(why) {
  clearTimeout(timer);
  button.setAttribute("aria-pressed", "false");
  news.textContent = why;
}

button.addEventListener("click", () => {
  if (isOn()) return stop("");
  button.setAttribute("aria-pressed", "true");
  news.textContent = "Following.";
  clearTimeout(timer);
  void ask();
});
button.hidden = false;
