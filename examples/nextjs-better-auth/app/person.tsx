"use client";

import { useRouter } from "next/navigation";
import { useEffect } from "react";

import { client } from "@/lib/client";

import { Devices } from "./devices";
import { SignInForm } from "./sign-in-form";

/**
 * Whoever is signed in, by the hook of better-auth: it follows other tabs and renewals. `seen` is
 * the session that the server rendered for; when that is another one, the server renders again.
 */
export function Person({ seen }: { seen: string | null }) {
  const router = useRouter();
  const { data, isPending, error } = client.useSession();
  const held = data?.session.id ?? null;
  const isKnown = !isPending && !error;

  useEffect(() => {
    if (isKnown && held !== seen) router.refresh();
  }, [isKnown, held, seen, router]);

  if (isPending) return <p role="status">Looking …</p>;
  if (error) return <p role="alert">The API does not answer right now.</p>;
  if (data === null) return <SignInForm />;
  return (
    <>
      <section aria-labelledby="who">
        <h2 id="who">Hello, {data.user.name}</h2>
        <p>{data.user.email}</p>
        <button onClick={() => client.signOut()}>Sign out</button>
      </section>
      <Devices here={data.session.id} />
    </>
  );
}
