import { ApiDown, ask } from "@/lib/api";

/** Gives the visitor their device list as a file: a route handler that reads for the visitor. */
export async function GET(): Promise<Response> {
  try {
    const answer = await ask("/api/auth/list-sessions");
    const headers = new Headers({ "cache-control": "no-store" });
    // Unlike a server component, a route handler can pass on what the API sets.
    for (const line of answer.headers.getSetCookie()) headers.append("set-cookie", line);
    if (!answer.ok) return new Response(null, { status: answer.status, headers });
    headers.set("content-disposition", 'attachment; filename="devices.json"');
    return Response.json(await answer.json(), { headers });
  } catch (fault) {
    if (!(fault instanceof ApiDown)) throw fault;
    return new Response("The API does not answer right now.", { status: 503 });
  }
}
