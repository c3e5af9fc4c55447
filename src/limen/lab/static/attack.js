// Says how far a run of all cards is, without loading the page again.

const POLL_MS = 1000;

/** @typedef {{ done: number, of: number, card: string | null, going_on: boolean }} State */

const told = document.getElementById("how-far");
const bar = /** @type {HTMLProgressElement | null} */ (document.getElementById("bar"));

/** @param {State} state */
function show(state) {
  if (told === null || bar === null) return;
  bar.value = state.done;
  const now = state.card === null ? "" : `, now: ${state.card}`;
  const text = `${state.done} of ${state.of} are done${now}.`;
  if (told.textContent !== text) told.textContent = text;
}

async function poll() {
  if (!document.hidden) {
    const answer = await fetch("/attack/all.json");
    if (!answer.ok) return;
    /** @type {State} */
    const state = await answer.json();
    show(state);
    if (!state.going_on) {
      window.location.assign("/attack/all");
      return;
    }
  }
  window.setTimeout(poll, POLL_MS);
}

if (told?.dataset.state === "going on") window.setTimeout(poll, POLL_MS);
