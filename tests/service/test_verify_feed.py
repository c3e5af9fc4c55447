"""What is revoked in Limen is refused in the second service, through whatever keeps the log."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from live import Live, serve
from proxy import Proxy
from servers import PostgresServer, RedisServer

from limen import Authenticated, ConfigurationError, Reason, Refused, StoreUnavailable, Target
from limen.keyring import KeyState
from limen.verify import BlockingVerifier, KeyLimits, Verifier

NAMED = {"issuer": "limen", "audience": "limen"}
PATIENCE_S = 20
MAX_LAG_S = 1.0
READER = "limen_reader"


@pytest.fixture
def on_postgresql(
    template: Path, tmp_path: Path, postgresql: PostgresServer
) -> Iterator[tuple[Live, str]]:
    """Give a service over PostgreSQL, and the URL of a role that may read the log alone."""
    url = postgresql.database()
    admin = url.replace("+asyncpg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {READER}")
        connection.execute(f"CREATE ROLE {READER} LOGIN")
        connection.execute(f"GRANT SELECT ON limen_revocation TO {READER}")
    reader = url.replace("//limen@", f"//{READER}@")
    with serve(template, tmp_path, "hybrid", database=url) as live:
        yield live, reader
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {READER}")
        connection.execute(f"DROP ROLE {READER}")
    postgresql.drop(url)


@pytest.fixture
def on_redis(
    template: Path, tmp_path: Path, redis_server: RedisServer, redis_url: str
) -> Iterator[tuple[Live, str]]:
    """Give a service over Redis, and the URL of a user who may only read, and only the log."""
    with redis_server.client() as client:
        client.execute_command(
            *("ACL", "SETUSER", "reader", "reset", "on", ">look", "-@all"),
            *("~{limen}:marker", "~{limen}:era", "~{limen}:log", "~{limen}:n:*"),
            *("+evalsha", "+eval", "+info", "+time", "+select", "+ping", "+client|setname"),
            *("+get", "+mget", "+hget", "+exists", "+xrange", "+xrevrange", "+xread"),
        )
    with serve(template, tmp_path, "hybrid", redis=redis_url) as live:
        yield live, redis_url.replace("//", "//reader:look@")
    with redis_server.client() as client:
        client.execute_command("ACL", "DELUSER", "reader")


@pytest.fixture
def on_sqlite(start: Callable[..., Live]) -> tuple[Live, str]:
    """Give a service over SQLite, and its file."""
    live = start("hybrid")
    return live, f"sqlite+aiosqlite:///{live.database}"


@pytest.fixture(params=["on_postgresql", "on_redis", "on_sqlite"])
def followed(request: pytest.FixtureRequest) -> tuple[Live, str]:
    """Give each of them in turn."""
    given: tuple[Live, str] = request.getfixturevalue(request.param)
    return given


def at(url: str, port: int) -> str:
    """Return the URL with another port."""
    return url.replace(f":{urlsplit(url).port}/", f":{port}/")


async def turns(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Wait until an answer is the wanted one."""
    until = time.monotonic() + PATIENCE_S
    while (answer := await ask()) != wanted:
        assert time.monotonic() < until, answer
        await asyncio.sleep(0.01)


def revoke(live: Live, target: Target) -> Awaitable[object]:
    return asyncio.to_thread(live.run, live.auth.revoke(target))


