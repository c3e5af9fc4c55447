import { type NextRequest, NextResponse } from "next/server";

const FOR_MEMBERS = ["/account", "/admin"];
const development = process.env.NODE_ENV === "development";

/**
 * Spares people without a cookie a page that would send them away, and states the policy.
 *
 * This is no guard. It sees that there is a cookie, not whether it is good for anything, and a
 * proxy can be gone around: in 2025 a header, `x-middleware-subrequest`, did it. Each page asks
 * the API, and the API decides.
 */
export function proxy(request: NextRequest): NextResponse {
  const { pathname } = request.nextUrl;
  if (FOR_MEMBERS.includes(pathname) && !holdsCookie(request)) {
    return NextResponse.redirect(new URL(`/sign-in?next=${pathname}`, request.url));
  }
  const nonce = crypto.randomUUID();
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy(nonce)); // Next.js reads the nonce from here
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy(nonce));
  return response;
}

// Pages only: no files and nothing of the API's.
export const config = { matcher: ["/((?!api/|_next/|icon.svg).*)"] };

/** Whatever the prefix is: `__Host-` behind https, none on localhost. */
function holdsCookie(request: NextRequest): boolean {
  return request.cookies.getAll().some(({ name }) => name.endsWith(".session_token"));
}

function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ""}`,
    `style-src 'self'${development ? " 'unsafe-inline'" : ` 'nonce-${nonce}'`}`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}
