"use client";

import { type ClientSafeProvider, getProviders, signIn } from "next-auth/react";
import { useEffect, useState } from "react";

/** A button for each identity provider of the API. */
export function Providers() {
  const [providers, setProviders] = useState<ClientSafeProvider[]>([]);

  useEffect(() => {
    getProviders().then((found) => setProviders(Object.values(found ?? {})));
  }, []);

  return providers
    .filter(({ type }) => type !== "credentials")
    .map(({ id, name }) => (
      <button key={id} className="quiet" onClick={() => signIn(id, { callbackUrl: "/" })}>
        Continue with {name}
      </button>
    ));
}
