"""The users of another library's database, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import column, func, inspect, select, table
from sqlalchemy.exc import SQLAlchemyError

from limen.elsewhere.databases import blocking_engine, unavailable
from limen.elsewhere.users.layouts import EMAILS, IDENTITIES, REQUIRED, USERS
from limen.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Engine, Inspector, TableClause

    from limen.elsewhere.users.layouts import Layout, Names
    from limen.elsewhere.users.rows import Row

MOST_NAMED: Final = 20


class Source:
    """A database to import from. Names are found out when it is opened; nothing is written.

    Columns are read without their declared types: what a driver returns is interpreted in
    `values`, since the same column is declared differently by every tool that made it.
    """

    def __init__(self, url: str, layout: Layout, names: Names, flags: Sequence[str] = ()) -> None:
        """Look at the tables; raises `ConfigurationError` or `StoreUnavailable`."""
        self._engine: Engine = blocking_engine(url, "SOURCE_URL")
        try:
            looking = inspect(self._engine)
            self._tables = {
                name: found
                for name in (USERS, IDENTITIES, EMAILS)
                if (found := _table_named(looking, name, layout, names, flags)) is not None
            }
        except SQLAlchemyError as fault:
            self._engine.dispose()
            raise unavailable("the source", fault) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._engine.dispose()

    def count(self) -> int:
        """Return how many users there are."""
        users, _ = self._tables[USERS]
        return int(self._rows(select(func.count().label("n")).select_from(users))[0]["n"])

    def pages(self, size: int) -> Iterator[list[tuple[Row, list[Row], list[Row]]]]:
        """Yield users in the order of their ids, each with its identities and addresses."""
        users, columns = self._tables[USERS]
        key = columns["id"]
        wanted = select(*_labelled(columns)).select_from(users).order_by(key).limit(size)
        page = self._rows(wanted)
        while page:
            ids = [row["id"] for row in page]
            identities, emails = self._of(IDENTITIES, ids), self._of(EMAILS, ids)
            yield [(row, identities.get(row["id"], []), emails.get(row["id"], [])) for row in page]
            page = self._rows(wanted.where(key > ids[-1]))

    def _of(self, name: str, ids: list[Any]) -> dict[Any, list[Row]]:
        found: dict[Any, list[Row]] = {}
        if name in self._tables:
            there, columns = self._tables[name]
            owner = columns["user_id"]
            wanted = select(*_labelled(columns)).select_from(there).where(owner.in_(ids))
            for row in self._rows(wanted):
                found.setdefault(row["user_id"], []).append(row)
        return found

    def _rows(self, statement: Any) -> list[Row]:
        try:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(statement).mappings()]
        except SQLAlchemyError as fault:
            raise unavailable("the source", fault) from None


def _labelled(columns: dict[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    return [one.label(name) for name, one in columns.items()]


def _table_named(
    looking: Inspector, name: str, layout: Layout, names: Names, flags: Sequence[str]
) -> tuple[TableClause, dict[str, ColumnElement[Any]]] | None:
    candidates = layout.tables.get(name, ())
    if name in names.tables:
        candidates = (names.tables[name],)
    for candidate in candidates:
        schema, _, plain = candidate.rpartition(".")
        if looking.has_table(plain, schema=schema or None):
            break
    else:
        if name != USERS and name not in names.tables:
            return None
        there = ", ".join(sorted(looking.get_table_names())[:MOST_NAMED]) or "no table"
        raise ConfigurationError(
            "--table",
            f"there is no table {' or '.join(candidates) or name} in the source.",
            f"Name it with --table {name}=NAME; there is {there}.",
        )
    present = {one["name"] for one in looking.get_columns(plain, schema=schema or None)}
    found = _columns_of(name, plain, present, layout, names)
    if name == USERS:
        found |= {flag: flag for flag in flags if flag in present}
    clause = table(plain, *(column(one) for one in found.values()), schema=schema or None)
    return clause, {ours: clause.c[theirs] for ours, theirs in found.items()}


def _columns_of(
    name: str, there: str, present: set[str], layout: Layout, names: Names
) -> dict[str, str]:
    found = {}
    for ours, candidates in layout.columns.items():
        of, _, field = ours.partition(".")
        if of != name:
            continue
        named = names.columns.get(ours)
        taken = next((one for one in ((named,) if named else candidates) if one in present), None)
        if taken is not None:
            found[field] = taken
        elif named or ours in REQUIRED or field == "user_id":
            raise ConfigurationError(
                "--column",
                f"table {there} has no column {named or ' or '.join(candidates)}.",
                f"Name it with --column {ours}=NAME; there is {', '.join(sorted(present))}.",
            )
    return found
