// What the scripts here have in common: a browser without a window.

/** A cookie jar that obeys Max-Age, and a fetch that sends it with the Origin of a page. */
export function browser(origin) {
  const jar = new Map();
  async function fetchAsBrowser(url, init = {}) {
    const headers = new Headers(init.headers);
    headers.set("origin", origin);
    if (jar.size > 0) headers.set("cookie", cookiesOf(jar));
    const response = await fetch(url, { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(";");
      const name = pair.slice(0, pair.indexOf("="));
      if (/;\s*max-age=0\b/i.test(line)) jar.delete(name);
      else jar.set(name, pair.slice(name.length + 1));
    }
    return response;
  }
  return { jar, fetchAsBrowser };
}

/** The Cookie header that a jar sends. */
export function cookiesOf(jar) {
  return [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
}

/** Print results as JSON and leave at once. */
export function report(results) {
  process.stdout.write(JSON.stringify(results), () => process.exit(0));
}
