"use client";

import { signOut } from "next-auth/react";
import { useCallback, useEffect, useState } from "react";

type Device = { id: string; userAgent: string | null };

/** What Auth.js never had: where the account is signed in, and ending it. Plain requests. */
export function Devices() {
  const [devices, setDevices] = useState<Device[]>([]);
  const [here, setHere] = useState("");

  const look = useCallback(async () => {
    const answers = await Promise.all([get("list-sessions"), get("get-session")]);
    setDevices(answers[0]);
    setHere(answers[1]?.session.id ?? "");
  }, []);

  useEffect(() => {
    look();
  }, [look]);

  async function end(id: string) {
    await post("revoke-session", { token: id });
    await look();
  }

  async function endAll() {
    await post("revoke-sessions", {});
    await signOut({ callbackUrl: "/" }); // nothing is left to end, and other tabs learn of it
  }

  return (
    <section aria-labelledby="devices">
      <h2 id="devices">Devices</h2>
      <ul>
        {devices.map(({ id, userAgent }) => (
          <li key={id}>
            <span>{id === here ? "This device" : deviceName(userAgent)}</span>
            {id !== here && (
              <button className="quiet" onClick={() => end(id)}>
                Sign out that device
              </button>
            )}
          </li>
        ))}
      </ul>
      <button onClick={endAll}>Sign out everywhere</button>
    </section>
  );
}

async function get(path: string) {
  return (await fetch(`/api/auth/${path}`)).json();
}

async function post(path: string, body: object) {
  const headers = { "content-type": "application/json" };
  await fetch(`/api/auth/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Two words instead of everything that a browser says of itself. */
function deviceName(userAgent: string | null | undefined): string {
  const browser = /Edg|Firefox|Chrome|Safari/.exec(userAgent ?? "")?.[0] ?? "A program";
  const system = /Android|iPhone|iPad|Windows|Mac OS|Linux/.exec(userAgent ?? "")?.[0];
  return [browser.replace("Edg", "Edge"), system].filter(Boolean).join(" on ");
}