def test_what_is_revoked_is_refused(followed: tuple[Live, str]) -> None:
    live, feed = followed
    kept = [live.app(f"{name}@example.org")[1] for name in ("one", "two", "three")]
    tokens = [str(one["token"]) for one in kept]
    revoked = Refused(Reason.REVOKED)

    async def watch() -> None:
        async with Verifier(f"{live.api}/jwks", **NAMED, feed=feed) as verifier:
            first, second, third = [await verifier.authenticate(one) for one in tokens]
            assert isinstance(first, Authenticated)
            assert isinstance(second, Authenticated)
            assert await verifier.authenticate(tokens[0]) is first  # remembered, and asked again
            await revoke(live, Target.session(first.principal.session_id))
            await turns(lambda: verifier.authenticate(tokens[0]), revoked)
            await revoke(live, Target.user(second.principal.subject))
            await turns(lambda: verifier.authenticate(tokens[1]), revoked)
            assert await verifier.authenticate(tokens[2]) == third
            await revoke(live, Target.everybody())
            await turns(lambda: verifier.authenticate(tokens[2]), revoked)

    asyncio.run(watch())
    with BlockingVerifier(f"{live.api}/jwks", **NAMED, feed=feed) as blocking:
        assert [blocking.authenticate(one) for one in tokens] == [revoked] * 3
        later = str(live.app("later@example.org")[1]["token"])
        verdict = blocking.authenticate(later)
        assert isinstance(verdict, Authenticated)
        live.run(live.auth.revoke(Target.session(verdict.principal.session_id)))
        until = time.monotonic() + PATIENCE_S
        while blocking.authenticate(later) != revoked:
            assert time.monotonic() < until


@pytest.mark.proves("attack:49")
def test_a_withdrawn_key_stays_withdrawn_whatever_is_published(followed: tuple[Live, str]) -> None:
    live, feed = followed
    token = str(live.app("key@example.org")[1]["token"])
    signing = live.auth.assembly.keys.keyring.signing

    async def watch() -> None:
        async with Verifier(f"{live.api}/jwks", **NAMED, feed=feed) as verifier:
            assert isinstance(await verifier.authenticate(token), Authenticated)
            await revoke(live, Target.key(signing.id))
            # Fetched before the withdrawal and so still held; no other fetch is needed.
            await turns(lambda: verifier.authenticate(token), Refused(Reason.UNKNOWN_KEY))

    asyncio.run(watch())
    assert [key.state for key in live.run(live.auth.keys())].count(KeyState.RETIRED) == 1


@pytest.mark.parametrize("kind", ["on_postgresql", "on_redis"])
def test_a_feed_that_is_cut_lets_nobody_in_once_max_lag_is_over(
    request: pytest.FixtureRequest, kind: str
) -> None:
    live, feed = request.getfixturevalue(kind)
    token = str(live.app("cut@example.org")[1]["token"])
    port = urlsplit(feed).port
    assert port is not None

    async def watch(proxy: Proxy) -> None:
        through = at(feed, proxy.port)
        async with Verifier(
            f"{live.api}/jwks", **NAMED, feed=through, max_lag=MAX_LAG_S
        ) as verifier:
            known = await verifier.authenticate(token)
            assert isinstance(known, Authenticated)
            await asyncio.to_thread(proxy.cut)

            async def refused() -> bool:
                try:
                    assert await verifier.authenticate(token) == known
                except StoreUnavailable:
                    return True
                return False

            await turns(refused, wanted=True)
            # Revoked while nobody could hear of it.
            await revoke(live, Target.session(known.principal.session_id))
            with pytest.raises(StoreUnavailable):
                await verifier.authenticate(token)
            await asyncio.to_thread(proxy.restore)

            async def asked() -> object:
                with contextlib.suppress(StoreUnavailable):
                    return await verifier.authenticate(token)

            await turns(asked, Refused(Reason.REVOKED))

    with Proxy(port) as proxy:
        asyncio.run(watch(proxy))


