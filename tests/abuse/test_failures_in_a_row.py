"""So many failures in a row, and strangers cannot use a password until it is a new one."""

from __future__ import annotations

import asyncio

import pytest
from sieges import ADA, PASSWORD, WRONG, Mailbox, Place, Play

from limen import Budget
from limen.audit import AuditKind

FIVE = {"consecutive_failures": 5}


@pytest.mark.proves("nist:13", "attack:70", "asvs:6.3.1")
def test_after_so_many_only_a_known_device_may_go_on(play_everywhere: Play) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        assert await place.tries(5) == [401] * 5
        stranger = place.browser()
        refused = await place.try_at(stranger, PASSWORD)
        wrong = await place.try_at(stranger, WRONG)
        assert (refused.status_code, refused.text) == (401, wrong.text)
        place.clock.advance(300 * 86_400_000)  # time does not heal it
        assert (await place.try_at(stranger, PASSWORD)).status_code == 401
        # The device is known for 180 days only, so it is a stranger by now.
        assert (await place.try_at(owner, PASSWORD)).status_code == 401

    play_everywhere(scene, **FIVE)


@pytest.mark.proves("nist:13", "attack:70")
def test_the_owner_signs_in_and_everybody_may_try_again(play: Play) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        await place.tries(8)
        assert (await place.try_at(owner, PASSWORD)).status_code == 200
        assert await place.tries(4) == [401] * 4
        assert (await place.try_at(place.browser(), PASSWORD)).status_code == 200

    play(scene, **FIVE)


@pytest.mark.proves("nist:13")
def test_a_success_begins_the_count_anew(play: Play) -> None:
    async def scene(place: Place) -> None:
        await place.sign_up()
        for _ in range(3):
            assert await place.tries(4) == [401] * 4
            assert await place.tries(1, PASSWORD) == [200]

    play(scene, **FIVE)


@pytest.mark.proves("nist:13", "attack:71")
def test_of_many_at_once_so_many_are_judged(play_everywhere: Play) -> None:
    async def scene(place: Place) -> None:
        await place.sign_up()
        strangers = [place.browser(f"203.0.113.{number}") for number in range(50)]
        answers = await asyncio.gather(*(place.try_at(one) for one in strangers))
        assert [one.status_code for one in answers] == [401] * 50
        # None of them was a success that a lock has hidden: the right one is refused now.
        assert await place.tries(1, PASSWORD) == [401]

    play_everywhere(scene, consecutive_failures=50)


@pytest.mark.proves("attack:71", "asvs:6.3.1")
def test_of_many_at_once_a_budget_lets_its_number_through(play_everywhere: Play) -> None:
    async def scene(place: Place) -> None:
        await place.sign_up()
        strangers = [place.browser(f"203.0.113.{number}") for number in range(50)]
        answers = await asyncio.gather(*(place.try_at(one) for one in strangers))
        assert sorted(one.status_code for one in answers) == [401] * 7 + [429] * 43
        # What was turned away is no failure in a row: seven of them, not fifty.
        place.clock.advance(900_000)
        assert await place.tries(1, PASSWORD) == [200]

    budget = Budget("sign-in:account", limit=7, window=900_000)
    play_everywhere(scene, account_budget=budget, consecutive_failures=8)


@pytest.mark.proves("nist:13", "attack:70")
def test_a_mailed_link_and_an_administrator_unlock(play: Play) -> None:
    mailbox = Mailbox()

    async def scene(place: Place) -> None:
        await place.sign_up()
        await place.tries(5)
        told = await asyncio.wait_for(mailbox.one("password-locked"), 30)
        assert (told.to, told.link) == (ADA, "")
        account = await place.auth.account_by_email(ADA)
        assert account is not None
        await place.tries(2)
        assert [one.subject for one in await place.told(AuditKind.PASSWORD_LOCKED)] == [account.id]
        assert await place.auth.unlock(account.id) is not None
        assert len(await place.told(AuditKind.PASSWORD_UNLOCKED)) == 1
        assert await place.tries(1, PASSWORD) == [200]

        await place.tries(5)
        assert await place.tries(1, PASSWORD) == [401]
        asked = {"email": ADA, "redirectTo": "/"}
        stranger = place.browser()
        assert (await stranger.post("/request-password-reset", json=asked)).status_code == 200
        link = (await asyncio.wait_for(mailbox.one("reset-password"), 30)).link
        chosen = {"token": link.partition("?")[0].rpartition("/")[2], "newPassword": "new battery"}
        assert (await stranger.post("/reset-password", json=chosen)).status_code == 200
        assert await place.tries(1, "new battery") == [200]
        assert await place.auth.unlock("usr_nobody") is None

    play(scene, mailer=mailbox, **FIVE)


def test_the_current_password_is_not_guessed_for_ever_either(play: Play) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        told = [
            (await owner.post("/verify-password", json={"password": guess})).status_code
            for guess in [WRONG] * 5 + [PASSWORD]
        ]
        assert told == [400] * 6
        # And whoever guessed there has locked nobody out here.
        assert await place.tries(1, PASSWORD) == [200]

    play(scene, **FIVE)


def test_there_is_no_such_limit_where_it_is_switched_off(play: Play) -> None:
    async def scene(place: Place) -> None:
        await place.sign_up()
        await place.tries(120)
        assert await place.tries(1, PASSWORD) == [200]

    play(scene, consecutive_failures=0)
