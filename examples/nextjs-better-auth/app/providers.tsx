"use client";

import { useEffect, useState } from "react";

import { client } from "@/lib/client";

type Provider = { id: string; name: string };

/** A button for each identity provider of the API. */
export function Providers() {
  const [providers, setProviders] = useState<Provider[]>([]);

  useEffect(() => {
    fetch("/api/providers")
      .then((answer) => (answer.ok ? answer.json() : []))
      .then(setProviders, () => undefined);
  }, []);

  return providers.map(({ id, name }) => (
    <button
      key={id}
      className="quiet"
      onClick={() => client.signIn.social({ provider: id, callbackURL: "/" })}
    >
      Continue with {name}
    </button>
  ));
}
