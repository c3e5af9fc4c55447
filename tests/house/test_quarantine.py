"""Each third-party package is imported in one place, so that it can be replaced there."""

from __future__ import annotations

import ast
import sys

import pytest
from sources import imports, modules

# Package: the modules and folders that may know it.
PLACES: dict[str, tuple[str, ...]] = {
    "aiosmtplib": ("mailers/smtp.py",),
    "aiosqlite": ("stores/sql/",),
    "alembic": ("stores/sql/",),
    # Authlib writes and reads OAuth's messages; httpx carries them.
    "authlib": ("social/",),
    # One makes hashes, the other verifies those that other libraries made.
    "argon2": ("passwords.py", "foreign_hashes.py"),
    "asyncpg": ("stores/sql/",),
    "bcrypt": ("foreign_hashes.py",),
    # joserfc computes with it, and the two commonest signatures are checked without a detour.
    "cryptography": ("jose.py", "jwe.py", "keyring.py", "sealing.py"),
    "fastapi": ("web/fastapi.py", "web/fastapi/"),
    "httpx": ("lab/", "social/"),
    "jinja2": ("lab/",),
    # Whoever forges has a library too, and it must not be ours.
    # ID tokens are signed in ways that ours never are.
    "joserfc": ("jose.py", "jwe.py", "jwk.py", "keyring.py", "lab/attacks/forge.py", "social/"),
    "opentelemetry": ("trace/otel.py",),
    "psycopg": ("stores/sql/",),
    "pydantic": ("cli/", "web/fastapi.py", "web/fastapi/"),
    "pydantic_settings": ("cli/",),
    "redis": ("stores/redis/", "elsewhere/"),
    "rich": ("cli/",),
    "sqlalchemy": ("stores/sql/", "elsewhere/"),
    "starlette": ("lab/", "service/", "web/"),
    "typer": ("cli/",),
    "uvicorn": ("cli/", "lab/"),
}


def trespasses(path: str, tree: ast.Module) -> list[str]:
    """Return the third-party imports of one module that the table does not allow there."""
    found = []
    for imported in imports(tree):
        package = imported.name.split(".")[0]
        if package == "limen" or package in sys.stdlib_module_names:
            continue
        if not path.startswith(PLACES.get(package, ("nowhere",))):
            found.append(f"src/limen/{path}:{imported.line} imports {imported.name}")
    return found


@pytest.mark.proves("asvs:11.2.1")
def test_third_party_packages_stay_in_their_place() -> None:
    assert [one for module in modules() for one in trespasses(module.path, module.tree)] == []


@pytest.mark.parametrize(
    ("path", "planted"),
    [
        ("strategies/jwt.py", "import joserfc.jws"),
        ("authority.py", "def f():\n    from sqlalchemy import select"),
        ("secret.py", "import a_package_in_no_table"),
        (
            "service/app.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import fastapi",
        ),
    ],
)
def test_a_package_out_of_its_place_is_found(path: str, planted: str) -> None:
    assert trespasses(path, ast.parse(planted))
