"""What others may try at the second mount: foreign pages, planted cookies, forged tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from urllib.parse import quote

import pytest
from authjs_visitors import PATH, SHARED, Visitor, encrypted, person, query_of, settings
from live import EMAIL, PASSWORD, Live

from limen import AuthjsSettings, BetterAuthSettings, ConfigurationError, Limen, Settings
from limen.elsewhere import AuthjsTokens
from limen.entropy import SystemEntropy
from limen.jwe import TOLERANCE, TokenKeys
from limen.service.authjs.csrf import CsrfTokens
from limen.transports.authjs import CookieNames

GARBAGE = [
    "foo",
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https://evil.test",
    "https://evil.test@127.0.0.1",
    "https:evil.test",
    "javascript:alert(1)",
    "http://[",
    "http://127.0.0.1:99999999/",
    "%00",
    "é",
    "/" + "a" * 3_000,
    "data:text/html,x",
    "%E0%A4%A",
    "http://user@evil.test/",
    " https://evil.test",
]


def on_our_origin(live: Live, url: str) -> bool:
    return url == live.url or url.startswith(f"{live.url}/")


# -- requests that a page of ours did not send


@pytest.mark.parametrize(
    "change",
    [
        {"csrfToken": None},
        {"csrfToken": ""},
        {"csrfToken": "0" * 64},
        {"csrfToken": "x" * 60_000},
        {"csrfToken": "undefined"},
    ],
    ids=["missing", "empty", "other", "huge", "undefined"],
)
@pytest.mark.parametrize("action", ["callback/credentials", "signout", "signin/credentials"])
def test_a_token_that_is_not_the_cookies_changes_nothing(
    visitor: Visitor, action: str, change: dict[str, str | None]
) -> None:
    visitor.sign_in()
    fields = {"email": EMAIL, "password": PASSWORD, "json": "true", "callbackUrl": "/x"}
    given = {**fields, **{name: value for name, value in change.items() if value is not None}}
    headers = {"X-Auth-Return-Redirect": "1"}
    answer = visitor.client.post(f"{visitor.base}/{action}", data=given, headers=headers)
    refused(visitor, answer.status_code, answer.json()["url"], action)
    assert visitor.session()["user"]["email"] == EMAIL


def refused(visitor: Visitor, status: int, url: str, action: str) -> None:
    assert query_of(url)["error"] == "MissingCSRF"
    if visitor.version == 4:
        # Without an error or with 200, version 4 would take it for a success.
        assert status == 403
        assert query_of(url)["csrf"] == "true"
        page = "signout" if action == "signout" else "signin"
        assert url.startswith(f"{visitor.base}/{page}?")
    else:
        assert status == 200
        assert url == f"{visitor.base}/signin?error=MissingCSRF"


@pytest.mark.proves("asvs:3.5.1")
@pytest.mark.parametrize("origin", ["https://evil.test", "null", None, "http://127.0.0.1:1"])
def test_another_site_changes_nothing_even_with_the_right_token(
    visitor: Visitor, origin: str | None
) -> None:
    visitor.sign_in()
    token = visitor.csrf()
    del visitor.client.headers["origin"]
    if origin is not None:
        visitor.client.headers["origin"] = origin
    for action in ("callback/credentials", "signout"):
        answer = visitor.post(f"/{action}", token=token, email=EMAIL, password=PASSWORD)
        refused(visitor, answer.status_code, answer.json()["url"], action)
    answer = visitor.update({"name": "Eve"}, token=token)
    assert (answer.status_code, type(answer.json())) == (400, dict)
    user = visitor.session()["user"]
    assert (user["email"], user["name"]) == (EMAIL, "Ada")


def test_a_planted_csrf_cookie_is_not_believed(visitor: Visitor) -> None:
    token = secrets.token_hex(32)
    name = CookieNames.of(5 if visitor.version == 5 else 4, secure=False).csrf
    digest = hashlib.sha256((token + "guess").encode()).hexdigest()
    for planted in (f"{token}%7C{digest}", f"{token}|", token, f"{token}%7C{token}", "%7C", ""):
        visitor.client.headers["cookie"] = f"{name}={planted}"
        answer = visitor.post("/callback/credentials", token=token, email=EMAIL, password=PASSWORD)
        assert query_of(answer.json()["url"])["error"] == "MissingCSRF"
    # Two of one name: whoever planted one does not choose.
    good = visitor.get("/csrf", headers={"cookie": ""}).headers["set-cookie"].partition(";")[0]
    visitor.client.headers["cookie"] = f"{good}; {name}=x"
    answer = visitor.post("/callback/credentials", token=good.partition("=")[2][:64])
    assert query_of(answer.json()["url"])["error"] == "MissingCSRF"


def test_an_update_with_a_bad_token_is_an_object(visitor: Visitor) -> None:
    visitor.sign_in()
    for token in ("", "0" * 64):
        answer = visitor.update({"name": "Eve"}, token=token)
        assert answer.status_code == 400
        assert isinstance(answer.json(), dict)
    assert visitor.session()["user"]["name"] == "Ada"


def test_the_csrf_cookie_is_the_one_that_the_original_would_write() -> None:
    token = "00112233445566778899aabbccddeeff" * 2
    known = "ca927862f29df78b4128ed5a4f0377325b73a83a93750fba6e846dc549ba35b6"
    tokens = CsrfTokens("secret")
    assert tokens.cookie(token) == f"{token}|{known}"
    assert tokens.proves(f"{token}|{known}", token)
    assert not tokens.proves(f"{token}|{known}", None)
    assert not CsrfTokens("other").proves(f"{token}|{known}", token)


# -- where a sign-in may lead


@pytest.mark.parametrize("named", GARBAGE)
def test_a_target_that_is_not_ours_is_the_start_page(visitor: Visitor, named: str) -> None:
    answer = visitor.sign_in(callbackUrl=named)
    assert answer.status_code == 200
    assert on_our_origin(visitor.live, answer.json()["url"])
    if not named.startswith("/"):
        assert answer.json()["url"] == visitor.live.url
    page = visitor.get("/signin", params={"callbackUrl": named})
    assert page.status_code == 200
    assert "evil.test" not in page.text.replace(f"{visitor.live.url}//evil.test", "").replace(
        f"{visitor.live.url}///evil.test", ""
    )
    assert on_our_origin(visitor.live, visitor.sign_out(callbackUrl=named).json()["url"])


@pytest.mark.parametrize("planted", [*GARBAGE, "x" * 20_000])
def test_a_planted_target_breaks_nothing(visitor: Visitor, planted: str) -> None:
    name = CookieNames.of(5 if visitor.version == 5 else 4, secure=False).callback
    value = planted if planted.isascii() and " " not in planted else quote(planted)
    visitor.client.cookies.set(name, value, domain="127.0.0.1", path="/")
    for path in ("/providers", "/csrf", "/session", "/signin", "/signout", "/error"):
        assert visitor.get(path).status_code == 200, path
    fields = {"csrfToken": visitor.csrf(), "email": EMAIL, "password": PASSWORD}
    answer = visitor.client.post(f"{visitor.base}/callback/credentials", data=fields)
    assert answer.status_code == 302
    assert on_our_origin(visitor.live, answer.headers["location"])


def test_a_trusted_origin_may_be_led_to(start: Callable[..., Live]) -> None:
    live = start(5, trusted_origins=["https://app.example"])
    person(live)
    visitor = Visitor(live)
    target = "https://app.example/home?a=1#top"
    assert visitor.sign_in(callbackUrl=target).json() == {"url": target}
    page = visitor.get("/signin", params={"callbackUrl": target})
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' https://app.example;" in policy


# -- the token that Next.js reads


def planted(visitor: Visitor, value: str) -> None:
    visitor.client.cookies.set(visitor.token_name, value, domain="127.0.0.1", path="/")


def keys(version: int, secret: str = SHARED) -> TokenKeys:
    if version == 4:
        return TokenKeys.next_auth([secret])
    return TokenKeys.auth_js([secret], "authjs.session-token")


def forged(visitor: Visitor, secret: str = SHARED, *, lifetime: int = 60_000, **claims: str) -> str:
    now = visitor.live.auth.assembly.clock.now()
    return (
        keys(visitor.version, secret)
        .encrypt(claims, now=now, lifetime=lifetime, entropy=SystemEntropy())
        .reveal()
    )


def test_the_token_alone_is_nobody(everywhere: Visitor) -> None:
    everywhere.sign_in()
    token = everywhere.client.cookies[everywhere.token_name]
    stranger = Visitor(everywhere.live)
    user = everywhere.session()["user"]["id"]
    for value in (
        token,
        forged(stranger, sub=user, sid="ses_x", email=EMAIL),
        forged(stranger, "another-secret", sub=user),
        forged(stranger, lifetime=-120_000, sub=user),
        "a.b.c.d.e",
        "x" * 3_900,
        "",
    ):
        planted(stranger, value)
        assert stranger.session() == stranger.nobody
        # The cookie is cleared, whatever it was.
        assert stranger.token_name not in stranger.cookies
        bearer = stranger.get("/session", headers={"authorization": f"Bearer {value or 'x'}"})
        assert bearer.json() == stranger.nobody
    assert everywhere.session()["user"]["id"] == user


def test_the_token_is_no_session_of_another_server_either(start: Callable[..., Live]) -> None:
    for version in (5, 4):
        theirs = AuthjsTokens(secret=SHARED, version=version, secure=False)
        live = start(version, "hybrid", authjs=encrypted(version), elsewhere=[theirs])
        person(live)
        visitor = Visitor(live)
        visitor.sign_in()
        token = visitor.client.cookies[visitor.token_name]
        thief = Visitor(live)
        planted(thief, token)
        assert thief.client.get("/get-session").json() is None
        assert thief.session() == thief.nobody
        bearer = thief.client.get("/get-session", headers={"authorization": f"Bearer {token}"})
        assert bearer.json() is None


def test_a_session_of_another_server_is_told_and_its_cookie_left_alone(
    start: Callable[..., Live],
) -> None:
    theirs = AuthjsTokens(secret=SHARED, version=5, secure=False)
    live = start(5, "hybrid", authjs=encrypted(5), elsewhere=[theirs])
    user = person(live)
    visitor = Visitor(live)
    token = forged(visitor, sub=user, email=EMAIL)
    planted(visitor, token)
    assert visitor.session()["user"]["id"] == user
    assert visitor.client.cookies[visitor.token_name] == token


def test_a_forged_token_beside_a_session_is_replaced(everywhere: Visitor) -> None:
    everywhere.sign_in()
    user = everywhere.session()["user"]["id"]
    now = everywhere.live.auth.assembly.clock.now()
    for value in (
        forged(everywhere, sub="usr_eve", sid="ses_x"),
        forged(everywhere, "another-secret", sub=user),
        "garbage",
    ):
        planted(everywhere, value)
        assert everywhere.session()["user"]["id"] == user
        held = everywhere.client.cookies[everywhere.token_name]
        assert keys(everywhere.version).decrypt(held, now=now)["sub"] == user


def test_pieces_of_every_kind_break_nothing(everywhere: Visitor) -> None:
    everywhere.sign_in()
    for number in ("0", "1", "2", "99999", "-1", "x", "", "٣".encode().hex()):
        everywhere.client.cookies.set(
            f"{everywhere.token_name}.{number}", "x" * 1_000, domain="127.0.0.1", path="/"
        )
    assert everywhere.session()["user"]["email"] == EMAIL
    assert everywhere.sign_out().status_code == 200
    assert everywhere.session() == everywhere.nobody


def test_a_long_picture_makes_pieces_that_are_cleared_again(everywhere: Visitor) -> None:
    picture = "https://example.org/" + "p" * 2_000
    everywhere.sign_in()
    name = everywhere.token_name
    long = {"name": "\N{GRINNING FACE}" * 256, "image": picture}
    assert everywhere.update(long).status_code == 200
    assert {f"{name}.0", f"{name}.1"} <= everywhere.cookies
    assert name not in everywhere.cookies
    pieces = [everywhere.client.cookies[f"{name}.{number}"] for number in (0, 1)]
    assert len(pieces[0]) == (3936 if everywhere.version == 5 else 3933)
    now = everywhere.live.auth.assembly.clock.now()
    claims = keys(everywhere.version).decrypt("".join(pieces), now=now)
    assert claims["picture"] == picture
    # A fresh one is not written again, one that is too long to carry leaves the picture out.
    assert "set-cookie" not in everywhere.get("/session").headers
    everywhere.update({"name": "Ada", "image": "https://example.org/" + "p" * 8_000})
    assert name in everywhere.cookies
    assert f"{name}.0" not in everywhere.cookies
    claims = keys(everywhere.version).decrypt(everywhere.client.cookies[name], now=now)
    assert claims["picture"] is None
    everywhere.sign_out()
    assert not [one for one in everywhere.cookies if one.startswith(name)]


def test_whoever_only_lacks_a_fresh_token_is_sent_back_once(everywhere: Visitor) -> None:
    everywhere.sign_in()
    name, where = everywhere.token_name, "/signin?callbackUrl=/private"
    assert everywhere.get(where).status_code == 200  # its token is fresh: no circle
    everywhere.client.cookies.delete(name)
    ahead = everywhere.get(where, headers={"Sec-Purpose": "prefetch"})
    assert (ahead.status_code, name in everywhere.cookies) == (200, False)
    answer = everywhere.get(where)
    assert (answer.status_code, answer.headers["location"]) == (
        302,
        f"{everywhere.live.url}/private",
    )
    assert name in everywhere.cookies
    assert everywhere.get(where).status_code == 200
    stranger = Visitor(everywhere.live)
    assert stranger.get(where).status_code == 200


# -- what does not parse


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 5_000, "application/json", 400),
        (b'{"a":1,"a":2}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % n for n in range(80)), "application/x-www-form-urlencoded", 400),
        (b"csrfToken=a&csrfToken=b", "application/x-www-form-urlencoded", 400),
        (b"x" * 70_000, "application/json", 413),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b"x", "text/plain", 400),
        (b"", "application/json", 400),
    ],
)
def test_a_body_that_says_nothing_changes_nothing(
    visitor: Visitor, content: bytes, kind: str, status: int
) -> None:
    visitor.sign_in()
    answer = visitor.client.post(
        f"{visitor.base}/session", content=content, headers={"Content-Type": kind}
    )
    assert answer.status_code == status
    assert visitor.session()["user"]["name"] == "Ada"


def test_a_query_of_too_many_parts_is_refused(visitor: Visitor) -> None:
    assert visitor.get("/session?" + "&".join("a" * 70)).status_code == 400


@pytest.mark.proves("asvs:4.2.5")
def test_a_great_cookie_header_is_no_fault(visitor: Visitor) -> None:
    name = visitor.token_name
    line = "; ".join(f"{name}.{number}={'x' * 3_900}" for number in range(12))
    answer = visitor.get("/session", headers={"cookie": line})
    assert (answer.status_code, answer.json()) == (200, visitor.nobody)


# -- settings


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"version": 3}, "authjs.version"),
        ({"path": "api"}, "authjs.path"),
        ({"path": "/api/"}, "authjs.path"),
        ({"session_token": "jwt"}, "authjs.session_token"),
        ({"version": 5, "session_token": "jwe"}, "authjs.secret"),
        ({"version": 5, "session_token": "jwe", "secret": "short"}, "authjs.secret"),
        ({"session_token": "jwe", "secret": "short"}, "authjs.session_token"),
        ({"secret": "changeme" * 5}, "authjs.secret"),
        ({"token_lifetime": 0}, "authjs.token_lifetime"),
        ({"token_lifetime": 86_400}, "authjs.token_lifetime"),
        ({"sign_in_page": "//evil.test"}, "authjs.sign_in_page"),
        ({"error_page": "https://evil.test"}, "authjs.error_page"),
        ({"sign_out_page": "/a\r\nSet-Cookie: x=1"}, "authjs.sign_out_page"),
    ],
)
def test_settings_that_cannot_be_served_are_refused(
    options: dict[str, object], setting: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AuthjsSettings(**options)  # type: ignore[arg-type]
    assert caught.value.setting == setting


def test_the_front_end_does_not_get_the_secret_of_limen() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Limen("session", secret=SHARED, database="sqlite+aiosqlite:///x", authjs=encrypted(5))
    assert caught.value.setting == "authjs.secret"
    assert SHARED not in str(caught.value)
    assert SHARED not in repr(encrypted(5))


@pytest.mark.parametrize(
    ("path", "base_path"),
    [("/api/auth", "/api/auth"), ("/api/auth/x", "/api/auth"), ("/a", "/a/b")],
)
def test_two_mounts_do_not_lie_within_each_other(path: str, base_path: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(secret=SHARED, base_path=base_path, authjs=settings(5, path=path))
    assert caught.value.setting == "authjs.path"
    Settings(secret=SHARED, base_path=base_path, authjs=AuthjsSettings(path=path))
    assert PATH.startswith("/api/auth")  # the defaults are neighbours
    Settings(secret=SHARED, authjs=settings(5))


@pytest.mark.parametrize("version", [5, 4])
def test_no_name_of_a_query_is_a_fault(start: Callable[..., Live], version: int) -> None:
    visitor = Visitor(start(version, authjs=settings(version, verify_page="/sent")))
    for name in ("action", "own", "self", "call", "query"):
        answer = visitor.get(f"/verify-request?{name}=x")
        assert answer.headers["location"] == f"{visitor.live.url}/sent?{name}=x"


def test_a_copy_is_believed_no_longer_than_is_said(start: Callable[..., Live]) -> None:
    for version, lifetime in ((5, 300), (4, 10)):
        live = start(version, authjs=encrypted(version, token_lifetime=lifetime))
        person(live)
        visitor = Visitor(live)
        begun = live.auth.assembly.clock.now()
        visitor.sign_in()
        ended = live.auth.assembly.clock.now()
        copy = visitor.client.cookies[visitor.token_name]
        claims = keys(version).decrypt(copy, now=ended)
        until = claims["exp"] * 1000 + TOLERANCE
        assert begun + (lifetime - 1) * 1000 <= until <= ended + lifetime * 1000
        # And it counts as fresh for half of that, however short it is.
        assert "set-cookie" not in visitor.get("/session").headers


@pytest.mark.parametrize("version", [5, 4])
def test_signing_out_leaves_no_other_account_of_the_browser_alive(
    start: Callable[..., Live], version: int
) -> None:
    live = start(version, better_auth=BetterAuthSettings(multi_session=2))
    visitor = Visitor(live)
    for name in ("ada", "bob"):
        account = {"name": name, "email": f"{name}@example.org", "password": PASSWORD}
        assert visitor.client.post("/sign-up/email", json=account).status_code == 200
    thief = live.copy_of(visitor.client)
    assert len(thief.get("/multi-session/list-device-sessions").json()) == 2
    visitor.sign_out()
    assert thief.get("/multi-session/list-device-sessions").json() == []
    assert not [one for one in visitor.cookies if "_multi-" in one]
