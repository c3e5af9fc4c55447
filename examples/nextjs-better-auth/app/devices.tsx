"use client";

import { useCallback, useEffect, useState } from "react";

import { client } from "@/lib/client";

type Device = NonNullable<Awaited<ReturnType<typeof client.listSessions>>["data"]>[number];

/** The device list. What the wire calls the token of a session is a handle here, not a key. */
export function Devices({ here }: { here: string }) {
  const [devices, setDevices] = useState<Device[]>([]);

  const look = useCallback(async () => {
    const { data } = await client.listSessions();
    if (data) setDevices(data);
  }, []);

  useEffect(() => {
    look();
  }, [look]);

  async function end(token: string) {
    await client.revokeSession({ token });
    await look();
  }

  async function endAll() {
    await client.revokeSessions();
    await client.signOut(); // nothing is left to end, and the hook learns of it
  }

  return (
    <section aria-labelledby="devices">
      <h2 id="devices">Devices</h2>
      <ul>
        {devices.map(({ id, token, userAgent }) => (
          <li key={id}>
            <span>{id === here ? "This device" : deviceName(userAgent)}</span>
            {id !== here && (
              <button className="quiet" onClick={() => end(token)}>
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

/** Two words instead of everything that a browser says of itself. */
function deviceName(userAgent: string | null | undefined): string {
  const browser = /Edg|Firefox|Chrome|Safari/.exec(userAgent ?? "")?.[0] ?? "A program";
  const system = /Android|iPhone|iPad|Windows|Mac OS|Linux/.exec(userAgent ?? "")?.[0];
  return [browser.replace("Edg", "Edge"), system].filter(Boolean).join(" on ");
}
