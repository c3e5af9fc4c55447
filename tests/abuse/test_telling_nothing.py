"""Whether there is an account, and what is the matter with it, is told to nobody."""

from __future__ import annotations

import pytest
from sieges import PASSWORD, WRONG, Place, Play

from limen.effects import VerifyPassword
from limen.operations import ProvenIdentity
from limen.testing import overheard

PEOPLE = ("nobody", "ada", "disabled", "locked", "social")


async def gathered(place: Place) -> dict[str, str]:
    """Make one account of each kind; return their addresses."""
    emails = {name: f"{name}@example.org" for name in PEOPLE}
    for name in ("ada", "disabled", "locked"):
        await place.sign_up(emails[name])
    account = await place.auth.account_by_email(emails["disabled"])
    assert account is not None
    await place.auth.disable(account.id)
    await place.tries(3, email=emails["locked"])
    proven = ProvenIdentity("google", "https://accounts.example", "1", emails["social"], True)
    await place.auth.sign_in_by_identity(proven)
    return emails


@pytest.mark.proves("attack:67", "attack:68", "asvs:6.3.8")
def test_strangers_are_told_the_same_of_every_account(play: Play) -> None:
    async def scene(place: Place) -> None:
        emails = await gathered(place)
        told = {}
        for name, email in emails.items():
            password = WRONG if name == "ada" else PASSWORD
            answer = await place.try_at(place.browser(), password, email)
            told[name] = (answer.status_code, answer.content, sorted(answer.headers.items()))
        assert len({str(one) for one in told.values()}) == 1
        assert told["nobody"][0] == 401

    play(scene, consecutive_failures=3)


@pytest.mark.proves("attack:67", "asvs:6.3.8")
def test_the_work_is_the_same_for_every_account(play: Play) -> None:
    async def scene(place: Place) -> None:
        emails = await gathered(place)
        operations = place.auth.assembly.operations
        work = {}
        for name, email in emails.items():
            password = WRONG if name == "ada" else PASSWORD
            seen = await place.auth.run(overheard(operations.sign_in(email, password)))
            work[name] = [type(effect).__name__ for effect in seen.effects]
            judged = [one for one in seen.effects if isinstance(one, VerifyPassword)]
            assert len(judged) == 1
        assert len({str(one) for one in work.values()}) == 1
        assert work["nobody"] == [
            *("FindAccount", "ReadCounts", "Draw", "VerifyPassword"),
            *("AppendAudit", "Draw"),
        ]

    play(scene, consecutive_failures=3)


def test_a_sign_in_costs_so_many_writes(play: Play) -> None:
    async def scene(place: Place) -> None:
        await place.sign_up()
        operations = place.auth.assembly.operations
        flow = operations.sign_in("ada@example.org", PASSWORD)
        right = await place.auth.run(overheard(flow))
        assert (right.reads, right.writes) == (2, 3)  # of which OpenSession is one

    play(scene)
