import type { Metadata } from "next";
import Link from "next/link";

import { target } from "@/lib/target";

import { CredentialsForm } from "../credentials-form";

export const metadata: Metadata = { title: "Sign in" };

export default async function SignIn({ searchParams }: PageProps<"/sign-in">) {
  const { next: stated, changed } = await searchParams;
  const next = target(stated);
  return (
    <section className="card narrow">
      <h1>Sign in</h1>
      {changed !== undefined && <p role="status">Your password is changed. Sign in with it.</p>}
      <CredentialsForm action="sign-in" next={next} />
      <p>
        <Link href="/forgot">Forgot your password?</Link>
      </p>
      <p>
        Or sign in with <Link href={`/social?next=${encodeURIComponent(next)}`}>another account</Link>
        .
      </p>
      <p>
        New here? <Link href={`/sign-up?next=${encodeURIComponent(next)}`}>Create an account</Link>
      </p>
    </section>
  );
}
