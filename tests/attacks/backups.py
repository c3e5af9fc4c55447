"""What somebody has who got at the store: all that it holds, or a copy that is put back."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import redis
from servers import _programs

Held = str | bytes


def dump(options: dict[str, Any]) -> set[Held]:
    """Return every text and every octets that a store holds, keys and values alike."""
    found = _rows(options["database"])
    if "redis" in options:
        with redis.Redis.from_url(options["redis"], protocol=2) as client:
            for key in client.scan_iter():
                found |= {key, *_of_redis(client, key)}
    return found


def restored(options: dict[str, Any], home: Path, number: int) -> dict[str, Any]:
    """Copy a store as it is at this moment; return the options of the copy."""
    url = options["database"]
    if url.startswith("postgresql"):
        return {"database": _copy_of_postgresql(url, number)}
    file = home / f"restored-{number}.db"
    with closing(sqlite3.connect(_file(url))) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)
    copied = {"database": f"sqlite+aiosqlite:///{file}"}
    if "redis" in options:
        database = number % 14 + 1
        with redis.Redis.from_url(options["redis"], protocol=2) as client:
            for key in client.scan_iter():
                client.copy(key, key, destination_db=database)
        copied["redis"] = options["redis"].removesuffix("/0") + f"/{database}"
    return copied


def tampered(options: dict[str, Any], session: str, text: str) -> int:
    """Write a text over what a store holds of a session; return how many places that were."""
    if "redis" in options:
        with redis.Redis.from_url(options["redis"], protocol=2) as client:
            keys = [key for key in client.scan_iter() if session.encode() in key]
            hashes = [key for key in keys if client.type(key) == b"hash"]
            for key in hashes:
                client.hset(key, "body", text)
        return len(hashes)
    statement = "UPDATE limen_session SET methods = {0}, fields = {0}, roles = {0} WHERE id = {0}"
    url, values = options["database"], (text, text, text, session)
    if url.startswith("postgresql"):
        with psycopg.connect(_dsn(url)) as connection:
            return connection.execute(statement.format("%s"), values).rowcount
    with closing(sqlite3.connect(_file(url))) as connection, connection:
        return connection.execute(statement.format("?"), values).rowcount


def _file(url: str) -> str:
    return url.partition(":///")[2]


def _dsn(url: str) -> str:
    return url.replace("+asyncpg", "")


def _rows(url: str) -> set[Held]:
    if url.startswith("postgresql"):
        with psycopg.connect(_dsn(url)) as connection:
            names = connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            ).fetchall()
            tables = [connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names]
    else:
        with closing(sqlite3.connect(_file(url))) as connection:
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type='table'"
            ).fetchall()
            tables = [connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names]
    values = (value for rows in tables for row in rows for value in row)
    return {
        bytes(value) if isinstance(value, (bytes, memoryview)) else value
        for value in values
        if isinstance(value, (str, bytes, memoryview))
    }


def _of_redis(client: redis.Redis, key: bytes) -> set[Held]:
    kind = client.type(key)
    match kind:
        case b"string":
            return {client.get(key) or b""}
        case b"hash":
            return {part for pair in client.hgetall(key).items() for part in pair}
        case b"set":
            return set(client.smembers(key))
        case b"zset":
            return set(client.zrange(key, 0, -1))
        case b"list":
            return set(client.lrange(key, 0, -1))
        case b"stream":
            entries = client.xrange(key)
            return {part for _, fields in entries for pair in fields.items() for part in pair}
    raise AssertionError(f"Redis holds a {kind!r}, which nobody has looked into")


def _copy_of_postgresql(url: str, number: int) -> str:
    """Dump a database and read the dump into a new one."""
    name = f"{url.rpartition('/')[2]}_restored_{number}"
    with psycopg.connect(_dsn(url), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    copy = url.rpartition("/")[0] + f"/{name}"
    written = subprocess.run(
        [_programs() / "pg_dump", "--no-owner", _dsn(url)], check=True, capture_output=True
    )
    subprocess.run(
        [_programs() / "psql", "-q", "-v", "ON_ERROR_STOP=1", _dsn(copy)],
        input=written.stdout,
        check=True,
        capture_output=True,
    )
    return copy
