// Takes a token apart in the browser. It asks nobody, keeps nothing and verifies nothing.

const SECONDS = new Set(["exp", "iat", "nbf", "auth_time"]);
const UNITS = /** @type {const} */ ([[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]);
const LONGEST = 16384;

const box = /** @type {HTMLTemplateElement} */ (document.getElementById("paste"));
box.after(box.content.cloneNode(true));
const text = /** @type {HTMLTextAreaElement} */ (document.getElementById("paste-text"));
const note = /** @type {HTMLElement} */ (document.getElementById("paste-note"));
const parts = /** @type {HTMLElement} */ (document.getElementById("paste-parts"));

/** @param {string} segment @returns {Record<string, unknown>} */
function read(segment) {
  const padded = segment.replaceAll("-", "+").replaceAll("_", "/");
  const octets = Uint8Array.from(atob(padded), (one) => one.charCodeAt(0));
  const found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(octets));
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw new Error("no object");
  return found;
}

/** @param {number} seconds @returns {string} */
function span(seconds) {
  const said = [];
  for (const [size, unit] of UNITS) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count) said.push(`${count} ${unit}`);
    if (said.length === 2) break;
  }
  return said.join(" ") || "0 s";
}

/** @param {string} name @param {unknown} value @returns {string} */
function shown(name, value) {
  const date = SECONDS.has(name) && typeof value === "number" ? new Date(value * 1000) : null;
  if (!date || Number.isNaN(date.getTime())) {
    return typeof value === "string" ? value : JSON.stringify(value);
  }
  const away = date.getTime() - Date.now();
  const distance = span(Math.abs(Math.round(away / 1000)));
  const ended = name === "exp" && away < 0 ? ", expired" : "";
  const iso = date.toISOString().replace(/\.\d+Z$/, "Z");
  return `${value}: ${away < 0 ? `${distance} ago` : `in ${distance}`} (${iso})${ended}`;
}

/** @param {string} title @param {Record<string, unknown>} members @returns {HTMLElement} */
function table(title, members) {
  const whole = document.createElement("table");
  whole.className = "claims";
  whole.createCaption().textContent = title;
  const body = whole.createTBody();
  for (const [name, value] of Object.entries(members)) {
    const row = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head);
    row.insertCell().textContent = shown(name, value);
  }
  return whole;
}

function decode() {
  parts.replaceChildren();
  const token = text.value.trim().replace(/^Bearer\s+/i, "");
  const segments = token.split(".");
  if (!token) {
    note.textContent = "";
  } else if (token.length > LONGEST) {
    note.textContent = "That is longer than any token should be.";
  } else if (segments.length === 5) {
    note.textContent = "Five parts: this one is encrypted, and only its key opens it.";
  } else if (segments.length !== 3) {
    note.textContent = `A signed token has three parts with dots between them; this has ${segments.length}.`;
  } else {
    try {
      parts.append(table("Header", read(segments[0])), table("Claims", read(segments[1])));
      const signature = segments[2] ? "There is a signature, and nobody has checked it." : "There is no signature.";
      note.textContent = `Decoded, not verified. ${signature}`;
    } catch {
      parts.replaceChildren();
      note.textContent = "This cannot be read: a part is no base64url, or no JSON object.";
    }
  }
}

text.addEventListener("input", decode);
