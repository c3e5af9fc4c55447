import "./style.css";

import type { Metadata } from "next";
import type { ReactNode } from "react";

import { sessionOfRequest } from "@/lib/server";

import { Provider } from "./provider";

export const metadata: Metadata = { title: "Limen with next-auth/react" };

export default async function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <main>
          <Provider session={await sessionOfRequest()}>{children}</Provider>
        </main>
      </body>
    </html>
  );
}
