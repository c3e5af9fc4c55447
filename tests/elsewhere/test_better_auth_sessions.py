"""Sessions of a better-auth server that still runs are taken, and refused when they end there."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from better_auths import PASSWORD, SECRET, Answer, BetterAuth, signing_in
from live import Live, serve
from visitors import visitor, who

from limen import ConfigurationError, CookieSettings, Limen
from limen.account import Account, Newcomer
from limen.effects import ReadLog
from limen.elsewhere import BetterAuthSessions
from limen.revocation import Target
from limen.verdict import Refused
from limen.web.asgi import SCOPE_KEY, AuthMiddleware

START = Callable[..., Live]


@pytest.fixture(scope="module")
def made(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Answer]]:
    """Give a file that better-auth filled, with the answers to Ada's and Bob's sign-ups."""
    file = tmp_path_factory.mktemp("made") / "better-auth.db"
    return file, BetterAuth(installed, file).sign_up("Ada", "Bob", "Cy")


@pytest.fixture
def theirs(made: tuple[Path, list[Answer]], installed: Path, tmp_path: Path) -> BetterAuth:
    """Give a copy of that server."""
    shutil.copy(made[0], tmp_path / "theirs.db")
    return BetterAuth(installed, tmp_path / "theirs.db")


@pytest.fixture
def people(made: tuple[Path, list[Answer]]) -> list[Answer]:
    return made[1]


@pytest.fixture
def start(template: Path, tmp_path: Path, theirs: BetterAuth) -> Iterator[START]:
    """Give a function that starts Limen, which takes the sessions of `theirs`."""
    with contextlib.ExitStack() as stack:

        def begin(strategy: str = "hybrid", **options: Any) -> Live:
            given = {"secret": SECRET, "database": theirs.url, **options.pop("sessions", {})}
            elsewhere = (BetterAuthSessions(**given),)
            return stack.enter_context(
                serve(template, tmp_path, strategy, elsewhere=elsewhere, **options)
            )

        yield begin


def id_of(answer: Answer) -> str:
    return str(answer.body["user"]["id"])


def imported(live: Live, answer: Answer, **fields: Any) -> Account:
    """Keep somebody's account here, under the id that they have there."""
    user = answer.body["user"]
    account = Account(user["id"], user["email"], user["name"], 1, 1, **fields)
    live.run(live.auth.import_account(Newcomer(account)))
    return account


@pytest.mark.parametrize("strategy", ["hybrid", "session", "jwt"])
def test_a_session_counts_until_it_ends_there(
    start: START, theirs: BetterAuth, people: list[Answer], strategy: str
) -> None:
    live = start(strategy)
    ada, bob, cy = people
    assert [who(live, one.cookie) for one in people] == [id_of(one) for one in people]
    assert who(live, None) is None

    theirs.ask({"path": "/sign-out", "method": "POST", "headers": {"cookie": ada.cookie}})
    assert who(live, ada.cookie) is None
    theirs.change(
        """UPDATE session SET "expiresAt" = '2026-01-01T00:00:00.000Z'
        WHERE "userId" = ?""",
        id_of(bob),
    )
    assert who(live, bob.cookie) is None
    theirs.change("""UPDATE "user" SET banned = 1 WHERE id = ?""", id_of(cy))
    assert who(live, cy.cookie) is None
    theirs.change("""UPDATE "user" SET "banExpires" = '2026-01-01T00:00:00.000Z'""")
    assert who(live, cy.cookie) == id_of(cy)
    theirs.change("""UPDATE session SET "impersonatedBy" = 'somebody'""")
    assert who(live, cy.cookie) is None