def test_the_database_role_may_read_the_log_and_nothing_else(
    on_postgresql: tuple[Live, str],
) -> None:
    _, reader = on_postgresql
    with psycopg.connect(reader.replace("+asyncpg", ""), autocommit=True) as connection:
        connection.execute("SELECT count(*) FROM limen_revocation")
        for statement in (
            "SELECT 1 FROM limen_account",
            "SELECT 1 FROM limen_session",
            "SELECT 1 FROM limen_key",
            "UPDATE limen_revocation SET expires_at = 0",
            "DELETE FROM limen_revocation",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_user_of_redis_may_write_nothing(
    on_redis: tuple[Live, str], redis_server: RedisServer
) -> None:
    import redis

    with redis.Redis(
        port=redis_server.port, username="reader", password="look", protocol=2
    ) as client:
        for command in (
            ("SET", "{limen}:seq", "1"),
            ("XADD", "{limen}:log", "*", "kind", "all"),
            ("DEL", "{limen}:log"),
            ("EVAL", "return redis.call('SET', KEYS[1], '1')", "1", "{limen}:seq"),
            ("HGET", "{limen}:s:0:x", "subject"),
            ("GET", "elsewhere"),
        ):
            with pytest.raises(redis.exceptions.ResponseError):
                client.execute_command(*command)


def test_a_redis_that_forgot_is_not_believed_before_limen_has_told_it(
    on_redis: tuple[Live, str], redis_server: RedisServer
) -> None:
    live, feed = on_redis
    _, kept = live.app("forgot@example.org")
    token = str(kept["token"])
    limits = KeyLimits()
    with BlockingVerifier(f"{live.api}/jwks", **NAMED, feed=feed, limits=limits) as verifier:
        verdict = verifier.authenticate(token)
        assert isinstance(verdict, Authenticated)
        live.run(live.auth.revoke(Target.user(verdict.principal.subject)))
        with redis_server.client() as client:
            client.flushdb()
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = verifier.authenticate(token)
            except StoreUnavailable:
                answer = None
            if answer == Refused(Reason.REVOKED):
                return
            # Between the two it may still rest on what it heard, and never accept again.
            assert time.monotonic() < until
            time.sleep(0.01)


def test_a_reader_never_tells_redis_what_it_does_not_know(
    template: Path, tmp_path: Path, redis_server: RedisServer, redis_url: str
) -> None:
    with contextlib.ExitStack() as stack:
        live = stack.enter_context(serve(template, tmp_path, "hybrid", redis=redis_url))
        token = str(live.app("told@example.org")[1]["token"])
        # With every right, so that only its own restraint keeps it from writing.
        verifier = BlockingVerifier(
            f"{live.api}/jwks", **NAMED, feed=redis_url, max_lag=0.2, feed_interval=0.01
        )
        stack.callback(verifier.close)
        assert isinstance(verifier.authenticate(token), Authenticated)
        live.run(live.auth.close())
        with redis_server.client() as client:
            client.flushdb()
            until = time.monotonic() + PATIENCE_S

            def asked_until_refused() -> None:
                while time.monotonic() < until:
                    assert isinstance(verifier.authenticate(token), Authenticated)

            with pytest.raises(StoreUnavailable, match="has yet to tell it again"):
                asked_until_refused()
            assert client.keys() == []


def test_a_verifier_with_a_feed_is_opened_first(on_sqlite: tuple[Live, str]) -> None:
    live, feed = on_sqlite
    verifier = Verifier(f"{live.api}/jwks", **NAMED, feed=feed)
    with pytest.raises(ConfigurationError, match="is not open"):
        asyncio.run(verifier.authenticate("x"))


def test_a_feed_that_cannot_be_read_stops_the_start(on_sqlite: tuple[Live, str]) -> None:
    live, _ = on_sqlite

    async def begin(feed: str) -> None:
        async with Verifier(f"{live.api}/jwks", **NAMED, feed=feed):
            pytest.fail("it has opened")

    for feed in ("redis://127.0.0.1:1/0", "postgresql://limen@127.0.0.1:1/x"):
        with pytest.raises(StoreUnavailable):
            asyncio.run(begin(feed))


def test_a_file_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "none.db"
    for made in (Verifier, BlockingVerifier):
        for url in (f"sqlite+aiosqlite:///{missing}", f"sqlite:///{missing}"):
            with pytest.raises(ConfigurationError) as refused:
                made("https://app.example/jwks", **NAMED, feed=url)
            assert str(refused.value).startswith(f"feed: there is no such file: {missing}.")
    assert not missing.exists()
