"""Users of real databases of other libraries come over with their hashes, and can sign in."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import bcrypt
import psycopg
import pytest
from better_auths import PASSWORD, BetterAuth
from django_users import PASSWORD as DJANGO_PASSWORD
from live import serve
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from servers import PostgresServer
from terminal import Terminal

from limen import UsernamePolicy
from limen.account import Found
from limen.effects import FindAccount
from limen.stores.sql import open_blocking_store

Outcomes = dict[str, Any]


def taken_over(terminal: Terminal, *words: str, code: int = 0, **env: str) -> Outcomes:
    done = terminal.run("import", *words, "--json", **env)
    assert done.returncode == code, done.stderr
    said: Outcomes = json.loads(done.stdout)
    return said


def kept(terminal: Terminal, email: str) -> Found:
    store = open_blocking_store(terminal.database)
    store.open()
    try:
        found = store.perform(FindAccount(email=email))
    finally:
        store.close()
    assert found is not None
    return found


def signs_in(terminal: Terminal, template: Path, *people: tuple[str, str]) -> None:
    """Sign people in through the wire: refused with a wrong password, let in with the old one."""
    home = terminal.home / "served"
    home.mkdir(exist_ok=True)
    with serve(template, home, "hybrid", database=terminal.database) as live:
        for email, password in people:
            before = kept(terminal, email).password_hash
            assert before is not None
            assert not before.startswith("$argon2id$")
            with live.client() as client:
                wrong = {"email": email, "password": password + "!"}
                assert client.post("/sign-in/email", json=wrong).status_code == 401
                assert kept(terminal, email).password_hash == before
                right = {"email": email, "password": password}
                assert client.post("/sign-in/email", json=right).status_code == 200, email
                after = kept(terminal, email).password_hash
                assert after is not None
                assert after.startswith("$argon2id$")
                assert client.post("/sign-in/email", json=right).status_code == 200


def test_users_of_better_auth_keep_what_they_had(
    ready: Terminal, better_auth: BetterAuth, template: Path
) -> None:
    ada, bob, cy = better_auth.sign_up("Ada", "Bob", "Cy")
    better_auth.change("""UPDATE "user" SET "emailVerified" = 1, image = 'https://a.example/i.png',
        role = 'user,admin' WHERE name = 'Ada'""")
    better_auth.change("""UPDATE "user" SET banned = 1 WHERE name = 'Bob'""")
    better_auth.change("""UPDATE "user" SET banned = 1, "banExpires" = '2026-01-01T00:00:00.000Z'
        WHERE name = 'Cy'""")
    better_auth.change("""INSERT INTO account (id, "accountId", "providerId", "userId", "createdAt",
        "updatedAt") SELECT 'g1', 'google-subject', 'google', id, "createdAt", "updatedAt"
        FROM "user" WHERE name = 'Ada'""")

    plan = taken_over(ready, "better-auth", better_auth.url, "--role", "admin=boss", "--dry-run")
    assert plan["outcomes"] == {"added": 3}
    assert ready.json("users", "list")["users"] == []

    done = taken_over(ready, "better-auth", better_auth.url, "--role", "admin=boss")
    assert done == plan | {"dry_run": False}
    account = kept(ready, "ada@example.org").account
    assert account.id == ada.body["user"]["id"]
    assert (account.username, account.display_username) == ("ada_1", "Ada_1")
    assert account.email_verified
    assert account.image == "https://a.example/i.png"
    assert account.roles == {"boss"}
    assert kept(ready, "bob@example.org").account.disabled
    assert not kept(ready, "cy@example.org").account.disabled
    with ready.limen() as auth:
        held = auth.run(_owner("https://accounts.google.com", "google-subject"))
    assert held == account

    signs_in(ready, template, ("ada@example.org", PASSWORD), ("cy@example.org", PASSWORD))
    with ready.limen() as auth:
        assert auth.sign_in("bob@example.org", PASSWORD).reason.value == "bad_credentials"

    again = taken_over(ready, "better-auth", better_auth.url, "--role", "admin=boss")
    assert again["outcomes"] == {"present": 3}
    assert bob.status == cy.status == 200


def _owner(issuer: str, subject: str) -> Any:
    found = yield FindAccount(identity=(issuer, subject))
    return found.account if found else None


@pytest.fixture(params=["sqlite", "postgresql"])
def django_url(request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgresServer) -> Any:
    if request.param == "sqlite":
        url, words = f"sqlite:///{tmp_path}/django.db", ("sqlite3", tmp_path / "django.db", "", "")
    else:
        made = postgresql.database(empty=True)
        url = made.replace("+asyncpg", "")
        words = ("postgresql", url.rpartition("/")[2], str(postgresql.port), "limen")
    subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("django_users.py"),
            f"django.db.backends.{words[0]}",
            *words[1:],
        ],
        check=True,
        timeout=60,
    )
    yield url
    if request.param == "postgresql":
        postgresql.drop(made)


def test_users_of_django_keep_every_kind_of_hash(
    ready: Terminal, django_url: str, template: Path
) -> None:
    words = ("django", django_url, "--role", "is_superuser=admin", "--batch", "4")
    plan = taken_over(ready, *words, "--dry-run", code=1)
    done = taken_over(ready, *words, code=1)
    assert done == plan | {"dry_run": False}
    assert done["outcomes"] == {"added": 10, "unknown_hash": 1, "unreadable": 1}
    assert {(one["id"], one["why"]) for one in done["refused"]} == {
        ("11", "unknown_hash"),
        ("12", "unreadable"),
    }
    assert done["without_password"] == 1

    boss = kept(ready, "boss@example.org").account
    assert (boss.name, boss.username, boss.display_username) == ("Bo Ss", "boss", "Boss")
    assert boss.roles == {"admin"}
    assert boss.id == "7"
    assert not boss.email_verified
    assert kept(ready, "ada@example.org").account.username is None, "an address is no username"
    assert kept(ready, "gone@example.org").account.disabled
    assert kept(ready, "social@example.org").password_hash is None
    kinds = ("pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt")
    signs_in(ready, template, *((f"{one}@example.org", DJANGO_PASSWORD) for one in kinds))


def test_users_of_fastapi_users_come_over(ready: Terminal, tmp_path: Path, template: Path) -> None:
    file = tmp_path / "theirs.db"
    connection = sqlite3.connect(file)
    with connection:
        # The columns of SQLAlchemyBaseUserTableUUID and SQLAlchemyBaseOAuthAccountTableUUID.
        connection.execute("""CREATE TABLE user (id CHAR(36) PRIMARY KEY, email VARCHAR(320),
            hashed_password VARCHAR(1024), is_active BOOLEAN, is_superuser BOOLEAN,
            is_verified BOOLEAN)""")
        connection.execute("""CREATE TABLE oauth_account (id CHAR(36) PRIMARY KEY, user_id CHAR(36),
            oauth_name VARCHAR(100), access_token VARCHAR(1024), expires_at INTEGER,
            refresh_token VARCHAR(1024), account_id VARCHAR(320), account_email VARCHAR(320))""")
        hashes = {
            "argon": PasswordHash((Argon2Hasher(),)).hash(DJANGO_PASSWORD),
            "bcrypt": PasswordHash((BcryptHasher(rounds=4),)).hash(DJANGO_PASSWORD),
        }
        for n, (name, hashed) in enumerate(hashes.items()):
            row = (f"{n:08}-1111-4111-8111-111111111111", f"{name}@example.org", hashed, 1, n, 1)
            connection.execute("INSERT INTO user VALUES (?, ?, ?, ?, ?, ?)", row)
            oauth = ("g" + name, row[0], "github", "t", None, None, f"gh-{name}", "x@y.example")
            connection.execute("INSERT INTO oauth_account VALUES (?,?,?,?,?,?,?,?)", oauth)
    connection.close()
    done = taken_over(ready, "fastapi-users", f"sqlite:///{file}", "--role", "is_superuser=admin")
    assert done["outcomes"] == {"added": 2}
    argon = kept(ready, "argon@example.org").account
    assert argon.id == "00000000-1111-4111-8111-111111111111"
    assert argon.email_verified
    assert kept(ready, "bcrypt@example.org").account.roles == {"admin"}
    with ready.limen() as auth:
        held = auth.run(_owner("local:oauth:github", "gh-argon"))
    assert held == argon
    people = [(f"{name}@example.org", DJANGO_PASSWORD) for name in hashes]
    signs_in(ready, template, *people)


def test_users_of_auth_js_come_from_quoted_names_of_postgresql(
    ready: Terminal, postgresql: PostgresServer, template: Path
) -> None:
    url = postgresql.database(empty=True).replace("+asyncpg", "")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10, b"2a")).decode()
    with psycopg.connect(url) as connection:
        # As the Prisma adapter's schema makes them, with a column that applications add.
        connection.execute("""CREATE TABLE "User" (id TEXT PRIMARY KEY, name TEXT, email TEXT,
            "emailVerified" TIMESTAMP(3), image TEXT, "passwordHash" TEXT)""")
        connection.execute("""CREATE TABLE "Account" ("userId" TEXT, type TEXT, provider TEXT,
            "providerAccountId" TEXT, refresh_token TEXT, access_token TEXT)""")
        connection.execute(
            """INSERT INTO "User" VALUES
            ('cl1', 'Ada', 'Ada@Example.org', now(), NULL, %s),
            ('cl2', NULL, 'bob@example.org', NULL, NULL, NULL),
            ('not an id', 'Eve', 'eve@example.org', NULL, NULL, 'crypt$nobody$knows')""",
            (hashed,),
        )
        connection.execute("""INSERT INTO "Account" VALUES
            ('cl2', 'oauth', 'github', '77', 'r', 'a'), ('cl2', 'email', 'resend', 'x', 'r', 'a'),
            ('cl2', 'oidc', 'microsoft', '88', 'r', 'a')""")
    words = ("authjs", "--issuer", "microsoft=https://login.example/tenant/v2.0")
    done = taken_over(ready, *words, code=1, SOURCE_URL=url)
    assert done["outcomes"] == {"added": 2, "unknown_hash": 1}
    assert done["refused"][0]["id"] == "not an id"
    assert kept(ready, "ada@example.org").account.email_verified
    assert not kept(ready, "bob@example.org").account.email_verified
    with ready.limen() as auth:
        assert auth.run(_owner("local:oauth:github", "77")).id == "cl2"
        assert auth.run(_owner("https://login.example/tenant/v2.0", "88")).id == "cl2"
        assert auth.run(_owner("local:oauth:resend", "x")) is None
    signs_in(ready, template, ("ada@example.org", PASSWORD))
    postgresql.drop(url)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Give a file in Auth.js' layout with one verified user, under a table of another name."""
    file = tmp_path / "theirs.db"
    change(file, "CREATE TABLE people (id TEXT, mail TEXT, emailVerified INT, pw TEXT, name TEXT)")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    change(file, "INSERT INTO people VALUES ('u1', 'ada@example.org', 1, ?, 'New')", hashed)
    return file