def test_a_cookie_must_be_theirs_to_the_letter(start: START, people: list[Answer]) -> None:
    live = start()
    ada, bob, _ = people
    name, value = ada.cookie.split("=", 1)
    token, signature = value.split(".")
    other, _ = bob.cookie.split("=", 1)[1].split(".")
    for wrong in (
        f"{name}={token}",
        f"{name}={token}.",
        f"{name}={other}.{signature}",
        f"{name}={token.swapcase()}.{signature}",
        f"{name}={token}.{signature[::-1]}",
        f"{name}={token}.{signature}x",
        f"{name}={'x' * 600}.{signature}",
        f"{name}=%FC{token}.{signature}",
        f"{name.removeprefix('__Secure-')}={value}",
        f"__Host-{name.removeprefix('__Secure-')}={value}",
        f"{name.upper()}={value}",
        f"{ada.cookie}; {ada.cookie}",
        f"{ada.cookie}; {bob.cookie}",
    ):
        assert who(live, wrong) is None, wrong
    assert who(live, f'{name}="{value}"; other=1') == id_of(ada)
    assert who(live, f"a=b; {ada.cookie}") == id_of(ada)


def test_another_secret_signs_nothing(start: START, people: list[Answer]) -> None:
    assert who(start(sessions={"secret": SECRET + "x"}), people[0].cookie) is None


def test_the_bearer_form_is_read_alone(start: START, people: list[Answer]) -> None:
    live = start()
    ada, bob, _ = people
    assert ada.bearer is not None
    token = ada.bearer.partition(".")[0]
    signed, encoded = f"Bearer {ada.bearer}", f"bearer {ada.cookie.split('=', 1)[1]}"
    assert who(live, None, Authorization=signed) == id_of(ada)
    assert who(live, bob.cookie, Authorization=encoded) == id_of(ada)
    assert who(live, bob.cookie, Authorization=f"Bearer {token}") is None
    assert who(live, bob.cookie, Authorization="Basic eDp5") is None
    # Without an origin, as a program sends it.
    with live.client(origin=False, Authorization=signed) as program:
        assert program.post("/revoke-other-sessions", json={}).status_code == 200


def test_bare_tokens_are_taken_only_where_that_was_chosen(
    start: START, people: list[Answer]
) -> None:
    live = start(sessions={"bare_tokens": True})
    assert people[0].bearer is not None
    token = people[0].bearer.partition(".")[0]
    assert who(live, None, Authorization=f"Bearer {token}") == id_of(people[0])
    name = people[0].cookie.partition("=")[0]
    assert who(live, f"{name}={token}") is None


def test_their_cookie_acts_only_from_a_page_of_ours(start: START, people: list[Answer]) -> None:
    live = start()
    imported(live, people[0])
    cookie = people[0].cookie
    with live.client(origin=False, Cookie=cookie) as page:
        body = {"name": "Changed"}
        for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            assert page.post("/update-user", json=body, headers=headers).status_code == 403
        assert live.run(live.auth.account(id_of(people[0]))).name == "Ada"
        ours = {"Origin": live.url}
        assert page.post("/update-user", json=body, headers=ours).status_code == 200
        assert live.run(live.auth.account(id_of(people[0]))).name == "Changed"


