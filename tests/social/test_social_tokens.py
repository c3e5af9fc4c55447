"""ID tokens that a page brings, and what is done with the tokens of a provider."""

from __future__ import annotations

import base64
import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from live import Live
from walks import ID, Identities, query_of, running, sign_in, user_of, verified, walk

VERIFIER = "v" * 43


def id_token(
    identities: Identities, name: str, nonce: str | None = None, client: str = "limen"
) -> str:
    """Get an ID token as the provider's own script would, straight from the provider.

    Two of one person, second and nonce are one token.
    """
    nonce = nonce or secrets.token_hex()
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    redirect_uri = "http://127.0.0.1:1/callback/page"
    with httpx.Client() as page:
        url = httpx.URL(f"{identities.issuer}/auth").copy_merge_params(
            {
                "client_id": client,
                "response_type": "code",
                "scope": "openid email profile",
                "redirect_uri": redirect_uri,
                "state": "s",
                "nonce": nonce,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )
        code = query_of(walk(page, str(url), name).headers["location"])["code"]
        answer = page.post(
            f"{identities.issuer}/token",
            auth=(client, f"secret-of-{client}"),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": VERIFIER,
            },
        )
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["id_token"]
    return token


@pytest.fixture(scope="session")
def talkative() -> Any:
    """Give a provider whose ID tokens say everything, and whose access tokens end soon."""
    with running(conform=False, accessSeconds=4) as one:
        yield one


def by_token(browser: httpx.Client, token: str, path: str = "/sign-in/social", **more: Any) -> Any:
    return browser.post(path, json={"provider": ID, "idToken": {"token": token, **more}})


@pytest.mark.proves("asvs:10.5.1")
def test_a_page_signs_in_by_an_id_token_once(
    start: Callable[..., Live], talkative: Identities
) -> None:
    live = start(providers=[talkative.registered()])
    browser, token = live.client(), id_token(talkative, "tapped", "n" * 20)
    answer = by_token(browser, token, nonce="n" * 20)
    assert answer.status_code == 200, answer.text
    assert answer.json()["redirect"] is False
    assert answer.json()["user"] == user_of(browser)
    again = by_token(live.client(), token, nonce="n" * 20)
    assert (again.status_code, again.json()["code"]) == (401, "INVALID_TOKEN")
    respelled = by_token(live.client(), token + "=")
    assert (respelled.status_code, respelled.json()["code"]) == (401, "INVALID_TOKEN")

    keeps = live.client(**{"x-limen-carrier": "bearer"})
    answer = by_token(keeps, id_token(talkative, "tapped"))
    assert "set-cookie" not in answer.headers
    keeps.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    assert user_of(keeps) == user_of(browser)


@pytest.mark.proves("asvs:10.5.4")
def test_an_id_token_for_somebody_else_is_refused(
    start: Callable[..., Live], talkative: Identities, rival: Identities
) -> None:
    live = start(providers=[talkative.registered()])
    token = id_token(talkative, "other")
    for wrong, nonce in (
        (token, "another"),
        (id_token(talkative, "other", client="other"), None),
        (id_token(rival, "other"), None),
        (token.rpartition(".")[0] + ".", None),
        ("nothing", None),
    ):
        more = {} if nonce is None else {"nonce": nonce}
        answer = by_token(live.client(), wrong, **more)
        assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")
    answer = by_token(live.client(), id_token(talkative, "unverified-tap"))
    assert (answer.status_code, answer.json()["code"]) == (403, "EMAIL_NOT_VERIFIED")
    live.browser("planted-tap@example.org")
    answer = by_token(live.client(), id_token(talkative, "planted-tap"))
    assert (answer.status_code, answer.json()) == (
        401,
        {"message": "account not linked", "code": "OAUTH_LINK_ERROR"},
    )


def test_a_page_links_by_an_id_token(start: Callable[..., Live], talkative: Identities) -> None:
    live = start(providers=[talkative.registered()])
    browser = live.browser("tied@example.org")
    answer = by_token(browser, id_token(talkative, "tied"), "/link-social")
    assert answer.json() == {"url": "", "status": True, "redirect": False}
    answer = by_token(browser, id_token(talkative, "apart"), "/link-social")
    assert (answer.status_code, answer.json()["code"]) == (
        401,
        "LINKING_DIFFERENT_EMAILS_NOT_ALLOWED",
    )
    second = live.browser("second@example.org")
    answer = by_token(second, id_token(talkative, "tied"), "/link-social")
    assert (answer.status_code, answer.json()["code"]) == (409, "SOCIAL_ACCOUNT_ALREADY_LINKED")
    answer = by_token(second, "nothing", "/link-social")
    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")


# -- the provider's tokens


def identity_of(browser: httpx.Client) -> str:
    listed = browser.get("/list-accounts").json()
    return next(str(one["id"]) for one in listed if one["providerId"] == ID)


def signed_in(browser: httpx.Client, name: str) -> str:
    """Sign in at the provider; give the identity's id."""
    sign_in(browser, name)
    return identity_of(browser)