def change(file: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement, values)
    connection.close()


NAMED = (
    *("--table", "users=people", "--column", "users.email=mail"),
    *("--column", "users.password=pw"),
)


def named(file: Path) -> tuple[str, ...]:
    return ("authjs", f"sqlite:///{file}", *NAMED)


def test_an_address_that_is_taken_is_joined_only_when_asked_and_proven(
    ready: Terminal, theirs: Path
) -> None:
    with ready.limen() as auth:
        mine = auth.add_account("ada@example.org", "a password of here", "Old")
    before = kept(ready, "ada@example.org")
    assert taken_over(ready, *named(theirs), code=1)["outcomes"] == {"email_taken": 1}
    # Anybody could have signed up here with an address that is not theirs.
    unproven = taken_over(ready, *named(theirs), "--update", code=1)
    assert unproven["outcomes"] == {"email_unproven": 1}
    assert kept(ready, "ada@example.org") == before

    ready.ok("users", "verify", "ada@example.org")
    planned = taken_over(ready, *named(theirs), "--update", "--dry-run")
    assert planned["outcomes"] == {"updated": 1}
    assert kept(ready, "ada@example.org").account.name == "Old"
    assert taken_over(ready, *named(theirs), "--update")["outcomes"] == {"updated": 1}
    after = kept(ready, "ada@example.org")
    assert (after.account.id, after.account.name) == (mine.id, "New")
    assert after.password_hash == before.password_hash, "a password of here is never replaced"
    assert taken_over(ready, *named(theirs), "--update")["outcomes"] == {"present": 1}


