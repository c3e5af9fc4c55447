import "server-only";

import { forbidden, redirect } from "next/navigation";
import { cache } from "react";

import { ApiDown, ask } from "./api";

export type Session = { id: string; createdAt: string; userAgent: string | null };
export type User = { id: string; name: string; email: string; emailVerified: boolean };
export type Viewer =
  | { state: "signed-in"; user: User; session: Session }
  | { state: "nobody" }
  | { state: "unknown" }; // the API does not answer

/** Says who looks at the page. Asked once for each render, however many components want it. */
export const viewer = cache(async (): Promise<Viewer> => {
  try {
    const told = await (await ask("/api/auth/get-session")).json();
    return told === null ? { state: "nobody" } : { state: "signed-in", ...told };
  } catch (fault) {
    if (fault instanceof ApiDown) return { state: "unknown" };
    throw fault;
  }
});

/**
 * Gets what a page for members is made of. The API decides who may see it: whoever is not signed
 * in goes to sign in and comes back to `page`, and whoever lacks a role sees `forbidden.tsx`.
 */
export async function forMembers<T>(path: `/api/${string}`, page: string): Promise<T> {
  const answer = await ask(path);
  if (answer.status === 401) redirect(`/sign-in?next=${encodeURIComponent(page)}`);
  if (answer.status === 403) forbidden();
  return (await answer.json()) as T;
}
