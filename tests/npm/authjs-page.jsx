// A page with the unmodified client of one version; the bundler decides which "auth-client" is.
import { useEffect } from "react";
import { createRoot } from "react-dom/client";
import {
  SessionProvider,
  getCsrfToken,
  getProviders,
  getSession,
  signIn,
  signOut,
  useSession,
} from "auth-client";

const root = document.getElementById("root");

function Person() {
  const required = location.pathname === "/required";
  const { data, status, update } = useSession(required ? { required } : undefined);
  useEffect(() => {
    window.client = { getCsrfToken, getProviders, getSession, signIn, signOut, update };
  }, [update]);
  return (
    <main>
      <p id="status">{status}</p>
      <p id="name">{data?.user?.name ?? ""}</p>
      <pre id="session">{JSON.stringify(data ?? null)}</pre>
    </main>
  );
}

createRoot(root).render(
  <SessionProvider basePath={root.dataset.base}>
    <Person />
  </SessionProvider>,
);
