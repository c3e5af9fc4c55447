"""Providers that lie, drown or stall: nobody is signed in, and little is asked of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hostile import CURVE, KEY, OTHER, Liar, Request, lying, public, shared_secret, signed
from joserfc.jwk import OctKey
from live import Live
from walks import begin, error_of, landed, query_of, returned, sign_in, user_of

from limen.social.discovery import Directory
from limen.social.failure import SocialFailure
from limen.social.outbound import MAX_OCTETS, outbound
from limen.testing.clock import FrozenClock

REFUSED = "unable_to_get_user_info"
Signer = Callable[[dict[str, Any]], str]


@pytest.fixture
def liar() -> Iterator[Liar]:
    with lying() as one:
        yield one


@pytest.fixture
def browser(liar: Liar, start: Callable[..., Live]) -> httpx.Client:
    return start(providers=[liar.registered()]).client()


def outcome(browser: httpx.Client) -> str:
    answer = sign_in(browser, "nobody asks")
    if "error=" not in answer.headers["location"]:
        return landed(answer)
    assert user_of(browser) is None
    return error_of(answer)


def confused(claims: dict[str, Any]) -> str:
    """Use the public key, which everybody has, as if it were a shared secret."""
    octets = KEY.as_pem(private=False)
    return signed(claims, OctKey.import_key(octets.hex(), {"kid": "first"}), "HS256")


SIGNERS: dict[str, Signer] = {
    "another key of the same name": lambda c: signed(c, OTHER),
    "an unknown key": lambda c: signed(c, OTHER, kid="unknown"),
    "none": lambda c: signed(c, KEY, "none"),
    "the client secret": lambda c: signed(c, shared_secret(), "HS256"),
    "the public key as a secret": confused,
    "an algorithm that is not offered": lambda c: signed(c, KEY, "RS512"),
    "a key in the token": lambda c: signed(c, OTHER, jwk=public(OTHER), kid="x"),
    "a critical header": lambda c: signed(c, KEY, crit=["exp"], exp=1),
    "no text": lambda _: "a.b.c",
    "too much": lambda c: signed(c | {"more": "x" * 20_000}),
}


@pytest.mark.proves("asvs:6.8.2")
@pytest.mark.parametrize("name", SIGNERS)
def test_an_id_token_must_be_signed_by_the_provider(
    liar: Liar, browser: httpx.Client, name: str
) -> None:
    liar.sign = SIGNERS[name]
    assert outcome(browser) == REFUSED
    liar.sign = signed
    assert outcome(browser) == "/"


@pytest.mark.proves("asvs:10.5.4", "asvs:10.5.1")
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["limen", "other"]},
        {"aud": ["limen", "other"], "azp": "limen"},
        {"aud": None},
        {"azp": "other"},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"iat": 1},
        {"iat": 2**40},
        {"nbf": 2**40},
        {"nonce": None},
        {"nonce": "another"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"at_hash": "wrong"},
    ],
    ids=json.dumps,
)
def test_an_id_token_must_be_for_us_and_for_now(
    liar: Liar, browser: httpx.Client, claims: dict[str, Any]
) -> None:
    liar.claims = claims
    assert outcome(browser) == REFUSED
    liar.claims = {"aud": ["limen"], "azp": "limen"}
    assert outcome(browser) == "/"


def test_the_user_endpoint_must_speak_of_the_same_person(liar: Liar, browser: httpx.Client) -> None:
    liar.claims = {"email": None, "email_verified": None}
    liar.userinfo = {"sub": "somebody", "email": "victim@example.org", "email_verified": True}
    assert outcome(browser) == REFUSED
    liar.userinfo = {"email": "liar@example.org", "email_verified": True}
    assert outcome(browser) == "/"


@pytest.mark.parametrize("stated", ["yes", 1, "True", [True], None, False])
def test_an_address_is_believed_only_in_plain_words(
    liar: Liar, browser: httpx.Client, stated: object
) -> None:
    liar.claims = {"email_verified": stated}
    assert outcome(browser) == "email_not_verified"
    liar.claims = {"email_verified": True, "email": "no address"}
    assert outcome(browser) == "email_not_found"


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": None},
        {"access_token": "x" * 20_000},
        {"token_type": "mac"},
        {"token_type": None},
        {"error": "invalid_grant"},
    ],
    ids=str,
)
def test_a_token_endpoint_that_answers_something_else_is_refused(
    liar: Liar, browser: httpx.Client, answer: dict[str, Any]
) -> None:
    liar.token = answer
    assert outcome(browser) == "invalid_code"


@pytest.mark.proves("asvs:6.8.2")
def test_an_answer_without_an_id_token_is_none(liar: Liar, browser: httpx.Client) -> None:
    liar.token = {"id_token": None}
    assert outcome(browser) == REFUSED


@pytest.mark.proves("asvs:10.5.3")
@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": "https://user:word@evil.example/token"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "http://169.254.169.254/latest"},
        {"id_token_signing_alg_values_supported": ["none", "HS256"]},
        {"id_token_signing_alg_values_supported": "RS256"},
        {"code_challenge_methods_supported": ["plain"]},
    ],
    ids=json.dumps,
)
def test_metadata_that_cannot_be_believed_begin_nothing(
    liar: Liar, browser: httpx.Client, metadata: dict[str, Any]
) -> None:
    liar.metadata = metadata
    answer = browser.post("/sign-in/social", json={"provider": "hub"})
    assert (answer.status_code, answer.json()["code"]) == (502, "PROVIDER_UNREACHABLE")
    liar.metadata = {}
    begin(browser, "hub")


def redirecting(where: str) -> Callable[[object], tuple[int, dict[str, str], bytes]]:
    return lambda _: (302, {"Location": where}, b"")


WELL_KNOWN = "/.well-known/openid-configuration"
BAD_ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "no JSON": (200, {}, b"<html>"),
    "no object": (200, {}, b"[]"),
    "deep": (200, {}, b"[" * 100_000),
    "an error": (500, {}, b"{}"),
    "nothing": (404, {}, b"{}"),
    "compressed": (200, {"Content-Encoding": "gzip"}, b"{}"),
}


@pytest.mark.parametrize("kind", BAD_ANSWERS)
@pytest.mark.parametrize("path", [WELL_KNOWN, "/keys", "/token"])
def test_an_answer_that_is_none_ends_the_attempt(
    liar: Liar, browser: httpx.Client, path: str, kind: str
) -> None:
    if path != WELL_KNOWN:
        back = returned(browser, begin(browser, "hub"), "x")
    liar.replies[path] = lambda _: BAD_ANSWERS[kind]
    if path == WELL_KNOWN:
        assert browser.post("/sign-in/social", json={"provider": "hub"}).status_code == 502
    else:
        assert error_of(browser.get(back)) in {"provider_unreachable", "invalid_code"}
        assert user_of(browser) is None


@pytest.mark.parametrize("path", [WELL_KNOWN, "/keys", "/token"])
def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    liar: Liar, browser: httpx.Client, path: str
) -> None:
    def padded(request: Request) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = liar.honest(request)
        return status, headers, body + b" " * MAX_OCTETS  # right in every other respect

    url = begin(browser, "hub") if path != WELL_KNOWN else None
    liar.replies[path] = padded
    if url is None:
        assert browser.post("/sign-in/social", json={"provider": "hub"}).status_code == 502
    else:
        assert error_of(browser.get(returned(browser, url, "x"))) == "provider_unreachable"


@pytest.mark.proves("asvs:13.2.4")
def test_no_redirect_of_a_provider_is_followed(liar: Liar, browser: httpx.Client) -> None:
    with lying() as inside:
        liar.replies[WELL_KNOWN] = redirecting(f"{inside.issuer}{WELL_KNOWN}")
        assert browser.post("/sign-in/social", json={"provider": "hub"}).status_code == 502
        del liar.replies[WELL_KNOWN]
        back = returned(browser, begin(browser, "hub"), "x")
        liar.replies["/token"] = redirecting(f"{inside.issuer}/token")
        assert error_of(browser.get(back)) == "provider_unreachable"
        assert inside.asked == []


def test_a_provider_that_drips_is_not_waited_for(liar: Liar) -> None:
    async def ask() -> None:
        # One octet in each tenth of a second: every single read is quick, the whole never ends.
        liar.replies[WELL_KNOWN] = lambda _: (200, {"X-Slow": "0.1"}, b" " * 600 + b"{}")
        with pytest.raises(SocialFailure, match="TimeoutError"):
            async with outbound(0.5) as out:
                await out.object_at(liar.issuer + WELL_KNOWN)

    asyncio.run(ask())


def test_metadata_and_keys_are_asked_for_seldom(liar: Liar) -> None:
    async def ask() -> None:
        clock = FrozenClock()
        directory, provider = Directory(clock), liar.registered()
        async with outbound() as out:
            for _ in range(3):
                metadata = await directory.metadata(provider, out)
                await directory.keys(provider, metadata, out)
                await directory.keys(provider, metadata, out, newer=True)
            assert liar.asked == [WELL_KNOWN, "/keys"]
            clock.advance(60_000)
            await directory.keys(provider, metadata, out, newer=True)
            assert liar.asked.count("/keys") == 2
            clock.advance(3_600_000)
            await directory.metadata(provider, out)
            await directory.keys(provider, metadata, out)
            assert (liar.asked.count(WELL_KNOWN), liar.asked.count("/keys")) == (2, 3)

    asyncio.run(ask())


def test_a_new_key_is_found_without_a_restart(liar: Liar) -> None:
    async def ask() -> None:
        clock = FrozenClock()
        directory, provider = Directory(clock), liar.registered()
        async with outbound() as out:
            metadata = await directory.metadata(provider, out)
            await directory.keys(provider, metadata, out)
            liar.keys.append(public(CURVE))
            assert len(await directory.keys(provider, metadata, out, newer=True)) == 1
            clock.advance(60_000)
            assert len(await directory.keys(provider, metadata, out, newer=True)) == 2

    asyncio.run(ask())


@pytest.mark.proves("asvs:6.8.4")
@pytest.mark.parametrize(
    ("age", "acr", "accepted"),
    [
        (0, "gold", True),
        (300, "silver", True),
        (500, "gold", False),
        (-500, "gold", False),
        (None, "gold", False),
        (0, "bronze", False),
        (0, None, False),
        (0, ["gold"], False),
    ],
)
def test_a_required_age_and_strength_are_verified_and_what_is_missing_is_the_weakest(
    liar: Liar, start: Callable[..., Live], age: int | None, acr: object, accepted: bool
) -> None:
    provider = liar.registered(max_age=300, acr_values=("gold", "silver"))
    live = start(providers=[provider])
    now = int(time.time())
    liar.claims = {"auth_time": None if age is None else now - age, "acr": acr}
    browser = live.client()
    url = begin(browser)
    asked = query_of(url)
    assert (asked["max_age"], asked["acr_values"]) == ("300", "gold silver")
    answer = browser.get(returned(browser, url, "nobody asks"))
    if not accepted:
        assert error_of(answer) == REFUSED
        assert browser.get("/get-session").json() is None
        return
    who = browser.get("/get-session").json()["session"]["id"]
    session = live.run(live.auth.session(who))
    assert session is not None
    assert session.authenticated_at == (now - (age or 0)) * 1000
