"use client";

import type { Session } from "next-auth";
import { SessionProvider } from "next-auth/react";
import type { ReactNode } from "react";

type Props = { session: Session | null | undefined; children: ReactNode };

/** The one line that tells the client where Limen speaks its protocol. */
export function Provider({ session, children }: Props) {
  return (
    <SessionProvider basePath="/api/authjs" session={session}>
      {children}
    </SessionProvider>
  );
}
