"use client";

import { type FormEvent, useState } from "react";

import { client } from "@/lib/client";

import { Providers } from "./providers";

/** One form for both: with a name it opens an account. */
export function SignInForm() {
  const [isNew, setIsNew] = useState(true);
  const [problem, setProblem] = useState("");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [name, email, password] = ["name", "email", "password"].map((one) => String(form.get(one)));
    const { error } = isNew
      ? await client.signUp.email({ name: name!, email: email!, password: password! })
      : await client.signIn.email({ email: email!, password: password! });
    setProblem(error ? (error.message ?? "The API does not answer right now.") : "");
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
