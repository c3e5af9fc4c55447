"""Targets that read tokens, keys and what is sealed."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hmac import digest

from fuzz.target import Judge, Target, promise
from limen.claims import TokenPolicy, examine, mint
from limen.errors import ConfigurationError, InvalidToken
from limen.jwe import TokenKeys
from limen.keyring import Algorithm, Keyring, KeyState, read_jwk
from limen.sealing import Secrets
from limen.testing import SeededEntropy
from limen.trace.event import TraceEvent

NOW = 1_790_000_000_000
SECRET = "k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq"
POLICY = TokenPolicy("https://auth.example", "https://api.example")
_MATERIAL = bytes(range(32))
KEY_ID = "k1"


def encoded(octets: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _keys() -> Keyring:
    jwk = {"kty": "oct", "k": encoded(_MATERIAL)}
    return Keyring([read_jwk(jwk, Algorithm.HS256, KEY_ID, KeyState.SIGNING)])


def honest() -> str:
    """Return a token that is accepted at `NOW`."""
    token = mint(
        POLICY,
        _keys().signing,
        subject="usr_1",
        session_id="ses_1",
        token_id="jti_1",
        issued_at=NOW,
        expires_at=NOW + 300_000,
        authenticated_at=NOW,
        methods=("pwd",),
        roles=frozenset({"admin"}),
    )
    return token.reveal()


def _token() -> Judge:
    keys, only = _keys(), honest()

    def judge(octets: bytes) -> None:
        text = octets.decode("utf-8", "surrogateescape")
        seen = examine(text, keys, POLICY, NOW)
        promise((seen.claims is not None) == (text == only), "one token has one spelling")
        promise((seen.claims is None) == (seen.reason is not None), "a refusal has a reason")
        promise(seen.checks(), "every examination can be told")

    return judge


def signed(header: bytes, payload: bytes) -> str:
    """Return a token with a right signature over any header and payload."""
    text = f"{encoded(header)}.{encoded(payload)}"
    return f"{text}.{encoded(digest(_MATERIAL, text.encode('ascii'), 'sha256'))}"


def _payload() -> Judge:
    keys = _keys()
    header = json.dumps({"alg": "HS256", "kid": KEY_ID, "typ": POLICY.typ}).encode()

    def judge(octets: bytes) -> None:
        claims = examine(signed(header, octets), keys, POLICY, NOW).claims
        if claims is None:
            return
        stated = json.loads(octets.decode("utf-8"))
        promise(stated["iss"] == POLICY.issuer, "the issuer is the one that was asked for")
        promise(POLICY.audience in claims.audience, "the audience is us")
        promise(claims.expires_at > NOW, "an end lies ahead")
        promise(claims.expires_at <= NOW + 400_000, "no token lives longer than it may")
        promise(isinstance(stated["sub"], str) and claims.subject == stated["sub"], "sub is text")

    return judge


def _header() -> Judge:
    keys = _keys()
    payload = honest().split(".")[1]
    octets_of_payload = _decoded(payload)

    def judge(octets: bytes) -> None:
        claims = examine(signed(octets, octets_of_payload), keys, POLICY, NOW).claims
        if claims is not None:
            stated = json.loads(octets.decode("utf-8"))
            promise(set(stated) == {"alg", "kid", "typ"}, "a header has three members")
            promise((stated["alg"], stated["kid"]) == ("HS256", KEY_ID), "the key decides")

    return judge


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _jwk() -> Judge:
    def judge(octets: bytes) -> None:
        try:
            stated = json.loads(octets)
        except (ValueError, RecursionError):
            return
        if not isinstance(stated, dict):
            return
        for algorithm in Algorithm:
            try:
                key = read_jwk(stated, algorithm, KEY_ID)
            except ConfigurationError as refusal:
                promise(len(str(refusal)) < 1_000, "an error does not carry the input")
                continue
            promise(key.algorithm is algorithm, "one key has one algorithm")
            promise(key.symmetric or "d" not in key.public_jwk(), "what is public is not private")

    return judge


def _jwe() -> Judge:
    keys = (
        TokenKeys.auth_js([SECRET], "authjs.session-token"),
        TokenKeys.next_auth([SECRET]),
        TokenKeys.better_auth([SECRET]),
    )

    def judge(octets: bytes) -> None:
        text = octets.decode("utf-8", "surrogateescape")
        for one in keys:
            try:
                one.decrypt(text, now=NOW)
            except InvalidToken:
                continue
            promise(text in _JWES, "nothing decrypts that was not encrypted")

    return judge


def _sealed() -> Judge:
    secrets = Secrets.of(SECRET)

    def judge(octets: bytes) -> None:
        try:
            secrets.open(octets, "fuzz", b"context")
        except ConfigurationError:
            return
        promise(octets == _ENVELOPE, "nothing opens that was not sealed")

    return judge


def _event() -> Judge:
    def judge(octets: bytes) -> None:
        try:
            event = TraceEvent.from_json(json.loads(octets))
        except (ValueError, RecursionError):
            return
        promise(TraceEvent.from_json(event.as_json()) == event, "an event reads back the same")

    return judge


_JWES = tuple(
    keys.encrypt({"sub": "1"}, now=NOW, lifetime=60_000, entropy=SeededEntropy()).reveal()
    for keys in (
        TokenKeys.auth_js([SECRET], "authjs.session-token"),
        TokenKeys.next_auth([SECRET]),
        TokenKeys.better_auth([SECRET]),
    )
)
_ENVELOPE = Secrets.of(SECRET).seal(b"plain", "fuzz", b"context", bytes(12))
_CLAIMS = _decoded(honest().split(".")[1])
_NAMES = tuple(
    f'"{name}"'.encode()
    for name in (
        *("iss", "aud", "sub", "sid", "jti", "iat", "iat_ms", "exp", "nbf", "auth_time", "amr"),
        *("roles", "acr", "cnf", "alg", "kid", "typ", "crit", "b64", "zip", "jwk", "jku", "x5u"),
    )
)
_ODD = (b"1e400", b"NaN", b"-Infinity", b"\xef\xbb\xbf", b"\\ud800", b"[[[[[[[[", b"\\u0000")

TARGETS = (
    Target("token", "one access token", _token, (honest().encode(),), (*_NAMES, b"..", b"=")),
    Target("payload", "the claims of a well-signed token", _payload, (_CLAIMS,), _NAMES + _ODD),
    Target(
        "header",
        "the header of a well-signed token",
        _header,
        (b'{"alg":"HS256","kid":"k1","typ":"at+jwt"}',),
        _NAMES + _ODD,
    ),
    Target(
        "jwk",
        "a JSON Web Key",
        _jwk,
        (
            b'{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}',
            b'{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
            (
                b'{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
                b'"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}'
            ),
        ),
        (b'"kty"', b'"crv"', b'"use"', b'"key_ops"', b'"alg"', b'"k"', b'"d"', b'"n"', b'"e"'),
    ),
    Target("jwe", "an encrypted token", _jwe, tuple(one.encode() for one in _JWES)),
    Target("sealed", "what Limen sealed for itself", _sealed, (_ENVELOPE,)),
    Target(
        "event",
        "a trace event from a file",
        _event,
        (
            (
                b'{"v":1,"run":"r","seq":1,"strategy":"jwt","phase":"refresh","actor":"a",'
                b'"client":"c","request_id":"-","parent":null,"at":1,"dur_ns":1,"status":"ok",'
                b'"in":{},"out":{},"checks":[],"store":{"reads":0,"writes":0,"ops":[]},'
                b'"state_delta":[{"holder":"store","op":"none"}],"code":null,"refs":[],"badges":[]}'
            ),
        ),
    ),
)
