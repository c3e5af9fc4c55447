// A page that shows what `useSession` of the unmodified client says. Bundled by esbuild for the
// tests; they drive `window.client`.
import { createAuthClient } from "better-auth/react";
import { createElement, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const client = createAuthClient();

function Who() {
  const { data, error, isPending } = client.useSession();
  const [changes, setChanges] = useState(0);
  const said = isPending ? "pending" : (data?.user.name ?? "nobody");
  useEffect(() => setChanges((count) => count + 1), [data]);
  return createElement(
    "p",
    { id: "who", "data-error": error ? String(error.status ?? "network") : "", "data-changes": changes },
    said,
  );
}

function Page() {
  const [shown, setShown] = useState(true);
  window.remount = () => {
    setShown(false);
    setTimeout(() => setShown(true), 0);
  };
  return shown ? createElement(Who) : null;
}

window.client = client;
createRoot(document.querySelector("main")).render(createElement(Page));
