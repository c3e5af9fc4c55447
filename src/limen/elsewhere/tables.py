"""Finding the tables and columns of another library's database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import column, inspect, table

from limen.elsewhere.layouts import REQUIRED
from limen.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine, Inspector, TableClause

    from limen.elsewhere.layouts import Layout, Names

MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class There:
    """A table that was found, with its columns by our names.

    Columns have no type: what a driver returns is interpreted in `values`, since the same
    column is declared differently by every tool that made it.
    """

    table: TableClause
    columns: Mapping[str, ColumnElement[Any]]
    present: frozenset[str]  # every column that it has, by their names

    def labelled(self) -> list[ColumnElement[Any]]:
        """Return the columns under our names."""
        return [one.label(name) for name, one in self.columns.items()]


def found_tables(
    bind: Engine | Connection, layout: Layout, names: Names, flags: Sequence[str] = ()
) -> dict[str, There]:
    """Return the tables of a layout that there are; raises `ConfigurationError`.

    `flags` are more columns of the first table, where it has them.
    """
    looking = inspect(bind)
    found = {}
    for number, (name, candidates) in enumerate(layout.tables.items()):
        named = names.tables.get(name)
        place = _place(looking, (named,) if named else candidates)
        if place is not None:
            found[name] = _there(looking, name, place, layout, names, flags if not number else ())
        elif named or name not in layout.optional:
            there = ", ".join(sorted(looking.get_table_names())[:MOST_NAMED]) or "no table"
            raise ConfigurationError(
                names.tables_setting,
                f"there is no table {named or ' or '.join(candidates)} in that database.",
                f"Name the table of {name} with {names.table_option(name)}; there is {there}.",
            )
    return found


def _place(looking: Inspector, candidates: tuple[str, ...]) -> tuple[str | None, str] | None:
    for candidate in candidates:
        schema, _, plain = candidate.rpartition(".")
        if looking.has_table(plain, schema=schema or None):
            return schema or None, plain
    return None


def _there(
    looking: Inspector,
    name: str,
    place: tuple[str | None, str],
    layout: Layout,
    names: Names,
    flags: Sequence[str],
) -> There:
    schema, plain = place
    present = {one["name"] for one in looking.get_columns(plain, schema=schema)}
    found = {flag: flag for flag in flags if flag in present}
    for ours, candidates in layout.columns.items():
        of, _, field = ours.partition(".")
        if of != name:
            continue
        named = names.columns.get(ours)
        taken = next((one for one in ((named,) if named else candidates) if one in present), None)
        if taken is not None:
            found[field] = taken
        elif named or ours in REQUIRED:
            raise ConfigurationError(
                names.columns_setting,
                f"table {plain} has no column {named or ' or '.join(candidates)}.",
                f"Name it with {names.column_option(ours)}; there is {', '.join(sorted(present))}.",
            )
    clause = table(plain, *map(column, sorted({*found.values()})), schema=schema)
    columns = {ours: clause.c[theirs] for ours, theirs in found.items()}
    return There(clause, columns, frozenset(present))
