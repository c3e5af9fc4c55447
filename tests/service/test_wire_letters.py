"""Letters on the wire: each link once, for one thing, to nobody else, and nothing is told."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from live import EMAIL, NAME, PASSWORD, STRATEGIES, Live
from pages import chromium
from playwright.sync_api import expect
from sink import Sink, free_port
from test_openapi import described_as

from limen import Budget, EmailPolicy, UsernamePolicy
from limen.account import Identity
from limen.effects import AddIdentity, ListIdentities, ask
from limen.testing import FrozenClock
from limen.trace.sink import RingSink

SENDER = "no-reply@app.example"
NEW, NEWER, UNKNOWN = "another good battery", "a third good battery", "nobody@example.org"
CONFIRM, RESET, CHANGE, DELETE = (
    "Confirm your e-mail address",
    "Choose a new password",
    "Confirm your new e-mail address",
    "Delete your account",
)
FREELY = Budget("letter:recipient", limit=0, window=1)
INVALID = {"message": "Invalid token", "code": "INVALID_TOKEN"}
VARYING = {"date", "content-length"}
EVIL = (
    "https://evil.example",
    "https://evil.example/choose",
    "//evil.example",
    "/\\evil.example",
    "/%2f/evil.example",
    "javascript:alert(1)",
    "http://127.0.0.1:1/choose",
    "https://app.example@evil.example",
)
Start = Callable[..., Live]


@pytest.fixture(scope="module")
def mail() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def sink(mail: Sink) -> Sink:
    mail.envelopes.clear()
    return mail


@pytest.fixture
def serve(start: Start, sink: Sink) -> Start:
    """Give a function that starts the service with a mail server and without limits."""

    def begin(strategy: str = "session", **options: Any) -> Live:
        options.setdefault("letter_budget", FREELY)
        options.setdefault("letter_address_budget", FREELY)
        return start(strategy, smtp=sink.url, mail_from=SENDER, **options)

    return begin


def token_of(link: str) -> str:
    """Return the token of a link, which stands in its path or in its query."""
    parts = urlsplit(link)
    return parse_qs(parts.query).get("token", [parts.path.rpartition("/")[2]])[0]


def ask_for_reset(live: Live, sink: Sink, email: str = EMAIL, count: int = 1) -> str:
    body = {"email": email, "redirectTo": "/choose"}
    assert live.client().post("/request-password-reset", json=body).status_code == 200
    return token_of(sink.link(email, RESET, count))


def reset(live: Live, token: str, password: str = NEW) -> httpx.Response:
    return live.client().post("/reset-password", json={"token": token, "newPassword": password})


def can_sign_in(live: Live, password: str, email: str = EMAIL) -> bool:
    body = {"email": email, "password": password}
    return live.client().post("/sign-in/email", json=body).status_code == 200


def told(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """Return all that an answer tells."""
    headers = {name: value for name, value in answer.headers.items() if name not in VARYING}
    return answer.status_code, answer.content, headers


# -- once


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest) -> dict[str, str]:
    """Give the options of each kind of store."""
    if request.param == "sqlite":
        return {}
    return {"database": request.getfixturevalue("postgresql_url")}


@pytest.mark.proves("asvs:2.3.4", "asvs:6.4.1", "attack:72")
def test_of_many_uses_of_one_link_at_once_exactly_one_works(
    serve: Start, sink: Sink, kept: dict[str, str]
) -> None:
    live = serve("hybrid", email=EmailPolicy(on_sign_up=True), **kept)
    browser = live.browser()
    passwords = [f"{number} correct horse battery" for number in range(6)]

    token = ask_for_reset(live, sink)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda password: reset(live, token, password), passwords))
    assert sorted(one.status_code for one in answers) == [200] + [400] * 5
    assert all(one.json() == INVALID for one in answers if one.status_code == 400)
    (winner,) = [p for p, one in zip(passwords, answers, strict=True) if one.status_code == 200]
    assert [p for p in passwords if can_sign_in(live, p)] == [winner]
    assert browser.get("/get-session").json() is None

    verify = live.browser("bob@example.org") and sink.link("bob@example.org", CONFIRM)
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda _: live.client().get(verify), range(6)))
    locations = [one.headers["location"] for one in opened]
    assert locations.count(f"{live.url}/") == 1
    assert locations.count(f"{live.url}/?error=INVALID_TOKEN") == 5


@pytest.mark.proves("asvs:6.4.1")
def test_only_a_digest_of_the_token_is_kept_and_no_trace_of_it(serve: Start, sink: Sink) -> None:
    ring = RingSink()
    live = serve(sink=ring)
    live.browser()
    token = ask_for_reset(live, sink)
    live.client().get(f"/reset-password/{token}?callbackURL=/choose")
    assert ring.events
    assert [text for text in (token, EMAIL) if text in repr(ring.events)] == []
    assert len(token) == 47
    with closing(sqlite3.connect(live.database)) as connection:
        dump = "\n".join(connection.iterdump())
        (digest,) = connection.execute("SELECT digest FROM limen_ticket").fetchone()
    assert digest == hashlib.sha256(token.encode()).digest()
    assert token not in dump


def test_a_refused_password_does_not_use_the_link_up(serve: Start, sink: Sink) -> None:
    live = serve()
    live.browser()
    token = ask_for_reset(live, sink)
    for bad, code in (
        ("short", "PASSWORD_TOO_SHORT"),
        ("x" * 129, "PASSWORD_TOO_LONG"),
        ("password", "PASSWORD_TOO_COMMON"),
        (EMAIL, "PASSWORD_TOO_COMMON"),
    ):
        assert reset(live, token, bad).json()["code"] == code
    assert reset(live, token).json() == {"status": True}


@pytest.mark.proves("asvs:6.4.3")
def test_a_link_is_void_once_the_password_is_another(serve: Start, sink: Sink) -> None:
    live = serve()
    browser = live.browser()
    first, second = ask_for_reset(live, sink), ask_for_reset(live, sink, count=2)
    third = ask_for_reset(live, sink, count=3)
    assert reset(live, first).status_code == 200
    assert reset(live, second, NEWER).json() == INVALID
    opened = live.client().get(f"/reset-password/{third}?callbackURL=/choose")
    assert opened.headers["location"] == f"{live.url}/choose?error=INVALID_TOKEN"
    fourth = ask_for_reset(live, sink, count=4)
    browser.post("/sign-in/email", json={"email": EMAIL, "password": NEW})
    change = {"currentPassword": NEW, "newPassword": NEWER}
    assert browser.post("/change-password", json=change).status_code == 200
    assert reset(live, fourth).json() == INVALID
    assert can_sign_in(live, NEWER)


def test_a_link_is_void_once_the_address_is_another(serve: Start, sink: Sink) -> None:
    live = serve()
    browser = live.browser()
    token = ask_for_reset(live, sink)
    browser.post("/change-email", json={"newEmail": "ada@example.net"})
    live.client().get(sink.link("ada@example.net", CHANGE))
    assert browser.get("/get-session").json()["user"]["email"] == "ada@example.net"
    assert reset(live, token).json() == INVALID


@pytest.mark.proves("asvs:6.4.1")
def test_an_hour_later_a_link_is_void(serve: Start, sink: Sink) -> None:
    clock = FrozenClock()
    live = serve(email=EmailPolicy(on_sign_up=True), clock=clock)
    live.browser()
    verify, token = sink.link(EMAIL, CONFIRM), ask_for_reset(live, sink)
    clock.advance(3_599_000)
    opened = live.client().get(f"/reset-password/{token}?callbackURL=/choose")
    assert opened.headers["location"] == f"{live.url}/choose?token={token}"
    clock.advance(1_000)
    assert reset(live, token).json() == INVALID
    assert live.client().get(verify).headers["location"] == f"{live.url}/?error=INVALID_TOKEN"
    alone = live.client().get("/verify-email", params={"token": token_of(verify)})
    assert (alone.status_code, alone.json()) == (401, INVALID)


@pytest.mark.proves("asvs:2.3.1", "asvs:6.6.2")
def test_a_link_for_one_thing_is_good_for_nothing_else(serve: Start, sink: Sink) -> None:
    live = serve(email=EmailPolicy(on_sign_up=True, deletes_by_link=True))
    browser = live.browser()
    browser.post("/delete-user")
    tokens = {
        "verify": token_of(sink.link(EMAIL, CONFIRM)),
        "reset": ask_for_reset(live, sink),
        "delete": token_of(sink.link(EMAIL, DELETE)),
    }

    def uses(token: str) -> dict[str, int]:
        return {
            "verify": live.client().get("/verify-email", params={"token": token}).status_code,
            "delete": browser.post("/delete-user", json={"token": token}).status_code,
            "reset": reset(live, token).status_code,
        }

    changed = {name: token[:4].swapcase() + token[4:] for name, token in tokens.items()}
    for name, token in changed.items():
        assert set(uses(token).values()) == {400, 401, 404}, name
    for name, token in tokens.items():
        for other in tokens:
            if other != name:
                # Neither as it is nor with the beginning of the other kind.
                made_up = tokens[other][:4] + token[4:]
                assert uses(made_up) == {"verify": 401, "delete": 404, "reset": 400}
    assert live.client().get("/verify-email", params={"token": tokens["reset"]}).status_code == 401
    assert browser.post("/delete-user", json={"token": tokens["verify"]}).status_code == 404
    assert reset(live, tokens["delete"]).json() == INVALID
    good = live.client().get("/verify-email", params={"token": tokens["verify"]})
    assert good.json() == {"status": True, "user": None}
    assert browser.post("/delete-user", json={"token": tokens["delete"]}).json()["success"] is True
    assert reset(live, tokens["reset"]).json() == INVALID


@pytest.mark.proves("asvs:6.6.2")
def test_a_deletion_link_is_only_for_the_browser_that_is_signed_in(
    serve: Start, sink: Sink
) -> None:
    live = serve("hybrid", email=EmailPolicy(deletes_by_link=True))
    ada, eve = live.browser(), live.browser("eve@example.org")
    ada.post("/delete-user", json={"callbackURL": "/bye"})
    link = sink.link(EMAIL, DELETE)
    assert (eve.get(link).status_code, live.client().get(link).status_code) == (404, 404)
    assert eve.get("/get-session").json()["user"]["email"] == "eve@example.org"
    answer = ada.get(link)
    assert (answer.status_code, answer.headers["location"]) == (302, f"{live.url}/bye")
    assert ada.get("/get-session").json() is None
    assert not can_sign_in(live, PASSWORD)


@pytest.mark.proves("asvs:3.5.3")
def test_a_link_that_is_fetched_ahead_of_the_person_stays_good(serve: Start, sink: Sink) -> None:
    live = serve(email=EmailPolicy(on_sign_up=True))
    live.browser()
    link = sink.link(EMAIL, CONFIRM)
    for header in ("Purpose", "Sec-Purpose"):
        assert live.client().get(link, headers={header: "prefetch"}).status_code == 503
    assert live.client().head(link).status_code == 405
    assert live.client().get(link).headers["location"] == f"{live.url}/"


# -- what a reset does


@pytest.mark.proves("asvs:6.4.3", "asvs:7.4.3")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_reset_ends_every_session_and_proves_the_mailbox(
    serve: Start, sink: Sink, strategy: str
) -> None:
    live = serve(strategy)
    browser = live.browser()
    other = live.client()
    other.post("/sign-in/email", json={"email": EMAIL, "password": PASSWORD})
    thief = live.copy_of(other)
    answer = reset(live, ask_for_reset(live, sink))
    assert (answer.json(), "set-cookie" in answer.headers) == ({"status": True}, False)
    for client in (browser, other, thief):
        assert client.get("/get-session").json() is None
        assert client.post("/refresh").status_code == 401
    signed_in = live.client().post("/sign-in/email", json={"email": EMAIL, "password": NEW})
    assert signed_in.json()["user"]["emailVerified"] is True
    sink.wait(EMAIL, "Your password was changed")


@pytest.mark.proves("attack:73")
def test_whoever_opened_an_account_with_a_foreign_address_loses_every_way_in(
    serve: Start, sink: Sink
) -> None:
    live = serve()
    attacker = live.browser()
    account = live.run(live.auth.account_by_email(EMAIL))
    assert account is not None
    planted = Identity("", account.id, "idp", "https://idp.example", "eve", 1, 1)
    assert live.run(live.auth.run(ask(AddIdentity(planted, account.revision))))
    assert reset(live, ask_for_reset(live, sink)).status_code == 200
    ways = live.run(live.auth.run(ask(ListIdentities(account.id))))
    assert [one.provider for one in ways] == ["credential"]
    assert attacker.get("/get-session").json() is None


def test_a_disabled_account_gets_no_letter(serve: Start, sink: Sink) -> None:
    live = serve()
    live.browser()
    token = ask_for_reset(live, sink)
    account = live.run(live.auth.account_by_email(EMAIL))
    assert account is not None
    live.run(live.auth.disable(account.id))
    assert reset(live, token).json() == INVALID
    live.client().post("/request-password-reset", json={"email": EMAIL})
    live.run(live.auth.add_account("last@example.org", PASSWORD))
    ask_for_reset(live, sink, "last@example.org")
    assert sink.subjects(EMAIL) == [RESET]


# -- nothing is told


def steps(ring: RingSink) -> list[Any]:
    """Return what was asked of the world, in order, without what differs from run to run."""
    shown = [
        (event.phase.value, event.status, [one.effect for one in event.operations])
        for event in ring.events
    ]
    ring.clear()
    return shown


@pytest.mark.proves("asvs:6.3.8", "attack:68")
def test_an_answer_tells_nobody_whether_there_is_an_account(serve: Start, sink: Sink) -> None:
    ring = RingSink()
    live = serve(sink=ring, email=EmailPolicy(required=True))
    for email in (EMAIL, "verified@example.org"):
        live.client().post(
            "/sign-up/email", json={"name": NAME, "email": email, "password": PASSWORD}
        )
    live.client().get(sink.link("verified@example.org", CONFIRM))
    verified = {"email": "verified@example.org"}
    cases: list[tuple[str, list[dict[str, Any]]]] = [
        ("/request-password-reset", [{"email": EMAIL}, {"email": UNKNOWN}]),
        ("/send-verification-email", [{"email": EMAIL}, {"email": UNKNOWN}, verified]),
    ]
    for path, bodies in cases:
        ring.clear()
        seen = [(told(live.client().post(path, json=body)), steps(ring)) for body in bodies]
        assert all(one == seen[0] for one in seen), path
    up = {"name": NAME, "password": PASSWORD}
    ring.clear()
    answers = []
    for email in (EMAIL, "verified@example.org", "new@example.org"):
        answer = live.client().post("/sign-up/email", json={**up, "email": email})
        answers.append((answer, steps(ring)))
    shapes = {
        (
            answer.status_code,
            re.sub(r'"(id|email)":"[^"]*"|\d{4}-[^"]*Z', "", answer.text),
            tuple(name for name in answer.headers if name not in VARYING),
            # What is told of a refusal is written where a new account would have been: as much.
            str([[one for one in done if one != "AppendAudit"] for _, _, done in asked]),
        )
        for answer, asked in answers
    }
    assert len(shapes) == 1
    assert "set-cookie" not in answers[0][0].headers
    for email in (EMAIL, "verified@example.org"):
        sink.wait(email, "You have an account already")
    sink.wait("new@example.org", CONFIRM)


@pytest.mark.parametrize("verified", [False, True])
def test_a_new_address_may_be_anybodys(serve: Start, sink: Sink, verified: bool) -> None:
    ring = RingSink()
    live = serve(sink=ring, email=EmailPolicy(on_sign_up=True))
    browser = live.browser()
    live.browser("taken@example.org")
    if verified:
        live.client().get(sink.link(EMAIL, CONFIRM))
    seen = []
    for count, email in enumerate(("taken@example.org", "free@example.org"), start=1):
        ring.clear()
        answer = browser.post("/change-email", json={"newEmail": email, "callbackURL": "/a"})
        asked = steps(ring)
        opened = None
        if verified:
            opened = told(live.client().get(sink.link(EMAIL, CHANGE, count)))
        seen.append((told(answer), asked, opened, steps(ring)))
    assert seen[0] == seen[1]
    link = sink.link("free@example.org", CHANGE)
    assert CHANGE not in sink.subjects("taken@example.org")
    # Somebody takes the address before its link is opened.
    live.browser("free@example.org")
    assert live.client().get(link).headers["location"] == f"{live.url}/a?error=INVALID_TOKEN"
    assert browser.get("/get-session").json()["user"]["email"] == EMAIL


def test_while_the_mail_server_is_down_answers_are_the_same_and_the_log_is_discreet(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    live = start("session", smtp=f"smtp://127.0.0.1:{free_port()}", mail_from=SENDER)
    browser = live.browser()
    answers = [
        live.client().post("/request-password-reset", json={"email": email})
        for email in (EMAIL, UNKNOWN)
    ]
    assert told(answers[0]) == told(answers[1])
    assert answers[0].status_code == 200
    assert browser.get("/get-session").json()["user"]["email"] == EMAIL
    ours = [one.getMessage() for one in caplog.records if one.name == "limen.mail"]
    assert [text for text in (EMAIL, "lmp_", "127.0.0.1") if text in "\n".join(ours)] == []


def test_a_fault_leaves_no_token_in_the_log(
    serve: Start, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve()
    live.browser()
    token = ask_for_reset(live, sink)
    with closing(sqlite3.connect(live.database)) as connection, connection:
        connection.execute("UPDATE limen_ticket SET detail = 'not json'")
    answer = live.client().get(f"/reset-password/{token}?callbackURL=/choose")
    assert (answer.status_code, answer.content) == (500, b"")
    (fault,) = [one.getMessage() for one in caplog.records if one.name == "limen.service"]
    assert "GET /api/auth/reset-password/… failed with JSONDecodeError" in fault
    assert token not in fault


# -- where a link leads


@pytest.mark.proves("asvs:3.7.2", "oauth:2")
@pytest.mark.parametrize("target", EVIL)
def test_no_link_and_no_answer_leads_away(serve: Start, sink: Sink, target: str) -> None:
    live = serve(email=EmailPolicy(on_sign_up=True, deletes_by_link=True))
    browser = live.browser()
    body = {"email": EMAIL, "redirectTo": target, "callbackURL": target}
    for path in ("/request-password-reset", "/send-verification-email"):
        assert live.client().post(path, json=body).status_code == 403
    change = {"newEmail": "a@example.net", "callbackURL": target}
    assert browser.post("/change-email", json=change).status_code == 403
    assert browser.post("/delete-user", json={"callbackURL": target}).status_code == 403
    browser.post("/delete-user")
    links = {
        f"/reset-password/{ask_for_reset(live, sink)}": "INVALID_CALLBACK_URL",
        f"/verify-email?token={token_of(sink.link(EMAIL, CONFIRM))}": "INVALID_CALLBACK_URL",
        f"/delete-user/callback?token={token_of(sink.link(EMAIL, DELETE))}": "INVALID_CALLBACK_URL",
    }
    for path, code in links.items():
        place = httpx.URL(live.api + path).copy_merge_params({"callbackURL": target})
        answer = browser.get(place)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
        assert "location" not in answer.headers
        good = httpx.URL(live.api + path).copy_merge_params({"callbackURL": "/fine"})
        # It was not used up.
        assert "error" not in browser.get(good).headers["location"]


@pytest.mark.proves("asvs:6.4.3", "asvs:4.1.3", "oauth:15", "attack:65")
def test_the_host_header_decides_no_link(serve: Start, start: Start, sink: Sink) -> None:
    live = serve()
    live.browser()
    evil = {"Host": "evil.example", "Origin": live.url}
    answer = live.client().post("/request-password-reset", json={"email": EMAIL}, headers=evil)
    assert answer.status_code == 200
    assert sink.link(EMAIL, RESET).startswith(f"{live.url}/api/auth/reset-password/")


@pytest.mark.proves("attack:65")
def test_without_an_address_of_its_own_a_service_mails_no_link_for_another_host(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    live = start("session")
    live.browser()
    evil = {"Host": "evil.example", "Origin": "http://evil.example"}
    answers = [
        live.client().post("/request-password-reset", json={"email": email}, headers=evil)
        for email in (EMAIL, UNKNOWN)
    ]
    assert [(one.status_code, one.content) for one in answers] == [(500, b"")] * 2
    assert live.client().post("/request-password-reset", json={"email": EMAIL}).status_code == 200
    live.run(live.auth.close())  # sends what waits
    shown = capfd.readouterr().err
    assert f"{live.url}/api/auth/reset-password/lmp_" in shown
    assert "evil" not in shown
    live.run(live.auth.open())


@pytest.mark.proves("asvs:3.4.5", "oauth:14")
def test_redirects_tell_no_referrer_and_are_not_kept(serve: Start, sink: Sink) -> None:
    live = serve(email=EmailPolicy(on_sign_up=True))
    live.browser()
    for link in (
        sink.link(EMAIL, CONFIRM),
        f"/reset-password/{ask_for_reset(live, sink)}?callbackURL=/choose%23now",
        "/reset-password/made-up?callbackURL=",
    ):
        answer = live.client().get(link)
        assert answer.status_code in (302, 403)
        if answer.status_code == 302:
            assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
    lost = live.client().get("/reset-password/made-up?callbackURL=")
    assert lost.headers["location"] == f"{live.api}/new-password?token=made-up"
    assert live.client().get("/reset-password/made-up").json()["code"] == "VALIDATION_ERROR"


# -- what a letter says


def test_nothing_that_somebody_wrote_stands_in_a_letter(serve: Start, sink: Sink) -> None:
    live = serve(email=EmailPolicy(on_sign_up=True), usernames=UsernamePolicy(enabled=True))
    name = "Ada\r\nBcc: eve@example.org\r\n\r\nVisit https://evil.example"
    live.browser(name=name, username="ada", displayUsername="https:evil.example")
    letter = sink.wait(EMAIL, CONFIRM)
    assert (letter["Bcc"], letter["From"], letter["To"]) == (None, SENDER, EMAIL)
    assert "evil" not in letter.as_string()
    for email in (
        "a@example.org\r\nBcc: eve@example.org",
        "a@example.org,b@example.org",
        "a b@x.y",
    ):
        for path in ("/request-password-reset", "/send-verification-email"):
            answer = live.client().post(path, json={"email": email})
            assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")


# -- limits


@pytest.mark.proves("asvs:6.6.3")
def test_the_fourth_letter_to_one_address_does_not_leave_and_nobody_is_told(
    serve: Start, sink: Sink
) -> None:
    clock = FrozenClock()
    three = Budget("letter:recipient", limit=3, window=3_600_000)
    live = serve(letter_budget=three, clock=clock)
    browser = live.browser()
    answers = [
        told(live.client().post("/request-password-reset", json={"email": EMAIL})) for _ in range(5)
    ]
    assert all(one == answers[0] for one in answers)
    sink.wait(EMAIL, RESET, 3)
    changes = [
        browser.post("/change-email", json={"newEmail": f"{n}@example.net"}).status_code
        for n in range(4)
    ]
    assert changes == [200, 200, 200, 429]
    clock.advance(3_600_000)
    live.client().post("/request-password-reset", json={"email": EMAIL})
    sink.wait(EMAIL, RESET, 4)
    assert sink.subjects(EMAIL) == [RESET] * 4


@pytest.mark.proves("asvs:6.6.3")
def test_one_network_address_may_cause_so_many_letters(serve: Start) -> None:
    two = Budget("letter:address", limit=2, window=60_000)
    live = serve(letter_address_budget=two, clock=FrozenClock(), email=EmailPolicy(required=True))
    statuses = [
        live.client().post("/request-password-reset", json={"email": email}).status_code
        for email in (EMAIL, UNKNOWN, EMAIL)
    ]
    up = {"name": NAME, "email": EMAIL, "password": PASSWORD}
    answer = live.client().post("/sign-up/email", json=up)
    assert [*statuses, answer.status_code] == [200, 200, 429, 429]
    assert answer.headers["retry-after"] == "60"


def test_a_username_has_no_budget_of_its_own(serve: Start) -> None:
    two = Budget("sign-in:account", limit=2, window=60_000)
    live = serve(account_budget=two, clock=FrozenClock(), usernames=UsernamePolicy(enabled=True))
    live.browser(username="ada")
    client, wrong = live.client(), "not the password"

    def by(name: str, value: str, path: str) -> int:
        return client.post(path, json={name: value, "password": wrong}).status_code

    tries = [
        by("email", EMAIL, "/sign-in/email"),
        by("username", "Ada", "/sign-in/username"),
        by("username", "ADA", "/sign-in/username"),
        by("email", EMAIL, "/sign-in/email"),
    ]
    assert tries == [401, 401, 429, 429]
    unknown = [by("username", "nobody", "/sign-in/username") for _ in range(3)]
    assert unknown == [401, 401, 429]


# -- who may


def test_an_hour_after_the_sign_in_an_account_is_not_changed_without_a_proof(
    serve: Start,
) -> None:
    clock = FrozenClock()
    live = serve(clock=clock)
    browser = live.browser()
    clock.advance(3_600_001)
    refused = browser.post("/change-email", json={"newEmail": "ada@example.net"})
    assert (refused.status_code, refused.json()["code"]) == (403, "SESSION_NOT_FRESH")
    stale = browser.post("/delete-user")
    assert (stale.status_code, stale.json()["code"]) == (400, "SESSION_EXPIRED")
    gone = browser.post("/delete-user", json={"password": PASSWORD})
    assert gone.json() == {"success": True, "message": "User deleted"}


def test_what_is_switched_off_is_refused(serve: Start) -> None:
    browser = serve(email=EmailPolicy(changes=False, deletes=False)).browser()
    refused = browser.post("/change-email", json={"newEmail": "ada@example.net"})
    assert (refused.status_code, refused.json()["code"]) == (400, "CHANGE_EMAIL_DISABLED")
    deleted = browser.post("/delete-user", json={"password": PASSWORD})
    assert (deleted.status_code, deleted.content) == (404, b"")
    called_back = browser.get("/delete-user/callback?token=x")
    assert (called_back.status_code, called_back.json()["code"]) == (404, "NOT_FOUND")


def test_a_foreign_page_changes_nothing(serve: Start) -> None:
    browser = serve().browser()
    browser.headers["Origin"] = "https://evil.example"
    for path in ("/change-email", "/delete-user", "/update-session", "/verify-password"):
        assert browser.post(path, json={}).json()["code"] == "INVALID_ORIGIN"


def test_a_link_signs_in_who_is_nobody_and_turns_nobody_into_somebody_else(
    serve: Start, sink: Sink
) -> None:
    live = serve(email=EmailPolicy(required=True, signs_in=True))
    for email in (EMAIL, "eve@example.org"):
        live.client().post(
            "/sign-up/email", json={"name": NAME, "email": email, "password": PASSWORD}
        )
    ada = live.client()
    assert "set-cookie" in ada.get(sink.link(EMAIL, CONFIRM)).headers
    assert ada.get("/get-session").json()["user"]["email"] == EMAIL
    ada.get(sink.link("eve@example.org", CONFIRM))
    assert ada.get("/get-session").json()["user"]["email"] == EMAIL
    assert can_sign_in(live, PASSWORD, "eve@example.org")


# -- fields of a session, and the document


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_session_fields_are_of_their_kind_and_bounded(serve: Start, strategy: str) -> None:
    fields = {"theme": "string", "beta": "boolean", "level": "number"}
    live = serve(strategy, session_fields=fields)
    browser, other = live.browser(), live.browser("bob@example.org")

    def update(value: object) -> tuple[int, Any]:
        answer = browser.post("/update-session", json=value)
        return answer.status_code, answer.json().get("code")

    assert update({"theme": "dark", "beta": True, "level": 3, "unknown": 1}) == (200, None)
    for wrong in ({"theme": 1}, {"beta": "yes"}, {"level": True}, {"theme": ["x"]}):
        assert update(wrong) == (400, "VALIDATION_ERROR")
    assert update({"theme": "x" * 5_000}) == (400, "VALIDATION_ERROR")
    assert update([1]) == (400, "BODY_MUST_BE_AN_OBJECT")
    assert update({}) == (400, None)
    assert update({"token": "x"}) == (400, "FIELD_NOT_ALLOWED")
    assert update({"beta": None}) == (200, None)
    session = browser.get("/get-session").json()["session"]
    assert {name: session[name] for name in fields} == {"theme": "dark", "beta": None, "level": 3}
    (listed,) = browser.get("/list-sessions").json()
    assert listed["theme"] == "dark"
    assert other.get("/get-session").json()["session"]["theme"] is None


def test_what_is_answered_is_what_the_document_says(serve: Start, sink: Sink) -> None:
    live = serve(usernames=UsernamePolicy(enabled=True), session_fields={"theme": "string"})
    browser = live.browser(username="ada")
    document = browser.get("/openapi.json").json()
    token = ask_for_reset(live, sink)
    for method, path, body in (
        ("POST", "/request-password-reset", {"email": EMAIL}),
        ("POST", "/request-password-reset", {}),
        ("POST", "/reset-password", {"newPassword": NEW}),
        ("POST", "/reset-password", {"newPassword": "x", "token": token}),
        ("POST", "/send-verification-email", {"email": EMAIL}),
        ("POST", "/send-verification-email", {"email": UNKNOWN}),
        ("GET", "/verify-email", None),
        ("POST", "/verify-password", {"password": PASSWORD}),
        ("POST", "/verify-password", {"password": NEW}),
        ("POST", "/change-email", {"newEmail": EMAIL}),
        ("POST", "/change-email", {"newEmail": "ada@example.net"}),
        ("POST", "/update-session", {"theme": "dark"}),
        ("POST", "/update-session", {}),
        ("POST", "/is-username-available", {"username": "ada"}),
        ("POST", "/is-username-available", {"username": "a"}),
        ("POST", "/sign-in/username", {"username": "ada", "password": NEW}),
        ("POST", "/sign-in/username", {"username": "ada", "password": PASSWORD}),
        ("GET", "/delete-user/callback", None),
        ("POST", "/delete-user", {"password": NEW}),
        ("POST", "/delete-user", {"password": PASSWORD}),
        ("GET", "/delete-user/callback", None),
    ):
        described_as(document, method, path, browser.request(method, path, json=body))
    opened = browser.get("/reset-password/x?callbackURL=/choose")
    assert opened.status_code == 302
    responses = document["paths"]["/reset-password/{token}"]["get"]["responses"]
    assert "302" in responses
    assert "200" not in responses


# -- without a page of one's own


def test_without_a_page_of_its_own_a_reset_ends_on_a_plain_one(serve: Start, sink: Sink) -> None:
    live = serve("hybrid")
    held = live.browser()
    live.client().post("/request-password-reset", json={"email": EMAIL})
    link = sink.link(EMAIL, RESET)
    with chromium() as browser:
        context = browser.new_context(java_script_enabled=False)
        context.add_cookies([{"name": "theme", "value": "dark", "url": live.url}])
        page = context.new_page()
        page.goto(link)
        page.get_by_label("New password").fill("short")
        page.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_have_text("This password is too short.")
        page.get_by_label("New password").fill(NEW)
        page.get_by_role("button").click()
        expect(page.get_by_text("Your password was changed.")).to_be_visible()
        page.goto(link)
        expect(page.get_by_role("alert")).to_contain_text("used already")
        assert page.get_by_role("button").count() == 0
    assert can_sign_in(live, NEW)
    assert held.get("/get-session").json() is None


@pytest.mark.proves("asvs:3.4.3", "asvs:3.4.6", "oauth:17")
def test_the_plain_page_runs_nothing_and_tells_no_other_site(serve: Start, sink: Sink) -> None:
    live = serve()
    live.browser()
    token = ask_for_reset(live, sink)
    sent_on = live.client().get(f"/reset-password/{token}?callbackURL=")
    assert sent_on.headers["location"] == f"{live.api}/new-password?token={token}"
    shown = live.client().get(f"/new-password?token={token}")
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert shown.headers["referrer-policy"] == "same-origin"
    assert shown.headers["cache-control"] == "no-store"
    hostile = live.client().get('/new-password?token="><script>')
    assert "<script" not in hostile.text
    form = {"token": token, "newPassword": NEW}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        page = live.client(origin=False, **headers)
        assert page.post("/new-password", data=form).status_code == 403
        page.headers["Cookie"] = "theme=dark"
        assert page.post("/new-password", data=form).status_code == 403
    assert "was changed" in live.client().post("/new-password", data=form).text