def test_an_id_never_lets_one_person_become_another(ready: Terminal, theirs: Path) -> None:
    assert taken_over(ready, *named(theirs))["outcomes"] == {"added": 1}
    before = kept(ready, "ada@example.org")
    change(theirs, "UPDATE people SET mail = 'mallory@example.org'")
    again = taken_over(ready, *named(theirs), "--update", code=1)
    assert again["outcomes"] == {"id_taken": 1}
    assert kept(ready, "ada@example.org") == before


def test_an_old_password_comes_over_again_only_until_it_was_used(
    ready: Terminal, theirs: Path
) -> None:
    taken_over(ready, *named(theirs))
    newer = bcrypt.hashpw(b"another good battery", bcrypt.gensalt(4)).decode()
    change(theirs, "UPDATE people SET pw = ?", newer)
    assert taken_over(ready, *named(theirs))["outcomes"] == {"present": 1}
    assert taken_over(ready, *named(theirs), "--update")["outcomes"] == {"updated": 1}
    assert kept(ready, "ada@example.org").password_hash == newer
    with ready.limen() as auth:
        assert not hasattr(auth.sign_in("ada@example.org", "another good battery"), "reason")
    used = kept(ready, "ada@example.org").password_hash
    change(theirs, "UPDATE people SET pw = ?", bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode())
    assert taken_over(ready, *named(theirs), "--update")["outcomes"] == {"present": 1}
    assert kept(ready, "ada@example.org").password_hash == used


