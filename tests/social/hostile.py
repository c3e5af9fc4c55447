"""A provider that lies: what it answers is what a test gives it, over real HTTP."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from limen.social import Provider, oidc

KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
CURVE = ECKey.generate_key("P-256", {"kid": "curve", "use": "sig"})
CLIENT = "limen"
SECRET = "secret-of-limen"


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", **header: Any) -> str:
    """Sign claims with any key by any algorithm, whatever the header says; `none` signs nothing."""
    said = {"alg": algorithm, "kid": key.kid, **header}
    text = b".".join(
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (said, claims)
    )
    signature = b""
    if algorithm != "none":
        signature = JWSRegistry.algorithms[algorithm].sign(text, key)
    return (text + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()


Reply = Callable[["Request"], tuple[int, dict[str, str], bytes]]


@dataclass
class Request:
    """One request, and how to answer it a piece at a time."""

    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]


@dataclass
class Liar:
    """What the provider says; a test changes what it lies about."""

    issuer: str
    metadata: dict[str, Any] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] = field(default=signed)
    token: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    nonce: str = ""

    def registered(self, **changes: Any) -> Provider:
        return oidc("hub", self.issuer, CLIENT, SECRET, **changes)

    def said(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/me",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "none", "HS256"],
        } | self.metadata

    def id_token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "liar",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 600,
            "nonce": self.nonce,
            "email": "liar@example.org",
            "email_verified": True,
        } | self.claims
        return self.sign({name: one for name, one in claims.items() if one is not None})

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(request.path)
        if request.path in self.replies:
            return self.replies[request.path](request)
        return self.honest(request)

    def honest(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/authorize":
            self.nonce = request.query.get("nonce", "")
            back = urlencode({"code": "c", "state": request.query["state"]})
            return 302, {"Location": f"{request.query['redirect_uri']}?{back}"}, b""
        answers: dict[str, Callable[[], Any]] = {
            "/.well-known/openid-configuration": self.said,
            "/keys": lambda: {"keys": self.keys},
            "/token": lambda: (
                {
                    "access_token": "a",
                    "token_type": "Bearer",
                    "id_token": self.id_token(),
                }
                | self.token
            ),
            "/me": lambda: {"sub": "liar"} | self.userinfo,
        }
        body = json.dumps(answers[request.path]()).encode()
        return 200, {"Content-Type": "application/json"}, body


def public(key: Any) -> dict[str, Any]:
    """Give the public half of a key as a provider lists it."""
    return dict(key.as_dict(private=False))


def shared_secret() -> OctKey:
    """Give the client secret as a key, as one who confuses the two would use it."""
    return OctKey.import_key(SECRET.encode().ljust(32, b"."), {"kid": "first"})


@contextlib.contextmanager
def lying() -> Iterator[Liar]:
    """Serve a provider that lies."""
    liar = Liar("", keys=[public(KEY)])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond(b"")

        def do_POST(self) -> None:
            self.respond(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def respond(self, body: bytes) -> None:
            parts = urlsplit(self.path)
            query = {name: one[0] for name, one in parse_qs(parts.query).items()}
            form = {name: one[0] for name, one in parse_qs(body.decode()).items()}
            asked = Request(parts.path, query, form, dict(self.headers))
            status, headers, answer = liar.answer(asked)
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if headers.get("X-Slow"):
                    self.drip(float(headers["X-Slow"]), answer)
                    return
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def drip(self, wait: float, answer: bytes) -> None:
            """Send one octet after the other, each soon enough for a limit on each read."""
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            for octet in answer:
                self.wfile.write(bytes([octet]))
                self.wfile.flush()
                time.sleep(wait)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    liar.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="liar")
    thread.start()
    try:
        yield liar
    finally:
        server.shutdown()
        thread.join(20)
        server.server_close()
