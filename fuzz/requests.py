"""Targets that read what a request carries, and one that answers whole requests."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from fuzz.target import Judge, Target, promise
from fuzz.tokens import SECRET
from limen import Budget, Limen
from limen.account import is_email, normalised_email
from limen.foreign_hashes import Foreign
from limen.passwords import CHEAPEST
from limen.service.app import create_app
from limen.service.incoming import Unreadable, parsed_form, parsed_json
from limen.stores.memory import MemoryStore
from limen.transports import BearerTransport, CookieTransport, OriginRule, Presented
from limen.transports.cookie import CookieSettings
from limen.transports.origin import Provenance
from limen.usernames import normalised_username

OWN: Final = "https://app.example"
EMAIL, PASSWORD, CANARY = "ada@example.org", "correct horse battery", "Canary Lovelace"
MOST_SECONDS: Final = 10  # in which one request is answered, however slow the machine


def _cookie() -> Judge:
    transport = CookieTransport(CookieSettings(), secure=True)
    wanted = transport.access_name.encode()

    def judge(octets: bytes) -> None:
        line = octets.translate(None, b"\r\n\0")  # no server lets these through
        found = transport.read([(b"cookie", line)])
        names = [one.partition(b"=")[0].strip(b" \t") for one in line.split(b";") if b"=" in one]
        if isinstance(found, Presented) and found.access is not None:
            promise(names.count(wanted) == 1, "one cookie of that very name, and no other")
        known = transport.glance(line)
        if known is not None:
            promise(
                isinstance(found, Presented)
                and found.access is not None
                and found.access.reveal().encode("latin-1") == known,
                "a glance sees what reading sees",
            )

    return judge


def _bearer() -> Judge:
    transport = BearerTransport()

    def judge(octets: bytes) -> None:
        line = octets.translate(None, b"\r\n\0")
        found = transport.read([(b"authorization", line)])
        known = transport.glance(line)
        if known is not None:
            promise(
                isinstance(found, Presented)
                and found.access is not None
                and found.access.reveal().encode("latin-1") == known,
                "a glance sees what reading sees",
            )
        twice = transport.read([(b"authorization", line), (b"authorization", line)])
        promise(not isinstance(twice, Presented), "two headers are no credential")

    return judge


def _body() -> Judge:
    def judge(octets: bytes) -> None:
        try:
            value = parsed_json(octets)
        except Unreadable:
            pass
        else:
            promise(value == json.loads(octets), "what is read is what was written")
        try:
            form = parsed_form(octets)
        except Unreadable:
            return
        promise(all("\0" not in text for pair in form.items() for text in pair), "no NUL in a text")

    return judge


def _origin() -> Judge:
    rule = OriginRule(OWN, ("https://*.trusted.example",))

    def judge(octets: bytes) -> None:
        text = octets.decode("utf-8", "surrogateescape")
        if rule.trusts_target(text, OWN):
            promise(_leads_home(text), "a trusted target is one of ours, as browsers read it")
        if rule.judge(text, None, OWN) is Provenance.TRUSTED:
            promise(_leads_home(text), "a trusted page is one of ours")

    return judge


def _leads_home(target: str) -> bool:
    """Tell whether a browser would stay with us: it drops tabs, and a backslash is a slash."""
    read = target.strip("".join(map(chr, range(33))))
    read = read.translate(dict.fromkeys(map(ord, "\t\r\n"))).replace("\\", "/")
    try:
        parts = urlsplit(urljoin(f"{OWN}/", read))
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    return parts.scheme == "https" and (host == "app.example" or host.endswith(".trusted.example"))


def _names() -> Judge:
    def judge(octets: bytes) -> None:
        text = octets.decode("utf-8", "surrogateescape")
        for normalised in (normalised_email, normalised_username):
            once = normalised(text)
            promise(normalised(once) == once, "normalised once is normalised")
        if is_email(normalised_email(text)):
            promise(not set(text.strip()) & set("\r\n\0,;<>"), "an address is one address")

    return judge


def _hash() -> Judge:
    def judge(octets: bytes) -> None:
        found = Foreign.of(octets.decode("latin-1"))
        if found is not None:
            promise(found.decoy().work == found.work, "a decoy costs the same")

    return judge


def _request() -> Judge:
    loop = asyncio.new_event_loop()
    nothing = Budget("off", limit=0, window=1)
    auth = Limen(
        "hybrid",
        secret=SECRET,
        base_url=OWN,
        argon2=CHEAPEST,
        store=MemoryStore(),
        account_budget=nothing,
        address_budget=nothing,
        letter_budget=nothing,
        letter_address_budget=nothing,
    )
    app = create_app(auth)
    loop.run_until_complete(auth.open())
    loop.run_until_complete(auth.sign_up(EMAIL, PASSWORD, name=CANARY))

    def judge(octets: bytes) -> None:
        status, headers, body = loop.run_until_complete(
            asyncio.wait_for(_answered(app, octets), MOST_SECONDS)
        )
        promise(200 <= status < 500, f"no fault, and this was {status}")
        lines = [name + value for name, value in headers]
        promise(not any(set(line) & set(b"\r\n\0") for line in lines), "a header is one line")
        promise((b"cache-control", b"no-store") in headers, "nothing is kept")
        promise(CANARY.encode() not in body or PASSWORD.encode() in octets, "nobody is told of")

    return judge


async def _answered(app: Any, octets: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Send a request written as HTTP/1.1 writes it; return status, headers and body."""
    head, _, body = octets.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, target = first.partition(b" ")
    path, _, query = target.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "https",
        "method": method.decode("latin-1").upper() or "GET",
        "path": path.decode("utf-8", "replace"),
        "raw_path": path,
        "root_path": "",
        "query_string": query,
        "headers": [
            (name.strip().lower(), value.strip())
            for name, colon, value in (line.partition(b":") for line in lines)
            if colon
        ],
        "client": ("192.0.2.1", 1),
        "server": ("app.example", 443),
        "state": {},
    }
    sent: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    starts = [one for one in sent if one["type"] == "http.response.start"]
    promise(len(starts) == 1, "one request has one answer")
    answered = b"".join(one.get("body", b"") for one in sent)
    return starts[0]["status"], list(starts[0]["headers"]), answered


