"""Sessions and tokens of Auth.js applications that still run."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from auth_js import COOKIES, SECRET, auth_core, tokens
from live import Live, serve
from servers import PostgresServer
from visitors import visitor, who

from limen import ConfigurationError
from limen.account import Account, Newcomer
from limen.elsewhere import AuthjsSessions, AuthjsTokens
from limen.revocation import Target
from limen.verdict import Authenticated, Reason, Refused, Verdict

DAY = 86_400


def test_a_session_in_their_database_counts_until_it_ends_there(
    template: Path, tmp_path: Path, installed: Path
) -> None:
    file = tmp_path / "authjs.db"
    addresses = ("ada@example.org", "bob@example.org")
    ada, bob = auth_core(installed, file, *addresses)
    elsewhere = (AuthjsSessions(database=f"sqlite:///{file}"),)
    with serve(template, tmp_path, "session", elsewhere=elsewhere) as live:
        ids = [who(live, one) for one in (ada, bob)]
        connection = sqlite3.connect(file)
        rows = connection.execute("SELECT id FROM users ORDER BY email").fetchall()
        assert ids == [row[0] for row in rows]
        name, token = ada.split("=")
        for wrong in (
            f"{name}={token[:-1]}",
            f"{name.removeprefix('__Secure-')}={token}",
            f"{ada}; {ada}",
            f"{name}=%00",
        ):
            assert who(live, wrong) is None
        assert who(live, ada, Authorization=f"Bearer {token}") is None
        with live.client(origin=False, Cookie=ada) as page:
            assert page.post("/revoke-sessions", json={}).status_code == 403

        auth_core(installed, file, "--", ada)
        assert who(live, ada) is None
        with connection:
            connection.execute("UPDATE sessions SET expires = '2026-01-01T00:00:00.000Z'")
        assert who(live, bob) is None
        connection.close()


def test_their_rows_are_found_in_postgresql_too(postgresql: PostgresServer) -> None:
    url = postgresql.database(empty=True)
    with psycopg.connect(url.replace("+asyncpg", "")) as connection:
        connection.execute("""CREATE TABLE "User" (id TEXT PRIMARY KEY)""")
        connection.execute("""CREATE TABLE "Session" ("sessionToken" TEXT UNIQUE, "userId" TEXT,
            expires TIMESTAMP(3))""")
        connection.execute("""INSERT INTO "User" VALUES ('u1')""")
        connection.execute("""INSERT INTO "Session" VALUES
            ('t1', 'u1', '2030-01-01'), ('t2', 'gone', '2030-01-01')""")
    sessions = AuthjsSessions(database=url)
    now, end = 1_800_000_000_000, 1_893_456_000_000

    async def verdicts() -> list[Verdict]:
        await sessions.open()
        found = [
            await sessions.authenticate([(b"cookie", f"{COOKIES[5]}={one}".encode())], at)
            for one, at in (("t1", now), ("t1", end), ("t2", now), ("t3", now))
        ]
        await sessions.close()
        return found

    first, *others = asyncio.run(verdicts())
    assert isinstance(first, Authenticated)
    assert (first.principal.subject, first.principal.expires_at) == ("u1", end)
    assert first.principal.issued_at == 0
    reasons = [one.reason for one in others if isinstance(one, Refused)]
    assert reasons == [Reason.EXPIRED, Reason.UNKNOWN_SESSION, Reason.UNKNOWN_SESSION]
    postgresql.drop(url)


@pytest.fixture(scope="module", params=[5, 4])
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def live(version: int, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    elsewhere = (AuthjsTokens(secret=SECRET, version=version),)  # type: ignore[arg-type]
    home = tmp_path_factory.mktemp("tokens")
    with serve(template, home, "hybrid", elsewhere=elsewhere) as live:
        yield live


def test_a_token_counts_for_whom_it_was_made(live: Live, version: int, installed: Path) -> None:
    name = COOKIES[version]
    small, large = tokens(
        installed, version, {"sub": "u1", "name": "Ada"}, {"sub": "u2", "name": "x" * 5_000}
    )
    assert who(live, f"{name}={small}") == "u1"
    assert who(live, None, Authorization=f"Bearer {small}") == "u1"
    chunks = [large[at : at + 3_933] for at in range(0, len(large), 3_933)]
    assert len(chunks) > 1
    pairs = [f"{name}.{number}={chunk}" for number, chunk in enumerate(chunks)]
    assert who(live, "; ".join(reversed(pairs))) == "u2"
    assert who(live, "; ".join(pairs[1:])) is None
    assert who(live, "; ".join([*pairs, pairs[0]])) is None
    for wrong in (small[:-2], small.swapcase(), "a.b.c.d.e", small + ".x", ""):
        assert who(live, f"{name}={wrong}") is None
    assert who(live, f"{name.removeprefix('__Secure-')}={small}") is None
    page = visitor(live, f"{name}={small}")
    assert (
        page.post("/revoke-sessions", json={}, headers={"Origin": "https://e.example"}).status_code
        == 403
    )


def test_a_token_must_be_in_force_and_of_their_secret(
    live: Live, version: int, installed: Path
) -> None:
    name = COOKIES[version]
    claims = {"sub": "u3"}
    (over,) = tokens(installed, version, claims, maxAge=-60)
    (lasting,) = tokens(installed, version, claims, maxAge=60 * DAY)
    (foreign,) = tokens(installed, version, claims, secret=SECRET + "x")
    nobody, number = tokens(installed, version, {"name": "x"}, {"sub": 7})
    for wrong in (over, lasting, foreign, nobody, number):
        assert who(live, f"{name}={wrong}") is None


def test_a_token_that_was_signed_out_here_is_refused_here(
    live: Live, version: int, installed: Path
) -> None:
    name = COOKIES[version]
    first, copied, other = tokens(installed, version, *[{"sub": "u4"}] * 3)
    assert visitor(live, f"{name}={first}").post("/sign-out", json={}).status_code == 200
    assert who(live, f"{name}={first}") is None
    # Their next token of the same session cannot be told from another session's.
    assert who(live, f"{name}={copied}") == "u4"
    live.run(live.auth.revoke(Target.user("u4")))
    assert [who(live, f"{name}={one}") for one in (copied, other)] == [None, None]


def test_what_cannot_be_promised_is_not() -> None:
    tokens_, rows = (
        AuthjsTokens(secret=SECRET).guarantees,
        AuthjsSessions(database="sqlite:///x.db").guarantees,
    )
    assert tokens_.revocation_window == 30 * DAY * 1000
    assert rows.revocation_window == 0
    with pytest.raises(ConfigurationError, match="Use 4 or 5"):
        AuthjsTokens(secret=SECRET, version=3)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="is empty"):
        AuthjsTokens(secret=[])


def test_a_person_of_a_token_is_adopted_once_the_account_is_here(
    template: Path, tmp_path: Path, installed: Path
) -> None:
    cookie = f"{COOKIES[5]}={tokens(installed, 5, {'sub': 'u5'})[0]}"
    elsewhere = (AuthjsTokens(secret=SECRET, adopt=True),)
    with serve(template, tmp_path, "jwt", elsewhere=elsewhere) as live:
        first = visitor(live, cookie)
        assert first.get("/get-session").headers.get_list("set-cookie") == []
        account = Account("u5", "eve@example.org", "Eve", 1, 1)
        live.run(live.auth.import_account(Newcomer(account)))
        assert first.get("/get-session").json()["user"]["name"] == "Eve"
        own = live.copy_of(first)
        assert own.get("/get-session").json()["user"]["name"] == "Eve"
        assert len(own.get("/list-sessions").json()) == 1
