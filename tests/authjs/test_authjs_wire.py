"""What each endpoint of the second mount answers, exactly, for both versions."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from authjs_visitors import PATH, Visitor, encrypted, person, query_of, settings
from live import EMAIL, NAME, PASSWORD, Live
from sink import Sink

from limen import AuthjsSettings, Budget, EmailPolicy, Target, UsernamePolicy
from limen.testing import FrozenClock

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NO_CACHE = "private, no-cache, no-store"


def test_the_providers_have_absolute_addresses(visitor: Visitor) -> None:
    answer = visitor.get("/providers")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "credentials": {
            "id": "credentials",
            "name": "Credentials",
            "type": "credentials",
            "signinUrl": f"{visitor.base}/signin/credentials",
            "callbackUrl": f"{visitor.base}/callback/credentials",
        }
    }


def test_a_browser_keeps_its_csrf_token(visitor: Visitor) -> None:
    first = visitor.get("/csrf")
    token = first.json()["csrfToken"]
    assert re.fullmatch(r"[0-9a-f]{64}", token)
    assert first.headers["cache-control"] == NO_CACHE
    family = "authjs" if visitor.version == 5 else "next-auth"
    (line,) = first.headers.get_list("set-cookie")
    assert re.fullmatch(
        rf"{family}\.csrf-token={token}%7C[0-9a-f]{{64}}; Path=/; HttpOnly; SameSite=Lax", line
    )
    again = visitor.get("/csrf")
    assert again.json()["csrfToken"] == token
    assert "set-cookie" not in again.headers


def test_nobody_is_null_for_5_and_an_empty_object_for_4(visitor: Visitor) -> None:
    answer = visitor.get("/session")
    assert (answer.status_code, answer.json()) == (200, visitor.nobody)
    assert answer.text == ("null" if visitor.version == 5 else "{}")
    assert answer.headers["cache-control"] == NO_CACHE
    assert answer.headers["pragma"] == "no-cache"
    assert answer.headers["expires"] == "0"


def test_credentials_give_a_session_with_the_id_of_the_user(everywhere: Visitor) -> None:
    account = everywhere.live.run(everywhere.live.auth.account_by_email(EMAIL))
    assert account is not None
    answer = everywhere.sign_in()
    assert answer.status_code == 200
    assert answer.json() == {"url": f"{everywhere.live.url}/private"}
    session = everywhere.session()
    expires = session.pop("expires")
    assert session == {
        "user": {"name": NAME, "email": EMAIL, "image": None, "id": account.id},
    }
    assert ISO.fullmatch(expires)
    (kept,) = everywhere.live.run(everywhere.live.auth.sessions(account.id))
    stated = datetime.fromisoformat(expires).timestamp() * 1000
    assert abs(stated - kept.ends_at) < 1


@pytest.mark.proves("oauth:13")
def test_a_form_without_a_script_is_redirected(visitor: Visitor) -> None:
    fields = {"csrfToken": visitor.csrf(), "email": EMAIL, "password": PASSWORD}
    answer = visitor.client.post(
        f"{visitor.base}/callback/credentials", data={**fields, "callbackUrl": "/private"}
    )
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{visitor.live.url}/private"
    assert visitor.session()["user"]["email"] == EMAIL


@pytest.mark.parametrize(
    ("email", "password"), [(EMAIL, "wrong"), ("no@example.org", PASSWORD), ("", ""), ("x" * 9, "")]
)
def test_wrong_credentials_are_told_as_each_version_tells_them(
    visitor: Visitor, email: str, password: str
) -> None:
    answer = visitor.sign_in(email, password)
    url = answer.json()["url"]
    if visitor.version == 5:
        assert answer.status_code == 200
        assert url == f"{visitor.base}/signin?error=CredentialsSignin&code=credentials"
    else:
        assert answer.status_code == 401
        assert url == f"{visitor.base}/error?error=CredentialsSignin&provider=credentials"
    assert visitor.session() == visitor.nobody


def test_version_4_shows_a_sign_in_error_on_the_sign_in_page(start: Callable[..., Live]) -> None:
    visitor = Visitor(start(4))
    answer = visitor.get("/error?error=CredentialsSignin&provider=credentials")
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{visitor.base}/signin?error=CredentialsSignin"


def test_one_address_has_one_budget_whichever_wire_it_tries(start: Callable[..., Live]) -> None:
    three = Budget("sign-in:address", limit=3, window=10_000)
    for version in (5, 4):
        live = start(version, "session", address_budget=three, clock=FrozenClock())
        visitor = Visitor(live)
        for _ in range(2):
            assert visitor.sign_in().status_code in (200, 401)
        wrong = {"email": EMAIL, "password": "wrong"}
        assert live.client().post("/sign-in/email", json=wrong).status_code == 401
        answer = visitor.sign_in()
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
        assert query_of(answer.json()["url"])["error"] == "CredentialsSignin"


def test_signing_out_ends_the_session_and_not_only_the_cookie(everywhere: Visitor) -> None:
    everywhere.sign_in()
    copy = Visitor(everywhere.live, everywhere.live.copy_of(everywhere.client))
    assert copy.session()["user"]["email"] == EMAIL
    answer = everywhere.sign_out(callbackUrl="/bye")
    assert (answer.status_code, answer.json()) == (200, {"url": f"{everywhere.live.url}/bye"})
    assert everywhere.session() == everywhere.nobody
    assert not [name for name in everywhere.cookies if "session" in name or "refresh" in name]
    assert copy.session() == everywhere.nobody
    assert everywhere.sign_out().status_code == 200  # a second time is no fault


def test_signing_in_again_ends_what_the_browser_held(everywhere: Visitor) -> None:
    everywhere.sign_in()
    before = Visitor(everywhere.live, everywhere.live.copy_of(everywhere.client))
    everywhere.sign_in()
    assert before.session() == everywhere.nobody
    assert everywhere.session()["user"]["email"] == EMAIL


def test_a_revoked_session_is_nobody_and_its_cookies_go(everywhere: Visitor) -> None:
    everywhere.sign_in()
    user = everywhere.session()["user"]["id"]
    assert everywhere.token_name in everywhere.cookies
    everywhere.live.run(everywhere.live.auth.revoke(Target.user(user)))
    assert everywhere.session() == everywhere.nobody
    assert everywhere.token_name not in everywhere.cookies
    # A GET spares a refresh token that another tab may have traded a moment ago; a POST knows.
    assert everywhere.update().json() == everywhere.nobody
    assert not [name for name in everywhere.cookies if "session" in name or "refresh" in name]


def test_update_changes_the_name_and_the_picture_of_the_account(visitor: Visitor) -> None:
    visitor.sign_in()
    answer = visitor.update({"name": "Ada L."})
    assert (answer.status_code, answer.json()["user"]["name"]) == (200, "Ada L.")
    visitor.update({"user": {"name": "Lady Ada", "image": "https://example.org/a.png"}})
    user = visitor.session()["user"]
    assert (user["name"], user["image"]) == ("Lady Ada", "https://example.org/a.png")
    assert visitor.update({"image": None}).json()["user"]["image"] is None
    for data in (None, [], "x", 7, {"email": "eve@example.org", "id": "usr_x", "roles": ["admin"]}):
        answer = visitor.update(data)
        assert answer.json()["user"]["email"] == EMAIL
    account = visitor.live.run(visitor.live.auth.account_by_email(EMAIL))
    assert account is not None
    assert account.roles == frozenset()


@pytest.mark.parametrize(
    "data", [{"name": 7}, {"name": "x" * 257}, {"image": ["x"]}, {"image": "x" * 8193}]
)
def test_an_update_that_is_none_is_an_object_and_not_null(visitor: Visitor, data: object) -> None:
    visitor.sign_in()
    before = visitor.session()["user"]
    answer = visitor.update(data)
    assert answer.status_code == 400
    assert isinstance(answer.json()["message"], str)
    assert visitor.session()["user"] == before


def test_update_without_a_session_is_nobody(visitor: Visitor) -> None:
    assert visitor.update({"name": "Eve"}).json() == visitor.nobody


@pytest.mark.parametrize("strategy", ["hybrid", "jwt"])
def test_reading_the_session_uses_up_no_refresh_token(
    start: Callable[..., Live], strategy: str
) -> None:
    clock = FrozenClock()
    live = start(5, strategy, clock=clock, authjs=encrypted(5))
    person(live)
    visitor = Visitor(live)
    visitor.sign_in()
    name = "better-auth.refresh_token"
    refresh = visitor.client.cookies[name]
    clock.advance(6 * 60_000)
    tabs = [Visitor(live, live.copy_of(visitor.client)) for _ in range(3)]
    assert all(tab.session()["user"]["email"] == EMAIL for tab in tabs)
    assert {tab.client.cookies[name] for tab in tabs} == {refresh}
    ahead = Visitor(live, live.copy_of(visitor.client))
    answer = ahead.get("/session", headers={"RSC": "1"})
    assert answer.json()["user"]["email"] == EMAIL
    assert "set-cookie" not in answer.headers


def test_a_forgotten_browser_keeps_nothing(start: Callable[..., Live]) -> None:
    live = start(5, "hybrid", authjs=encrypted(5))
    person(live)
    visitor = Visitor(live)
    lines = visitor.sign_in(rememberMe="false").headers.get_list("set-cookie")
    assert len([line for line in lines if "token" in line]) == 3
    assert not [line for line in lines if "Max-Age" in line]


def test_version_4_may_log_and_nothing_is_kept(start: Callable[..., Live]) -> None:
    visitor = Visitor(start(4))
    answer = visitor.client.post(f"{visitor.base}/_log", data={"level": "error", "code": "X"})
    assert (answer.status_code, answer.content) == (200, b"")


def test_there_is_no_log_in_version_5(start: Callable[..., Live]) -> None:
    visitor = Visitor(start(5))
    assert visitor.client.post(f"{visitor.base}/_log", data={"level": "x"}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("GET", "/session/credentials"),
        ("GET", "/signin/credentials/more"),
        ("PUT", "/session"),
        ("DELETE", "/session"),
        ("HEAD", "/session"),
        ("POST", "/nothing"),
        ("GET", "/%73ession"),
        ("GET", "/_log"),
    ],
)
def test_what_is_no_action_is_a_bad_request(visitor: Visitor, method: str, path: str) -> None:
    answer = visitor.client.request(method, visitor.base + path)
    assert answer.status_code == 400
    if visitor.version == 5 and method != "HEAD":
        assert answer.json() == "Bad request."


def test_a_trailing_slash_and_an_undefined_provider_are_nothing(visitor: Visitor) -> None:
    assert visitor.get("/session/").json() == visitor.nobody
    assert visitor.get("/session/undefined").json() == visitor.nobody


def test_an_unknown_provider_is_a_fault_of_the_configuration(visitor: Visitor) -> None:
    answer = visitor.post("/callback/nobody")
    if visitor.version == 5:
        assert answer.json()["url"] == f"{visitor.base}/error?error=Configuration"
    else:
        assert answer.status_code == 400
    assert visitor.post("/signin/credentials").json()["url"] == f"{visitor.base}/signin"


def test_pages_of_the_application_are_led_to(start: Callable[..., Live]) -> None:
    own = {
        "sign_in_page": "/login?from=x",
        "sign_out_page": "/bye",
        "error_page": "/oops",
        "verify_page": "/sent",
    }
    for version in (5, 4):
        live = start(version, authjs=settings(version, **own))
        visitor = Visitor(live)
        led = {
            path: visitor.get(path).headers["location"]
            for path in ("/signin?callbackUrl=/x&error=Y", "/signout", "/error?error=Z")
        }
        assert list(led.values()) == [
            f"{live.url}/login?from=x&callbackUrl={live.url.replace(':', '%3A')}/x&error=Y".replace(
                "//", "%2F%2F"
            )
            .replace("%2F%2F", "//", 1)
            .replace("/x&", "%2Fx&"),
            f"{live.url}/bye",
            f"{live.url}/oops?error=Z",
        ]
        sent = visitor.get("/verify-request?provider=email&type=email").headers["location"]
        assert sent == f"{live.url}/sent?provider=email&type=email"
        wrong = visitor.sign_in(password="wrong").json()["url"]
        page = "/login?from=x&" if version == 5 else f"{PATH}/error?"
        assert wrong.startswith(f"{live.url}{page}error=CredentialsSignin")


@pytest.mark.proves("asvs:3.4.3", "asvs:3.4.6")
def test_the_plain_pages_need_no_script_and_run_none(visitor: Visitor) -> None:
    hostile = '"><script>alert(1)</script>'
    for path, status in [
        ("/signin", 200),
        ("/signin?error=CredentialsSignin", 200),
        (f"/signin?error={hostile}&callbackUrl={hostile}", 200),
        ("/signout", 200),
        ("/error", 200),
        ("/error?error=Configuration", 500),
        ("/error?error=AccessDenied", 403),
        ("/error?error=Verification", 403),
        (f"/error?error={hostile}", 200),
        ("/verify-request", 200),
    ]:
        answer = visitor.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert "<script" not in answer.text


def test_the_sign_in_page_signs_in_by_itself(visitor: Visitor) -> None:
    page = visitor.get("/signin?callbackUrl=/private").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page))
    assert hidden["callbackUrl"] == f"{visitor.live.url}/private"
    (action,) = re.findall(r'action="([^"]+)"', page)
    assert action == f"{visitor.base}/callback/credentials"
    answer = visitor.client.post(action, data={**hidden, "email": EMAIL, "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (302, f"{visitor.live.url}/private")
    assert visitor.session()["user"]["email"] == EMAIL
    page = visitor.get("/signout").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page))
    assert visitor.client.post(f"{visitor.base}/signout", data=hidden).status_code == 302
    assert visitor.session() == visitor.nobody


def test_the_target_waits_in_a_cookie_for_a_form_that_names_none(visitor: Visitor) -> None:
    visitor.get("/signin?callbackUrl=/deep?a=1%26b=2")
    fields = {"csrfToken": visitor.csrf(), "email": EMAIL, "password": PASSWORD}
    answer = visitor.client.post(f"{visitor.base}/callback/credentials", data=fields)
    assert answer.headers["location"] == f"{visitor.live.url}/deep?a=1&b=2"


def test_both_mounts_know_the_same_sign_in(visitor: Visitor) -> None:
    visitor.sign_in()
    other = visitor.client.get("/get-session").json()
    assert other["user"]["id"] == visitor.session()["user"]["id"]
    visitor.client.post("/sign-out", json={})
    assert visitor.session() == visitor.nobody


def test_over_https_the_cookies_have_the_names_that_next_looks_for(
    start: Callable[..., Live],
) -> None:
    for version, family in ((5, "authjs"), (4, "next-auth")):
        live = start(version, "hybrid", authjs=encrypted(version), base_url="https://app.example")
        person(live)
        client = live.client(origin=False, Origin="https://app.example")
        csrf = client.get(live.url + PATH + "/csrf")
        (line,) = csrf.headers.get_list("set-cookie")
        assert line.startswith(f"__Host-{family}.csrf-token=")
        assert line.endswith("; Path=/; HttpOnly; Secure; SameSite=Lax")
        answer = client.post(
            live.url + PATH + "/callback/credentials",
            data={"csrfToken": csrf.json()["csrfToken"], "email": EMAIL, "password": PASSWORD},
            headers={"cookie": line.partition(";")[0]},
        )
        assert answer.headers["location"] == "https://app.example"
        names = [one.partition("=")[0] for one in answer.headers.get_list("set-cookie")]
        assert f"__Secure-{family}.session-token" in names
        providers = client.get(live.url + PATH + "/providers").json()
        assert providers["credentials"]["signinUrl"].startswith("https://app.example/api/authjs/")


def test_without_a_version_there_is_no_second_mount(start: Callable[..., Live]) -> None:
    live = start(5, authjs=AuthjsSettings())
    assert live.client().get(live.url + PATH + "/session").status_code == 404


def test_declared_fields_of_the_session_are_told_and_updated(start: Callable[..., Live]) -> None:
    for version in (5, 4):
        declared = {"theme": "string", "beta": "boolean"}
        live = start(version, "hybrid", session_fields=declared)
        person(live)
        visitor = Visitor(live)
        visitor.sign_in()
        before = visitor.session()
        assert (before["theme"], before["beta"]) == (None, None)
        after = visitor.update({"theme": "dark", "beta": True, "other": 1, "name": "Ada L."}).json()
        assert (after["theme"], after["beta"], after["user"]["name"]) == ("dark", True, "Ada L.")
        assert "other" not in after
        assert visitor.session() == after
        for wrong in ({"theme": 7}, {"beta": "yes"}, {"theme": "x" * 60_000}):
            answer = visitor.update(wrong)
            assert (answer.status_code, type(answer.json())) == (400, dict)
        assert visitor.session() == after


def test_a_username_will_do_where_there_are_usernames(start: Callable[..., Live]) -> None:
    live = start(5, usernames=UsernamePolicy(enabled=True))
    live.run(live.auth.add_account(EMAIL, PASSWORD, NAME, username="ada"))
    visitor = Visitor(live)
    answer = visitor.post("/callback/credentials", username="Ada", password=PASSWORD)
    assert answer.json() == {"url": live.url}
    assert visitor.session()["user"]["email"] == EMAIL
    answer = visitor.post("/callback/credentials", username="ada", password="wrong")
    assert query_of(answer.json()["url"])["code"] == "credentials"


def test_an_address_that_must_be_verified_is_told_by_the_right_password_only(
    start: Callable[..., Live],
) -> None:
    policy = EmailPolicy(required=True, on_sign_in=True)
    with Sink() as sink:
        live = start(5, smtp=sink.url, mail_from="no-reply@app.example", email=policy)
        person(live)
        visitor = Visitor(live)
        answer = visitor.sign_in(password="wrong")
        assert query_of(answer.json()["url"])["code"] == "credentials"
        answer = visitor.sign_in()
        assert query_of(answer.json()["url"])["code"] == "email_unverified"
        assert visitor.session() is None
        page = visitor.get("/signin?error=CredentialsSignin&code=email_unverified").text
        assert "was mailed to you" in page
        opened = visitor.client.get(sink.link(EMAIL, "Confirm your e-mail address", 1))
        assert (opened.status_code, opened.headers["location"]) == (302, f"{live.url}/private")
        assert visitor.sign_in().json() == {"url": f"{live.url}/private"}
        assert visitor.session()["user"]["email"] == EMAIL


def test_the_walk_by_hand_works_as_it_is_documented(visitor: Visitor) -> None:
    if visitor.version == 4:
        return
    page = (Path(__file__).parents[2] / "docs" / "authjs.md").read_text()
    (script,) = re.findall(r"```sh\n(API=.*?)```", page, re.DOTALL)
    script = script.replace("http://127.0.0.1:8000", visitor.live.url)
    script = script.replace("ada@example.org", EMAIL).replace("correct horse battery", PASSWORD)
    script = script.replace(PATH + "/session\n", PATH + "/session; echo\n")
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=True)
    signed_in, session, signed_out = re.findall(r"\{.*?\}(?:,[^{}]*\})?", done.stdout)
    assert "error" not in signed_in + signed_out
    assert EMAIL in session


def test_the_log_says_that_it_was_the_origin_and_not_the_token(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    token = visitor.csrf()
    with caplog.at_level("WARNING", logger="limen.service"):
        visitor.post("/signout", token="0" * 64)
        assert caplog.messages == []
        visitor.client.headers["Origin"] = "https://evil.example"
        visitor.post("/signout", token=token)
    (said,) = caplog.messages
    assert "Origin" in said
    assert token not in said
    assert "evil" not in said
