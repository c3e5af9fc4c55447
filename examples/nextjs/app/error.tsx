"use client";

import { useReady } from "./ready";

/** Shown in place of a page that could not be made; it says nothing about who is signed in. */
export default function Failed({ retry }: { retry: () => void }) {
  const ready = useReady();
  return (
    <section className="card narrow">
      <h1>This page could not be made</h1>
      <p>Nothing was changed. If you were signed in, you still are.</p>
      <button disabled={!ready} onClick={() => retry()}>
        Try again
      </button>
    </section>
  );
}
