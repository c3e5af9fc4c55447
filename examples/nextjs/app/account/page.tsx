import type { Metadata } from "next";

import { forMembers, type Session, viewer } from "@/lib/viewer";

import { Devices } from "./devices";
import { VerifyNote } from "./verify-note";

export const metadata: Metadata = { title: "Account" };

export default async function Account({ searchParams }: PageProps<"/account">) {
  const { error } = await searchParams;
  const sessions = await forMembers<Session[]>("/api/auth/list-sessions", "/account");
  const who = await viewer();
  const here = who.state === "signed-in" ? who.session.id : "";
  return (
    <>
      <h1>Account</h1>
      {who.state === "signed-in" && !who.user.emailVerified && (
        <VerifyNote email={who.user.email} refused={error !== undefined} />
      )}
      <section className="card" aria-labelledby="devices">
        <h2 id="devices">Devices</h2>
        <p>Everywhere you are signed in, the latest first.</p>
        <Devices sessions={sessions} here={here} />
        <p>
          <a href="/export">Download this list</a>
        </p>
      </section>
    </>
  );
}
