import Link from "next/link";

export default function NotFound() {
  return (
    <section className="card narrow">
      <h1>There is no such page</h1>
      <p>
        <Link href="/">Back to the start</Link>
      </p>
    </section>
  );
}