def test_a_row_that_costs_too_much_or_stands_twice_is_named(ready: Terminal, theirs: Path) -> None:
    change(
        theirs,
        "INSERT INTO people VALUES ('u2', 'bo@example.org', 0, ?, ''), "
        "('u3', 'ADA@example.org', 0, NULL, '')",
        "pbkdf2_sha256$999999999$salt$" + "A" * 43 + "=",
    )
    done = taken_over(ready, *named(theirs), code=1)
    assert done["outcomes"] == {"added": 1, "repeated": 1, "unknown_hash": 1}
    shown = ready.run("import", *named(theirs))
    assert shown.returncode == 1
    assert "u2" in shown.stdout
    assert "costs too much" in shown.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("auth0", "sqlite:///x.db"), 2, "choose better-auth"),
        (("django", "mysql://h/x"), 3, "not supported"),
        (("django", "sqlite:///missing.db"), 3, "SOURCE_URL: there is no such file: missing.db."),
        (("django", "sqlite:///"), 3, "SOURCE_URL: names no file"),
        (("django", "postgresql://x@127.0.0.1:1/x"), 4, "the server in SOURCE_URL"),
        (
            ("authjs", "sqlite:///theirs.db", *NAMED, "--role", "emailverified=x"),
            2,
            "emailVerified?",
        ),
        (("authjs", "sqlite:///theirs.db", *NAMED, "--role", "zz=x"), 2, "'zz' is no column"),
        (("django", "sqlite:///theirs.db"), 3, "--table users=NAME"),
        (("authjs", "sqlite:///theirs.db", "--table", "users=people"), 3, "--column users.email="),
        (("authjs", "sqlite:///theirs.db", "--table", "people=users"), 3, "is unknown"),
        (("authjs", "sqlite:///theirs.db", "--role", "admin"), 2, "NAME=VALUE"),
    ],
)
def test_what_is_missing_is_said(
    ready: Terminal, theirs: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    os.link(theirs, ready.home / "theirs.db")
    done = ready.run("import", *words)
    assert done.returncode == code, done.stderr
    # Typer draws a box around what is wrong with the command line, and breaks its lines.
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "LIMEN_DATABASE" not in done.stderr
    assert not (ready.home / "missing.db").exists()


def test_without_its_package_bcrypt_is_said_before_anything_is_written(
    ready: Terminal, theirs: Path
) -> None:
    change(theirs, "INSERT INTO people VALUES ('u0', 'bo@example.org', 1, NULL, '')")
    hidden = ready.home / "hidden"
    hidden.mkdir()
    (hidden / "bcrypt.py").write_text("raise ModuleNotFoundError('bcrypt', name='bcrypt')")
    path = os.pathsep.join([str(hidden), ready.env.get("PYTHONPATH", "")])
    for words in (("--dry-run",), (), ("--update", "--json")):
        done = ready.run("import", *named(theirs), *words, PYTHONPATH=path)
        assert done.returncode == 1, done.stderr
        assert done.stdout == ""
        assert done.stderr.startswith("limen: 1 account has a bcrypt hash")
        assert done.stderr.count("\n") == 1
        assert "limen[bcrypt]" in done.stderr
    assert ready.json("users", "list")["users"] == []
    change(theirs, "UPDATE people SET pw = NULL")
    done = ready.run("import", *named(theirs), PYTHONPATH=path)
    assert done.returncode == 0, "nobody needs it"
    assert len(ready.json("users", "list")["users"]) == 2


def test_a_role_is_a_column_or_a_word_that_somebody_has(ready: Terminal, theirs: Path) -> None:
    change(theirs, "ALTER TABLE people ADD COLUMN role TEXT")
    change(theirs, "ALTER TABLE people ADD COLUMN is_superuser INT")
    change(theirs, "UPDATE people SET role = 'user, editor', is_superuser = 1")
    near = ready.run("import", *named(theirs), "--role", "superuser=admin")
    assert near.returncode == 2
    assert "did you mean is_superuser?" in near.stderr
    assert ready.json("users", "list")["users"] == []
    words = ("--role", "is_superuser=admin", "--role", "editor=writer")
    assert taken_over(ready, *named(theirs), *words)["outcomes"] == {"added": 1}
    assert kept(ready, "ada@example.org").account.roles == {"admin", "writer"}


def test_a_username_of_any_length_signs_in_and_is_missed_where_it_cannot(
    ready: Terminal, tmp_path: Path, template: Path
) -> None:
    file = tmp_path / "django.db"
    change(
        file,
        """CREATE TABLE auth_user (id INTEGER PRIMARY KEY, username TEXT, email TEXT,
        password TEXT, is_active INT)""",
    )
    long, hashed = "l" * 63 + "9", bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    for number, name in enumerate((long, "jo", "l" * 65, "a@b.example")):
        row = (number, name, f"p{number}@example.org", hashed)
        change(file, "INSERT INTO auth_user VALUES (?, ?, ?, ?, 1)", *row)
    words = ("import", "django", f"sqlite:///{file}", "--json")
    done = ready.run(*words, "--dry-run", LIMEN_USERNAME_ENABLED="true")
    assert json.loads(done.stdout)["usernames"] == 2
    assert done.stderr == ""
    done = ready.run(*words)
    assert done.returncode == 0
    assert "2 accounts have a username" in done.stderr
    assert "LIMEN_USERNAME_ENABLED=true" in done.stderr
    home = ready.home / "served"
    home.mkdir()
    usernames = UsernamePolicy(enabled=True)
    with (
        serve(template, home, "hybrid", database=ready.database, usernames=usernames) as live,
        live.client() as client,
    ):

        def sign_in(name: str, password: str) -> int:
            body = {"username": name, "password": password}
            return client.post("/sign-in/username", json=body).status_code

        assert [sign_in(long.upper(), "wrong"), sign_in(long, PASSWORD)] == [401, 200]
        assert [sign_in("x", PASSWORD), sign_in("jo", PASSWORD)] == [401, 200]
        assert sign_in("l" * 65, PASSWORD) == 422, "no account can have it"
        free = client.post("/is-username-available", json={"username": "l" * 31})
        assert free.status_code == 422, "what is chosen here keeps to the lengths of here"
