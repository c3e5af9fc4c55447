"use client";

import { signOut, useSession } from "next-auth/react";

import { Devices } from "./devices";
import { SignInForm } from "./sign-in-form";

/** Whoever is signed in, by the hook of next-auth: it follows other tabs and renewals. */
export function Person() {
  const { data, status } = useSession();
  if (status === "loading") return <p role="status">Looking …</p>;
  if (status === "unauthenticated") return <SignInForm />;
  return (
    <>
      <section aria-labelledby="who">
        <h2 id="who">Hello, {data?.user?.name}</h2>
        <p>{data?.user?.email}</p>
        <button onClick={() => signOut({ callbackUrl: "/" })}>Sign out</button>
      </section>
      <Devices />
    </>
  );
}
