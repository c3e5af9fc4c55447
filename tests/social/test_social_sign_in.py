"""Signing in at a real provider, over HTTP: accounts, links and what the wire answers."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from live import NAME, PASSWORD, SECRET, STRATEGIES, Live
from walks import (
    ID,
    Identities,
    begin,
    error_of,
    landed,
    query_of,
    returned,
    sign_in,
    user_of,
    verified,
)

from limen import ConfigurationError, EmailPolicy, Settings
from limen.social import LinkPolicy


def accounts_of(browser: httpx.Client) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = browser.get("/list-accounts").json()
    return listed


@pytest.mark.proves("asvs:10.5.2")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_person_signs_in_at_a_provider_and_is_the_same_next_time(
    start: Callable[..., Live], identities: Identities, strategy: str
) -> None:
    live = start(strategy, providers=[identities.registered()])
    browser = live.client()
    where = {"callbackURL": "/home?a=1", "newUserCallbackURL": "/welcome"}
    assert landed(sign_in(browser, "ada", **where)) == "/welcome"
    user = user_of(browser)
    assert user is not None
    assert (user["email"], user["emailVerified"], user["name"]) == ("ada@example.org", True, "ada")
    (one,) = accounts_of(browser)
    assert (one["providerId"], one["issuer"]) == (ID, identities.issuer)
    assert (one["accountId"], one["userId"]) == ("ada", user["id"])
    assert one["scopes"] == ["openid", "email", "profile"]
    (session,) = live.run(live.auth.sessions(user["id"]))
    assert session.methods == ("fed",)

    again = live.client()
    assert landed(sign_in(again, "ada", **where)) == "/home?a=1"
    assert user_of(again) == user


@pytest.mark.proves("asvs:10.2.1", "asvs:10.2.3", "oauth:1", "oauth:5", "oauth:6")
def test_what_is_sent_to_the_provider_and_kept_in_the_browser(live: Live) -> None:
    browser = live.client()
    answer = browser.post("/sign-in/social", json={"provider": ID, "loginHint": "a@b.example"})
    asked = query_of(answer.json()["url"])
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == len(asked["state"]) == len(asked["nonce"]) == 43
    assert asked["redirect_uri"] == f"{live.api}/callback/{ID}"
    assert (asked["response_type"], asked["login_hint"]) == ("code", "a@b.example")
    (line,) = answer.headers.get_list("set-cookie")
    value, _, attributes = line.partition("; ")
    assert value.startswith("better-auth.state=")
    assert attributes == "Max-Age=600; Path=/; HttpOnly; SameSite=Lax"
    assert answer.headers["cache-control"] == "no-store"


def test_disable_redirect_leaves_the_address_to_the_page(live: Live) -> None:
    body = {"provider": ID, "disableRedirect": True, "additionalParams": {"hd": "example.org"}}
    answer = live.client().post("/sign-in/social", json=body)
    assert answer.json()["redirect"] is False
    assert "location" not in answer.headers
    assert query_of(answer.json()["url"])["hd"] == "example.org"


@pytest.mark.proves("asvs:3.3.1", "cookie:1")
def test_behind_https_the_cookie_is_bound_to_the_host(
    start: Callable[..., Live], identities: Identities
) -> None:
    live = start(base_url="https://app.example", providers=[identities.registered()])
    browser = live.client(origin=False, Origin="https://app.example")
    answer = browser.post("/sign-in/social", json={"provider": ID})
    assert query_of(answer.json()["url"])["redirect_uri"] == (
        f"https://app.example/api/auth/callback/{ID}"
    )
    (line,) = answer.headers.get_list("set-cookie")
    assert line.startswith("__Host-better-auth.state=")
    assert line.endswith("; Path=/; HttpOnly; Secure; SameSite=Lax")


def test_two_tabs_of_one_browser_do_not_disturb_each_other(live: Live) -> None:
    browser = live.client()
    first, second = begin(browser, callbackURL="/1"), begin(browser, callbackURL="/2")
    back = returned(browser, first, "tabs")
    assert landed(browser.get(returned(browser, second, "tabs"))) == "/2"
    assert landed(browser.get(back)) == "/1"


@pytest.mark.proves("asvs:7.2.4")
def test_a_sign_in_ends_what_the_browser_held_before(live: Live) -> None:
    browser = live.browser("before@example.org")
    held = live.copy_of(browser)
    sign_in(browser, "after")
    assert user_of(held) is None
    user = user_of(browser)
    assert user is not None
    assert user["email"] == "after@example.org"


def test_an_address_that_both_sides_verified_joins_the_account(live: Live) -> None:
    local = live.browser("joined@example.org")
    verified(live, "joined@example.org")
    other = live.client()
    landed(sign_in(other, "joined"))
    assert user_of(other) == user_of(local)
    assert [one["providerId"] for one in accounts_of(other)] == ["credential", ID]


@pytest.mark.proves("asvs:6.8.1", "attack:73")
def test_a_planted_account_does_not_get_the_owner_of_the_address(live: Live) -> None:
    planted = live.browser("victim@example.org")
    owner = live.client()
    assert error_of(sign_in(owner, "victim", errorCallbackURL="/oops?x=1")) == (
        "account_not_linked"
    )
    assert user_of(owner) is None
    assert [one["providerId"] for one in accounts_of(planted)] == ["credential"]


@pytest.mark.proves("asvs:6.8.1")
def test_an_address_that_the_provider_did_not_verify_joins_nothing(
    start: Callable[..., Live], identities: Identities
) -> None:
    live = start(providers=[identities.registered(takes_unverified=True)])
    live.browser("target@example.org")
    verified(live, "target@example.org")
    thief = live.client()
    assert error_of(sign_in(thief, "unverified-thief+target")) == "account_not_linked"
    assert user_of(thief) is None
    stranger = live.client()
    landed(sign_in(stranger, "unverified-stranger"))
    user = user_of(stranger)
    assert user is not None
    assert user["emailVerified"] is False


def test_a_trusted_provider_does_not_stand_in_for_our_own_check(
    start: Callable[..., Live], identities: Identities
) -> None:
    live = start(providers=[identities.registered(trusted=True)])
    live.browser("unverified-a@example.org")
    assert error_of(sign_in(live.client(), "unverified-a")) == "account_not_linked"
    verified(live, "unverified-a@example.org")
    landed(sign_in(live.client(), "unverified-a"))


def test_nobody_gets_an_account_for_an_address_that_nobody_verified(live: Live) -> None:
    browser = live.client()
    assert error_of(sign_in(browser, "unverified-new")) == "email_not_verified"
    assert live.run(live.auth.account_by_email("unverified-new@example.org")) is None


def test_where_addresses_must_be_verified_nobody_comes_in_without(
    start: Callable[..., Live], identities: Identities
) -> None:
    providers = [identities.registered(takes_unverified=True)]
    live = start(providers=providers, email=EmailPolicy(required=True))
    assert error_of(sign_in(live.client(), "unverified-kept-out")) == "email_not_verified"
    assert live.run(live.auth.account_by_email("unverified-kept-out@example.org")) is None
    landed(sign_in(live.client(), "moved"))
    account = live.run(live.auth.account_by_email("moved@example.org"))
    assert account is not None
    live.run(live.auth.set_email(account.id, "new@example.org", verified=False))
    assert error_of(sign_in(live.client(), "moved")) == "email_not_verified"


def test_joining_by_address_can_be_switched_off(
    start: Callable[..., Live], identities: Identities
) -> None:
    live = start(providers=[identities.registered()], linking=LinkPolicy(by_email=False))
    live.browser("apart@example.org")
    verified(live, "apart@example.org")
    assert error_of(sign_in(live.client(), "apart")) == "account_not_linked"


def test_a_provider_may_open_no_accounts_or_only_where_they_are_asked_for(
    start: Callable[..., Live], identities: Identities, rival: Identities
) -> None:
    live = start(
        providers=[
            identities.registered(id="closed", disable_sign_up=True),
            rival.registered(id="asked", explicit_sign_up=True),
        ]
    )
    assert error_of(sign_in(live.client(), "n1", "closed", requestSignUp=True)) == "signup_disabled"
    assert error_of(sign_in(live.client(), "n2", "asked")) == "signup_disabled"
    landed(sign_in(live.client(), "n2", "asked", requestSignUp=True))
    landed(sign_in(live.client(), "n2", "asked"))


def test_a_disabled_account_stays_out(live: Live) -> None:
    landed(sign_in(live.client(), "banned"))
    account = live.run(live.auth.account_by_email("banned@example.org"))
    assert account is not None
    live.run(live.auth.disable(account.id))
    browser = live.client()
    assert error_of(sign_in(browser, "banned")) == "account_disabled"
    assert user_of(browser) is None


def test_whoever_turns_back_at_the_provider_comes_to_the_error_page(live: Live) -> None:
    answer = sign_in(live.client(), "nobody", errorCallbackURL="/oops?x=1")
    assert answer.headers["location"] == "/oops?x=1&error=access_denied"
    answer = sign_in(live.client(), "nobody")
    assert answer.headers["location"] == "/api/auth/error?error=access_denied"


def test_an_identity_is_linked_to_the_account_that_is_signed_in(live: Live) -> None:
    browser = live.browser("linker@example.org")
    before = user_of(browser)
    answer = browser.post("/link-social", json={"provider": ID, "callbackURL": "/linked"})
    assert answer.json()["redirect"] is True
    assert landed(browser.get(returned(browser, answer.json()["url"], "linker"))) == "/linked"
    assert user_of(browser) == before
    assert [one["providerId"] for one in accounts_of(browser)] == ["credential", ID]

    stranger = live.browser("stranger@example.org")
    answer = stranger.post("/link-social", json={"provider": ID})
    code = error_of(stranger.get(returned(stranger, answer.json()["url"], "linker")))
    assert code == "account_already_linked_to_different_user"
    answer = live.client().post("/link-social", json={"provider": ID})
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


def test_an_identity_with_another_address_is_linked_only_if_that_is_allowed(
    start: Callable[..., Live], live: Live, identities: Identities
) -> None:
    lax = start(
        providers=[identities.registered()],
        linking=LinkPolicy(different_emails=True),
    )
    for service, expected in ((live, "email_does_not_match"), (lax, None)):
        browser = service.browser("mine@example.org")
        url = browser.post("/link-social", json={"provider": ID}).json()["url"]
        answer = browser.get(returned(browser, url, "elsewhere"))
        assert landed(answer) == "/" if expected is None else error_of(answer) == expected


def test_a_link_ends_only_for_whoever_began_it(live: Live) -> None:
    browser = live.browser("began@example.org")
    url = browser.post("/link-social", json={"provider": ID}).json()["url"]
    back = returned(browser, url, "began")
    browser.post("/sign-out", json={})
    assert error_of(browser.get(back)) == "unable_to_link_account"
    url_again = live.browser("second@example.org")
    url = url_again.post("/link-social", json={"provider": ID}).json()["url"]
    back = returned(url_again, url, "second")
    url_again.post("/sign-in/email", json={"email": "began@example.org", "password": PASSWORD})
    assert error_of(url_again.get(back)) == "unable_to_link_account"


def test_the_last_way_to_sign_in_stays(live: Live) -> None:
    browser = live.client()
    sign_in(browser, "single")
    (one,) = accounts_of(browser)
    answer = browser.post("/unlink-account", json={"accountId": one["id"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "FAILED_TO_UNLINK_LAST_ACCOUNT")
    answer = browser.post("/unlink-account", json={"accountId": "nothing"})
    assert (answer.status_code, answer.json()["code"]) == (400, "ACCOUNT_NOT_FOUND")

    local = live.browser("double@example.org")
    verified(live, "double@example.org")
    landed(sign_in(live.client(), "double"))
    theirs = next(one for one in accounts_of(local) if one["providerId"] == ID)
    assert browser.post("/unlink-account", json={"accountId": theirs["id"]}).status_code == 400
    answer = local.post("/unlink-account", json={"accountId": theirs["id"]})
    assert answer.json() == {"status": True}
    assert [one["providerId"] for one in accounts_of(local)] == ["credential"]


@pytest.mark.proves("asvs:6.5.6")
def test_unlinking_asks_for_a_recent_sign_in(
    start: Callable[..., Live], identities: Identities
) -> None:
    live = start(providers=[identities.registered()], fresh=0.001)
    browser = live.client()
    sign_in(browser, "stale")
    (one,) = accounts_of(browser)
    answer = browser.post("/unlink-account", json={"accountId": one["id"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "SESSION_NOT_FRESH")


def test_without_providers_there_is_none(start: Callable[..., Live]) -> None:
    live = start()
    answer = live.client().post("/sign-in/social", json={"provider": "google"})
    assert (answer.status_code, answer.json()["code"]) == (404, "PROVIDER_NOT_FOUND")
    assert live.client().get("/callback/google?state=x&code=y").status_code == 404
    browser = live.browser()
    (one,) = accounts_of(browser)
    assert one["providerId"] == "credential"


@pytest.mark.proves("asvs:6.8.1")
def test_two_providers_share_neither_a_name_nor_an_issuer(identities: Identities) -> None:
    for ids in (("one", "one"), ("one", "two")):
        providers = [identities.registered(id=one) for one in ids]
        with pytest.raises(ConfigurationError, match="listed twice"):
            Settings(secret=SECRET, database="x", providers=providers)


def test_a_password_cannot_be_guessed_for_an_account_that_has_none(live: Live) -> None:
    sign_in(live.client(), "wordless")
    body = {"email": "wordless@example.org", "password": PASSWORD}
    answer = live.client().post("/sign-in/email", json=body)
    assert answer.json()["code"] == "INVALID_EMAIL_OR_PASSWORD"
    taken = live.client().post("/sign-up/email", json={"name": NAME, **body})
    assert taken.status_code == 422
