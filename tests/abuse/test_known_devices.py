"""A browser that has signed in before is not kept out by strangers, and no other is known."""

from __future__ import annotations

import httpx
import pytest
from sieges import ADA, PASSWORD, WRONG, Place, Play

from limen import Budget
from limen.revocation import Target

COOKIE = "__Host-better-auth.device"
FIVE = Budget("sign-in:account", limit=5, window=900_000)
TWO = Budget("sign-in:device", limit=2, window=900_000)
LIMITS = {"account_budget": FIVE, "device_budget": TWO}


def only_the_device(place: Place, browser: httpx.AsyncClient) -> httpx.AsyncClient:
    """Give a browser at another address that has nothing but the device cookie."""
    other = place.browser("198.51.100.99")
    other.cookies.set(COOKIE, browser.cookies[COOKIE], domain="app.example", path="/")
    return other


@pytest.mark.proves("asvs:6.3.1", "attack:70")
def test_strangers_do_not_lock_the_owner_out(play_everywhere: Play) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        assert await place.tries(6) == [401] * 5 + [429]
        # The right password of a stranger waits as well, the owner's does not.
        assert await place.tries(1, PASSWORD) == [429]
        assert (await place.try_at(owner, PASSWORD)).status_code == 200

    play_everywhere(scene, **LIMITS)


@pytest.mark.proves("attack:70")
def test_a_stolen_device_cookie_gives_its_small_budget_and_nothing_else(play: Play) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        thief = only_the_device(place, owner)
        assert (await thief.get("/get-session")).json() is None
        told = [(await place.try_at(thief)).status_code for _ in range(3)]
        assert told == [401, 401, 429]
        assert thief.cookies[COOKIE] == owner.cookies[COOKIE]  # a failure renews nothing
        # Strangers have their own five, and the owner's browser is now out as well.
        assert await place.tries(6) == [401] * 5 + [429]
        assert (await place.try_at(owner, PASSWORD)).status_code == 429
        place.clock.advance(900_000)
        assert (await place.try_at(owner, PASSWORD)).status_code == 200

    play(scene, **LIMITS)


def test_signing_in_again_does_not_renew_the_budget_of_a_device(play: Play) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        thief = only_the_device(place, owner)
        told = [(await place.try_at(one, PASSWORD)).status_code for one in (owner, owner, thief)]
        assert told == [200, 200, 429]

    play(scene, **LIMITS)


@pytest.mark.parametrize("how", ["password", "everywhere", "others", "disabled", "age", "secret"])
def test_a_device_cookie_becomes_void(play: Play, how: str) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        thief = only_the_device(place, owner)
        account = await place.auth.account_by_email(ADA)
        assert account is not None
        renews = False
        if how == "password":
            change = {"currentPassword": PASSWORD, "newPassword": "another good battery"}
            assert (await owner.post("/change-password", json=change)).status_code == 200
            renews = True
        elif how == "everywhere":
            await place.auth.revoke(Target.user(account.id))
        elif how == "others":
            assert (await owner.post("/revoke-other-sessions")).status_code == 200
            renews = True
        elif how == "disabled":
            await place.auth.disable(account.id)
            await place.auth.enable(account.id)
        elif how == "age":
            place.clock.advance(180 * 86_400_000)
        else:
            thief.cookies.set(COOKIE, forged(owner.cookies[COOKIE]), domain="app.example", path="/")
        await place.tries(6)
        assert (await place.try_at(thief)).status_code == 429
        # Who changed it at this browser is still known there.
        assert ((await place.try_at(owner)).status_code == 401) is renews or how == "secret"

    play(scene, **LIMITS)


def forged(value: str) -> str:
    """Change the number of a device and keep its proof."""
    return ("A" if value[0] != "A" else "B") + value[1:]


@pytest.mark.proves("cookie:1", "asvs:3.3.1", "asvs:3.3.2", "asvs:3.3.4")
def test_what_the_device_cookie_looks_like(play: Play) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        stay = place.browser()
        answers = {
            remembered: await stay.post(
                "/sign-in/email",
                json={"email": ADA, "password": PASSWORD, "rememberMe": remembered},
            )
            for remembered in (True, False)
        }
        lines = {
            remembered: next(
                line for line in one.headers.get_list("set-cookie") if line.startswith(COOKIE)
            )
            for remembered, one in answers.items()
        }
        attributes = "; Path=/; HttpOnly; Secure; SameSite=Lax"
        assert lines[True].partition("; ")[2] == f"Max-Age={180 * 86_400}{attributes}"
        assert lines[False].partition("; ")[2] == attributes.removeprefix("; ")
        assert ADA not in lines[True]
        assert "usr_" not in lines[True]
        assert owner.cookies[COOKIE] != stay.cookies[COOKIE]

    play(scene)


def test_a_client_that_keeps_its_credentials_itself_gets_no_cookie(play: Play) -> None:
    async def scene(place: Place) -> None:
        await place.sign_up()
        app = place.browser(**{"x-limen-carrier": "bearer"})
        answer = await place.try_at(app, PASSWORD)
        assert (answer.status_code, answer.headers.get_list("set-cookie")) == (200, [])

    play(scene)


def test_no_device_is_known_where_that_is_switched_off(play: Play) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        assert COOKIE not in owner.cookies
        await place.tries(5)
        assert (await place.try_at(owner, PASSWORD)).status_code == 429

    play(scene, device_lifetime=0, **LIMITS)


def test_one_browser_is_known_to_several_accounts_and_to_no_other(play: Play) -> None:
    async def scene(place: Place) -> None:
        browser = place.browser("198.51.100.1")
        people = [f"p{number}@example.org" for number in range(6)]
        for email in people:
            body = {"name": "Somebody", "email": email, "password": PASSWORD}
            assert (await browser.post("/sign-up/email", json=body)).status_code == 200
        told = []
        for email in people:
            await place.tries(5, email=email)
            told.append((await place.try_at(browser, WRONG, email)).status_code)
        assert told == [429, 401, 401, 401, 401, 401]  # five, and the first gave way

    play(scene, **LIMITS)


@pytest.mark.parametrize(
    "line",
    [
        "{name}={value}; {name}={value}",
        "{name}=; {name}={value}",
        "{name}={value}.",
        "{name}={value}A",
        "{name}=" + "A" * 4_000,
        "{name}=\x80\xff",
        "__HOST-better-auth.device={value}",
        "better-auth.device={value}",
    ],
)
def test_whatever_else_is_sent_is_a_stranger(play: Play, line: str) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        await place.tries(5)
        sent = line.format(name=COOKIE, value=owner.cookies[COOKIE]).encode("latin-1")
        answer = await place.browser().post(
            "/sign-in/email",
            json={"email": ADA, "password": PASSWORD},
            headers=[(b"cookie", sent)],
        )
        # One good entry among others is one; a name twice, or no entry at all, is none.
        assert answer.status_code == (200 if line.endswith("{value}.") else 429)

    play(scene, **LIMITS)
