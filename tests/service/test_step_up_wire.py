"""What asks for a sign-in of a moment ago on the native wire, and how one is made."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from live import EMAIL, PASSWORD, STRATEGIES, Live

from limen import EmailPolicy
from limen.provider import Provider
from limen.testing import FrozenClock

STALE_MS = 3_601_000
KNOWN = {"email": EMAIL, "password": PASSWORD}
FRESH_NEEDED = (403, "SESSION_NOT_FRESH")
SENSITIVE: tuple[tuple[str, dict[str, Any], tuple[int, str], tuple[int, ...]], ...] = (
    ("/change-email", {"newEmail": "new@example.org"}, FRESH_NEEDED, (200,)),
    # Past the question there is nothing to unlink, and nobody answers at the provider's address.
    ("/unlink-account", {"accountId": "1"}, FRESH_NEEDED, (400,)),
    ("/link-social", {"provider": "acme", "callbackURL": "/"}, FRESH_NEEDED, (200, 502)),
    ("/revoke-session", {"token": "ses_other"}, FRESH_NEEDED, (200,)),
    ("/revoke-other-sessions", {}, FRESH_NEEDED, (200,)),
    ("/delete-user", {}, (400, "SESSION_EXPIRED"), (200,)),
)


@pytest.fixture(params=STRATEGIES)
def stage(request: pytest.FixtureRequest, start: Callable[..., Live]) -> tuple[Live, FrozenClock]:
    clock = FrozenClock()
    acme = Provider("acme", issuer="https://127.0.0.1:9", client_id="us", client_secret="s" * 32)
    live = start(
        request.param,
        clock=clock,
        fresh_to_revoke=True,
        providers=[acme],
        email=EmailPolicy(changes=True, deletes=True),
    )
    return live, clock


def again(client: httpx.Client, password: str = PASSWORD) -> httpx.Response:
    return client.post("/reauthenticate", json={"password": password})


@pytest.mark.proves("asvs:7.5.1", "asvs:7.5.2", "asvs:7.5.3")
def test_each_sensitive_action_waits_for_a_proof(stage: tuple[Live, FrozenClock]) -> None:
    live, clock = stage
    browser = live.browser()
    other = live.client()
    other.post("/sign-in/email", json=KNOWN)
    clock.advance(STALE_MS)
    for path, body, (status, code), _ in SENSITIVE:
        answer = browser.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    everywhere = browser.post("/revoke-sessions", json={})
    assert (everywhere.status_code, everywhere.json()["code"]) == FRESH_NEEDED
    assert other.get("/list-sessions").status_code == 200  # nothing was ended
    assert again(browser).status_code == 200
    for path, body, _, accepted in SENSITIVE:
        answer = browser.post(path, json=body)
        assert answer.status_code in accepted, (path, answer.text)
    assert other.get("/list-sessions").status_code == 401


@pytest.mark.proves("asvs:7.2.4")
def test_what_the_browser_held_before_is_worth_nothing(stage: tuple[Live, FrozenClock]) -> None:
    live, clock = stage
    browser = live.browser()
    before = browser.get("/get-session").json()["session"]["id"]
    clock.advance(STALE_MS)
    assert browser.post("/refresh").status_code == 200
    thief = live.copy_of(browser)
    # The cookie of the device signs nobody in, and stays.
    held = {name: one for name, one in browser.cookies.items() if not name.endswith(".device")}
    answer = again(browser)
    assert (answer.status_code, answer.json()["user"]["email"]) == (200, EMAIL)
    now = dict(browser.cookies)
    assert all(now[name] != value for name, value in held.items())
    after = browser.get("/get-session").json()["session"]["id"]
    assert after != before
    assert answer.json()["token"] == after  # its name: the page never sees a credential
    for attempt in (thief.get("/list-sessions"), thief.post("/refresh"), again(thief)):
        assert attempt.status_code == 401
    assert [one["id"] for one in browser.get("/list-sessions").json()] == [after]


@pytest.mark.proves("asvs:7.2.4")
def test_an_app_is_given_what_replaces_its_credentials(stage: tuple[Live, FrozenClock]) -> None:
    live, _ = stage
    client, kept = live.app()
    answer = again(client)
    assert answer.status_code == 200
    new = answer.json()
    assert new["token"] != kept["token"]
    assert "set-cookie" not in answer.headers
    assert client.get("/list-sessions").status_code == 401
    client.headers["Authorization"] = f"Bearer {new['token']}"
    assert client.get("/list-sessions").status_code == 200
    if "refreshToken" in kept:
        body = {"refreshToken": kept["refreshToken"]}
        assert client.post("/refresh", json=body).status_code == 401
        body = {"refreshToken": new["refreshToken"]}
        assert client.post("/refresh", json=body).status_code == 200


@pytest.mark.proves("asvs:7.5.1")
def test_who_does_not_know_the_password_gets_nowhere(stage: tuple[Live, FrozenClock]) -> None:
    live, clock = stage
    browser = live.browser()
    clock.advance(STALE_MS)
    wrong = again(browser, "not the password")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "INVALID_PASSWORD")
    assert browser.post("/unlink-account", json={"accountId": "1"}).status_code == 403
    assert again(live.client()).status_code == 401  # who is not signed in
    foreign = live.copy_of(browser)
    foreign.headers["Origin"] = "https://evil.example"
    assert again(foreign).status_code == 403
    assert browser.get("/get-session").json() is not None


@pytest.mark.proves("asvs:7.5.2")
def test_clients_that_know_of_no_proof_end_sessions_unless_told_otherwise(
    start: Callable[..., Live],
) -> None:
    clock = FrozenClock()
    live = start("hybrid", clock=clock)
    browser, other = live.browser(), live.client()
    other.post("/sign-in/email", json=KNOWN)
    clock.advance(STALE_MS)
    assert browser.post("/revoke-other-sessions", json={}).status_code == 200
    assert other.get("/list-sessions").status_code == 401
