"use client";

import { type FormEvent, useState } from "react";

import { post } from "@/lib/post";

import { useReady } from "../ready";

/** Asks for the letter. What it says afterwards does not tell whether there is an account. */
export function ForgotForm() {
  const ready = useReady();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [said, setSaid] = useState("");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const email = String(new FormData(event.currentTarget).get("email"));
    setBusy(true);
    setProblem("");
    setSaid("");
    const refused = await post("request-password-reset", { email, redirectTo: "/new-password" });
    if (refused !== null) setProblem(refused);
    else setSaid(`If ${email} has an account, a letter with a link is on its way there.`);
    setBusy(false);
  }

  return (
    <form method="post" onSubmit={submit}>
      <label>
        E-mail
        <input name="email" type="email" autoComplete="email" required />
      </label>
      <p role="alert">{problem}</p>
      <p role="status">{said}</p>
      <button disabled={!ready || busy}>Send me a link</button>
    </form>
  );
}
