// A real OpenID provider for the tests: the npm package oidc-provider on a free port.
// Usage: node provider.mjs '{"host": "localhost"}'; prints {"issuer": ...} and serves.
// Of another host than the service it is another site, as real ones are.
//
// Anybody may be anybody: the login form takes a name, and the name decides. Addresses are
// <name>@example.org and verified, unless the name begins with "unverified"; of name+other it is other@example.org.
import { createServer } from "node:http";
import { createHash, createPublicKey, generateKeyPairSync, randomUUID } from "node:crypto";
import { jwtVerify } from "jose";
import { Provider } from "oidc-provider";

const wanted = JSON.parse(process.argv[2] ?? "{}");
const path = wanted.path ?? "";
const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://${wanted.host ?? "127.0.0.1"}:${server.address().port}`;
const issuer = origin + path;

/** What this provider knows of a name. */
function claimsOf(name) {
  const [user, address] = name.split("+");
  return {
    sub: name,
    name: user,
    email: address ? `${address}@example.org` : `${user}@example.org`,
    email_verified: !user.startsWith("unverified"),
  };
}

const web = {
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  redirect_uris: ["http://127.0.0.1/replaced"],
};
const clients = [
  { ...web, client_id: "limen", client_secret: "secret-of-limen" },
  { ...web, client_id: "other", client_secret: "secret-of-other" },
  {
    ...web,
    client_id: "lax",
    client_secret: "secret-of-lax",
    token_endpoint_auth_method: "client_secret_post",
  },
  {
    ...web,
    client_id: "posted",
    client_secret: "a secret of the provider",
    token_endpoint_auth_method: "client_secret_post",
  },
];
const githubScopes = wanted.githubLike ? ["read:user", "user:email"] : [];
// A key of its own for each process: those that the package brings are the same everywhere.
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
const provider = new Provider(issuer, {
  clients,
  jwks: { keys: [key] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  clientBasedCORS: () => false,
  conformIdTokenClaims: wanted.conform ?? true,
  cookies: { keys: ["only for tests"] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => ({ accountId: id, claims: () => claimsOf(id) }),
  interactions: { url: (_, interaction) => `${path}/interaction/${interaction.uid}` },
  issueRefreshToken: () => true,
  async loadExistingGrant(ctx) {
    const earlier = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
    if (earlier) return ctx.oidc.provider.Grant.find(earlier);
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope(["openid", "email", "profile", "offline_access", ...githubScopes].join(" "));
    await grant.save();
    return grant;
  },
  pkce: { required: (_, client) => client.clientId !== "lax" },
  routes: wanted.githubLike
    ? { authorization: "/login/oauth/authorize", token: "/login/oauth/access_token" }
    : {},
  scopes: ["openid", "offline_access", "email", "profile", ...githubScopes],
  ttl: { AccessToken: wanted.accessSeconds ?? 3600 },
});

// The service under test gets its port later than this one.
provider.Client.prototype.redirectUriAllowed = (uri) => uri.startsWith("http://127.0.0.1:");
const compare = provider.Client.prototype.compareClientSecret;
provider.Client.prototype.compareClientSecret = async function compareSecret(stated) {
  if (!wanted.appleKey || this.clientId !== "posted") return compare.call(this, stated);
  // As Apple does: the client secret is a statement that the application signed.
  const expected = { issuer: "TEAM123456", subject: "posted", audience: issuer, algorithms: ["ES256"] };
  try {
    const { protectedHeader } = await jwtVerify(stated, createPublicKey(wanted.appleKey), expected);
    return protectedHeader.kid === "KEY1234567";
  } catch {
    return false;
  }
};

/** Answer the two addresses of GitHub's API that a sign-in reads. */
async function github(request, response) {
  const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  const found = await provider.AccessToken.find(token);
  const scopes = new Set((found?.scope ?? "").split(" "));
  const wants = request.url === "/api/user" ? "read:user" : "user:email";
  if (!found || !scopes.has(wants)) return response.writeHead(401).end("{}");
  const claims = claimsOf(found.accountId);
  const id = createHash("sha256").update(found.accountId).digest().readUInt32BE();
  const answer =
    request.url === "/api/user"
      ? { id, login: claims.name, name: null, email: null, avatar_url: "https://example.org/a.png" }
      : [
          { email: "old@example.org", primary: false, verified: true },
          { email: claims.email, primary: true, verified: claims.email_verified },
        ];
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
}

const page = `<!doctype html><title>Provider</title><form method="post">
<label>Name <input name="login"></label><button>Sign in</button></form>`;

/** Ask who it is, and believe it; the name "nobody" turns back. */
async function interact(request, response) {
  if (request.method === "GET") {
    response.writeHead(200, { "content-type": "text/html" }).end(page);
    return;
  }
  let body = "";
  for await (const piece of request) body += piece;
  const login = new URLSearchParams(body).get("login");
  const result =
    login === "nobody"
      ? { error: "access_denied", error_description: "turned back" }
      : { login: { accountId: login } };
  await provider.interactionFinished(request, response, result);
}

const serve = provider.callback();
server.on("request", (request, response) => {
  if (path && request.url.startsWith(path)) {
    request.originalUrl = request.url;
    request.url = request.url.slice(path.length) || "/";
  }
  if (wanted.githubLike && request.url.startsWith("/api/user")) github(request, response);
  else if (request.url.startsWith("/interaction/")) interact(request, response);
  else serve(request, response);
});
process.stdout.write(`${JSON.stringify({ issuer, origin })}\n`);
