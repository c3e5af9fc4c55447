import { sessionOfRequest } from "@/lib/server";

import { Person } from "./person";

export default async function Home() {
  const { data, error } = await sessionOfRequest();
  const seen = error ? "the API does not answer" : data ? data.user.name : "nobody";
  return (
    <>
      <h1>Limen with the better-auth client</h1>
      <p>
        A server component saw: <b>{seen}</b>.
      </p>
      <Person seen={data?.session.id ?? null} />
    </>
  );
}
