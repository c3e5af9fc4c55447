"""A second service takes a bound token with its proof only, and each proof once."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from fastapi import Depends, FastAPI
from holders import Holder, Proving
from live import EMAIL, NAME, PASSWORD, Live, serve, served

from limen import Authenticated, ConfigurationError, Proof, ProofPolicy, Reason, Refused
from limen.clock import SystemClock
from limen.effects import Increment
from limen.errors import StoreUnavailable
from limen.stores.memory import MemoryStore
from limen.stores.sql import migrate
from limen.verify import BlockingVerifier, Verifier
from limen.verify.replays import SeenProofs
from limen.web.verifying import TokenPrincipal

PERSON = {"name": NAME, "email": EMAIL, "password": PASSWORD}
URL = "https://api.example/orders"
PUBLIC = "https://api.example"
MINUTE = 60_000


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("issuer")
    migrate(f"sqlite+aiosqlite:///{home}/template.db")
    with serve(home / "template.db", home, "hybrid", dpop="accept") as live:
        yield live


@pytest.fixture(scope="module")
def bound(issuer: Live, holder: Holder) -> str:
    proving = Proving(holder, SystemClock())
    answer = issuer.client(origin=False).post("/sign-up/email", json=PERSON, auth=proving)
    return str(answer.json()["token"])


@pytest.fixture(scope="module")
def bearer(issuer: Live) -> str:
    return str(issuer.app("bearer@example.org")[1]["token"])


def named(live: Live) -> dict[str, str]:
    return {"jwks_url": live.api + "/jwks", "issuer": "limen", "audience": "limen"}


def proof(by: Holder, access: str) -> Proof:
    return Proof(by.proof("GET", URL, SystemClock().now(), access=access), "GET", URL)


@pytest.mark.proves("dpop:12", "dpop:13", "dpop:14", "dpop:17", "attack:7", "asvs:10.3.5")
def test_a_verifier_asks_for_the_key(
    issuer: Live, bound: str, bearer: str, holder: Holder, thief: Holder
) -> None:
    with BlockingVerifier(**named(issuer)) as verifier:
        for _ in range(2):  # what it remembers makes no difference
            accepted = verifier.authenticate(bound, proof(holder, bound))
            assert isinstance(accepted, Authenticated)
            assert accepted.principal.bound_to == holder.thumbprint
            assert verifier.authenticate(bound) == Refused(Reason.UNPROVEN)
            assert verifier.recognise(bound.encode()) is None
            assert verifier.authenticate(bound, proof(thief, bound)) == Refused(Reason.UNPROVEN)
        used = proof(holder, bound)
        assert isinstance(verifier.authenticate(bound, used), Authenticated)
        assert verifier.authenticate(bound, used) == Refused(Reason.PROOF_REPLAYED)
        assert isinstance(verifier.authenticate(bearer), Authenticated)
        assert verifier.authenticate(bearer, proof(holder, bearer)) == Refused(Reason.NOT_BOUND)
    with pytest.raises(ConfigurationError, match="nonce"):
        BlockingVerifier(**named(issuer), proofs=ProofPolicy(nonce=True))


async def shared(issuer: Live, bound: str, holder: Holder) -> None:
    store = MemoryStore()
    async with (
        Verifier(**named(issuer), replays=store) as one,
        Verifier(**named(issuer), replays=store) as two,
    ):
        used = proof(holder, bound)
        assert isinstance(await one.authenticate(bound, used), Authenticated)
        assert await two.authenticate(bound, used) == Refused(Reason.PROOF_REPLAYED)


@pytest.mark.proves("dpop:13")
def test_verifiers_that_share_a_store_take_a_proof_once(
    issuer: Live, bound: str, holder: Holder
) -> None:
    issuer.run(shared(issuer, bound, holder))


def application(verifier: Verifier) -> FastAPI:
    app = FastAPI(lifespan=verifier.lifespan)
    callers = {
        "/orders": TokenPrincipal(verifier, base_url=PUBLIC),
        "/strict": TokenPrincipal(verifier, base_url=PUBLIC, bound_only=True),
        "/plain": TokenPrincipal(verifier),
    }
    for path, caller in callers.items():
        app.get(path, dependencies=[Depends(caller)])(lambda: "an order")
    return app


@pytest.mark.proves("dpop:1", "dpop:9", "dpop:14", "dpop:17", "attack:7")
def test_a_service_that_verifies_reads_both_headers(
    issuer: Live, bound: str, bearer: str, holder: Holder
) -> None:
    now = SystemClock().now

    def proven(path: str, access: str = bound) -> list[tuple[str, str]]:
        text = holder.proof("GET", PUBLIC + path, now(), access=access)
        return [("Authorization", f"DPoP {access}"), ("DPoP", text)]

    with served(application(Verifier(**named(issuer)))) as (url, _), httpx.Client() as client:

        def ask(path: str, lines: list[tuple[str, str]]) -> tuple[int, str]:
            answer = client.get(url + path, headers=lines)
            return answer.status_code, answer.headers.get("www-authenticate", "")

        by_bearer = [("Authorization", f"Bearer {bearer}")]
        assert ask("/orders", proven("/orders"))[0] == 200
        assert ask("/strict", proven("/strict"))[0] == 200
        assert ask("/orders", by_bearer)[0] == ask("/plain", by_bearer)[0] == 200
        for path, lines, error in (
            ("/orders", [("Authorization", f"Bearer {bound}")], "invalid_token"),
            ("/plain", [("Authorization", f"Bearer {bound}")], "invalid_token"),
            ("/orders", proven("/orders", bearer), "invalid_token"),
            ("/orders", proven("/orders")[:1], "invalid_token"),
            ("/strict", by_bearer, "invalid_token"),
            ("/orders", [*proven("/orders"), proven("/orders")[1]], "invalid_dpop_proof"),
            ("/orders", proven("/strict"), "invalid_dpop_proof"),
        ):
            status, told = ask(path, lines)
            assert (status, told.partition(",")[0]) == (401, f'DPoP error="{error}"')
        assert ask("/plain", proven("/plain")) == (401, "Bearer")
        assert ask("/orders", [])[1].startswith("Bearer, DPoP algs=")
        assert ask("/strict", [])[1].startswith("DPoP algs=")


@pytest.mark.proves("dpop:13")
def test_a_memory_of_proofs_that_is_full_lets_nobody_through() -> None:
    seen = SeenProofs(capacity=2)
    assert [seen.count(Increment(key, MINUTE, 0)).count for key in ("a", "b", "a")] == [1, 1, 2]
    with pytest.raises(StoreUnavailable):
        seen.count(Increment("c", MINUTE, MINUTE - 1))
    assert seen.count(Increment("b", MINUTE, MINUTE - 1)).count == 2
    assert seen.count(Increment("c", MINUTE, MINUTE)).count == 1
    assert len(seen) == 1


def test_a_service_that_takes_proofs_only_says_where_it_is(issuer: Live) -> None:
    verifier = Verifier(**named(issuer))
    with pytest.raises(ConfigurationError, match="base_url"):
        TokenPrincipal(verifier, bound_only=True)
    with pytest.raises(ConfigurationError, match="base_url"):
        TokenPrincipal(verifier, base_url="https://api.example/path")
