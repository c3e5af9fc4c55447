import { createAuthClient } from "better-auth/react";

/** The client of better-auth as it comes. It finds /api/auth of its own origin by itself. */
export const client = createAuthClient();
