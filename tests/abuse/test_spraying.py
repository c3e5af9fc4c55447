"""One password on many accounts, and failures of the whole service."""

from __future__ import annotations

import pytest
from sieges import ADA, PASSWORD, WRONG, Place, Play

from limen import Budget
from limen.audit import AuditKind
from limen.authenticators.guard import Attempt, Guard, Limits
from limen.devices import Devices
from limen.effects import Draw, ReadCounts
from limen.sealing import Secrets
from limen.secret import Secret
from limen.testing import feed

SPRAYING = Budget("sign-in:spraying", limit=5, window=3_600_000)
SERVICE = Budget("sign-in:failures", limit=6, window=60_000)
SPRAYED = "Summer2027!"


async def spray(place: Place, count: int, password: str = SPRAYED) -> list[int]:
    """Try one password on so many accounts, once each, from as many addresses."""
    told = []
    for number in range(count):
        stranger = place.browser(f"203.0.113.{number}")
        email = f"person{number}@example.org"
        told.append((await place.try_at(stranger, password, email)).status_code)
    return told


@pytest.mark.proves("attack:69", "asvs:6.3.1")
def test_a_password_that_fails_on_many_accounts_is_refused_from_strangers(
    play_everywhere: Play,
) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        assert await spray(place, 7) == [401] * 5 + [429] * 2
        (suspected,) = await place.told(AuditKind.SPRAYING_SUSPECTED)
        assert (suspected.details, suspected.subject) == (
            {"accounts": 5, "budget": SPRAYING.name},
            None,
        )
        assert SPRAYED not in suspected.as_line()
        stranger = place.browser()
        waits = await place.try_at(stranger, SPRAYED)
        assert (waits.status_code, waits.headers["retry-after"]) == (429, "3600")
        # Any other password is judged, and a known device may type what it likes.
        assert (await place.try_at(stranger, WRONG)).status_code == 401
        assert (await place.try_at(owner, SPRAYED)).status_code == 401
        assert (await place.try_at(stranger, PASSWORD)).status_code == 200
        place.clock.advance(3_600_000)
        assert (await place.try_at(stranger, SPRAYED)).status_code == 401

    play_everywhere(scene, spraying_budget=SPRAYING)


@pytest.mark.proves("attack:69")
def test_the_right_password_of_a_bucket_that_is_sprayed_tells_nothing(play: Play) -> None:
    async def scene(place: Place) -> None:
        await place.sign_up()
        await spray(place, 5, PASSWORD)
        right = await place.try_at(place.browser(), PASSWORD)
        other = await place.try_at(place.browser(), PASSWORD, "nobody@example.org")
        assert (right.status_code, right.text) == (other.status_code, other.text)
        assert right.status_code == 429

    play(scene, spraying_budget=SPRAYING)


@pytest.mark.proves("attack:69")
def test_one_person_who_types_it_wrong_is_one_account(play: Play) -> None:
    async def scene(place: Place) -> None:
        await place.sign_up()
        assert await place.tries(12) == [401] * 12
        assert await spray(place, 5, WRONG) == [401] * 4 + [429]

    play(scene, spraying_budget=SPRAYING)


def test_many_people_who_sign_in_with_one_password_are_no_attack(play: Play) -> None:
    async def scene(place: Place) -> None:
        for number in range(7):
            await place.sign_up(f"person{number}@example.org")
        assert await spray(place, 7, PASSWORD) == [200] * 7

    play(scene, spraying_budget=SPRAYING)


@pytest.mark.proves("asvs:6.3.1", "attack:70")
def test_above_the_failures_of_the_service_known_devices_go_on(play_everywhere: Play) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        told = []
        for number in range(8):  # stuffing: a pair each, none of them twice
            stranger = place.browser(f"203.0.113.{number}")
            email, password = f"person{number}@example.org", f"some password {number}"
            told.append((await place.try_at(stranger, password, email)).status_code)
        assert told == [401] * 6 + [429] * 2
        waits = await place.try_at(place.browser(), PASSWORD)
        assert (waits.status_code, waits.headers["retry-after"]) == (429, "60")
        assert (await place.try_at(owner, PASSWORD)).status_code == 200
        place.clock.advance(60_000)
        assert (await place.try_at(place.browser(), PASSWORD)).status_code == 200

    play_everywhere(scene, global_budget=SERVICE)


@pytest.mark.parametrize(
    "off", [{"spraying_budget": Budget("off", 0, 1)}, {"global_budget": Budget("off", 0, 1)}]
)
def test_each_can_be_switched_off(play: Play, off: dict[str, Budget]) -> None:
    async def scene(place: Place) -> None:
        assert await spray(place, 12) == [401] * 12

    wide = {"spraying_budget": Budget("s", 100, 1_000), "global_budget": Budget("g", 100, 1_000)}
    play(scene, **(wide | off))


def test_what_is_counted_tells_nothing_of_a_password() -> None:
    guards = [
        Guard.of(Limits(), Devices((b"k",), 1), Secrets.of(text))
        for text in ("k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq", "Zk3-pX9vQ2rTn8wLb6Yc4Hs1Jd7Gf5Ma0Eo")
    ]

    def keys(guard: Guard, password: str) -> set[str]:
        told: set[str] = set()

        def answer(effect: object) -> object:
            if isinstance(effect, ReadCounts):
                told.update(effect.keys[1:2])
                return (None, None, None)
            assert isinstance(effect, Draw)
            return ()

        off = Limits(account=Budget("off", 0, 1), in_a_row=0)
        guard.limits = off
        feed(guard.admit(Attempt(ADA, None, Secret(password)), 0), answer)
        return told

    # Under another secret the same password is counted elsewhere, and two spellings are one.
    assert keys(guards[0], SPRAYED) != keys(guards[1], SPRAYED)
    assert keys(guards[0], "ﬁne battery") == keys(guards[0], "fine battery")
    # So many passwords fall into so few buckets that a bucket does not say which it was.
    seen = {key for number in range(2_000) for key in keys(guards[0], f"password {number}")}
    assert 1_800 < len(seen) < 2_000
