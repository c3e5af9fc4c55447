"""What an attacker tries between a browser, our service and a real provider."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from live import STRATEGIES, Live
from walks import (
    ID,
    Identities,
    begin,
    changed,
    error_of,
    landed,
    query_of,
    returned,
    sign_in,
    user_of,
)

from limen import Authenticated, Refused, Target
from limen.clock import SystemClock
from limen.operations import ProvenIdentity
from limen.testing.clock import StepClock

HOUR = 3_600_000
ALMOST, REST = 590_000, 10_001  # milliseconds; an attempt lives for 600,000


def refused(live: Live, browser: httpx.Client, url: str) -> str:
    """Follow a way back that must not work; give the error, nobody is signed in."""
    code = error_of(browser.get(url))
    assert user_of(browser) is None
    del live
    return code


@pytest.mark.proves("asvs:2.3.1", "asvs:7.6.2", "asvs:10.1.2", "oauth:3")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_way_back_works_only_in_the_browser_that_began(
    start: Callable[..., Live], identities: Identities, strategy: str
) -> None:
    live = start(strategy, providers=[identities.registered()])
    attacker, victim = live.client(), live.client()
    back = returned(attacker, begin(attacker), "attacker")
    assert refused(live, victim, back) == "state_mismatch"
    begin(victim)  # now the victim has a cookie of this kind as well
    assert refused(live, victim, back) == "state_mismatch"
    # It was tried, so it is gone: the attacker cannot use it any more either.
    assert refused(live, attacker, back) == "state_mismatch"


@pytest.mark.proves("asvs:2.3.4", "asvs:10.1.2")
def test_the_way_back_works_once(live: Live) -> None:
    browser = live.client()
    back = returned(browser, begin(browser), "once")
    landed(browser.get(back))
    browser.post("/sign-out", json={})
    assert refused(live, browser, back) == "state_mismatch"


@pytest.mark.proves("asvs:2.3.1", "asvs:10.2.1")
def test_a_way_back_that_is_incomplete_leads_nowhere(live: Live) -> None:
    browser = live.client()
    for members, expected in (
        ({"state": None}, "state_not_found"),
        ({"state": ""}, "state_not_found"),
        ({"state": "x" * 43}, "state_mismatch"),
        ({"state": "x" * 5000}, "state_mismatch"),
        ({"code": None}, "no_code"),
        ({"code": "made-up"}, "invalid_code"),
        ({"code": "x" * 5000}, "invalid_callback_request"),
    ):
        back = changed(returned(browser, begin(browser), "part"), **members)
        assert refused(live, browser, back) == expected
    back = returned(browser, begin(browser), "part")
    assert refused(live, browser, f"{back}&code=another") == "invalid_callback_request"


@pytest.mark.proves("cookie:8")
def test_two_cookies_of_the_name_are_none(live: Live) -> None:
    browser = live.client()
    back = returned(browser, begin(browser), "tossed")
    value = browser.cookies["better-auth.state"]
    tossed = f"better-auth.state={value}; better-auth.state={'x' * 43}"
    answer = live.client().get(back, headers={"Cookie": tossed})
    assert error_of(answer) == "state_mismatch"


@pytest.mark.proves("asvs:10.1.2")
def test_an_attempt_is_over_after_ten_minutes(
    start: Callable[..., Live], identities: Identities
) -> None:
    clock = StepClock(SystemClock().now())
    live = start(providers=[identities.registered()], clock=clock)
    browser = live.client()
    in_time, back = (returned(browser, begin(browser), "late") for _ in range(2))
    clock.advance(ALMOST)
    landed(browser.get(in_time))
    browser.post("/sign-out", json={})
    clock.advance(REST)
    assert refused(live, browser, back) == "state_mismatch"


@pytest.fixture
def both(start: Callable[..., Live], identities: Identities, rival: Identities) -> Live:
    return start(providers=[identities.registered(id="one"), rival.registered(id="two")])


@pytest.mark.proves("asvs:6.8.1", "asvs:10.2.2", "oauth:4")
def test_a_state_of_one_provider_is_of_no_use_at_the_way_back_of_another(both: Live) -> None:
    browser = both.client()
    back = returned(browser, begin(browser, "one"), "mixed")
    swapped = back.replace("/callback/one", "/callback/two")
    assert refused(both, browser, swapped) == "state_mismatch"


@pytest.mark.proves("asvs:10.2.2", "oauth:4")
def test_an_answer_of_another_issuer_is_noticed_before_the_code_is_sent_on(
    both: Live, rival: Identities
) -> None:
    browser = both.client()
    honest = returned(browser, begin(browser, "one"), "mixed")
    assert query_of(honest)["iss"] != rival.issuer
    assert refused(both, browser, changed(honest, iss=rival.issuer)) == "issuer_mismatch"
    missing = changed(returned(browser, begin(browser, "one"), "mixed"), iss=None)
    assert refused(both, browser, missing) == "issuer_missing"
    # The whole of the rival's answer, code and issuer, with the state of the first.
    url = begin(browser, "one")
    foreign = query_of(returned(browser, begin(browser, "two"), "mixed"))
    back = changed(returned(browser, url, "mixed"), code=foreign["code"], iss=foreign["iss"])
    assert refused(both, browser, back) == "issuer_mismatch"


def test_a_stolen_code_is_of_no_use_in_another_attempt(live: Live) -> None:
    victim, attacker = live.client(), live.client()
    stolen = query_of(returned(victim, begin(victim), "robbed"))["code"]
    back = changed(returned(attacker, begin(attacker), "attacker"), code=stolen)
    assert refused(live, attacker, back) == "invalid_code"


@pytest.mark.proves("asvs:10.5.1")
def test_an_id_token_with_another_nonce_is_refused(live: Live) -> None:
    browser = live.client()
    url = changed(begin(browser), nonce="n" * 43)
    assert refused(live, browser, returned(browser, url, "replayed")) == "unable_to_get_user_info"
    without = changed(begin(browser), nonce=None)
    back = returned(browser, without, "replayed")
    assert refused(live, browser, back) == "unable_to_get_user_info"


@pytest.mark.proves("asvs:10.2.1", "oauth:5")
def test_pkce_cannot_be_taken_out(
    start: Callable[..., Live], live: Live, identities: Identities
) -> None:
    browser = live.client()
    url = changed(begin(browser), code_challenge=None, code_challenge_method=None)
    assert refused(live, browser, returned(browser, url, "downgraded")) == "unknown_error"
    # A provider that would do without: the verifier is sent all the same, and it notices.
    lax = start(providers=[identities.registered("lax")])
    browser = lax.client()
    url = changed(begin(browser), code_challenge=None, code_challenge_method=None)
    assert refused(lax, browser, returned(browser, url, "downgraded")) == "invalid_code"
    landed(sign_in(lax.client(), "upgraded"))


@pytest.mark.proves("asvs:3.7.2", "oauth:2")
@pytest.mark.parametrize("member", ["callbackURL", "errorCallbackURL", "newUserCallbackURL"])
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/%5cevil.example",
        "\t//evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:evil.example",
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.1.evil.example/",
        "/x#y\r\nSet-Cookie: a=b",
    ],
)
def test_no_address_elsewhere_is_ever_redirected_to(live: Live, member: str, target: str) -> None:
    for path in ("/sign-in/social", "/link-social"):
        answer = live.client().post(path, json={"provider": ID, member: target})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


@pytest.mark.proves("asvs:7.6.2", "asvs:3.5.1")
def test_a_page_elsewhere_can_neither_sign_in_nor_link(live: Live) -> None:
    browser = live.browser("forged@example.org")
    for client in (browser, live.client()):
        client.headers.update({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
        for path in ("/sign-in/social", "/link-social"):
            answer = client.post(path, json={"provider": ID})
            assert answer.status_code in {401, 403}
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "name", ["state", "client_id", "redirect_uri", "response_type", "nonce", "scope", "request"]
)
def test_a_page_cannot_write_what_the_flow_itself_says(live: Live, name: str) -> None:
    body = {"provider": ID, "additionalParams": {name: "x"}}
    answer = live.client().post("/sign-in/social", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("scopes", ["a b"]),
        ("scopes", ["s"] * 33),
        ("scopes", "openid"),
        ("scopes", [1]),
        ("additionalParams", {"a": 1}),
        ("additionalParams", {f"a{n}": "x" for n in range(17)}),
        ("additionalData", []),
        ("idToken", {}),
        ("idToken", {"token": 1}),
        ("provider", None),
        ("requestSignUp", "yes"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(live: Live, member: str, value: object) -> None:
    answer = live.client().post("/sign-in/social", json={"provider": ID, member: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.proves("asvs:16.2.5")
def test_nothing_secret_is_logged(
    start: Callable[..., Live], identities: Identities, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "limen")
    live = start(providers=[identities.registered(keep_tokens=True)])
    browser = live.client()
    url = begin(browser)
    back = returned(browser, url, "logged")
    landed(browser.get(back))
    error_of(browser.get(back))
    secrets = {
        *(query_of(url)[one] for one in ("state", "nonce", "code_challenge")),
        query_of(back)["code"],
        browser.cookies["better-auth.state"],
        "secret-of-limen",
        "logged@example.org",
    }
    text = "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("limen"))
    assert "sign-in at hub failed: state_mismatch" in text
    assert [one for one in secrets if one in text] == []
    assert "secret-of-limen" not in repr(live.auth.settings)


def test_a_copied_session_cannot_leave_an_identity_behind(
    start: Callable[..., Live], identities: Identities
) -> None:
    clock = StepClock(SystemClock().now())
    live = start(providers=[identities.registered()], clock=clock)
    browser = live.browser("keeper@example.org")
    clock.advance(HOUR - ALMOST)
    url = browser.post("/link-social", json={"provider": ID}).json()["url"]
    back = returned(browser, url, "keeper")
    clock.advance(ALMOST)
    clock.advance(1)
    assert error_of(browser.get(back)) == "session_not_fresh"
    assert [one["providerId"] for one in browser.get("/list-accounts").json()] == ["credential"]
    thief = live.copy_of(live.browser("careless@example.org"))
    clock.advance(HOUR + 1)
    for body in ({}, {"idToken": {"token": "made-up"}}):
        answer = thief.post("/link-social", json={"provider": ID, **body})
        assert (answer.status_code, answer.json()["code"]) == (403, "SESSION_NOT_FRESH")


def test_a_link_does_not_outlast_the_sign_in_that_asks_for_it(live: Live) -> None:
    planted = live.browser("raced@example.org")
    account = live.run(live.auth.account_by_email("raced@example.org"))
    assert account is not None
    verdict = live.run(live.auth.authenticate(planted.cookies["better-auth.session_token"]))
    assert isinstance(verdict, Authenticated)
    # While the provider was asked, the owner of the address took the account over.
    live.run(live.auth.revoke(Target.user(account.id)))
    proven = ProvenIdentity("hub", "https://hub.example", "planted", "raced@example.org", True)
    refused_link = live.run(live.auth.link_identity(verdict.principal, proven))
    assert isinstance(refused_link, Refused)
    listed = live.run(live.auth.identities(account.id))
    assert [one.provider for one in listed] == ["credential"]
