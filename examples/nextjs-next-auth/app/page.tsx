import { sessionOfRequest } from "@/lib/server";

import { Person } from "./person";

export default async function Home() {
  const session = await sessionOfRequest();
  const seen = session === undefined ? "no answer of the API" : (session?.user?.name ?? "nobody");
  return (
    <>
      <h1>Limen with next-auth/react</h1>
      <p>
        A server component saw: <b>{seen}</b>.
      </p>
      <Person />
    </>
  );
}
