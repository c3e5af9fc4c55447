"use client";

import { signIn } from "next-auth/react";
import { type FormEvent, useState } from "react";

import { Providers } from "./providers";

type Given = Record<string, FormDataEntryValue>;

/** One form for both. To open an account is no part of Auth.js, so that is a plain request. */
export function SignInForm() {
  const [isNew, setIsNew] = useState(true);
  const [problem, setProblem] = useState("");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const given: Given = Object.fromEntries(new FormData(event.currentTarget));
    const refused = isNew ? await open(given) : await enter(given);
    if (refused === null) location.assign("/");
    else setProblem(refused);
  }

  return (
    <section aria-labelledby="form">
      <h2 id="form">{isNew ? "Create an account" : "Sign in"}</h2>
      <form method="post" onSubmit={submit}>
        {isNew && (
          <label>
            Name <input name="name" autoComplete="name" required />
          </label>
        )}
        <label>
          E-mail <input name="email" type="email" autoComplete="email" required />
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
        <p role="alert">{problem}</p>
        <button>{isNew ? "Create account" : "Sign in"}</button>
      </form>
      <button className="quiet" onClick={() => setIsNew(!isNew)}>
        {isNew ? "I have an account" : "I am new here"}
      </button>
      <Providers />
    </section>
  );
}

/** Both return `null`, or what the person should read. */
async function enter(given: Given): Promise<string | null> {
  const outcome = await signIn("credentials", { ...given, redirect: false });
  if (outcome?.ok) return null;
  return outcome?.status === 429
    ? "Too many attempts. Try again in a moment."
    : "The address or the password is wrong.";
}

async function open(given: Given): Promise<string | null> {
  const answer = await fetch("/api/auth/sign-up/email", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(given),
  });
  if (answer.ok) return null;
  return answer.status < 500 ? (await answer.json()).message : "The API does not answer right now.";
}
