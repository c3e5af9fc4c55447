import "server-only";

import { headers } from "next/headers";
import type { Session } from "next-auth";

const API = process.env.LIMEN_API ?? "http://127.0.0.1:8000";

/** Asks the API who sent the request of this page: `undefined` if it does not answer. */
export async function sessionOfRequest(): Promise<Session | null | undefined> {
  const cookie = (await headers()).get("cookie") ?? "";
  try {
    const answer = await fetch(`${API}/api/authjs/session`, {
      headers: { cookie },
      cache: "no-store",
    });
    if (!answer.ok) return undefined;
    const session = (await answer.json()) as Session;
    return session.user ? session : null; // nobody is `{}` for this version of the client
  } catch {
    return undefined;
  }
}
