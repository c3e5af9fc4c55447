"""The same corpus at every door: the library, HTTP, the second service, the ID token."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import forged
import pytest
from fastapi import FastAPI
from forged import cases
from forging import MAKERS, NOW, POLICY, Context, contexts
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import OKPKey
from limens import QUICK, blocking
from live import served

from limen import Absent, Authenticated, Limen, Reason, Refused
from limen.claims import examine
from limen.keyring import KeyState
from limen.social import oidc
from limen.social.discovery import Metadata
from limen.social.failure import SocialFailure
from limen.social.id_token import IdTokens
from limen.stores.memory import BlockingMemoryStore, MemoryStore
from limen.testing.clock import FrozenClock
from limen.verify import BlockingVerifier, KeyLimits, Verifier
from limen.web.fastapi import CurrentPrincipal, install

pytestmark = pytest.mark.proves(
    *("asvs:9.1.1", "asvs:9.1.2", "asvs:9.1.3", "asvs:9.2.1", "asvs:9.2.2", "asvs:9.2.3"),
    *("at:6", "at:7", "at:8", "at:9", "jwt:10", "jwt:18", "jwt:19", "jwt:23", "jwt:27"),
    *(f"attack:{n}" for n in (46, 51, 54, 55, 57, 58, 59, 60, 77)),
)
NAMED = {"issuer": POLICY.issuer, "audience": POLICY.audience}
STRATEGIES = ("jwt", "hybrid", "session")
# What a proxy or the server itself takes off the end of a header, or never lets through.
COOLDOWN_S = int(KeyLimits().cooldown)
WITHIN_S = 120  # the longest that a test may take
TRIMMED = " \t"
UNSENDABLE = frozenset("\r\n\0")
COOKIE = b"better-auth.session_token"


def context_of(auth: Any) -> Context:
    """Return what a Limen trusts, as the corpus needs it: whoever signs here is in the system."""
    key = auth._assembly.keys.keyring.signing
    return Context(key.algorithm.value, key, key.jose, MAKERS[key.algorithm.value]())


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("algorithm", ["EdDSA", "HS256"])
def test_authenticate_refuses_every_case_as_a_value(strategy: Any, algorithm: str) -> None:
    async def awaited() -> None:
        async with Limen(
            strategy, store=MemoryStore(), clock=FrozenClock(NOW), **options, **QUICK
        ) as auth:
            at = context_of(auth)
            honest = await auth.authenticate(at.sign())
            assert isinstance(honest, Authenticated) == (strategy != "session")
            for name, presented in cases(at):
                assert isinstance(await auth.authenticate(presented), Refused), name
            assert isinstance(await auth.authenticate(None), Absent)

    options: Any = NAMED | {"algorithm": algorithm}
    asyncio.run(awaited())
    store = BlockingMemoryStore()
    with blocking(strategy, store=store, clock=FrozenClock(NOW), **options) as auth:
        for name, presented in cases(context_of(auth)):
            assert isinstance(auth.authenticate(presented), Refused), name
            # A refresh token is never one of these either.
            assert isinstance(auth.refresh(presented), Refused), name


@pytest.fixture(scope="module", params=STRATEGIES)
def site(request: pytest.FixtureRequest) -> Iterator[tuple[str, Context, str]]:
    """Serve an application of FastAPI under one strategy; give what it trusts."""
    clock = FrozenClock(NOW)
    auth = Limen(request.param, store=MemoryStore(), clock=clock, **NAMED, **QUICK)
    app = FastAPI()
    install(app, auth)

    @app.get("/me")
    async def me(principal: CurrentPrincipal) -> str:
        return principal.subject

    with served(app) as (url, _):
        yield url, context_of(auth), request.param


def sendable(at: Context) -> Iterator[tuple[str, str]]:
    honest = at.sign()
    for name, presented in cases(at):
        if not isinstance(presented, str) or UNSENDABLE & set(presented):
            continue
        if presented.strip(TRIMMED) not in ("", honest) and len(presented) < 30_000:
            yield name, presented


Answer = tuple[bytes, bytes, bytes]
REQUEST = b"GET /me HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s\r\n\r\n"


def answers(url: str, carrier: str, presented: Sequence[str]) -> Iterator[Answer]:
    """Send requests without waiting for each answer; yield status, challenge and body of each."""
    begin = {"header": b"Authorization: Bearer ", "cookie": b"Cookie: " + COOKIE + b"="}[carrier]
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 60) as line:
        read = line.makefile("rb")
        for first in range(0, len(presented), 30):
            group = [one.encode("utf-8", "surrogatepass") for one in presented[first : first + 30]]
            line.sendall(b"".join(REQUEST % (begin, one) for one in group))
            for _ in group:
                status, fields = read.readline(), {}
                while (field := read.readline()) not in (b"\r\n", b""):
                    name, _, value = field.partition(b":")
                    fields[name.lower()] = value.strip()
                yield (
                    status,
                    fields.get(b"www-authenticate", b""),
                    read.read(int(fields[b"content-length"])),
                )


@pytest.mark.parametrize("carrier", ["header", "cookie"])
def test_http_answers_every_case_alike(site: tuple[str, Context, str], carrier: str) -> None:
    url, at, strategy = site
    ((status, _, body),) = answers(url, carrier, [at.sign()])
    honest = (401, body) if strategy == "session" else (200, b'"acc_1"')
    assert (int(status.split()[1]), body) == honest
    names, presented = zip(*sendable(at), strict=True)
    assert len(names) > 400
    seen = dict(zip(answers(url, carrier, presented), names, strict=True))
    assert len(seen) == 1, seen
    ((status, challenge, body),) = seen
    assert int(status.split()[1]) == 401
    assert challenge.startswith(b"Bearer")
    assert len(body) < 200


PUBLIC = [pytest.param(at, id=at.algorithm) for at in contexts() if at.algorithm != "HS256"]


@pytest.mark.parametrize("at", PUBLIC)
@pytest.mark.proves("attack:53")
def test_a_second_service_refuses_every_case_and_asks_for_keys_once(at: Context) -> None:
    asked = []
    app = FastAPI()

    @app.get("/jwks")
    async def keys() -> dict[str, Any]:
        asked.append(1)
        return at.keys.jwks()

    async def awaited(url: str) -> None:
        async with Verifier(url, clock=clock, **NAMED) as verifier:
            assert isinstance(await verifier.authenticate(at.sign()), Authenticated)
            for name, presented in cases(at):
                assert isinstance(await verifier.authenticate(presented), Refused), name

    clock = FrozenClock(NOW)
    with served(app) as (url, _):
        with BlockingVerifier(f"{url}/jwks", clock=clock, **NAMED) as verifier:
            assert isinstance(verifier.authenticate(at.sign()), Authenticated)
            for name, presented in cases(at):
                assert isinstance(verifier.authenticate(presented), Refused), name
        asyncio.run(awaited(f"{url}/jwks"))
    # Once at the start and, for ids that nobody knows, once more in each cooldown.
    assert 2 <= len(asked) <= 2 + 2 * (1 + WITHIN_S // COOLDOWN_S)


class Listed:
    """A provider's keys, as they were read."""

    def __init__(self, at: Context) -> None:
        self.listed = [at.jose.as_dict(private=False) | {"kid": at.key.id, "use": "sig"}]

    async def keys(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return self.listed


@pytest.mark.parametrize("at", PUBLIC)
@pytest.mark.proves("asvs:6.8.2")
def test_an_id_token_of_another_form_or_signature_is_refused(at: Context) -> None:
    provider = oidc("hub", POLICY.issuer, POLICY.audience, "a-secret")
    metadata = Metadata("", "", algorithms=("RS256", "ES256", "EdDSA"))
    judge = IdTokens(Listed(at), FrozenClock(NOW))  # type: ignore[arg-type]  # it has the one verb
    strict = (forged.none, forged.swapped, forged.confused, forged.shapes, forged.base64)
    must = {name for family in (*strict, forged.signatures) for name, _ in family(at)}

    async def judged(token: Any) -> dict[str, Any] | None:
        try:
            return await judge.judge(token, provider, metadata, None, nonce=None)  # type: ignore[arg-type]  # nothing is fetched
        except SocialFailure:
            return None

    async def all_of_them() -> None:
        honest = await judged(at.sign())
        assert honest is not None
        assert honest["sub"] == "acc_1"
        believed = [name for name, token in cases(at) if await judged(token) is not None]
        # Other claims and members than those of an access token are the provider's business.
        assert not must & set(believed)
        assert not [name for name in believed if name.startswith(("crit", "b64", "embedded: j"))]

    asyncio.run(all_of_them())


HONEST = {at.algorithm: at.sign() for at in contexts()}
ED = next(at for at in contexts() if at.algorithm == "EdDSA")
EDITS = st.lists(
    st.tuples(
        st.integers(0, len(HONEST["EdDSA"])),
        st.integers(0, 3),
        st.text('AQgw.=-_+/ \n\0é{}"', max_size=3) | st.text(max_size=2),
    ),
    min_size=1,
    max_size=4,
)


@given(EDITS)
@settings(max_examples=400, deadline=None)
@pytest.mark.proves("jwt:27")
def test_a_token_has_one_spelling(edits: list[tuple[int, int, str]]) -> None:
    text = HONEST["EdDSA"]
    for at, cut, put in edits:
        text = text[:at] + put + text[at + cut :]
    examination = examine(text, ED.keys, POLICY, NOW)
    assert (examination.claims is not None) == (text == HONEST["EdDSA"])
    assert (examination.reason is None) == (text == HONEST["EdDSA"])


@given(st.one_of(st.text(), st.binary(), st.integers(), st.none(), st.lists(st.text())))
@settings(max_examples=200, deadline=None)
def test_whatever_is_presented_the_verdict_is_a_value(presented: Any) -> None:
    for at in contexts():
        examination = examine(presented, at.keys, POLICY, NOW)
        assert examination.claims is None
        assert isinstance(examination.reason, Reason)
        assert examination.checks()


def test_a_key_that_is_retired_believes_nothing_more() -> None:
    assert examine(HONEST["EdDSA"], ED.keys, POLICY, NOW).claims is not None
    retired = type(ED.key)(ED.key.id, ED.key.algorithm, KeyState.RETIRED, ED.jose)
    other = type(ED.keys)([retired])
    assert examine(HONEST["EdDSA"], other, POLICY, NOW).reason is Reason.UNKNOWN_KEY
    assert isinstance(ED.jose, OKPKey)
