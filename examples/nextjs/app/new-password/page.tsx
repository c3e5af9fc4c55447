import type { Metadata } from "next";
import Link from "next/link";

import { NewPasswordForm } from "./new-password-form";

export const metadata: Metadata = { title: "Choose a new password" };

/** Where the link of the letter leads: with `token`, or with `error` if it is good no more. */
export default async function NewPassword({ searchParams }: PageProps<"/new-password">) {
  const { token } = await searchParams;
  return (
    <section className="card narrow">
      <h1>Choose a new password</h1>
      {typeof token === "string" ? (
        <NewPasswordForm token={token} />
      ) : (
        <p role="alert">That link does not work any more.</p>
      )}
      <p>
        A link works once, for an hour. <Link href="/forgot">Ask for another one</Link>
      </p>
    </section>
  );
}
