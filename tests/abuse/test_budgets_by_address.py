"""Whatever costs work has a budget by address, and no other spelling has one of its own."""

from __future__ import annotations

import pytest
from sieges import ADA, WRONG, Place, Play

from limen import Budget
from limen.service.better_auth.routes import endpoints_of

THREE = Budget("sign-in:address", limit=3, window=10_000)
FOUR = Budget("request:address", limit=4, window=60_000)
SIX = Budget("sign-in:account", limit=6, window=900_000)

# Of these each request reads or says only what is there, for whoever may see it.
FREE = {
    ("GET", "/error"),
    ("GET", "/get-session"),
    ("GET", "/jwks"),
    ("GET", "/list-accounts"),
    ("GET", "/list-sessions"),
    ("GET", "/ok"),
    ("POST", "/get-session"),
    ("POST", "/sign-out"),
}


@pytest.mark.proves("asvs:2.4.1")
def test_every_endpoint_that_costs_has_a_budget(play: Play) -> None:
    async def scene(place: Place) -> None:
        table = endpoints_of(place.auth)
        limited = {one.path for one in table if one.limited}
        free = {
            (one.method, one.path) for one in table if one.path not in limited and not one.costs
        }
        assert free == FREE

    play(scene)


@pytest.mark.proves("asvs:2.4.1")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/refresh"),
        ("GET", "/verify-email?token=x"),
        ("GET", "/reset-password/{number}?callbackURL=/"),
        ("GET", "/token"),
        ("POST", "/get-access-token"),
        ("POST", "/refresh-token"),
        ("GET", "/account-info"),
        ("POST", "/revoke-session"),
    ],
)
def test_a_fifth_request_waits_and_says_how_long(play: Play, method: str, path: str) -> None:
    async def scene(place: Place) -> None:
        told = []
        for number in range(5):
            client = place.browser(f"2001:db8:1:2::{number}")  # one customer has a whole /64
            answer = await client.request(method, path.format(number=number))
            told.append(answer.status_code)
        assert 429 not in told[:4]
        assert told[4] == 429
        assert answer.headers["retry-after"] == "60"
        assert (await place.browser("2001:db8:1:3::1").request(method, path)).status_code != 429

    play(scene, request_budget=FOUR)


@pytest.mark.proves("attack:66", "asvs:2.4.1")
@pytest.mark.parametrize("kind", ["of an IPv6 network", "mapped", "in headers"])
def test_no_other_spelling_of_an_address_has_a_budget(play: Play, kind: str) -> None:
    async def scene(place: Place) -> None:
        told = []
        for number in range(4):
            forwarded = {}
            address = "192.0.2.7"
            if kind == "of an IPv6 network":
                address = f"2001:db8:1:2:{number}::{number}"
            elif kind == "mapped" and number % 2:
                address = "::ffff:192.0.2.7"
            elif kind == "in headers":
                spoofed = f"203.0.113.{number}"
                forwarded = {
                    "X-Forwarded-For": spoofed,
                    "X-Real-IP": spoofed,
                    "Forwarded": f"for={spoofed}",
                    "CF-Connecting-IP": spoofed,
                }
            answer = await place.try_at(place.browser(address, **forwarded))
            told.append(answer.status_code)
        assert told == [401, 401, 401, 429]

    play(scene, address_budget=THREE)


@pytest.mark.proves("attack:66")
@pytest.mark.parametrize(
    "path",
    ["//sign-in/email", "/sign-in//email", "/sign-in/email/", "/Sign-In/Email", "/sign-in%2Femail"],
)
def test_no_other_spelling_of_a_path_leads_to_the_password(play: Play, path: str) -> None:
    async def scene(place: Place) -> None:
        client = place.browser()
        for _ in range(4):
            answer = await client.post(path, json={"email": ADA, "password": WRONG})
            assert answer.status_code == 404

    play(scene, address_budget=THREE)


@pytest.mark.proves("attack:66")
def test_no_other_spelling_of_a_name_has_a_budget(play: Play) -> None:
    async def scene(place: Place) -> None:
        await place.sign_up()
        told = [
            (await place.try_at(place.browser(), WRONG, spelling)).status_code
            for spelling in (ADA, ADA.upper(), "Ada@Example.org", "aDA@example.ORG") * 2
        ]
        assert told == [401] * 6 + [429] * 2

    play(scene, account_budget=SIX)


@pytest.mark.proves("asvs:6.3.1")
def test_one_password_on_many_accounts_from_one_address_waits(play: Play) -> None:
    async def scene(place: Place) -> None:
        client = place.browser()
        told = [
            (await place.try_at(client, WRONG, f"p{number}@example.org")).status_code
            for number in range(5)
        ]
        assert told == [401, 401, 401, 429, 429]

    play(scene, address_budget=THREE)