def _says_who(auth: Limen) -> Any:
    """Return an application of somebody's own, which has no rule of its own about origins."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        verdict = await scope[SCOPE_KEY].verdict()
        said = verdict.reason if isinstance(verdict, Refused) else type(verdict).__name__
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": said.encode()})

    async def with_lifespan(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})

    return AuthMiddleware(with_lifespan, auth)


def test_the_rule_of_origins_holds_in_every_application(start: START, people: list[Answer]) -> None:
    live = start(build=_says_who, sessions={"adopt": True})
    with live.client(origin=False, Cookie=people[0].cookie) as page:
        assert page.get(live.url).text == "Authenticated"
        for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            answer = page.post(live.url, headers=headers)
            assert answer.text == "cross_origin"
            assert "set-cookie" not in answer.headers
        assert page.post(live.url, headers={"Origin": live.url}).text == "Authenticated"


def test_endpoints_about_sessions_know_that_there_is_none_here(
    start: START, people: list[Answer]
) -> None:
    live = start()
    imported(live, people[0])
    client = visitor(live, people[0].cookie)
    session = client.get("/get-session").json()
    assert session["user"]["email"] == "ada@example.org"
    assert people[0].cookie.split("=", 1)[1].partition(".")[0] not in str(session)
    assert client.get("/list-sessions").json() == []
    assert client.get("/token").status_code == 401
    for path in ("/refresh", "/revoke-session", "/change-password"):
        assert client.post(path, json={"token": "x"}).status_code < 500
    assert client.post("/get-session", json={}).json()["user"]["id"] == id_of(people[0])


@pytest.mark.parametrize("strategy", ["hybrid", "session", "jwt"])
def test_what_is_revoked_here_is_refused_here(
    start: START, theirs: BetterAuth, people: list[Answer], strategy: str
) -> None:
    live = start(strategy)
    ada, bob, cy = people
    for one in people:
        imported(live, one)
    second, third = theirs.ask(signing_in("Ada"), signing_in("Ada"))

    # One session signs out here; there it goes on.
    assert visitor(live, ada.cookie).post("/sign-out", json={}).status_code == 200
    assert who(live, ada.cookie) is None
    assert who(live, second.cookie) == id_of(ada)
    (still,) = theirs.ask({"path": "/get-session", "headers": {"cookie": ada.cookie}})
    assert still.body["user"]["id"] == id_of(ada)

    # All of an account, by whoever runs the service and by itself.
    live.run(live.auth.revoke(Target.user(id_of(ada))))
    assert [who(live, one.cookie) for one in (second, third)] == [None, None]
    assert visitor(live, bob.cookie).post("/revoke-sessions", json={}).status_code == 200
    assert who(live, bob.cookie) is None
    (newer,) = theirs.ask(signing_in("Bob"))
    assert who(live, newer.cookie) == id_of(bob)

    live.run(live.auth.disable(id_of(cy)))
    assert who(live, cy.cookie) is None

    # An old session may live on there, so what refuses it here must not be forgotten before.
    entries = live.run(live.auth.run(_log()))
    assert {entry.subject for entry in entries} == {id_of(one) for one in people}
    assert all(entry.expires_at > _now(live) + 29 * 86_400_000 for entry in entries)


def _log() -> Any:
    return (yield ReadLog(0, 100))


def test_signing_out_elsewhere_means_their_sessions_too(
    start: START, theirs: BetterAuth, people: list[Answer]
) -> None:
    live = start()
    imported(live, people[0])
    own = live.browser("dora@example.org")
    mine = own.get("/get-session").json()["user"]["id"]
    theirs.change("""UPDATE session SET "userId" = ? WHERE "userId" = ?""", mine, id_of(people[1]))
    theirs.change("""UPDATE "user" SET id = ? WHERE id = ?""", mine, id_of(people[1]))
    assert who(live, people[1].cookie) == mine
    assert own.post("/revoke-other-sessions", json={}).status_code == 200
    assert who(live, people[1].cookie) is None
    assert own.get("/get-session").json()["user"]["id"] == mine


def test_roles_are_those_of_the_account_here(start: START, people: list[Answer]) -> None:
    live = start()
    imported(live, people[0], roles=frozenset({"admin"}))
    verdicts = [
        live.run(live.auth.settings.elsewhere[0].authenticate(headers, _now(live)))
        for headers in [[(b"cookie", one.cookie.encode())] for one in people[:2]]
    ]
    admitted = [live.run(live.auth.admit(one.principal)) for one in verdicts]
    assert [one.principal.roles for one in admitted] == [{"admin"}, frozenset()]
    assert {one.principal.strategy for one in admitted} == {"better-auth"}
    assert {one.principal.methods for one in admitted} == {()}


def _now(live: Live) -> int:
    return live.auth.assembly.clock.now()


def test_a_session_grows_no_older_than_one_of_limen(
    start: START, theirs: BetterAuth, people: list[Answer]
) -> None:
    live = start()
    theirs.change("""UPDATE session SET "createdAt" = datetime('now', '-29 days')""")
    assert who(live, people[0].cookie) == id_of(people[0])
    theirs.change("""UPDATE session SET "createdAt" = datetime('now', '-31 days')""")
    assert who(live, people[0].cookie) is None


def test_a_database_that_does_not_answer_lets_nobody_in(
    start: START, theirs: BetterAuth, people: list[Answer]
) -> None:
    live = start()
    theirs.change("ALTER TABLE session RENAME TO gone")
    answer = visitor(live, people[0].cookie).get("/get-session")
    assert answer.status_code == 503
    assert visitor(live, None).get("/get-session").status_code == 200


def test_sessions_in_secondary_storage(
    template: Path, tmp_path: Path, installed: Path, redis_url: str
) -> None:
    kept: dict[str, str] = {}
    server = BetterAuth(installed, tmp_path / "b.db", secondary=kept)
    (ada,) = server.sign_up("Ada")
    client = redis.Redis.from_url(redis_url)
    client.mset(kept)
    elsewhere = (BetterAuthSessions(secret=SECRET, redis=redis_url),)
    with serve(template, tmp_path, "session", elsewhere=elsewhere) as live:
        assert who(live, ada.cookie) == id_of(ada)
        token = ada.cookie.split("=", 1)[1].partition(".")[0]
        client.set(token, kept[token].replace(token, "another"))
        assert who(live, ada.cookie) is None
        client.set(token, "no json")
        assert who(live, ada.cookie) is None
        client.delete(token)
        assert who(live, ada.cookie) is None
    client.close()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"secret": ""}, "is empty"),
        ({"secret": SECRET}, "where the sessions are"),
        ({"secret": SECRET, "database": "sqlite:///x", "redis": "redis://x"}, "where the sessions"),
        ({"secret": SECRET, "database": "mysql://x/y"}, "not supported"),
        ({"secret": SECRET, "database": "what is this"}, "is not a database URL"),
        ({"secret": SECRET, "redis": "http://x"}, "is not a Redis URL"),
    ],
)
def test_a_mistake_is_found_at_once(given: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        BetterAuthSessions(**given)


def test_a_table_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    url = f"sqlite:///{tmp_path}/empty.db"
    auth = Limen(
        "session",
        secret=SECRET,
        database=f"sqlite+aiosqlite:///{tmp_path}/mine.db",
        elsewhere=(BetterAuthSessions(secret=SECRET, database=url),),
    )
    with pytest.raises(ConfigurationError, match="no table session or sessions"):
        _opened(auth, tmp_path)


def _opened(auth: Limen, folder: Path) -> None:
    import asyncio

    from limen.stores.sql import migrate

    migrate(f"sqlite+aiosqlite:///{folder}/mine.db")
    asyncio.run(auth.open())


def test_two_cookies_of_one_name_are_found_at_the_start() -> None:
    def built(sessions: dict[str, Any], **options: Any) -> Limen:
        other = BetterAuthSessions(secret=SECRET, database="sqlite:///x.db", **sessions)
        return Limen(
            "session", secret=SECRET, database="sqlite:///y.db", elsewhere=(other,), **options
        )

    built({"adopt": True})
    built({"secure": False})
    with pytest.raises(ConfigurationError, match="overwrite"):
        built({"adopt": True, "secure": False})
    with pytest.raises(ConfigurationError, match="overwrite"):
        built({"adopt": True}, cookies=CookieSettings(host_prefix=False))
    built({"adopt": True}, cookies=CookieSettings(prefix="limen", host_prefix=False))
    with pytest.raises(ConfigurationError, match="called like a strategy"):
        built({"name": "session"})


def test_the_password_of_a_person_is_theirs_alone() -> None:
    assert PASSWORD not in repr(BetterAuthSessions(secret=PASSWORD, database="sqlite:///x.db"))
