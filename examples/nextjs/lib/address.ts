/** Where the Python API listens, seen from this server. The browser never learns it. */
export const API = process.env.LIMEN_API ?? "http://127.0.0.1:8000";

/** The public address of this application: what the API calls `base_url` and its tokens name. */
export const BASE_URL = process.env.LIMEN_BASE_URL ?? "http://localhost:3000";
