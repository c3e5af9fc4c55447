import type { NextConfig } from "next";

const api = process.env.LIMEN_API ?? "http://127.0.0.1:8000";

const config: NextConfig = {
  poweredByHeader: false,
  rewrites: async () => ({
    beforeFiles: [{ source: "/api/:path*", destination: `${api}/api/:path*` }],
    afterFiles: [],
    fallback: [],
  }),
};

export default config;
