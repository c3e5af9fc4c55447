import "./style.css";

import type { Metadata } from "next";
import Link from "next/link";
import type { ReactNode } from "react";

import { viewer } from "@/lib/viewer";

import { KeepFresh } from "./keep-fresh";

export const metadata: Metadata = {
  title: { default: "Limen and Next.js", template: "%s · Limen and Next.js" },
  description: "Sign-in by a Python API, seen from a Next.js application.",
};

export default async function Layout({ children }: { children: ReactNode }) {
  const who = await viewer();
  return (
    <html lang="en">
      <body>
        <a className="skip" href="#content">
          Skip to the content
        </a>
        <header>
          <nav aria-label="Main">
            <Link className="mark" href="/">
              Limen <span>and Next.js</span>
            </Link>
            <Link href="/account">Account</Link>
            <Link href="/admin">Admin</Link>
          </nav>
          {who.state === "signed-in" ? (
            <form className="who" method="post" action="/sign-out">
              <span>{who.user.name || who.user.email}</span>
              <button className="quiet">Sign out</button>
            </form>
          ) : who.state === "nobody" ? (
            <nav className="who" aria-label="Sign in">
              <Link href="/sign-in">Sign in</Link>
              <Link className="button" href="/sign-up">
                Create account
              </Link>
            </nav>
          ) : null}
        </header>
        {who.state === "unknown" && (
          <p role="alert" className="notice">
            The API does not answer right now. If you were signed in, you still are: load the page
            again in a moment.
          </p>
        )}
        {who.state === "signed-in" && <KeepFresh />}
        <main id="content">{children}</main>
      </body>
    </html>
  );
}
