/** Returns where to go after a sign-in: a path of this application, whatever a link says. */
export function target(stated: string | string[] | undefined): string {
  const base = "http://here.invalid";
  if (typeof stated !== "string" || !URL.canParse(stated, base)) return "/";
  const url = new URL(stated, base);
  return url.origin === base ? url.pathname + url.search : "/";
}
