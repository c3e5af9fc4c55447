import type { Metadata } from "next";
import Link from "next/link";

import { ForgotForm } from "./forgot-form";

export const metadata: Metadata = { title: "Forgot your password?" };

export default function Forgot() {
  return (
    <section className="card narrow">
      <h1>Forgot your password?</h1>
      <p>A letter brings you a link to choose a new one.</p>
      <ForgotForm />
      <p>
        Remembered it? <Link href="/sign-in">Sign in</Link>
      </p>
    </section>
  );
}
