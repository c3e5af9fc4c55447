import { API } from "@/lib/address";
import { answered, ApiDown, limits } from "@/lib/api";

/**
 * Signs out for a plain form, without any script in the page.
 *
 * A route handler may act for the visitor: it hands the API the visitor's cookies and, because
 * this changes something, the `Origin` that the browser stated. What the API sets goes back.
 */
export async function POST(request: Request): Promise<Response> {
  const headers = new Headers({ "content-type": "application/json" });
  for (const name of ["cookie", "origin", "referer", "user-agent"]) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  try {
    const init = { ...limits(), method: "POST", headers, body: "{}" };
    const answer = await answered(fetch(`${API}/api/auth/sign-out`, init));
    if (!answer.ok) return new Response(null, { status: answer.status });
    return home(answer.headers.getSetCookie());
  } catch (fault) {
    if (!(fault instanceof ApiDown)) throw fault;
    return home([]); // nothing was ended, and the page says that the API does not answer
  }
}

function home(cookies: string[]): Response {
  const headers = new Headers({ location: "/", "cache-control": "no-store" });
  for (const line of cookies) headers.append("set-cookie", line);
  return new Response(null, { status: 303, headers });
}
