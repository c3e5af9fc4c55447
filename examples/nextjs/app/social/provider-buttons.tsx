"use client";

import { useState } from "react";

import { useReady } from "../ready";

export type Provider = { id: string; name: string };

/** A button for each provider: the API says where to go and remembers, in a cookie, who went. */
export function ProviderButtons({ providers, next }: { providers: Provider[]; next: string }) {
  const ready = useReady();
  const [problem, setProblem] = useState("");

  async function leave(provider: string) {
    const back = `/social?next=${encodeURIComponent(next)}`;
    try {
      const answer = await fetch("/api/auth/sign-in/social", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ provider, callbackURL: next, errorCallbackURL: back }),
      });
      const told = await answer.json();
      if (answer.ok) location.assign(told.url);
      else setProblem(told.message);
    } catch {
      setProblem("The API does not answer right now. Try again in a moment.");
    }
  }

  return (
    <>
      <div className="actions">
        {providers.map(({ id, name }) => (
          <button key={id} disabled={!ready} onClick={() => leave(id)}>
            Continue with {name}
          </button>
        ))}
      </div>
      <p role="status">{problem}</p>
    </>
  );
}
