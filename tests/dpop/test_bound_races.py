"""A proof is used once, and what is bound stays bound, over each kind of store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from holders import Holder
from limens import QUICK

from limen import (
    Authenticated,
    Authentication,
    Client,
    Issued,
    Limen,
    Proof,
    Reason,
    Refused,
    StoreUnavailable,
)

URL = "https://app.example/api/me"
CROWD = 50


def limen(strategy: str, kept: dict[str, Any], **options: Any) -> Limen:
    return Limen(strategy, **(QUICK | kept | {"dpop": "accept"} | options))


@pytest.mark.proves("dpop:13", "dpop:15", "attack:7", "asvs:10.4.5")
def test_of_fifty_copies_of_a_proof_one_passes_at_two_workers(
    strategy: str, kept: dict[str, Any], holder: Holder
) -> None:
    async def race() -> None:
        async with limen(strategy, kept) as one, limen(strategy, kept) as two:
            now = one.assembly.clock.now()
            client = Client(proven_key=holder.thumbprint)
            signed = await one.remember(Authentication("usr_ada", now), client=client)
            assert not isinstance(signed, Refused)
            access = signed.issued.access.reveal()
            text = holder.proof("GET", URL, now, access=access)
            proof = Proof(text, "GET", URL)
            verdicts = await asyncio.gather(
                *((one, two)[turn % 2].authenticate(access, proof) for turn in range(CROWD)),
                return_exceptions=True,
            )
            assert sum(isinstance(one, Authenticated) for one in verdicts) == 1
            # A store that so many write to at once may say no to some, who do not pass either.
            replayed = verdicts.count(Refused(Reason.PROOF_REPLAYED))
            busy = sum(isinstance(one, StoreUnavailable) for one in verdicts)
            assert replayed + busy == CROWD - 1
            assert replayed
            # The session as the other worker reads it is bound too, and so is its successor.
            assert await two.authenticate(access) == Refused(Reason.UNPROVEN)
            held = (signed.issued.refresh or signed.issued.access).reveal()
            for key in (None, Holder().thumbprint):
                assert await two.refresh(held, proven_key=key) == Refused(Reason.UNPROVEN)
            renewed = await two.refresh(held, proven_key=holder.thumbprint)
            assert isinstance(renewed, Issued)
            assert renewed.principal.bound_to == holder.thumbprint
            session = await one.session(renewed.principal.session_id)
            assert session is not None
            assert session.bound_to == holder.thumbprint

    asyncio.run(race())


@pytest.mark.proves("dpop:15")
def test_a_spent_token_without_the_key_ends_nothing(kept: dict[str, Any], holder: Holder) -> None:
    async def replay() -> None:
        async with limen("hybrid", kept, grace=0) as auth:
            key, client = holder.thumbprint, Client(proven_key=holder.thumbprint)
            proven = Authentication("usr_ada", auth.assembly.clock.now())
            signed = await auth.remember(proven, client=client)
            assert not isinstance(signed, Refused)
            assert signed.issued.refresh is not None
            spent = signed.issued.refresh.reveal()
            renewed = await auth.refresh(spent, proven_key=key)
            assert isinstance(renewed, Issued)
            assert renewed.refresh is not None
            for other in (None, Holder().thumbprint):
                assert await auth.refresh(spent, proven_key=other) == Refused(Reason.UNPROVEN)
            assert isinstance(await auth.refresh(renewed.refresh.reveal(), proven_key=key), Issued)
            assert await auth.refresh(spent, proven_key=key) == Refused(Reason.REPLAYED)
            assert await auth.session(signed.issued.principal.session_id) is None

    asyncio.run(replay())
