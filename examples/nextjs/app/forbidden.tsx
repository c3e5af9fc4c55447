import Link from "next/link";

export default function Forbidden() {
  return (
    <section className="card narrow">
      <h1>Not for this account</h1>
      <p>You are signed in, and this page needs a role that your account does not have.</p>
      <p>
        <Link href="/">Back to the start</Link>
      </p>
    </section>
  );
}