def test_kept_tokens_are_handed_out_renewed_and_used(
    start: Callable[..., Live], talkative: Identities
) -> None:
    live = start(providers=[talkative.registered(keep_tokens=True)])
    browser = live.client()
    chosen = signed_in(browser, "worker")
    # Within five seconds of its end, so each request renews it: four seconds is its whole life.
    with ThreadPoolExecutor(4) as pool:
        body = {"accountId": chosen}
        answers = list(pool.map(lambda _: browser.post("/get-access-token", json=body), range(4)))
    assert [one.status_code for one in answers] == [200] * 4
    got = answers[-1].json()
    assert got["scopes"] == ["openid", "email", "profile"]
    assert got["accessTokenExpiresAt"].endswith("Z")
    assert got["idToken"].count(".") == 2

    renewed = browser.post("/refresh-token", json={"accountId": chosen}).json()
    assert renewed["accessToken"] not in {one.json()["accessToken"] for one in answers}
    assert (renewed["providerId"], renewed["accountId"]) == (ID, chosen)
    assert renewed["scope"] == "openid,email,profile"
    assert "refreshToken" not in renewed  # a page has no use for it

    info = browser.get("/account-info", params={"accountId": chosen}).json()
    assert info["user"]["email"] == "worker@example.org"
    assert info["account"] == {"id": chosen, "providerId": ID, "accountId": "worker"}
    assert info["data"]["sub"] == "worker"

    with sqlite3.connect(live.database) as database:
        dump = "\n".join(database.iterdump())
    assert renewed["accessToken"] not in dump


def test_tokens_that_are_not_kept_cannot_be_had(
    start: Callable[..., Live], identities: Identities
) -> None:
    live = start(providers=[identities.registered()])
    browser = live.client()
    chosen = signed_in(browser, "private")
    for path, code in (
        ("/get-access-token", "FAILED_TO_GET_ACCESS_TOKEN"),
        ("/refresh-token", "REFRESH_TOKEN_NOT_FOUND"),
    ):
        answer = browser.post(path, json={"accountId": chosen})
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    answer = browser.get("/account-info", params={"accountId": chosen})
    assert (answer.status_code, answer.json()["code"]) == (400, "ACCESS_TOKEN_NOT_FOUND")
    listed = live.run(live.auth.identities(str(user_of(browser)["id"])))  # type: ignore[index]
    assert [one.sealed_tokens for one in listed] == [None]


@pytest.mark.proves("asvs:8.2.2")
def test_nobody_gets_the_tokens_of_somebody_else(live: Live) -> None:
    owner, thief = live.client(), live.browser("thief@example.org")
    chosen = signed_in(owner, "owner")
    assert owner.post("/get-access-token", json={"accountId": chosen}).status_code == 200
    for client, status in ((thief, 400), (live.client(), 401)):
        for path in ("/get-access-token", "/refresh-token", "/unlink-account"):
            assert client.post(path, json={"accountId": chosen}).status_code == status
        assert client.get("/account-info", params={"accountId": chosen}).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"accountId": 1},
        {"accountId": "x", "more": 1},
        {"useAccountCookie": False},
        {"accountId": "x", "useAccountCookie": True},
    ],
)
def test_what_is_meant_must_be_said_plainly(live: Live, body: dict[str, Any]) -> None:
    browser = live.browser(f"plain{len(str(body))}@example.org")
    for path in ("/get-access-token", "/refresh-token"):
        answer = browser.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    assert browser.get("/account-info").status_code == 400


def test_of_an_account_without_that_provider_there_is_nothing(live: Live) -> None:
    browser = live.browser("bare@example.org")
    (one,) = browser.get("/list-accounts").json()
    answer = browser.post("/get-access-token", json={"accountId": one["id"]})
    assert answer.json()["code"] == "PROVIDER_NOT_SUPPORTED"
    answer = browser.post("/get-access-token", json={"useAccountCookie": True})
    assert answer.json()["code"] == "ACCOUNT_NOT_FOUND"
    verified(live, "bare@example.org")


def test_an_id_token_that_a_page_got_to_see_signs_nobody_in(
    start: Callable[..., Live], talkative: Identities
) -> None:
    live = start(providers=[talkative.registered(keep_tokens=True)])
    browser = live.client()
    body = {"accountId": signed_in(browser, "copied")}
    # Four seconds are the life of an access token there, so this one is a renewed one.
    seen = [browser.post("/get-access-token", json=body).json()["idToken"]]
    seen.append(browser.post("/refresh-token", json=body).json()["idToken"])
    browser.post("/sign-out", json={})
    for token in seen:
        answer = by_token(live.client(), token)
        assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")


def test_nor_does_the_one_that_came_with_the_code(
    start: Callable[..., Live], identities: Identities
) -> None:
    live = start(providers=[identities.registered(keep_tokens=True)])
    browser = live.client()
    body = {"accountId": signed_in(browser, "copied")}
    token = browser.post("/get-access-token", json=body).json()["idToken"]
    browser.post("/sign-out", json={})
    answer = by_token(live.client(), token)
    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")
