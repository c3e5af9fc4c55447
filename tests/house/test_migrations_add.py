"""Migrations only add: a process of the version before works on while this one is rolled out."""

from __future__ import annotations

import ast

import pytest
from sources import PACKAGE

VERSIONS = PACKAGE / "stores" / "sql" / "migrations" / "versions"
SINCE = "0004"  # what came before was rolled out when nobody ran Limen yet
ADDING = frozenset({"add_column", "create_table", "create_index"})


def removing(source: str) -> list[str]:
    """Return what the upgrade of a migration does that is more than adding."""
    found = []
    (upgrade,) = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade"
    ]
    for call in (node for node in ast.walk(upgrade) if isinstance(node, ast.Call)):
        if not isinstance(call.func, ast.Attribute) or not isinstance(call.func.value, ast.Name):
            continue
        name = call.func.attr
        if call.func.value.id == "op" and name not in ADDING:
            found.append(f"{call.lineno}: op.{name}")
        if call.func.value.id == "op" and name == "add_column":
            found += [f"{call.lineno}: a column that old code leaves out" for _ in needed(call)]
        if call.func.value.id == "op" and name == "create_index" and is_true(call, "unique"):
            # On a column of an older version it may refuse what that version writes.
            found.append(f"{call.lineno}: a unique index")
    return found


def needed(call: ast.Call) -> list[ast.Call]:
    """Return the columns in a call that have neither a default nor room for nothing."""
    columns = [
        node
        for node in ast.walk(call)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Column")
    ]
    return [
        one
        for one in columns
        if is_false(one, "nullable")
        and not any(word.arg == "server_default" for word in one.keywords)
    ]


def is_true(call: ast.Call, name: str) -> bool:
    return any(word.arg == name and ast.unparse(word.value) == "True" for word in call.keywords)


def is_false(call: ast.Call, name: str) -> bool:
    return any(word.arg == name and ast.unparse(word.value) == "False" for word in call.keywords)


def test_migrations_only_add() -> None:
    files = [file for file in sorted(VERSIONS.glob("0*.py")) if file.name[:4] >= SINCE]
    assert files
    assert {file.name: removing(file.read_text()) for file in files} == {
        file.name: [] for file in files
    }


@pytest.mark.parametrize(
    "line",
    [
        "op.drop_column('limen_session', 'fields')",
        "op.drop_table('limen_kept')",
        "op.rename_table('limen_kept', 'kept')",
        "op.alter_column('limen_session', 'idle', nullable=False)",
        "op.execute('DELETE FROM limen_session')",
        "op.add_column('limen_session', sa.Column('acr', sa.Text(), nullable=False))",
        "op.create_index('ix', 'limen_session', ['subject'], unique=True)",
    ],
)
def test_a_migration_that_takes_something_away_is_found(line: str) -> None:
    assert removing(f"def upgrade() -> None:\n    {line}\n")


def test_a_column_with_a_default_is_an_addition() -> None:
    column = "sa.Column('acr', sa.Text(), nullable=False, server_default='')"
    assert removing(f"def upgrade() -> None:\n    op.add_column('limen_session', {column})\n") == []
