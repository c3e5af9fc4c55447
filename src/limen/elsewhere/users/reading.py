"""The users of another library's database, a page at a time."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from limen.elsewhere.databases import SourceUnavailable, blocking_engine
from limen.elsewhere.layouts import EMAILS, IDENTITIES, USERS
from limen.elsewhere.tables import found_tables
from limen.elsewhere.values import roles_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Engine

    from limen.elsewhere.layouts import Layout, Names
    from limen.elsewhere.users.rows import Row


class Source:
    """A database to import from. Names are found out when it is opened; nothing is written."""

    def __init__(self, url: str, layout: Layout, names: Names, flags: Sequence[str] = ()) -> None:
        """Look at the tables; raises `ConfigurationError` or `SourceUnavailable`."""
        self._engine: Engine = blocking_engine(url, "SOURCE_URL")
        try:
            self._tables = found_tables(self._engine, layout, names, flags)
        except SQLAlchemyError as fault:
            self._engine.dispose()
            raise SourceUnavailable(fault) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._engine.dispose()

    def count(self) -> int:
        """Return how many users there are."""
        users = self._tables[USERS].table
        return int(self._rows(select(func.count().label("n")).select_from(users))[0]["n"])

    def unmet(self, flags: Iterable[str]) -> dict[str, str | None]:
        """Return the flags that are neither a column nor a role of anybody, and what is like it."""
        users = self._tables[USERS]
        unknown = [flag for flag in flags if flag not in users.present]
        held: set[str] = set()
        if unknown and "role" in users.columns:
            rows = self._rows(select(users.columns["role"].label("role")).distinct())
            held = {role for row in rows for role in roles_in(row["role"])}
        known = sorted(users.present | held)
        return {
            flag: next(iter(get_close_matches(flag, known, n=1)), None)
            for flag in unknown
            if flag not in held
        }

    def pages(self, size: int) -> Iterator[list[tuple[Row, list[Row], list[Row]]]]:
        """Yield users in the order of their ids, each with its identities and addresses."""
        users = self._tables[USERS]
        key = users.columns["id"]
        wanted = select(*users.labelled()).order_by(key).limit(size)
        page = self._rows(wanted)
        while page:
            ids = [row["id"] for row in page]
            identities, emails = self._of(IDENTITIES, ids), self._of(EMAILS, ids)
            yield [(row, identities.get(row["id"], []), emails.get(row["id"], [])) for row in page]
            page = self._rows(wanted.where(key > ids[-1]))

    def _of(self, name: str, ids: list[Any]) -> dict[Any, list[Row]]:
        found: dict[Any, list[Row]] = {}
        if name in self._tables:
            there = self._tables[name]
            mine = there.columns["user_id"].in_(ids)
            for row in self._rows(select(*there.labelled()).where(mine)):
                found.setdefault(row["user_id"], []).append(row)
        return found

    def _rows(self, statement: Any) -> list[Row]:
        try:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(statement).mappings()]
        except SQLAlchemyError as fault:
            raise SourceUnavailable(fault) from None
