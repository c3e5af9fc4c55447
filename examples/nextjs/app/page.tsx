import Link from "next/link";

import { viewer } from "@/lib/viewer";

import { OwnCheck } from "./own-check";

export default async function Home() {
  const who = await viewer();
  return (
    <>
      <h1>One sign-in, two servers</h1>
      <p className="lead">
        The pages come from Next.js, the accounts from a Python API behind <code>/api</code>.
        Whether the API keeps sessions, signs tokens or does both is one setting of its own.
      </p>
      {who.state === "signed-in" && (
        <section className="card" aria-labelledby="who">
          <h2 id="who">
            Hello, <span data-testid="name">{who.user.name}</span>
          </h2>
          <p>
            A server component asked the API with the cookie of your request. It knows you as{" "}
            <b>{who.user.email}</b>.
          </p>
          <p>
            <Link href="/account">Your devices</Link>
          </p>
        </section>
      )}
      {who.state === "nobody" && (
        <section className="card" aria-labelledby="who">
          <h2 id="who">Nobody is signed in</h2>
          <p>
            <Link href="/sign-up">Create an account</Link>, or <Link href="/sign-in">sign in</Link>{" "}
            if you have one.
          </p>
        </section>
      )}
      {who.state === "signed-in" && <OwnCheck />}
    </>
  );
}
