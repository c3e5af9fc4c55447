"use client";

import { useRouter } from "next/navigation";
import { useState, useTransition } from "react";

import { post } from "@/lib/post";
import type { Session } from "@/lib/viewer";

import { useReady } from "../ready";

/** The device list. The list is the server's; each button is a POST from the browser. */
export function Devices({ sessions, here }: { sessions: Session[]; here: string }) {
  const router = useRouter();
  const ready = useReady();
  const [waiting, start] = useTransition();
  const [said, setSaid] = useState("");
  const off = !ready || waiting;

  /** Ends sessions; whoever ended their own has no page here any more. */
  function end(path: string, done: string, own: boolean, body: object = {}) {
    start(async () => {
      const problem = await post(path, body);
      if (problem !== null) return setSaid(problem);
      if (own) return location.assign("/sign-in");
      setSaid(done);
      router.refresh();
    });
  }

  return (
    <>
      <ul className="devices">
        {sessions.map((session) => (
          <li key={session.id}>
            <div>
              <b>{deviceName(session.userAgent)}</b>
              {session.id === here && <span className="here">This device</span>}
              <small>
                Since <time dateTime={session.createdAt}>{day(session.createdAt)}</time>
              </small>
            </div>
            <button
              className="quiet"
              disabled={off}
              onClick={() =>
                end("revoke-session", "That device is signed out.", session.id === here, {
                  token: session.id,
                })
              }
            >
              Sign out<span className="unseen"> {deviceName(session.userAgent)}</span>
            </button>
          </li>
        ))}
      </ul>
      <p role="status">{said}</p>
      <div className="actions">
        <button
          className="quiet"
          disabled={off || sessions.length < 2}
          onClick={() => end("revoke-other-sessions", "The others are signed out.", false)}
        >
          Sign out the others
        </button>
        <button disabled={off} onClick={() => end("revoke-sessions", "", true)}>
          Sign out everywhere
        </button>
      </div>
    </>
  );
}

function deviceName(userAgent: string | null): string {
  const browser = /Edg|Firefox|Chrome|Safari/.exec(userAgent ?? "")?.[0] ?? "A program";
  const system = /Android|iPhone|iPad|Windows|Mac OS|Linux/.exec(userAgent ?? "")?.[0];
  return [browser.replace("Edg", "Edge"), system].filter(Boolean).join(" on ");
}

/** The same text on the server and in the browser, wherever either is. */
function day(moment: string): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(
    new Date(moment),
  );
}
