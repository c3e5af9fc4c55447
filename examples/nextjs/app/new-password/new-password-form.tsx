"use client";

import { type FormEvent, useEffect, useState } from "react";

import { post } from "@/lib/post";

import { useReady } from "../ready";

/** Sets the password. It ends every session and signs nobody in, so the sign-in is next. */
export function NewPasswordForm({ token }: { token: string }) {
  const ready = useReady();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");

  // The token opens the account, so it leaves the address and with it the history.
  useEffect(() => history.replaceState(null, "", location.pathname), []);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const newPassword = String(new FormData(event.currentTarget).get("password"));
    setBusy(true);
    setProblem("");
    const refused = await post("reset-password", { token, newPassword });
    if (refused === null) {
      location.assign("/sign-in?changed=password"); // a full load: the header still has a name
      return;
    }
    setProblem(refused);
    setBusy(false);
  }

  return (
    <form method="post" onSubmit={submit}>
      {/* With `no-referrer` a browser states no origin for a form, and signing out needs it. */}
      {ready && <meta name="referrer" content="same-origin" />}
      <label>
        New password
        <input
          name="password"
          type="password"
          autoComplete="new-password"
          required
          aria-describedby="ends"
        />
      </label>
      <p id="ends">
        <small>Every device that is signed in to the account is signed out.</small>
      </p>
      <p role="alert">{problem}</p>
      <button disabled={!ready || busy}>Change the password</button>
    </form>
  );
}
