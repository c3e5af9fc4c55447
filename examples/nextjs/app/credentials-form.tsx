"use client";

import { type FormEvent, useState } from "react";

import { post } from "@/lib/post";

import { useReady } from "./ready";

type Props = { action: "sign-in" | "sign-up"; next: string };

/** E-mail and password, with a name for a new account. Plain fetch: the API sets the cookies. */
export function CredentialsForm({ action, next }: Props) {
  const ready = useReady();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const isNew = action === "sign-up";

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    const given = Object.fromEntries(new FormData(event.currentTarget));
    const refused = await post(`${action}/email`, given);
    if (refused === null) {
      // A full load: nothing that was rendered for somebody else stays in the router's cache.
      location.assign(next);
      return;
    }
    setProblem(refused);
    setBusy(false);
  }

  return (
    // A post, so that a browser without the script never puts a password into an address.
    <form method="post" onSubmit={submit} aria-describedby="problem">
      {isNew && (
        <label>
          Name
          <input name="name" autoComplete="name" required maxLength={200} />
        </label>
      )}
      <label>
        E-mail
        <input name="email" type="email" autoComplete="email" required />
      </label>
      <label>
        Password
        <input
          name="password"
          type="password"
          autoComplete={isNew ? "new-password" : "current-password"}
          required
        />
      </label>
      <p id="problem" role="alert">
        {problem}
      </p>
      <button disabled={!ready || busy}>{isNew ? "Create account" : "Sign in"}</button>
    </form>
  );
}
