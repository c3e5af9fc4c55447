import type { Metadata } from "next";

import { forMembers } from "@/lib/viewer";

export const metadata: Metadata = { title: "Admin" };

type Account = { email: string; roles: string[] };

export default async function Admin() {
  const accounts = await forMembers<Account[]>("/api/admin/accounts", "/admin");
  return (
    <>
      <h1>Admin</h1>
      <section className="card" aria-labelledby="accounts">
        <h2 id="accounts">Accounts</h2>
        <table>
          <thead>
            <tr>
              <th scope="col">E-mail</th>
              <th scope="col">Roles</th>
            </tr>
          </thead>
          <tbody>
            {accounts.map(({ email, roles }) => (
              <tr key={email}>
                <td>{email}</td>
                <td>{roles.join(", ") || "none"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
