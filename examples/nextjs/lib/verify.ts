import "server-only";

import { createRemoteJWKSet, jwtVerify } from "jose";

import { API, BASE_URL } from "./address";

// The keys are fetched once and again when an unknown one appears, at most every 30 seconds.
const keys = createRemoteJWKSet(new URL("/api/auth/jwks", API), {
  cacheMaxAge: 300_000,
  cooldownDuration: 30_000,
  timeoutDuration: 5_000,
});

export type Caller = { subject: string; session: string; roles: string[] };

/**
 * Checks a token of Limen's without asking Limen, and says whom it stands for.
 *
 * Each option is a check: leave `audience` out and a token for another service opens this one,
 * leave `typ` out and another kind of token does. What was revoked is not seen here: such a
 * token works until it expires, five minutes at most. Where that is too long, ask the API.
 */
export async function verified(token: string): Promise<Caller | null> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: BASE_URL,
      audience: BASE_URL,
      typ: "at+jwt",
      algorithms: ["EdDSA"],
      requiredClaims: ["sub", "sid", "exp"],
    });
    const { sub, sid, roles } = payload;
    return { subject: String(sub), session: String(sid), roles: (roles as string[]) ?? [] };
  } catch {
    return null;
  }
}
