import type { Metadata } from "next";
import Link from "next/link";

import { ask } from "@/lib/api";
import { target } from "@/lib/target";

import { ProviderButtons, type Provider } from "./provider-buttons";

export const metadata: Metadata = { title: "Sign in with another account" };

// What the API says when it sends somebody back here; docs/social.md has every code.
const PROBLEMS: Record<string, string> = {
  access_denied: "You turned back at the provider.",
  account_not_linked: "There is an account with that address. Sign in with its password.",
  email_not_verified: "The provider has not verified your address.",
  state_mismatch: "That took too long, or another tab was quicker. Try again.",
};

export default async function Social({ searchParams }: PageProps<"/social">) {
  const { next, error } = await searchParams;
  const providers: Provider[] = await (await ask("/api/providers")).json();
  return (
    <section className="card narrow">
      <h1>Sign in with another account</h1>
      {error !== undefined && (
        <p role="alert">{PROBLEMS[String(error)] ?? "That did not work. Try again."}</p>
      )}
      {providers.length === 0 && <p>The API has no identity provider configured.</p>}
      <ProviderButtons providers={providers} next={target(next)} />
      <p>
        Or <Link href="/sign-in">with a password</Link>.
      </p>
    </section>
  );
}
