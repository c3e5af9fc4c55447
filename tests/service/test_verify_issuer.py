"""A second service verifies tokens of a running Limen, with neither its database nor its secret."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import pytest
from key_servers import document, key_server
from live import Live, served

from limen import Authenticated, Reason, Refused, StoreUnavailable, Target
from limen.claims import TokenPolicy
from limen.guarantees import RevocationCheck
from limen.jose import sign
from limen.keyring import derived_keyring
from limen.sealing import Secrets
from limen.testing.clock import FrozenClock
from limen.verify import BlockingVerifier, KeyLimits, Verifier
from limen.verify.mismatches import SILENCE_MS, Mismatches

PATIENCE_S = 20
NAMED = {"issuer": "limen", "audience": "limen"}
# Fetches whenever it is asked to, so that a test need not wait.
EAGER = KeyLimits(cooldown=0.000_001, seconds=10)


def token_of(live: Live, email: str) -> str:
    """Return an access token of somebody who has just signed up."""
    return str(live.app(email)[1]["token"])


def subject_of(verdict: object) -> str:
    assert isinstance(verdict, Authenticated), verdict
    return verdict.principal.subject


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.proves("asvs:8.3.3")
def test_a_token_of_hybrid_and_one_for_other_services_are_verified(shared: Live) -> None:
    client, kept = shared.app("two@example.org")
    for_others = client.get("/token").json()["token"]

    async def both() -> list[object]:
        async with Verifier(f"{shared.api}/jwks", **NAMED) as verifier:
            return [await verifier.authenticate(one) for one in (kept["token"], for_others, None)]

    own, other, nobody = asyncio.run(both())
    assert isinstance(own, Authenticated)
    assert isinstance(other, Authenticated)
    assert own.principal.subject == other.principal.subject == kept["user"]["id"]
    assert own.principal.session_id == other.principal.session_id
    assert type(nobody).__name__ == "Absent"
    with BlockingVerifier(f"{shared.api}/jwks", **NAMED) as blocking:
        assert blocking.authenticate(kept["token"]) == own
        assert blocking.authenticate(kept["token"]) is blocking.authenticate(kept["token"])


@pytest.mark.proves("asvs:10.3.1", "oauth:12", "asvs:9.2.4")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"audience": "another"}, Reason.WRONG_AUDIENCE),
        ({"issuer": "another"}, Reason.WRONG_ISSUER),
        ({"lifetime": 60}, Reason.LIVES_TOO_LONG),
        ({"clock": 600_000}, Reason.EXPIRED),
        ({"clock": -600_000}, Reason.NOT_YET_VALID),
    ],
)
def test_what_does_not_fit_is_refused_by_the_rules_of_limen(
    shared: Live, changes: dict[str, object], reason: Reason
) -> None:
    token = token_of(shared, f"{reason}@example.org")
    if "clock" in changes:  # by now, not by when the tests were collected
        changes = {"clock": FrozenClock(time.time_ns() // 1_000_000 + int(str(changes["clock"])))}
    verifier = BlockingVerifier(f"{shared.api}/jwks", **(NAMED | changes))  # type: ignore[arg-type]
    assert verifier.authenticate(token) == Refused(reason)


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, logger="limen.verify")
    return caplog


def test_an_operator_reads_which_name_is_wrong(
    shared: Live, warned: pytest.LogCaptureFixture
) -> None:
    token = token_of(shared, "named@example.org")
    head, body, signature = token.split(".")
    forged = f"{head}.{body}.{signature[:-4]}AAAA"

    async def awaited() -> None:
        for names in ({"issuer": "https://a.example"}, {"audience": "https://b.example"}):
            async with Verifier(f"{shared.api}/jwks", **(NAMED | names)) as verifier:
                for one in (token, forged, "x"):
                    await verifier.authenticate(one)

    asyncio.run(awaited())
    issuer, audience = (one.getMessage() for one in warned.records)
    for said in ("WRONG_ISSUER", "iss is 'limen'", "expects 'https://a.example'", "else `limen`"):
        assert said in issuer
    for said in ("WRONG_AUDIENCE", "aud is 'limen'", "expects 'https://b.example'"):
        assert said in audience
    for part in (token, body, signature):
        assert part not in issuer + audience


def test_an_operator_is_told_seldom_and_how_often_it_was(
    shared: Live, warned: pytest.LogCaptureFixture
) -> None:
    token = token_of(shared, "seldom@example.org")
    clock = FrozenClock(time.time_ns() // 1_000_000)
    verifier = BlockingVerifier(
        f"{shared.api}/jwks", issuer="a", audience="limen", clock=clock, limits=EAGER
    )
    for _ in range(4):
        verifier.authenticate(token)
    assert len(warned.records) == 1
    assert warned.records[0].levelno == logging.WARNING
    clock.advance(SILENCE_MS)
    verifier.authenticate(token)
    assert len(warned.records) == 2
    assert "(3 more" in warned.records[1].getMessage()


@pytest.mark.proves("asvs:16.4.1")
def test_what_a_token_says_reaches_the_log_short_and_harmless(
    warned: pytest.LogCaptureFixture,
) -> None:
    key = derived_keyring(Secrets.of("uV3n-0p1K7x_Gd5tQeY2rWbL9cZ4mHs8JfAa6iXo")).signing
    policy = TokenPolicy(issuer="limen", audience="limen")
    says = {"aud": ["a\r\n\x1b[2J\u202e" + "b" * 200, "c", "d", "e", "f"]}
    token = sign(says, key, "at+jwt").reveal()
    Mismatches(policy, FrozenClock()).notice(token, Refused(Reason.WRONG_AUDIENCE))
    said = warned.records[0].getMessage()
    assert said.isascii() or said.replace("…", "").isascii()
    assert "'a\\r\\n\\x1b[2J\\u202e" in said
    assert "b" * 101 not in said
    assert "'d' and 2 more" in said
    assert said.isprintable()


def test_forged_and_foreign_text_is_refused(shared: Live) -> None:
    token = token_of(shared, "forged@example.org")
    head, body, signature = token.split(".")
    verifier = BlockingVerifier(f"{shared.api}/jwks", **NAMED)
    other = signature[:-2] + ("Aw" if signature[-2:] != "Aw" else "AQ")
    assert isinstance(verifier.authenticate(f"{head}.{body}.{other}"), Refused)
    for text in ("", "x", "ey.ey.ey", f"{head}.{body}.", "lrt_" + "a" * 43, "é" * 9_000):
        assert isinstance(verifier.authenticate(text), Refused), text
    assert isinstance(verifier.authenticate(token), Authenticated)


@pytest.mark.proves("asvs:11.2.2", "asvs:13.3.4", "attack:47")
def test_keys_that_rotate_are_known_before_they_sign(start: Callable[..., Live]) -> None:
    live = start("hybrid")
    verifier = BlockingVerifier(f"{live.api}/jwks", **NAMED)
    first = token_of(live, "first@example.org")
    assert subject_of(verifier.authenticate(first))
    live.run(live.auth.rotate_keys(at_once=True))
    # The key that signs now was published with the first: no other fetch is needed.
    assert subject_of(verifier.authenticate(token_of(live, "second@example.org")))
    live.run(live.auth.rotate_keys(at_once=True))
    third = token_of(live, "third@example.org")
    assert verifier.authenticate(third) == Refused(Reason.UNKNOWN_KEY)  # too soon to ask again
    eager = BlockingVerifier(f"{live.api}/jwks", **NAMED, limits=EAGER)
    live.run(live.auth.rotate_keys(at_once=True))
    live.run(live.auth.rotate_keys(at_once=True))
    assert subject_of(eager.authenticate(token_of(live, "fourth@example.org")))
    assert subject_of(eager.authenticate(first))  # its key verifies on


@pytest.mark.proves("attack:52")
def test_an_issuer_that_is_gone_is_believed_for_as_long_as_its_keys_may_age(
    start: Callable[..., Live],
) -> None:
    live = start("hybrid", access_lifetime=7_200)
    token = token_of(live, "gone@example.org")
    keys = live.client().get("/jwks").content
    clock = FrozenClock(time.time_ns() // 1_000_000)
    limits = KeyLimits(cooldown=0.01, refresh=0.02, maximum_age=3_600, seconds=10)
    with key_server(document(keys)) as issuer:
        verifier = BlockingVerifier(issuer.url, **NAMED, clock=clock, lifetime=7_200, limits=limits)
        assert subject_of(verifier.authenticate(token))
    clock.advance(3_590_000)
    assert subject_of(verifier.authenticate(token))  # the fetch in the background fails
    clock.advance(20_000)
    with pytest.raises(StoreUnavailable, match="key set"):
        verifier.authenticate(token)


def test_an_issuer_that_never_answered_lets_nobody_in_and_is_found_when_it_comes(
    shared: Live,
) -> None:
    token = token_of(shared, "late@example.org")
    keys = shared.client().get("/jwks").content

    async def wait_for_it() -> str:
        with key_server(document("down", status="503 Down")) as issuer:
            async with Verifier(issuer.url, **NAMED, limits=EAGER) as verifier:
                with pytest.raises(StoreUnavailable):
                    await verifier.authenticate(token)
                issuer.answer = document(keys)
                return subject_of(await verifier.authenticate(token))

    assert asyncio.run(wait_for_it())


@pytest.mark.proves("attack:53")
def test_a_flood_of_invented_key_ids_costs_one_fetch(shared: Live) -> None:
    token = token_of(shared, "flood@example.org")
    keys = shared.client().get("/jwks").content
    forger = "eyJhbGciOiJFZERTQSIsImtpZCI6IngiLCJ0eXAiOiJhdCtqd3QifQ"
    forged = f"{forger}.{token.split('.')[1]}.{token.split('.')[2]}"

    async def flood(url: str) -> None:
        async with Verifier(url, **NAMED) as verifier:
            verdicts = await asyncio.gather(*(verifier.authenticate(forged) for _ in range(2_000)))
            assert set(verdicts) == {Refused(Reason.UNKNOWN_KEY)}
            assert subject_of(await verifier.authenticate(token))

    with key_server(document(keys)) as issuer:
        asyncio.run(flood(issuer.url))
        assert len(issuer.asked) == 1
        blocking = BlockingVerifier(issuer.url, **NAMED)
        with ThreadPoolExecutor(16) as pool:
            refused = set(pool.map(blocking.authenticate, [forged] * 500))
        assert refused == {Refused(Reason.UNKNOWN_KEY)}
        assert len(issuer.asked) == 2


def test_keys_are_fetched_again_before_long_and_while_nobody_waits(shared: Live) -> None:
    token = token_of(shared, "refresh@example.org")
    keys = shared.client().get("/jwks").content
    limits = KeyLimits(cooldown=0.001, refresh=0.002)
    with key_server(document(keys)) as issuer:
        verifier = BlockingVerifier(issuer.url, **NAMED, limits=limits)
        verdict = verifier.authenticate(token)

        def fetched_again() -> bool:
            # The same object: what was verified stays so while the keys are the same.
            assert verifier.authenticate(token) is verdict
            return len(issuer.asked) >= 5

        eventually(fetched_again)
        issuer.answer = document("<html>", kind="text/html")
        asked = len(issuer.asked)
        eventually(lambda: _asked(verifier, token, issuer.asked, asked))
        assert subject_of(verifier.authenticate(token))  # on the keys of before


def _asked(verifier: BlockingVerifier, token: str, asked: list[str], before: int) -> bool:
    verifier.authenticate(token)
    return len(asked) > before + 2


def test_what_is_promised_is_said() -> None:
    url = "https://app.example/api/auth/jwks"
    without = BlockingVerifier(url, **NAMED).guarantees
    assert without.check is RevocationCheck.EXPIRY
    assert (without.revocation_window, without.needs_store) == (300_000, False)
    following = BlockingVerifier(url, **NAMED, feed="redis://127.0.0.1:1/0").guarantees
    assert following.check is RevocationCheck.FEED
    assert (following.revocation_window, following.needs_store) == (2_000, True)


def test_without_a_feed_a_revoked_token_works_on_as_is_promised(shared: Live) -> None:
    _, kept = shared.app("on@example.org")
    verifier = BlockingVerifier(f"{shared.api}/jwks", **NAMED)
    subject = subject_of(verifier.authenticate(kept["token"]))
    shared.run(shared.auth.revoke(Target.user(subject)))
    assert subject_of(verifier.authenticate(kept["token"])) == subject


def test_a_fastapi_service_asks_in_one_line(shared: Live) -> None:
    import httpx
    from fastapi import Depends, FastAPI

    from limen import Principal
    from limen.web.verifying import TokenPrincipal

    _, kept = shared.app("line@example.org")
    verifier = Verifier(f"{shared.api}/jwks", **NAMED)
    app = FastAPI(lifespan=verifier.lifespan)
    signed_in = TokenPrincipal(verifier)

    @app.get("/who")
    async def who(caller: Annotated[Principal, Depends(signed_in)]) -> str:
        return caller.subject

    @app.get("/admin", dependencies=[Depends(TokenPrincipal(verifier, "admin"))])
    async def admin() -> str:
        return "all"

    lost = Verifier("http://127.0.0.1:1/jwks", **NAMED)

    @app.get("/lost", dependencies=[Depends(TokenPrincipal(lost))])
    async def nowhere() -> str:
        return "never"

    with served(app) as (url, _), contextlib.closing(httpx.Client(base_url=url)) as client:
        bearer = {"Authorization": f"Bearer {kept['token']}"}
        assert client.get("/who", headers=bearer).json() == kept["user"]["id"]
        answers = [
            client.get("/who"),
            client.get("/who", headers={"Authorization": "Bearer x"}),
            client.get("/who", headers=[*bearer.items(), *bearer.items()]),
            client.get("/who", headers={"Cookie": f"better-auth.session_token={kept['token']}"}),
            client.get("/admin", headers=bearer),
            client.get("/lost", headers=bearer),
        ]
        assert [one.status_code for one in answers] == [401, 401, 401, 401, 403, 503]
        assert "www-authenticate" in answers[0].headers
