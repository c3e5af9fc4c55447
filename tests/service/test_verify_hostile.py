"""Key sets from servers that mean harm: nothing they send is believed, held or waited for long."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from certificates import certificate
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from joserfc.jwk import ECKey, OctKey, OKPKey
from key_servers import document, dripping, endless, key_server
from live import Live

from limen import Authenticated, ConfigurationError, StoreUnavailable
from limen.testing.clock import FrozenClock
from limen.verify import BlockingVerifier, KeyLimits, Verifier
from limen.verify.fetching import FetchFailed, exchange
from limen.verify.key_set import UnusableKeySet, read_key_set

NAMED = {"issuer": "limen", "audience": "limen"}
SECONDS = 0.5
LIMITS = KeyLimits(seconds=SECONDS)
GOOD = OKPKey.generate_key("Ed25519").as_dict(private=False) | {"alg": "EdDSA", "kid": "good"}
TOKEN = "eyJhbGciOiJFZERTQSIsImtpZCI6Imdvb2QiLCJ0eXAiOiJhdCtqd3QifQ.e30.AAAA"


def keys(*jwks: dict[str, Any]) -> bytes:
    return json.dumps({"keys": jwks}).encode()


def rsa(bits: int) -> dict[str, Any]:
    numbers = generate_private_key(65_537, bits).public_key().public_numbers()
    octets = [value.to_bytes(-(-value.bit_length() // 8)) for value in (numbers.n, numbers.e)]
    n, e = (urlsafe_b64encode(one).rstrip(b"=").decode() for one in octets)
    return {"kty": "RSA", "alg": "RS256", "kid": "rsa", "n": n, "e": e}


REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
ANSWERS: dict[str, Any] = {
    "an endless body": endless,
    "a length that is too large": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Content-Length: 99999999\r\n\r\n{",
    "headers without end": dripping(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, 0),
    "a drip of headers": dripping(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 1_000, 0.02),
    "a drip of a body": dripping(document(keys(GOOD)), 0.02),
    "silence": lambda line: time.sleep(20),
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
    "an empty answer": b"",
    "html": document("<html>sign in</html>", kind="text/html"),
    "json that is called html": document(keys(GOOD), kind="text/html"),
    "an error": document(keys(GOOD), status="500 Oops"),
    "partial content": document(keys(GOOD), status="206 Partial Content"),
    "compressed": document(keys(GOOD)).replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"),
}


@pytest.mark.proves("attack:52")
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_the_wrong_kind_is_refused_in_time(name: str) -> None:
    with key_server(ANSWERS[name]) as server:
        verifier = BlockingVerifier(server.url, **NAMED, limits=LIMITS)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            verifier.authenticate(TOKEN)
        # Generous: what is asked is whether it ends at all, for a drip goes on for a minute.
        assert time.monotonic() - began < SECONDS + 10
        assert len(server.asked) == 1


@pytest.mark.parametrize("name", ["a drip of headers", "a drip of a body", "silence"])
def test_a_fetch_ends_itself_and_leaves_no_thread_behind(name: str) -> None:
    with key_server(ANSWERS[name]) as server:
        began = time.monotonic()
        with pytest.raises(FetchFailed, match="Timeout"):
            exchange(server.url, octets=65_536, seconds=SECONDS)
        assert time.monotonic() - began < SECONDS + 10  # it drips for twice as long


def test_a_good_answer_of_the_same_kind_is_taken() -> None:
    with key_server(document(keys(GOOD), kind="application/jwk-set+json; charset=utf-8")) as server:
        verifier = BlockingVerifier(server.url, **NAMED)
        assert not isinstance(verifier.authenticate(TOKEN), Authenticated)  # and does not raise
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(keys(GOOD)), keys(GOOD))
        server.answer = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + chunked
        )
        BlockingVerifier(server.url, **NAMED).authenticate(TOKEN)
        assert server.asked == ["GET /jwks HTTP/1.1"] * 2


@pytest.mark.proves("asvs:13.2.4", "attack:51")
def test_a_redirect_is_not_followed() -> None:
    with (
        key_server(document(keys(GOOD))) as elsewhere,
        key_server(REDIRECT % elsewhere.url.encode()) as server,
    ):
        with pytest.raises(StoreUnavailable):
            BlockingVerifier(server.url, **NAMED).authenticate(TOKEN)
        assert (len(server.asked), len(elsewhere.asked)) == (1, 0)


@pytest.mark.proves("attack:54")
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("10,000 keys", keys(*({**GOOD, "kid": f"k{n}"} for n in range(10_000)))),
        ("33 keys", keys(*({**GOOD, "kid": f"k{n}"} for n in range(33)))),
        ("33 keys that are not used", keys(GOOD, *({"kty": "OKP", "alg": "x"} for _ in range(32)))),
        ("a symmetric key", keys(GOOD, OctKey.generate_key().as_dict() | {"alg": "HS256"})),
        ("a symmetric key of no algorithm", keys(GOOD, OctKey.generate_key().as_dict())),
        (
            "a private key",
            keys(OKPKey.generate_key("Ed25519").as_dict(private=True) | {"alg": "x"}),
        ),
        ("a weak RSA key", keys(GOOD, rsa(1024))),
        ("an RSA key with a small exponent", keys(GOOD, rsa(2048) | {"e": "Aw"})),
        ("a huge RSA key", keys(GOOD, rsa(2048) | {"n": "_" * 3_000})),
        ("a huge exponent", keys(GOOD, rsa(2048) | {"e": "_" * 300})),
        ("a key of another type", keys({**rsa(2048), "alg": "EdDSA"})),
        (
            "another curve",
            keys(ECKey.generate_key("P-384").as_dict() | {"alg": "ES256", "kid": "e"}),
        ),
        ("a point on no curve", keys(GOOD | {"kid": "p", "x": "A" * 42 + "E"}, GOOD | {"x": 5})),
        ("two keys of one id", keys(GOOD, GOOD)),
        ("no key id", keys({name: value for name, value in GOOD.items() if name != "kid"})),
        ("a key id that no token can name", keys(GOOD | {"kid": "a b"})),
        ("no keys", keys()),
        ("no key that is used", keys(GOOD | {"alg": "RS512"})),
        ("a list", json.dumps([GOOD]).encode()),
        ("keys that are no objects", b'{"keys":["a"]}'),
        ("duplicate members", keys(GOOD)[:-1] + b',"keys":[]}'),
        ("a byte order mark", b"\xef\xbb\xbf" + keys(GOOD)),
        ("no UTF-8", b'{"keys":[],"x":"\xff"}'),
        ("deep nesting", b'{"keys":' + b"[" * 9_000 + b"]" * 9_000 + b"}"),
        ("a long number", b'{"keys":[],"x":' + b"9" * 5_000 + b"}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_set_that_says_what_it_must_not_is_refused_as_a_whole(name: str, body: bytes) -> None:
    with pytest.raises(UnusableKeySet) as refused:
        read_key_set(body, 32)
    assert "AAAA" not in str(refused.value)
    with key_server(document(body)) as server, pytest.raises(StoreUnavailable):
        BlockingVerifier(server.url, **NAMED).authenticate(TOKEN)


def test_what_is_for_somebody_else_is_passed_over() -> None:
    others = (
        {"kty": "RSA", "alg": "RSA-OAEP", "use": "enc", "kid": "e", "n": "AQAB", "e": "AQAB"},
        {**rsa(2048), "use": "enc"},
        {"kty": "EC", "crv": "secp256k1", "x": "A", "y": "A"},
        {**GOOD, "kid": "signs", "key_ops": ["sign"]},
    )
    assert [key.id for key in read_key_set(b" " + keys(*others, GOOD) + b"\n", 32)] == ["good"]


@pytest.mark.proves("attack:52")
def test_a_hostile_answer_keeps_the_keys_of_before_until_they_are_too_old(shared: Live) -> None:
    token = str(shared.app("before@example.org")[1]["token"])
    good = shared.client().get("/jwks").content
    clock = FrozenClock(time.time_ns() // 1_000_000)
    limits = KeyLimits(cooldown=0.001, refresh=0.002, seconds=SECONDS, maximum_age=200)
    with key_server(document(good)) as server:
        verifier = BlockingVerifier(server.url, **NAMED, limits=limits, clock=clock)
        assert isinstance(verifier.authenticate(token), Authenticated)
        server.answer = document(keys(OctKey.generate_key().as_dict() | {"alg": "HS256"}))
        asked = len(server.asked)
        until = time.monotonic() + 20
        while len(server.asked) < asked + 3:
            assert isinstance(verifier.authenticate(token), Authenticated)
            assert time.monotonic() < until
        clock.advance(250_000)
        with pytest.raises(StoreUnavailable):
            verifier.authenticate(token)


@pytest.mark.proves("attack:53")
def test_many_who_wait_for_one_slow_fetch_make_one() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(line: socket.socket) -> None:
        begun.set()
        go_on.wait(20)
        line.sendall(document(keys(GOOD)))

    async def ask(url: str) -> None:
        verifier = Verifier(url, **NAMED, limits=KeyLimits(seconds=20))
        waiting = [asyncio.create_task(verifier.authenticate(TOKEN)) for _ in range(200)]
        assert await asyncio.to_thread(begun.wait, 20)
        waiting[0].cancel()  # who gives up takes nothing from the others
        go_on.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert len({repr(one) for one in answers[1:]}) == 1
        assert "BAD_SIGNATURE" in repr(answers[1])

    with key_server(slowly) as server:
        asyncio.run(ask(server.url))
        assert len(server.asked) == 1


@pytest.mark.proves("asvs:12.2.1", "attack:51")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "jwks",
        "http://app.example/jwks",
        "http://10.0.0.1/jwks",
        "http://localhost.example/jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "https://user:pass@app.example/jwks",
        "https://app.example/jwks#x",
        "https://app.example/jw ks",
        "https://app.example:99999/jwks",
        "https://app.example/\r\nHost: other",
        "https:///jwks",
    ],
)
def test_an_address_that_cannot_be_trusted_is_refused_at_start(url: str) -> None:
    with pytest.raises(ConfigurationError, match="jwks_url"):
        Verifier(url, **NAMED)


@pytest.mark.parametrize(
    "url", ["https://app.example/jwks", "http://localhost:1/j", "http://[::1]/j"]
)
def test_an_address_that_can_be_is_taken(url: str) -> None:
    Verifier(url, **NAMED)


@pytest.mark.parametrize(
    "options",
    [
        {"limits": lambda: KeyLimits(octets=0)},
        {"limits": lambda: KeyLimits(seconds=float("inf"))},
        {"limits": lambda: KeyLimits(refresh=10_000)},
        {"limits": lambda: KeyLimits(cooldown=300)},
        {"feed_interval": lambda: 2},
        {"feed": lambda: "mysql://host/name"},
        {"feed": lambda: "redis://:a secret@host:port"},
        {"leeway": lambda: 3_600},
        {"tls": ssl._create_unverified_context},
    ],
)
def test_settings_that_are_none_are_refused_without_what_they_hold(
    options: dict[str, Callable[[], Any]],
) -> None:
    def make() -> Verifier:
        given = {name: option() for name, option in options.items()}
        return Verifier("https://app.example/jwks", **NAMED, **given)

    with pytest.raises(ConfigurationError) as refused:
        make()
    assert "secret@" not in str(refused.value)


@pytest.mark.proves("asvs:12.3.2", "attack:51")
def test_who_answers_over_https_is_checked(tmp_path: Path) -> None:
    authority, secret = certificate(tmp_path, "127.0.0.1")
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(authority, secret)
    with key_server(document(keys(GOOD)), tls=server_context) as server:
        with pytest.raises(StoreUnavailable):
            BlockingVerifier(server.url, **NAMED).authenticate(TOKEN)
        known = ssl.create_default_context(cafile=str(authority))
        BlockingVerifier(server.url, **NAMED, tls=known).authenticate(TOKEN)
        named_otherwise = server.url.replace("127.0.0.1", "localhost")
        with pytest.raises(StoreUnavailable):
            BlockingVerifier(named_otherwise, **NAMED, tls=known).authenticate(TOKEN)
