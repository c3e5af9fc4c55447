"""Migrations build the tables of this version, and rows of every older one still load."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from limen.account import Account, Found
from limen.effects import (
    AddAccount,
    Consume,
    FindAccount,
    FindRefresh,
    FindSession,
    Increment,
    LoadKeys,
    ReadLog,
    RotateRefresh,
    Ticket,
)
from limen.errors import MigrationNeeded
from limen.family import Repeated
from limen.keyring import KeyRecord, KeyState
from limen.revocation import Kind
from limen.session import Standing
from limen.stores.sql import (
    BlockingSqlStore,
    SqlStore,
    current_revision,
    head_revision,
    migrate,
    migrations,
)
from limen.stores.sql.database import blocking_engine
from limen.stores.sql.tables import REVISION, VERSION_TABLE, metadata
from limen.testing.store_cases.case import MINUTE, NOW, digest, session
from limen.testing.stores import ThreadedStore
from limen.throttle import Tally

ROWS = Path(__file__).parent / "rows"
SCRIPTS = ScriptDirectory(str(Path(migrations.__file__).parent))
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/limen.db"
        return
    server = request.getfixturevalue("postgresql")
    url = server.database(empty=True)
    yield url
    server.drop(url)


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    engine = blocking_engine(url, 5_000, 1)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def test_the_tables_in_code_are_those_of_the_last_migration() -> None:
    assert SCRIPTS.get_heads() == [REVISION] == [head_revision()]


def test_migrations_build_the_tables_in_code(url) -> None:
    assert migrate(url) == list(reversed(REVISIONS))
    with connected(url) as connection:
        options = {"version_table": VERSION_TABLE, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        assert _shape(connection) == _shape_of_metadata(connection)


def _shape(connection: sa.Connection) -> dict:
    """Return what the comparison of Alembic leaves out: names and options of constraints."""
    seen = sa.inspect(connection)
    return {
        table: {
            "primary": seen.get_pk_constraint(table)["name"],
            "foreign": sorted(
                (key["name"], key["options"].get("ondelete"))
                for key in seen.get_foreign_keys(table)
            ),
            "unique": sorted(key["name"] for key in seen.get_unique_constraints(table)),
            "collations": {
                column["name"]: getattr(column["type"], "collation", None)
                for column in seen.get_columns(table)
            },
            "indexes": sorted(
                (index["name"], index["unique"], _where(index))
                for index in seen.get_indexes(table)
                if not index.get("duplicates_constraint")
            ),
        }
        for table in seen.get_table_names()
        if table.startswith("limen_") and table != VERSION_TABLE
    }


def _where(index) -> bool:
    return any(name.endswith("_where") for name in index.get("dialect_options", {}))


def _shape_of_metadata(connection: sa.Connection) -> dict:
    """Build the tables of the code in place of the migrated ones and look at them."""
    metadata.drop_all(connection)
    metadata.create_all(connection)
    return _shape(connection)


def test_a_second_migration_has_nothing_to_do(url) -> None:
    assert current_revision(url) is None
    migrate(url)
    assert current_revision(url) == head_revision()
    assert migrate(url) == []


def test_of_two_migrations_at_once_one_does_the_work(url) -> None:
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate(url))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [[], list(reversed(REVISIONS))]


@pytest.mark.parametrize("kind", ["async", "blocking"])
def test_a_store_over_other_tables_does_not_open(url, kind) -> None:
    def refusal() -> MigrationNeeded:
        store = SqlStore(url) if kind == "async" else ThreadedStore(BlockingSqlStore(url))

        async def open_and_close() -> None:
            try:
                await store.open()
            finally:
                await store.close()

        with pytest.raises(MigrationNeeded) as refused:
            asyncio.run(open_and_close())
        return refused.value

    assert refusal().problem == "has no Limen tables."
    _pretend(url, "9999")
    assert refusal().problem == f"is at revision 9999, this version needs {REVISION}."
    assert refusal().remedy == "Run: limen migrate"


def test_a_database_of_a_newer_version_is_left_alone(url) -> None:
    _pretend(url, "9999")
    with pytest.raises(MigrationNeeded, match="does not know"):
        migrate(url)
    assert current_revision(url) == "9999"


def _pretend(url: str, revision: str) -> None:
    migrate(url)
    with connected(url) as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'"))


def test_every_revision_has_rows_from_its_time() -> None:
    assert sorted(path.stem for path in ROWS.glob("*.sql")) == sorted(REVISIONS)


SECRETS = {
    "reference": digest("ref one"),
    "used": digest("fresh one"),
    "live": digest("b"),
    "sealed": b"sealed b",
}


@pytest.mark.proves("attack:88")
@pytest.mark.parametrize("revision", REVISIONS)
def test_rows_of_every_revision_still_load(url, revision) -> None:
    migrate(url, to=revision)
    _write_rows(url, revision)
    migrate(url)
    _check_rows(url)


@pytest.mark.proves("attack:88")
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_process_of_an_older_version_goes_on_writing(url, revision) -> None:
    """It was opened before the migration, and knows nothing of the newer columns."""
    migrate(url)
    _write_rows(url, revision)
    _check_rows(url)


def _write_rows(url: str, revision: str) -> None:
    with connected(url) as connection:
        for statement in (ROWS / f"{revision}.sql").read_text().splitlines():
            # A colon inside a JSON text or an address is no parameter.
            text = sa.text(
                statement.replace('": "', '"\\: "')
                .replace("in:a", "in\\:a")
                .replace("local:c", "local\\:c")
            )
            used = {name: SECRETS[name] for name in text.compile().params}
            connection.execute(text, used)


def _check_rows(url: str) -> None:
    store = BlockingSqlStore(url)
    store.open()
    try:
        _check_store(store)
    finally:
        store.close()


def _check_store(store: BlockingSqlStore) -> None:
    roles = frozenset({"reader", "writer"})
    ada = Account("usr_ada", "ada@example.org", "Ada", NOW, NOW + 1, True, roles=roles, revision=3)
    kept = replace(session(), roles=frozenset({"guest"}))
    standing = Standing(kept, roles, disabled=False)
    assert store.perform(FindAccount(email=ada.email)) == Found(ada, "$argon2id$old")
    assert store.perform(FindSession(digest=SECRETS["reference"])) == standing
    assert store.perform(FindRefresh(SECRETS["live"], NOW, 0)) == standing
    retry = RotateRefresh(SECRETS["used"], digest("c"), b"", NOW, MINUTE)
    assert store.perform(retry) == Repeated(standing, b"sealed b")
    (entry,) = store.perform(ReadLog(0))
    assert (entry.kind, entry.subject, entry.not_before) == (Kind.KEY, "k0", NOW + 1)
    (key,) = store.perform(LoadKeys())
    assert json.loads(key.public) == {"kty": "OKP"}
    assert key == KeyRecord("k1", "EdDSA", KeyState.SIGNING, key.public, b"sealed b", NOW, NOW + 2)
    assert store.perform(Increment("sign-in:ada", MINUTE, NOW)) == Tally(5, NOW + MINUTE)
    ticket = Ticket("reset", SECRETS["reference"], "usr_ada", NOW + MINUTE)
    assert store.perform(Consume("reset", SECRETS["reference"], NOW)) == ticket
    # Numbering goes on where the old rows ended.
    assert store.perform(AddAccount(Account("usr_bob", "bob@example.org", "", NOW, NOW), "hash"))


def test_a_service_opens_its_store_without_alembic() -> None:
    code = "import sys, limen.stores.sql; print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
