/** Returns where to go after a sign-in: a path of this application, whatever a link says. */
export function target(stated: string | string[] | undefined): string {
  const base = "http://here.invalid";
  if (typeof stated !== "string" || !URL.canParse(stated, base)) return "/";
  const url = new URL(stated, base);
  // Dot segments may leave two slashes at the beginning, and a browser reads a host after those.
  const own = url.origin === base && !url.pathname.startsWith("//");
  return own ? url.pathname + url.search : "/";
}
