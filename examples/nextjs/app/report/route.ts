import { verified } from "@/lib/verify";

/** Answers whoever shows a token of Limen's: a program, or a page that got one. */
export async function GET(request: Request): Promise<Response> {
  const [scheme, shown] = (request.headers.get("authorization") ?? "").split(" ", 2);
  const token = scheme?.toLowerCase() === "bearer" ? shown : undefined;
  const caller = token ? await verified(token) : null;
  const headers = new Headers({ "cache-control": "no-store" });
  if (caller !== null) return Response.json(caller, { headers });
  headers.set("www-authenticate", "Bearer");
  const message = token ? "That token is not accepted." : "Sign in first, and show a token.";
  return Response.json({ message }, { status: 401, headers });
}
