"""What every answer tells a browser: read it as what it is, keep nothing, show it nowhere else."""

from __future__ import annotations

import math
from collections.abc import Callable

import httpx
import pytest
from live import EMAIL, NAME, PASSWORD, Live

from limen import BrowserSettings, ConfigurationError
from limen.service.better_auth.routes import endpoints_of

CLOSED = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}
JSON_POLICY = "default-src 'none'; frame-ancestors 'none'"
ACCOUNT = {"name": NAME, "email": EMAIL, "password": PASSWORD}
FOREIGN = (
    "https://evil.example",
    "null",
    "http://127.0.0.1.evil.example",
    "http://127.0.0.1:1",
    "https://app.example.evil.example",
    "https://evilapp.example",
)


def answers_of(live: Live) -> list[httpx.Response]:
    """Ask every endpoint as nobody and as somebody, with and without a body, and what is none."""
    found = []
    nobody, somebody = live.client(), live.browser()
    for one in endpoints_of(live.auth):
        path = one.path.replace("{token}", "x")
        for client in (nobody, somebody):
            if one.path == "/sign-out" and client is somebody:
                continue
            found.append(client.request(one.method, path))
            if one.method == "POST":
                found.append(client.post(path, json={"unknown": 1}))
                found.append(client.post(path, content=b"a=b", headers={"content-type": "a/b"}))
    found += [nobody.request(verb, "/ok") for verb in ("PUT", "DELETE", "OPTIONS", "TRACE")]
    found += [nobody.get("/nothing"), nobody.get(live.url + "/elsewhere"), somebody.get("/error")]
    found.append(nobody.get("/verify-email", params={"token": "x", "callbackURL": "/"}))
    assert {200, 302, 400, 401, 404, 415} <= {one.status_code for one in found}
    return found


@pytest.mark.proves("asvs:3.2.1", "asvs:3.4.4", "asvs:3.4.6", "asvs:3.5.8", "oauth:17")
@pytest.mark.proves("asvs:14.2.2", "asvs:14.3.2", "asvs:3.5.7", "asvs:3.4.8", "asvs:3.4.5")
def test_every_answer_is_closed(shared: Live) -> None:
    for answer in answers_of(shared):
        told = answer.headers
        asked = f"{answer.request.method} {answer.request.url} {answer.status_code}"
        assert CLOSED.items() <= dict(told).items(), asked
        assert told["referrer-policy"] in ("no-referrer", "same-origin"), asked
        kind = told.get("content-type", "application/json").partition(";")[0]
        assert kind in ("application/json", "text/html"), asked
        if kind == "application/json":
            assert told["content-security-policy"] == JSON_POLICY, asked
            assert "cross-origin-opener-policy" not in told
        else:
            assert told["content-security-policy"].startswith("default-src 'none'"), asked
            assert "frame-ancestors 'none'" in told["content-security-policy"]
            assert told["cross-origin-opener-policy"] == "same-origin"
        if answer.request.url.path.endswith("/jwks") and answer.status_code == 200:
            assert told["cache-control"].startswith("public")
            assert "vary" not in told
        else:
            assert told["cache-control"] == "no-store", asked
            assert told["vary"] == "Cookie", asked


@pytest.mark.proves("asvs:3.4.1")
@pytest.mark.parametrize(
    ("base_url", "settings", "said"),
    [
        ("https://app.example", BrowserSettings(), "max-age=31536000"),
        (
            "https://app.example",
            BrowserSettings(hsts_subdomains=True),
            "max-age=31536000; includeSubDomains",
        ),
        ("https://app.example", BrowserSettings(hsts=0), None),
        ("https://localhost:8443", BrowserSettings(), None),
        ("http://app.example", BrowserSettings(), None),
        (None, BrowserSettings(), None),
    ],
)
def test_a_public_service_is_reached_by_https_alone(
    start: Callable[..., Live], base_url: str | None, settings: BrowserSettings, said: str | None
) -> None:
    live = start("jwt", base_url=base_url, browser=settings)
    client = live.client()
    for answer in (client.get("/ok"), client.get("/nothing"), client.get(live.url + "/elsewhere")):
        assert answer.headers.get("strict-transport-security") == said


