// @ts-check
/**
 * Tells at once how an answer came out. Without it, the button at the end does the same.
 * It only opens, hides and shows what the page holds already.
 */

const items = /** @type {HTMLFieldSetElement[]} */ ([...document.querySelectorAll("[data-item]")]);
const score = document.querySelector("[data-score]");
/** @type {Map<HTMLFieldSetElement, boolean>} Whether the first try was right. */
const first = new Map();

/**
 * @param {HTMLFieldSetElement} item
 * @param {HTMLInputElement} chosen
 */
function tell(item, chosen) {
  const right = "right" in chosen.dataset;
  if (!first.has(item)) first.set(item, right);
  const missed = /** @type {HTMLInputElement} */ (item.querySelector("[data-missed]"));
  missed.disabled = first.get(item) === true;
  for (const label of item.querySelectorAll("label")) {
    const here = label.contains(chosen);
    label.classList.toggle("chosen", here);
    label.classList.toggle("right", here && right);
    label.classList.toggle("wrong", here && !right);
  }
  const answers = /** @type {HTMLDetailsElement} */ (item.querySelector(".answers"));
  for (const one of answers.querySelectorAll("li")) {
    // A wrong answer shows what contradicts it, and not yet which one is right.
    one.hidden = !right && one.dataset.option !== chosen.value;
  }
  answers.open = true;
  const verdict = item.querySelector(".verdict");
  if (verdict) verdict.textContent = right ? "Right." : "Not this one. Try again, or look it up.";
}

function count() {
  if (!score) return;
  const right = [...first.values()].filter(Boolean).length;
  score.textContent = `${right} of ${first.size} right at the first try, ${items.length - first.size} to go`;
}

for (const item of items) {
  item.addEventListener("change", (event) => {
    if (event.target instanceof HTMLInputElement && event.target.type === "radio") {
      tell(item, event.target);
      count();
    }
  });
}
