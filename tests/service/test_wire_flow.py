"""One account from its first request to its last, under every strategy."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from live import EMAIL, NAME, PASSWORD, SIGNED, STRATEGIES, Live

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
USER = ["id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt"]
SESSION = ["id", "token", "userId", "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent"]
ACCOUNT = {"email": EMAIL, "password": PASSWORD}
DEVICE = {"better-auth.device"}  # no credential, so it stays
UNAUTHORIZED = {"message": "Unauthorized", "code": "UNAUTHORIZED"}


def sign_in(live: Live, **body: Any) -> httpx.Client:
    client = live.client()
    assert client.post("/sign-in/email", json=ACCOUNT | body).status_code == 200
    return client


def session_of(client: httpx.Client) -> Any:
    return client.get("/get-session").json()


def test_sign_up_session_sign_out_sign_in(live: Live) -> None:
    browser = live.client()
    signed_up = browser.post("/sign-up/email", json={"name": NAME, **ACCOUNT})
    assert signed_up.status_code == 200
    assert list(signed_up.json()) == ["token", "user"]
    assert list(signed_up.json()["user"]) == USER
    assert signed_up.json()["user"] | {"id": "", "createdAt": "", "updatedAt": ""} == {
        "id": "",
        "name": NAME,
        "email": EMAIL,
        "emailVerified": False,
        "image": None,
        "createdAt": "",
        "updatedAt": "",
    }

    session = session_of(browser)
    assert list(session) == ["session", "user"]
    assert list(session["session"]) == SESSION
    assert session["user"] == signed_up.json()["user"]
    assert session["session"]["userId"] == session["user"]["id"]
    assert session["session"]["ipAddress"] == "127.0.0.1"
    assert session["session"]["userAgent"].startswith("python-httpx")
    for member in ("expiresAt", "createdAt", "updatedAt"):
        assert DATE.fullmatch(session["session"][member])

    signed_out = browser.post("/sign-out", json={})
    assert (signed_out.status_code, signed_out.json()) == (200, {"success": True})
    assert set(browser.cookies) == DEVICE
    nobody = browser.get("/get-session")
    assert (nobody.status_code, nobody.content) == (200, b"null")
    assert nobody.headers["content-type"] == "application/json"

    signed_in = browser.post("/sign-in/email", json=ACCOUNT)
    assert list(signed_in.json()) == ["redirect", "token", "user"]
    assert signed_in.json()["redirect"] is False
    assert session_of(browser)["user"]["email"] == EMAIL


def test_the_token_of_a_session_is_its_handle_and_opens_nothing(live: Live) -> None:
    handle = session_of(live.browser())["session"]
    assert handle["token"] == handle["id"]
    assert handle["token"].startswith("ses_")
    thief = live.client(Authorization=f"Bearer {handle['token']}")
    assert session_of(thief) is None


def test_a_list_shows_every_device_and_the_newest_first(live: Live) -> None:
    first = live.browser()
    second = sign_in(live)
    listed = second.get("/list-sessions").json()
    assert [list(one) for one in listed] == [SESSION, SESSION]
    assert [one["id"] for one in listed] == [
        session_of(second)["session"]["id"],
        session_of(first)["session"]["id"],
    ]


@pytest.mark.proves("asvs:10.4.9")
def test_revoking_one_device_signs_that_one_out(live: Live) -> None:
    lost, mine = live.browser(), sign_in(live)
    handle = session_of(lost)["session"]["token"]
    copies = [live.copy_of(lost) for _ in range(3)]
    answer = mine.post("/revoke-session", json={"token": handle})
    assert (answer.status_code, answer.json()) == (200, {"status": True})
    assert session_of(lost) is None
    assert session_of(mine) is not None
    assert [one["id"] for one in mine.get("/list-sessions").json()] != [handle]
    assert copies[0].get("/list-sessions").status_code == 401
    assert copies[1].get("/token").json() == UNAUTHORIZED
    # An ended session opens nothing about the account, whatever `jwt` says elsewhere.
    change = {"currentPassword": PASSWORD, "newPassword": "another good battery"}
    assert copies[2].post("/change-password", json=change).status_code == 401
    # The same answer for a session that is not there any more.
    assert mine.post("/revoke-session", json={"token": handle}).json() == {"status": True}


@pytest.mark.proves("asvs:8.2.2")
def test_nobody_ends_another_s_session_by_its_handle(live: Live) -> None:
    victim, attacker = live.browser(), live.browser("eve@example.org")
    handle = session_of(victim)["session"]["token"]
    assert attacker.post("/revoke-session", json={"token": handle}).json() == {"status": True}
    assert session_of(victim) is not None


def test_revoking_the_others_keeps_this_one(live: Live) -> None:
    others, mine = [live.browser(), sign_in(live)], sign_in(live)
    assert mine.post("/revoke-other-sessions", json={}).json() == {"status": True}
    assert [session_of(one) for one in others] == [None, None]
    assert len(mine.get("/list-sessions").json()) == 1


def test_revoking_all_signs_this_browser_out_too(live: Live) -> None:
    other, mine = live.browser(), sign_in(live)
    answer = mine.post("/revoke-sessions", json={})
    assert answer.json() == {"status": True}
    assert set(mine.cookies) == DEVICE
    assert session_of(other) is None


def test_revoking_this_session_makes_this_browser_forget_it(live: Live) -> None:
    mine = live.browser()
    mine.post("/revoke-session", json={"token": session_of(mine)["session"]["token"]})
    assert set(mine.cookies) == DEVICE


@pytest.mark.proves("asvs:7.4.1", "nist:5")
def test_a_stolen_cookie_is_worth_nothing_after_sign_out(live: Live) -> None:
    victim = live.browser()
    thieves = [live.copy_of(victim) for _ in range(3)]
    victim.post("/sign-out")
    assert session_of(thieves[0]) is None
    assert thieves[1].get("/list-sessions").status_code == 401
    assert thieves[2].post("/refresh").status_code == 401


@pytest.mark.proves("asvs:7.4.1")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_stolen_access_token_works_on_only_under_jwt(start, strategy: str) -> None:
    """What the strategies promise about a copy: `jwt` until it expires, the others not."""
    live = start(strategy, access_lifetime=60)
    victim, kept = live.app()
    assert live.run(live.auth.authenticate(kept["token"])).principal
    victim.post("/sign-out", json={"refreshToken": kept.get("refreshToken", "")})
    verdict = live.run(live.auth.authenticate(kept["token"]))
    assert hasattr(verdict, "principal") is (strategy == "jwt")
    if strategy != "session":
        again = live.client(origin=False)
        answer = again.post("/refresh", json={"refreshToken": kept["refreshToken"]})
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


def test_signing_in_again_ends_what_the_browser_held(live: Live) -> None:
    browser = live.browser()
    before = session_of(browser)["session"]["id"]
    browser.post("/sign-in/email", json=ACCOUNT)
    listed = [one["id"] for one in browser.get("/list-sessions").json()]
    assert before not in listed
    assert len(listed) == 1


@pytest.mark.proves("asvs:6.2.2", "asvs:7.4.3")
def test_changing_the_password_ends_the_other_sessions(live: Live) -> None:
    other, mine = live.browser(), sign_in(live)
    new = "an even better battery"
    answer = mine.post("/change-password", json={"currentPassword": PASSWORD, "newPassword": new})
    assert list(answer.json()) == ["token", "user"]
    assert answer.json()["token"]
    assert session_of(other) is None
    assert session_of(mine)["user"]["email"] == EMAIL
    assert live.client().post("/sign-in/email", json=ACCOUNT).status_code == 401
    again = live.client().post("/sign-in/email", json={"email": EMAIL, "password": new})
    assert again.status_code == 200


def test_changing_the_password_keeps_the_other_sessions_on_request(live: Live) -> None:
    other, mine = live.browser(), sign_in(live)
    answer = mine.post(
        "/change-password",
        json={
            "currentPassword": PASSWORD,
            "newPassword": "an even better battery",
            "revokeOtherSessions": False,
        },
    )
    assert answer.json()["token"] is None
    assert session_of(other) is not None
    assert session_of(mine) is not None


def test_a_person_may_change_name_and_picture(live: Live) -> None:
    browser = live.browser()
    assert browser.post("/update-user", json={"name": "Ada L."}).json() == {"status": True}
    browser.post("/update-user", json={"image": "https://example.org/a.png"})
    user = session_of(browser)["user"]
    assert (user["name"], user["image"]) == ("Ada L.", "https://example.org/a.png")
    browser.post("/update-user", json={"image": None})
    user = session_of(browser)["user"]
    assert (user["name"], user["image"]) == ("Ada L.", None)


def test_a_client_may_keep_its_credentials_itself(live: Live) -> None:
    app, kept = live.app()
    signed = live.auth.settings.strategy in SIGNED
    expected = {"token", "user", "expiresAt"} | ({"refreshToken"} if signed else set())
    assert set(kept) == expected
    assert not app.cookies
    assert session_of(app)["user"]["email"] == EMAIL
    refresh = kept.get("refreshToken", kept["token"])
    answer = app.post("/refresh", json={"refreshToken": refresh})
    assert set(answer.json()) == expected - {"user"}
    assert "set-cookie" not in answer.headers
    app.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    assert session_of(app) is not None
    answer = app.post("/sign-out")
    assert "set-cookie" not in answer.headers
    assert session_of(app) is None


@pytest.mark.proves("asvs:8.3.3")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_token_for_other_services_verifies_by_the_published_keys(start, strategy: str) -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    live = start(strategy, algorithm="ES256")
    browser = live.browser()
    answer = browser.get("/token")
    published = live.client(origin=False).get("/jwks")
    assert published.headers["cache-control"] == "public, max-age=300"
    keys = KeySet.import_key_set(published.json())
    claims = jwt.decode(answer.json()["token"], keys, algorithms=["ES256"]).claims
    session = session_of(browser)["session"]
    assert (claims["sub"], claims["sid"]) == (session["userId"], session["id"])
    assert all("d" not in key for key in published.json()["keys"])


def test_what_anybody_may_ask(live: Live) -> None:
    anybody = live.client(origin=False)
    assert anybody.get("/ok").json() == {"ok": True}
    page = anybody.get("/error", params={"error": "INVALID_TOKEN"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "INVALID_TOKEN" in page.text
    for hostile in ("<script>alert(1)</script>", "A B", "A" * 65, "", 'A"B', "Ä"):
        text = anybody.get("/error", params={"error": hostile}).text
        assert "UNKNOWN" in text
        assert "alert" not in text
