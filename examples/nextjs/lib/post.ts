/** What a person reads where the words of the API are those for a program. */
const WORDS: Record<string, string> = {
  INVALID_TOKEN: "That link does not work any more. Ask for another one.",
};

/** Asks the API for a change, from the browser. Returns `null`, or what the person should read. */
export async function post(path: string, body: object): Promise<string | null> {
  try {
    const answer = await fetch(`/api/auth/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) return null;
    if (answer.status === 429) {
      return `Too many attempts. Try again in ${answer.headers.get("retry-after")} seconds.`;
    }
    const { code, message } = await answer.json();
    return WORDS[code] ?? message;
  } catch {
    return "The API does not answer right now. Try again in a moment.";
  }
}
