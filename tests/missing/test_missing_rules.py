"""Sites, Set-Cookie lines and the order of causes; and who is answered at all."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from limen import Limen
from limen.service.app import create_app
from limen.web.development import STATED_IN
from limen.web.missing import (
    CAUSES,
    Cors,
    SetCookie,
    SignedIn,
    Situation,
    Stranger,
    causes_of,
    without_value,
)
from limen.web.missing.sites import is_public_suffix, same_site

SECRET = "Zk3-pX9vQ2rTn8wLb6Yc4Hs1Jd7Gf5Ma0Eo_UiBq"
PAGE, API = "https://app.example.com", "https://api.example.com"
GOOD = SetCookie("__Host-x", 40, secure=True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://localhost:3000", "http://localhost:8000", True),
        ("http://localhost", "http://127.0.0.1", False),
        ("http://localhost", "https://localhost", False),
        ("http://localhost", "http://app.localhost", False),
        ("http://127.0.0.1:1", "http://127.0.0.1:2", True),
        ("http://127.0.0.1", "http://127.0.0.2", False),
        ("http://[::1]:1", "http://[::1]:2", True),
        ("https://app.example.com", "https://api.example.com", True),
        ("https://example.com", "https://a.b.example.com", True),
        ("https://app.example", "https://api.example", False),
        ("https://a.co.uk", "https://b.co.uk", False),
        ("https://x.a.co.uk", "https://y.a.co.uk", True),
        ("https://co.uk", "https://a.co.uk", False),
        ("https://a.vercel.app", "https://b.vercel.app", False),
        ("https://x.a.vercel.app", "https://a.vercel.app", True),
        ("https://a.up.railway.app", "https://b.up.railway.app", False),
        ("https://example.io", "https://api.example.io", True),
    ],
)
def test_what_a_browser_holds_for_one_site(one: str, other: str, same: bool) -> None:
    assert same_site(one, other) is same_site(other, one) is same


def test_a_public_suffix_is_no_domain_for_a_cookie() -> None:
    suffixes = ["com", "example", "co.uk", "github.io", "up.railway.app", "localhost"]
    assert [one for one in suffixes if not is_public_suffix(one)] == []
    assert [one for one in ("example.com", "a.co.uk", "a.github.io") if is_public_suffix(one)] == []


def test_a_line_is_read_as_a_browser_reads_it() -> None:
    read = SetCookie.of("a=b=c; path=/x; DOMAIN=.Example.com; secure; samesite=NONE; HttpOnly")
    assert read == SetCookie("a", 4, secure=True, same_site="none", domain="example.com", path="/x")
    assert SetCookie.of("a=b") == SetCookie("a", 2, path="")
    assert SetCookie.of("a=b; SameSite=Silly; Path=x").same_site == "lax"


SITUATIONS: dict[str, Situation] = {
    "not-limen": Situation(PAGE, API, stranger=Stranger(f"{API}/wrong", 404)),
    "base-url": Situation(
        "http://localhost:3001",
        "http://localhost:3001",
        seen="http://localhost:8000",
        base_url="http://localhost:3000",
        trusted=False,
    ),
    "proxy-scheme": Situation(API, API, seen="http://api.example.com", trusted=False),
    "proxy-host": Situation(API, API, seen="https://internal", trusted=False),
    "untrusted-origin": Situation(PAGE, API, trusted=False),
    "cors-missing": Situation(PAGE, API, cors=Cors("")),
    "cors-wildcard": Situation(PAGE, API, cors=Cors("*", "true")),
    "cors-other-origin": Situation(PAGE, API, cors=Cors("https://other.example", "true")),
    "cors-no-credentials": Situation(PAGE, API, cors=Cors(PAGE)),
    "too-large": Situation(PAGE, API, (SetCookie("a", 4_097),)),
    "host-prefix": Situation(PAGE, API, (SetCookie("__Host-a", 9, secure=True, path="/x"),)),
    "secure-prefix": Situation(PAGE, API, (SetCookie("__Secure-a", 9),)),
    "none-without-secure": Situation(PAGE, API, (SetCookie("a", 9, same_site="none"),)),
    "secure-on-http": Situation("http://a.com", "http://a.com", (GOOD,)),
    "domain": Situation(PAGE, API, (SetCookie("a", 9, domain="app.example.com"),)),
    "same-site": Situation(PAGE, "https://api.other.com", (GOOD,)),
    "set-cookie-dropped": Situation(PAGE, API, (GOOD,), delivered=False),
    "third-party-blocked": Situation(
        PAGE, "https://o.com", (SetCookie("a", 9, secure=True, same_site="none"),), kept=False
    ),
    "fetch-without-credentials": Situation(
        PAGE, API, (GOOD,), kept=True, signed_in=SignedIn.BY_THIS_PAGE
    ),
    "server-component": Situation(PAGE, API, (GOOD,), kept=True, signed_in=SignedIn.BY_A_SERVER),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_cause_alone_is_one_sentence_with_a_remedy(name: str) -> None:
    (cause,) = causes_of(SITUATIONS[name])
    assert cause.name == name
    for text in (cause.sentence, cause.remedy):
        assert text[0].isupper()
        assert text.endswith((".", ")"))
    assert ". " not in cause.sentence.replace("*. ", "")


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_remedy_names_a_setting_as_code_writes_it_and_as_the_environment_does(name: str) -> None:
    (cause,) = causes_of(SITUATIONS[name])
    assert ("LIMEN_" in cause.remedy) is ("Limen(" in cause.remedy)


@pytest.mark.parametrize(
    ("page", "api", "base_url", "cause"),
    [
        ("http://localhost:3001", "http://localhost:3001", "http://localhost:3000", "base-url"),
        ("http://localhost:3001", "http://localhost:8000", "http://localhost:3000", "base-url"),
        (PAGE, PAGE, API, "base-url"),
        (PAGE, API, API, "untrusted-origin"),
        ("http://localhost:3000", "http://localhost:8000", "http://localhost:8000",
         "untrusted-origin"),
        (PAGE, PAGE, None, "proxy-host"),
    ],
)  # fmt: skip
def test_a_page_that_is_refused_is_given_one_reason_and_no_delivery_is_judged(
    page: str, api: str, base_url: str | None, cause: str
) -> None:
    for known in ({"delivered": False}, {"kept": False}):
        at = Situation(page, api, base_url=base_url, trusted=False, **known)
        assert [one.name for one in causes_of(at)] == [cause]
    if cause == "base-url":
        assert f"base_url is {base_url}, the page is {page}" in causes_of(at)[0].sentence


def test_who_has_asked_the_doctor_is_not_sent_to_it_again() -> None:
    by_doctor = Situation(PAGE, API, (GOOD,), delivered=False)
    by_page = Situation(PAGE, API, (GOOD,), kept=False)
    assert "limen doctor" not in causes_of(by_doctor)[0].remedy
    assert "limen doctor" in causes_of(by_page)[0].remedy


def test_a_line_is_shown_without_anything_that_may_be_secret() -> None:
    line = "a=s3cret; Path=/; s3cret=1; SameSite=Lax;HttpOnly; Max-Age=0; s3cret"
    assert without_value(line) == "a; Path=/; SameSite=Lax; HttpOnly; Max-Age=0"
    assert without_value("s3cret; Secure") == "(no name); Secure"


def test_every_rule_has_its_situation_and_a_right_one_has_none() -> None:
    heard = {rule for one in SITUATIONS.values() for rule in CAUSES if rule(one) is not None}
    assert heard == set(CAUSES)
    right = Situation(PAGE, API, (GOOD,), API, trusted=True, cors=Cors(PAGE, "true"), kept=True)
    assert causes_of(right) == ()
    assert causes_of(Situation(PAGE, API)) == ()  # what nobody knows is no cause


def test_a_cookie_that_came_back_is_not_explained_away() -> None:
    across = Situation(PAGE, "https://api.other.com", (GOOD,), kept=True)
    assert causes_of(across) == ()


def get(
    auth: Limen, path: str, *, client: str = "127.0.0.1", method: str = "GET", **headers: str
) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(auth), client=(client, 5))
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as asking,
            auth,
        ):
            return await asking.request(method, f"/api/auth/{path}", headers=headers)

    return asyncio.run(ask())


def limen(**settings: Any) -> Limen:
    return Limen("jwt", refresh=None, secret=SECRET, **settings)


@pytest.fixture(autouse=True)
def nothing_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in STATED_IN:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.proves("asvs:13.4.2")
@pytest.mark.parametrize(
    ("method", "path", "served"),
    [("GET", "why", 200), ("POST", "why", 204), ("GET", "why.js", 200)],
)
def test_it_is_served_to_the_developer_and_to_nobody_else(
    method: str, path: str, served: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def status(auth: Limen, client: str = "127.0.0.1", **headers: str) -> int:
        return get(auth, path, client=client, method=method, **headers).status_code

    assert status(limen()) == served
    assert status(limen(base_url="http://localhost:8000")) == served
    assert status(limen(), **{"X-Forwarded-For": "127.0.0.1, ::1"}) == served
    assert status(limen(), "::ffff:127.0.0.1") == served
    for client in ("10.0.0.1", "203.0.113.5", "testclient"):
        assert status(limen(), client) == 404
    for told in ("203.0.113.5", "127.0.0.1, 203.0.113.5", "unknown"):
        assert status(limen(), **{"X-Forwarded-For": told}) == 404
    for url in ("https://app.example", "http://10.0.0.1:8000"):
        assert status(limen(base_url=url)) == 404
    monkeypatch.setenv("APP_ENV", "prod-eu-1")
    assert status(limen()) == 404


def test_the_answer_to_the_script_is_empty_for_everybody() -> None:
    foreign = {"Origin": "https://evil.example", "Cookie": "better-auth.session_token=x"}
    answer = get(limen(), "why", method="POST", **foreign)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "set-cookie" not in answer.headers
    assert "content-length" not in answer.headers


def test_it_is_no_part_of_the_documented_protocol() -> None:
    assert "/why" not in get(limen(), "openapi.json").text


@pytest.mark.parametrize(
    "page",
    [
        "javascript://x",
        "</script><script>alert(1)</script>",
        "http://a.example/<!--",
        "",
        "http://",
    ],
)
def test_what_a_page_says_of_itself_is_an_origin_or_nothing(page: str) -> None:
    answer = get(limen(), f"why.js?{httpx.QueryParams(page=page, api='http://localhost:8000')}")
    if answer.status_code == 200:
        assert "<" not in answer.text
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["x-content-type-options"] == "nosniff"
    else:
        assert answer.status_code == 404


def test_a_single_request_is_judged_as_well() -> None:
    told = get(limen(), "why", Origin="http://127.0.0.1:3000").json()
    assert told["cause"] == "untrusted-origin"
    sent = {"Cookie": "better-auth.session_token=x"}
    assert get(limen(), "why", **sent).json()["cause"] == "not-accepted"
    assert get(limen(), "why").json()["cause"] == "not-signed-in"
    told = get(limen(base_url="http://localhost:3000"), "why", Origin="http://localhost:3001")
    assert told.json()["cause"] == "base-url"
    assert told.json()["baseUrl"] == "http://localhost:3000"


def test_the_document_explains_each_cause_in_this_order() -> None:
    document = (Path(__file__).parents[2] / "docs" / "missing-cookie.md").read_text()
    assert re.findall(r"^\| `([a-z-]+)` \|", document, re.MULTILINE) == list(SITUATIONS)
