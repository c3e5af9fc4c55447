import type { Metadata } from "next";
import Link from "next/link";

import { target } from "@/lib/target";

import { CredentialsForm } from "../credentials-form";

export const metadata: Metadata = { title: "Create an account" };

export default async function SignUp({ searchParams }: PageProps<"/sign-up">) {
  const next = target((await searchParams).next);
  return (
    <section className="card narrow">
      <h1>Create an account</h1>
      <CredentialsForm action="sign-up" next={next} />
      <p>
        Have one? <Link href={`/sign-in?next=${encodeURIComponent(next)}`}>Sign in</Link>
      </p>
    </section>
  );
}