def _spelt(method: str, path: str, body: dict[str, Any] | None = None, *lines: str) -> bytes:
    text = "" if body is None else json.dumps(body)
    head = [f"{method} /api/auth{path}", "host: app.example", f"origin: {OWN}", *lines]
    return "\n".join([*head, "content-type: application/json", "", text]).encode()


_LINES = (
    b"__Host-better-auth.session_token",
    b"__Host-better-auth.refresh_token",
    b"cookie: ",
    b"authorization: Bearer ",
    b"x-forwarded-for: ",
    b"sec-fetch-site: cross-site",
)
TARGETS = (
    Target(
        "cookie",
        "a Cookie header",
        _cookie,
        (b"a=b; __Host-better-auth.session_token=lms_" + b"A" * 43,),
        (*_LINES[:2], b"; ", b'="', b"=="),
    ),
    Target("bearer", "an Authorization header", _bearer, (b"Bearer lms_" + b"A" * 43,), _LINES),
    Target(
        "body",
        "a JSON or form body",
        _body,
        (b'{"email":"ada@example.org","rememberMe":true}', b"email=a%40b.example&password=x"),
        (b"\\ud800", b"1e999", b"NaN", b"%00", b"&", b'":{"', b"[[[[[[["),
    ),
    Target(
        "origin",
        "an Origin header and a callbackURL",
        _origin,
        (b"/next", b"https://app.example/x", b"https://a.trusted.example/"),
        (b"//", b"/\\", b"\t", b"@", b"https:", b"javascript:", b".trusted.example", b"%2f", b"#"),
    ),
    Target(
        "names",
        "an e-mail address and a username",
        _names,
        (b"Ada@Example.org", "ﬁ@example.org".encode(), "İ".encode()),
        ("\uff20".encode(), "\u212a".encode(), b","),
    ),
    Target(
        "hash",
        "a password hash of another library",
        _hash,
        (
            b"pbkdf2_sha256$1000$salt$" + b"A" * 43 + b"=",
            b"$2b$12$" + b"a" * 53,
            b"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$" + b"A" * 43,
            b"scrypt$c2FsdA==$16384$8$1$" + b"A" * 86 + b"==",
        ),
        (b"$argon2id$", b"$2y$", b"pbkdf2_sha1$", b"m=", b"t=", b"p="),
    ),
    Target(
        "request",
        "a whole request to the service",
        _request,
        (
            _spelt("GET", "/get-session"),
            _spelt("POST", "/sign-in/email", {"email": EMAIL, "password": "wrong"}),
            _spelt("POST", "/sign-in/email", {"email": EMAIL, "password": PASSWORD}),
            _spelt("POST", "/sign-out", {}, "cookie: __Host-better-auth.session_token=x"),
            _spelt("POST", "/refresh", None, "authorization: Bearer lmr_" + "A" * 43),
            _spelt("POST", "/request-password-reset", {"email": EMAIL, "redirectTo": "/x"}),
            _spelt("GET", "/verify-email?token=lmv_x&callbackURL=%2Fx"),
            _spelt("POST", "/change-password", {"currentPassword": "a", "newPassword": "b"}),
            _spelt("GET", "/openapi.json"),
        ),
        _LINES,
    ),
)
