import type { Metadata } from "next";
import Link from "next/link";

import { target } from "@/lib/target";

import { CredentialsForm } from "../credentials-form";

export const metadata: Metadata = { title: "Sign in" };

export default async function SignIn({ searchParams }: PageProps<"/sign-in">) {
  const next = target((await searchParams).next);
  return (
    <section className="card narrow">
      <h1>Sign in</h1>
      <CredentialsForm action="sign-in" next={next} />
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
