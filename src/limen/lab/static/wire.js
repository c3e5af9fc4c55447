// Adds a button to each piece of code that copies it, where the browser lets a page copy.

/** @type {NodeListOf<HTMLElement>} */
const pieces = document.querySelectorAll("[data-copy]");

for (const piece of navigator.clipboard ? pieces : []) {
  const label = piece.dataset.copy ?? "";
  const text = piece.textContent ?? "";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = label;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed; select it instead";
    }
    setTimeout(() => (button.textContent = label), 2000);
  });
  piece.append(button);
}

// What an address points at may lie in a part that is folded.
function unfold() {
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = named && named.closest("details");
  if (folded) folded.open = true;
}
addEventListener("hashchange", unfold);
unfold();
