import "server-only";

import { createAuthClient } from "better-auth/client";
import { headers } from "next/headers";

const api = createAuthClient({ baseURL: process.env.LIMEN_API ?? "http://127.0.0.1:8000" });

/**
 * Asks the API who sent the request of this page, with that request's cookies. The client throws
 * what `fetch` throws, so an API that cannot be reached is made an error like the others.
 */
export async function sessionOfRequest() {
  const cookie = (await headers()).get("cookie") ?? "";
  return api
    .getSession({ fetchOptions: { headers: { cookie }, cache: "no-store" } })
    .catch((error: unknown) => ({ data: null, error }));
}
