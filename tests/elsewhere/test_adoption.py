"""Nobody is signed out by the move: who holds a session there gets one of Limen's own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from better_auths import PASSWORD, SECRET, Answer, BetterAuth
from live import EMAIL, STRATEGIES, Live, serve
from terminal import Terminal
from visitors import visitor, who

from limen import Target
from limen.elsewhere import BetterAuthSessions


@pytest.fixture(scope="module")
def moved(
    installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[BetterAuth, list[Answer]]:
    """Give a better-auth server with people in it; nobody writes to it any more."""
    server = BetterAuth(installed, tmp_path_factory.mktemp("moved") / "better-auth.db")
    return server, server.sign_up("Ada", "Bob", "Cy", "Dan", "Eve", "Fay", "Gil")


@pytest.fixture(scope="module", params=STRATEGIES)
def live(
    request: pytest.FixtureRequest,
    moved: tuple[BetterAuth, list[Answer]],
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Live]:
    """Give a Limen into which those people were imported with `limen import`."""
    home = tmp_path_factory.mktemp("adopting")
    sessions = BetterAuthSessions(secret=SECRET, database=moved[0].url, adopt=True)
    with serve(template, home, request.param, elsewhere=(sessions,)) as live:
        terminal = Terminal(home, f"sqlite+aiosqlite:///{live.database}")
        terminal.ok("import", "better-auth", moved[0].url)
        yield live


@pytest.fixture
def people(moved: tuple[BetterAuth, list[Answer]]) -> list[Answer]:
    return moved[1]


def names(answer: object) -> list[str]:
    lines: list[str] = answer.headers.get_list("set-cookie")  # type: ignore[attr-defined]
    return [line.partition("=")[0] for line in lines]


def test_the_next_answer_hands_out_a_session_of_limen(live: Live, people: list[Answer]) -> None:
    browser = visitor(live, people[0].cookie)
    for ahead in ("Purpose", "Sec-Purpose", "Next-Router-Prefetch", "RSC"):
        assert names(browser.get("/get-session", headers={ahead: "1"})) == []
    answer = browser.get("/get-session")
    assert "better-auth.session_token" in names(answer)
    assert answer.json()["session"]["id"].startswith("ses_")
    own = live.copy_of(browser)
    again = own.get("/get-session")
    assert again.json()["user"]["email"] == "ada@example.org"
    assert names(again) == []
    (listed,) = own.get("/list-sessions").json()
    assert listed["userAgent"].startswith("python-httpx")


def test_requests_that_come_together_open_one_session(live: Live, people: list[Answer]) -> None:
    def ask(_: int) -> list[str]:
        with live.client(Cookie=people[1].cookie) as one:
            answer = one.get("/get-session")
            assert answer.json()["user"]["email"] == "bob@example.org"
            return names(answer)

    with ThreadPoolExecutor(6) as pool:
        handed = [one for one in pool.map(ask, range(6)) if one]
    assert len(handed) == 1


def test_whoever_signs_out_here_is_not_signed_in_again(live: Live, people: list[Answer]) -> None:
    browser = visitor(live, people[2].cookie)
    assert names(browser.get("/get-session"))
    both = live.copy_of(browser)
    jar = "; ".join(f"{name}={value}" for name, value in both.cookies.items())
    both.cookies.clear()
    out = both.post("/sign-out", json={}, headers={"Cookie": f"{jar}; {people[2].cookie}"})
    assert out.status_code == 200
    assert who(live, people[2].cookie) is None


def test_a_sign_in_as_somebody_else_ends_what_the_browser_held(
    live: Live, people: list[Answer]
) -> None:
    body = {"email": "eve@example.org", "password": PASSWORD}
    signed = visitor(live, people[3].cookie).post("/sign-in/email", json=body)
    assert signed.status_code == 200, signed.text
    assert who(live, people[3].cookie) is None


def test_a_bearer_gets_no_cookies(live: Live, people: list[Answer]) -> None:
    assert people[4].bearer is not None
    answer = live.client(Authorization=f"Bearer {people[4].bearer}").get("/get-session")
    assert answer.json()["user"]["email"] == "eve@example.org"
    assert names(answer) == []


def test_an_unsafe_request_is_adopted_only_from_a_page_of_ours(
    live: Live, people: list[Answer]
) -> None:
    with live.client(origin=False, Cookie=people[5].cookie) as page:
        body = {"name": "Fay"}
        refused = page.post("/update-user", json=body, headers={"Origin": "https://e.example"})
        assert refused.status_code == 403
        assert names(refused) == []
        answer = page.post("/update-user", json=body, headers={"Origin": live.url})
        assert answer.status_code == 200
        assert "better-auth.session_token" in names(answer)


def test_ending_an_adopted_session_ends_the_one_that_it_came_of(
    live: Live, people: list[Answer]
) -> None:
    handle = visitor(live, people[6].cookie).get("/get-session").json()["session"]["id"]
    owner = live.client()
    body = {"email": "gil@example.org", "password": PASSWORD}
    assert owner.post("/sign-in/email", json=body).status_code == 200
    assert handle in [one["id"] for one in owner.get("/list-sessions").json()]
    live.run(live.auth.revoke(Target.session(handle, owner="somebody else")))
    assert who(live, people[6].cookie) is not None
    owner.post("/revoke-session", json={"token": handle})
    assert who(live, people[6].cookie) is None
    assert len(owner.get("/list-sessions").json()) == 1


def test_limens_own_credential_comes_first(live: Live, people: list[Answer]) -> None:
    own = live.browser(EMAIL.replace("ada", "own"))
    jar = "; ".join(f"{name}={value}" for name, value in own.cookies.items())
    answer = live.client(Cookie=f"{jar}; {people[4].cookie}").get("/get-session")
    assert answer.json()["user"]["email"] == EMAIL.replace("ada", "own")
