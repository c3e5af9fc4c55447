"use client";

import { useState } from "react";

import { useReady } from "./ready";

/** Gets a short token from the API and shows it to this server, which checks it by itself. */
export function OwnCheck() {
  const ready = useReady();
  const [said, setSaid] = useState("");

  async function check() {
    setSaid("Asking …");
    const issued = await fetch("/api/auth/token");
    if (issued.status === 401) return setSaid("Sign in first.");
    if (!issued.ok) return setSaid("The API gave no token.");
    const { token } = await issued.json();
    const report = await fetch("/report", { headers: { authorization: `Bearer ${token}` } });
    const told = await report.json();
    setSaid(report.ok ? `Verified: ${told.subject}, for five minutes at most.` : told.message);
  }

  return (
    <section className="card" aria-labelledby="own">
      <h2 id="own">A token that Next.js checks itself</h2>
      <p>
        The API signs a short token. <code>/report</code>, a route handler, checks it with the
        public keys of <code>/api/auth/jwks</code> and does not ask the API who you are.
      </p>
      <button className="quiet" disabled={!ready} onClick={check}>
        Get a token and show it
      </button>
      <p role="status">{said}</p>
    </section>
  );
}
