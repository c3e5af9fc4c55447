import { verified } from "@/lib/verify";

/** Answers whoever shows a token of Limen's: a program, or a page that got one. */
export async function GET(request: Request): Promise<Response> {
  const [scheme, token] = (request.headers.get("authorization") ?? "").split(" ", 2);
  const caller = scheme?.toLowerCase() === "bearer" && token ? await verified(token) : null;
  const headers = new Headers({ "cache-control": "no-store" });
  if (caller !== null) return Response.json(caller, { headers });
  headers.set("www-authenticate", "Bearer");
  return Response.json({ message: "That token is not accepted." }, { status: 401, headers });
}
