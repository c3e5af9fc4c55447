"""`limen audit`, over SQLite and PostgreSQL."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from terminal import EMAIL, LIMEN, PASSWORD, Terminal
from typer.testing import CliRunner

from limen import AuditKind, Client
from limen.cli.main import app
from limen.stores.sql import migrate


@pytest.fixture(params=["sqlite", "postgresql"])
def wherever(request: pytest.FixtureRequest, tmp_path: Path) -> Terminal:
    """Give a terminal over each database, with an account and a little of everything."""
    if request.param == "postgresql":
        made = Terminal(tmp_path, request.getfixturevalue("postgresql_url"))
    else:
        made = Terminal(tmp_path)
        migrate(made.database)
    with made.limen() as auth:
        auth.add_account(EMAIL, PASSWORD, "Ada")
        auth.sign_in(EMAIL, PASSWORD, client=Client("192.0.2.7", "Firefox\x1b[2J"))
        auth.sign_in(EMAIL, "wrong horse", client=Client("192.0.2.8", "curl"))
    return made


def lines(terminal: Terminal, *words: str) -> list[dict[str, Any]]:
    said = terminal.ok("audit", "list", "--json", *words)
    return [json.loads(line) for line in said.splitlines()]


def test_what_happened_is_listed(wherever: Terminal) -> None:
    every = lines(wherever)
    assert [one["kind"] for one in every][-3:] == [
        "account.created",
        "sign_in.accepted",
        "sign_in.refused",
    ]
    accepted = every[-2]
    assert accepted["address"] == "192.0.2.7"
    assert accepted["methods"] == "pwd"
    assert accepted["user_agent"] == "Firefox\ufffd[2J"
    of_one = lines(wherever, "--user", EMAIL, "--kind", "sign_in.refused", "--since", "1h")
    assert [one["seq"] for one in of_one] == [every[-1]["seq"]]


def test_questions_narrow_what_is_listed(ready: Terminal) -> None:
    with ready.limen() as auth:
        ada = auth.account_by_email(EMAIL)
        assert ada is not None
        auth.sign_in(EMAIL, PASSWORD, client=Client("192.0.2.7"))
        auth.sign_in(EMAIL, "wrong horse")

    def listed(*words: str) -> list[str]:
        done = CliRunner().invoke(app, ["audit", "list", "--json", *words], env=ready.env)
        assert done.exit_code == 0, done.output
        return [json.loads(line)["kind"] for line in done.stdout.splitlines()]

    every = listed()
    assert listed("--user", ada.id, "--limit", "1") == every[-1:] == ["sign_in.refused"]
    assert listed("--user", "usr_of_somebody_deleted") == []
    assert listed("--address", "192.0.2.7") == ["sign_in.accepted"]
    assert listed("--kind", "sign_in.accepted", "--kind", "sign_in.refused") == every[-2:]
    assert listed("--until", "1h") == listed("--since", "2999-01-01") == []
    assert listed("--until", "2999-01-01T00:00:00Z", "--since", "90s") == every
    shown = CliRunner().invoke(app, ["audit", "list"], env=ready.env).output
    assert "bad_credentials" in shown
    assert "itself" in shown
    assert f"Events: {len(every)}" in shown


def test_what_a_command_does_is_told_as_such(ready: Terminal) -> None:
    ready.ok("users", "disable", EMAIL)
    (disabled,) = lines(ready, "--kind", "account.disabled")
    assert disabled["actor"] == "command line"


@pytest.mark.parametrize("wherever", ["postgresql"], indirect=True)
def test_following_goes_on_with_what_is_new(wherever: Terminal) -> None:
    words = [LIMEN, "audit", "list", "--follow", "--json", "--kind", "sign_in.refused"]
    with subprocess.Popen(
        words, cwd=wherever.home, env=wherever.env, stdout=subprocess.PIPE, text=True
    ) as following:
        assert following.stdout is not None
        first = json.loads(following.stdout.readline())
        with wherever.limen() as auth:
            auth.sign_in(EMAIL, PASSWORD)
            auth.sign_in(EMAIL, "wrong again")
        second = json.loads(following.stdout.readline())
        following.kill()
    assert first["kind"] == second["kind"] == "sign_in.refused"
    assert second["seq"] > first["seq"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--kind", "sign_in"), "there is no kind 'sign_in'"),
        (("--since", "yesterday"), "neither like 2h nor like 2026-11-01T08:00:00Z"),
        (("--user", "nobody@example.org"), "There is no account nobody@example.org"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_what_cannot_be_asked_is_explained(
    ready: Terminal, words: tuple[str, ...], said: str
) -> None:
    done = CliRunner().invoke(app, ["audit", "list", *words], env=ready.env)
    assert done.exit_code != 0
    assert said in " ".join(done.output.split())


def test_every_kind_is_explained() -> None:
    shown = CliRunner().invoke(app, ["audit", "kinds"]).output
    lines = CliRunner().invoke(app, ["audit", "kinds", "--json"]).stdout.splitlines()
    told = [json.loads(line) for line in lines]
    assert [one["kind"] for one in told] == [kind.value for kind in AuditKind]
    for one in told:
        assert one["kind"] in shown
        assert one["meaning"] in shown