@pytest.mark.proves("asvs:14.3.1")
def test_at_sign_out_the_browser_drops_what_it_stored(start: Callable[..., Live]) -> None:
    live = start("hybrid")
    for path, body in (("/sign-out", {}), ("/revoke-sessions", {})):
        browser = live.client()
        browser.post("/sign-up/email", json=ACCOUNT | {"email": f"{path[1:]}@example.org"})
        assert "clear-site-data" not in browser.get("/get-session").headers
        assert browser.post(path, json=body).headers["clear-site-data"] == '"cache"'
    refused = live.client()
    refused.cookies.set("better-auth.session_token", "lms_" + "a" * 43, domain="127.0.0.1")
    assert "clear-site-data" not in refused.get("/get-session").headers


@pytest.mark.proves("asvs:14.3.1")
def test_what_is_dropped_is_a_choice(start: Callable[..., Live]) -> None:
    for kinds, said in ((("cache", "storage"), '"cache", "storage"'), ((), None)):
        live = start("session", browser=BrowserSettings(clear=kinds))
        answer = live.browser().post("/sign-out", json={})
        assert answer.headers.get("clear-site-data") == said
    for wrong in ("cache", ("everything",)):
        with pytest.raises(ConfigurationError, match="clear_site_data"):
            BrowserSettings(clear=wrong)
    for wrong in (-1, math.inf, math.nan):
        with pytest.raises(ConfigurationError, match="hsts"):
            BrowserSettings(hsts=wrong)


@pytest.mark.proves("asvs:3.4.2")
def test_no_foreign_page_may_read_an_answer(start: Callable[..., Live]) -> None:
    """The service answers no question of CORS itself: whoever needs it adds a middleware."""
    live = start("session", base_url="https://app.example")
    browser = live.client(origin=False)
    for origin in (*FOREIGN, "https://app.example"):
        for method, path in (("GET", "/get-session"), ("POST", "/sign-in/email")):
            answer = browser.request(method, path, headers={"origin": origin})
            assert "access-control-allow-origin" not in answer.headers
            assert "access-control-allow-credentials" not in answer.headers
            preflight = {"origin": origin, "access-control-request-method": method}
            asked = browser.options(path, headers=preflight)
            assert asked.status_code == 405
            assert not [name for name in asked.headers if name.startswith("access-control")]


@pytest.mark.proves("asvs:3.5.6")
def test_no_answer_wraps_itself_in_a_callback(shared: Live) -> None:
    client = shared.browser("jsonp@example.org")
    plain = client.get("/get-session")
    for name in ("callback", "jsonp", "cb"):
        answer = client.get("/get-session", params={name: "stolen"})
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == plain.json()


@pytest.mark.proves("asvs:14.2.1")
def test_a_credential_in_an_address_is_nobody(shared: Live) -> None:
    _, kept = shared.app("address@example.org")
    stranger = shared.client(origin=False)
    for name in ("access_token", "token", "session_token", "better-auth.session_token"):
        assert stranger.get("/get-session", params={name: kept["token"]}).json() is None
        assert stranger.get("/list-sessions", params={name: kept["token"]}).status_code == 401


@pytest.mark.proves("asvs:13.4.5", "asvs:13.4.2")
def test_the_document_is_for_the_developer_unless_it_is_for_everybody(
    start: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    from limen import BetterAuthSettings

    def answered(live: Live, **headers: str) -> int:
        return live.client(origin=False, **headers).get("/openapi.json").status_code

    public = {"base_url": "https://app.example"}
    everybody, nobody = BetterAuthSettings(openapi=True), BetterAuthSettings(openapi=False)
    assert answered(start("jwt")) == 200
    assert answered(start("jwt"), **{"x-forwarded-for": "203.0.113.9"}) == 404
    assert answered(start("jwt", better_auth=nobody)) == 404
    assert answered(start("jwt", **public)) == 404
    assert answered(start("jwt", **public, better_auth=everybody)) == 200
    monkeypatch.setenv("LIMEN_ENV", "production")
    assert answered(start("jwt")) == 404
