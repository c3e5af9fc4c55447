import type { NextConfig } from "next";

import { API } from "./lib/address";

// Set again by proxy.ts where a page needs more; these hold for every answer of this server.
const headers = [
  { key: "X-Content-Type-Options", value: "nosniff" },
  { key: "Referrer-Policy", value: "same-origin" },
];

const config: NextConfig = {
  poweredByHeader: false,
  experimental: { authInterrupts: true }, // forbidden() answers with a real 403

  // The browser knows one origin, this one, so its cookies are first-party and need no CORS.
  // The address of the API is read when the application is built: give it a name that stays.
  rewrites: async () => ({
    beforeFiles: [{ source: "/api/:path*", destination: `${API}/api/:path*` }],
    afterFiles: [],
    fallback: [],
  }),

  headers: async () => [
    { source: "/((?!api/).*)", headers },
    {
      // An address that holds the token of a letter is told to nobody.
      source: "/new-password",
      has: [{ type: "query", key: "token" }],
      headers: [{ key: "Referrer-Policy", value: "no-referrer" }],
    },
  ],
};

export default config;
