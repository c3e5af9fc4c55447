"""`import limen` is light: no framework, no database driver, nothing that is not asked for."""

from __future__ import annotations

import secrets
import subprocess
import sys

import pytest

HEAVY = [
    "aiosmtplib",
    "aiosqlite",
    "alembic",
    "anyio",
    "authlib",
    "asyncpg",
    "fastapi",
    "httpx",
    "jinja2",
    "opentelemetry",
    "psycopg",
    "pydantic",
    "pydantic_settings",
    "redis",
    "rich",
    "sqlalchemy",
    "sqlite3",
    "starlette",
    "typer",
    "uvicorn",
    "limen.cli",
    "limen.lab",
    "limen.service",
    "limen.stores.sql",
    "limen.testing",
    "limen.web",
]


def loaded_by(statement: str) -> set[str]:
    """Return the names of HEAVY that a fresh interpreter has loaded after a statement."""
    script = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    )
    return set(HEAVY) & set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import limen",
        f"import limen\nlimen.Limen('jwt', refresh=None, secret='{secrets.token_urlsafe(48)}')",
        "import limen.strategies, limen.transports, limen.authenticators, limen.trace",
        "import limen.stores.memory",
        "import limen.verify as v\nv.Verifier('https://a.example/', issuer='a', audience='a')",
        "from limen.social import google\ngoogle('id', 'secret')",
    ],
)
def test_nothing_heavy_is_loaded(statement: str) -> None:
    assert loaded_by(statement) == set()


def test_a_heavy_import_would_be_seen() -> None:
    assert loaded_by("import limen.stores.sql") >= {"limen.stores.sql", "sqlalchemy"}
