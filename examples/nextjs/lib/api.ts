import "server-only";

import { headers } from "next/headers";

import { API } from "./address";

const PATIENCE_MS = 5_000;

/** The API cannot answer now. Who is signed in is then unknown, which is not "nobody". */
export class ApiDown extends Error {}

/**
 * Asks the API for the visitor, with the cookies of the visitor's own request.
 *
 * Only ever a GET: a server component cannot pass a Set-Cookie on, and Limen uses nothing up in
 * a GET. So pages that are rendered at once, or ahead of a click, cannot cost anybody a session.
 */
export async function ask(path: `/api/${string}`): Promise<Response> {
  const cookie = (await headers()).get("cookie") ?? "";
  return answered(fetch(API + path, { ...limits(), headers: { cookie } }));
}

/** Waits for an answer; a connection that fails and a 5xx both mean that there is none. */
export async function answered(pending: Promise<Response>): Promise<Response> {
  let answer: Response;
  try {
    answer = await pending;
  } catch (cause) {
    throw new ApiDown("the API cannot be reached", { cause });
  }
  if (answer.status >= 500) throw new ApiDown(`the API answered ${answer.status}`);
  return answer;
}

/** What every request to the API has in common: nothing is cached, followed or awaited forever. */
export function limits(): RequestInit {
  return { cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(PATIENCE_MS) };
}
