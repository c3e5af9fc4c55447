"use client";

import { useState, useTransition } from "react";

import { post } from "@/lib/post";

import { useReady } from "../ready";

/** Offers the letter that proves an address; its link comes back to this page. */
export function VerifyNote({ email, refused }: { email: string; refused: boolean }) {
  const ready = useReady();
  const [waiting, start] = useTransition();
  const [problem, setProblem] = useState(refused ? "That link does not work any more." : "");
  const [said, setSaid] = useState("");

  function send() {
    start(async () => {
      const failed = await post("send-verification-email", { email, callbackURL: "/account" });
      setProblem(failed ?? "");
      setSaid(failed === null ? "A letter with a link is on its way. It works for an hour." : "");
    });
  }

  return (
    <section className="card" aria-labelledby="verify">
      <h2 id="verify">Verify your address</h2>
      <p>
        Nobody has shown yet that <b>{email}</b> is yours. A letter there brings you a link.
      </p>
      <p role="alert">{problem}</p>
      <p role="status">{said}</p>
      <button className="quiet" disabled={!ready || waiting} onClick={send}>
        Send me a link
      </button>
    </section>
  );
}
