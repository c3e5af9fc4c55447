"""`limen migrate-strategy`: real moves over real databases, and the command that watches them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import pytest
from limens import SECRET, STRATEGIES
from terminal import LIMEN, Terminal

from limen import Authenticated, Authentication, BlockingLimen, Issued, Refused
from limen.clock import SystemClock
from limen.passwords import CHEAPEST
from limen.stores.sql import migrate
from limen.testing import FrozenClock

LEFT, CONFIGURATION, STORE = 5, 3, 4
PAIRS = list(permutations(STRATEGIES, 2))
# `jwt` and `hybrid` present the same kinds of credential.
EXCHANGED = [pair for pair in PAIRS if "session" in pair]
DAY_MS = 86_400_000


@pytest.fixture
def place(tmp_path: Path) -> Terminal:
    """Give a terminal over a SQLite file with tables."""
    terminal = Terminal(tmp_path)
    migrate(terminal.database)
    return terminal


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Terminal:
    """Give a terminal over either database."""
    if request.param == "sqlite":
        terminal: Terminal = request.getfixturevalue("place")
        return terminal
    return Terminal(tmp_path, request.getfixturevalue("postgresql_url"))


def process(place: Terminal, strategy: str, accept: str = "", **options: Any) -> BlockingLimen:
    """Return a process of an application over the database of a terminal."""
    accepted = tuple(filter(None, accept.split(",")))
    given = {"database": place.database, "argon2": CHEAPEST, "accept": accepted} | options
    return BlockingLimen(strategy, secret=SECRET, **given)


def sign_in(auth: BlockingLimen, subject: str) -> Issued:
    issued = auth.remember(Authentication(subject, SystemClock().now())).issued
    assert issued is not None
    return issued


def named(strategy: str, accept: str = "") -> dict[str, str]:
    return {"LIMEN_STRATEGY": strategy, "LIMEN_ACCEPT": accept}


def seen(place: Terminal, strategy: str, accept: str = "", **env: str) -> dict[str, Any]:
    """Look once, and check that the exit code says what the JSON says."""
    done = place.run("migrate-strategy", "--json", **named(strategy, accept), **env)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (LEFT if found["left"] else 0), done.stderr
    return found


def numbers(found: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(one["strategy"], one["kind"]): one["live"] for one in found["counts"]}


def exchanged(auth: BlockingLimen, old: Issued) -> Issued:
    verdict = auth.authenticate(old.access.reveal())
    assert isinstance(verdict, Authenticated)
    new = auth.exchange(verdict.principal, old.refresh and old.refresh.reveal())
    assert isinstance(new, Issued)
    return new


@pytest.mark.parametrize(("before", "after"), EXCHANGED)
def test_a_move_is_seen_from_its_beginning_to_its_end(
    anywhere: Terminal, before: str, after: str
) -> None:
    old_kind, new_kind = ("reference" if one == "session" else "refresh" for one in (before, after))
    with process(anywhere, before) as old:
        ada, bob = sign_in(old, "ada"), sign_in(old, "bob")
    found = seen(anywhere, after, before)
    assert found["left"] == 2
    assert numbers(found) == {(before, "session"): 2, (before, old_kind): 2}
    assert found["refused"] == []
    with process(anywhere, after, before) as moving:
        moved = exchanged(moving, ada)
        found = seen(anywhere, after, before)
        assert found["left"] == 1
        # The old credential of the session that moved works until `accept` goes.
        assert numbers(found) == {
            (before, "session"): 1,
            (before, old_kind): 1,
            (after, "session"): 1,
            (after, old_kind): 1,
            (after, new_kind): 1,
        }
        carol = sign_in(moving, "carol")
        assert seen(anywhere, after, before)["left"] == 1
        assert moving.sign_out((bob.refresh or bob.access).reveal()) is not None
    found = seen(anywhere, after, before)
    assert (found["left"], found["ends_at"], found["expires_at"]) == (0, None, None)
    assert f"take {before} out of accept (LIMEN_ACCEPT) and deploy" in found["advice"]
    with process(anywhere, after) as finished:
        for one in (moved, carol):
            assert isinstance(finished.authenticate(one.access.reveal()), Authenticated)
        if "session" in (before, after):
            assert isinstance(finished.authenticate(ada.access.reveal()), Refused)
    assert "there is nothing to move" in seen(anywhere, after)["advice"]


@pytest.mark.parametrize("pair", [("jwt", "hybrid"), ("hybrid", "jwt")])
def test_signed_strategies_have_nothing_to_move_between_them(
    place: Terminal, pair: tuple[str, str]
) -> None:
    before, after = pair
    with process(place, before) as old:
        ada = sign_in(old, "ada")
    found = seen(place, after)
    assert numbers(found) == {(before, "session"): 1, (before, "refresh"): 1}
    assert found["left"] == 0
    with process(place, after) as new:
        assert ada.refresh is not None
        assert isinstance(new.refresh(ada.refresh.reveal()), Issued)


def test_what_has_ended_is_not_live(anywhere: Terminal) -> None:
    now = SystemClock().now()
    for days, options in ((8, {}), (31, {"idle": 30 * 86_400}), (6, {})):
        clock = FrozenClock(now - days * DAY_MS)
        with process(anywhere, "session", clock=clock, **options) as old:
            sign_in(old, f"signed in {days} days ago")
    found = seen(anywhere, "hybrid", "session")
    assert found["left"] == 1
    assert {(one["live"], one["recent"], one["unused"]) for one in found["counts"]} == {(1, 0, 1)}
    assert found["ends_at"] < found["expires_at"]


def test_a_person_reads_what_is_left_and_what_to_do(place: Terminal) -> None:
    with process(place, "session") as old:
        ada = sign_in(old, "ada")
        sign_in(old, "bob")
    with process(place, "hybrid", "session") as moving:
        exchanged(moving, ada)
    done = place.run("migrate-strategy", **named("hybrid", "session"))
    assert done.returncode == LEFT
    *table, advice = done.stdout.splitlines()
    columns = [re.split(r"  +", line)[:4] for line in table]
    assert columns == [
        ["what", "strategy", "live", "unused for a day"],
        ["sessions", "hybrid", "1", "0"],
        ["with access tokens", "hybrid", "at most 1", "-"],
        ["session ids, exchanged", "hybrid", "1", "0"],
        ["refresh tokens", "hybrid", "1", "0"],
        ["sessions", "session", "1", "0"],
        ["session ids", "session", "1", "0"],
    ]
    assert advice.startswith("Left to move: 1 session of session. Each moves with its next")
    ends = seen(place, "hybrid", "session")
    for moment in (ends["ends_at"], ends["expires_at"]):
        assert f"by {moment[:19].replace('T', ' ')}Z" in advice


def test_what_is_left_and_not_accepted_is_said(place: Terminal) -> None:
    with process(place, "session") as old:
        sign_in(old, "ada")
    found = seen(place, "hybrid")
    assert (found["left"], found["refused"]) == (1, ["session"])
    assert "Add session to accept (LIMEN_ACCEPT)" in found["advice"]


def test_a_jwt_that_keeps_nothing_is_not_credited_with_moves(place: Terminal) -> None:
    with process(place, "session") as old:
        ada = sign_in(old, "ada")
    with process(place, "jwt", "session", refresh=None) as moving:
        exchanged(moving, ada)
    found = seen(place, "jwt", "session", LIMEN_REFRESH="none")
    assert found["left"] == 1
    assert "who has moved is not written down" in found["advice"]


def test_tokens_that_nobody_kept_are_named(place: Terminal) -> None:
    found = seen(place, "session", "jwt")
    assert found["left"] == 0
    assert "kept nowhere and not counted: they end within 5.1 min" in found["advice"]
    assert "kept nowhere" not in seen(place, "session", "hybrid")["advice"]


def watching(place: Terminal, *words: str, **streams: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [LIMEN, "migrate-strategy", "--watch", "--every", "0.1", *words],
        cwd=place.home,
        env=place.env | named("hybrid", "session"),
        **streams,
    )


def until(watch: subprocess.Popen[bytes], wanted: str) -> str:
    """Read lines until one has what is wanted."""
    assert watch.stdout is not None
    for line in watch.stdout:
        if wanted in line.decode():
            return line.decode()
    raise AssertionError(f"it ended before it said {wanted!r}")


def test_a_watch_says_each_change_and_ends_at_none(anywhere: Terminal) -> None:
    with process(anywhere, "session") as old:
        ada, bob = sign_in(old, "ada"), sign_in(old, "bob")
    with (
        watching(anywhere, stdout=subprocess.PIPE) as watch,
        process(anywhere, "hybrid", "session") as moving,
    ):
        assert until(watch, "left to move").endswith("left to move: 2: 2 of session\n")
        exchanged(moving, ada)
        until(watch, "left to move: 1 (-1): 1 of session")
        until(watch, "left to move: 1 (+0): 1 of session")
        exchanged(moving, bob)
        assert until(watch, "(-1)").endswith("left to move: 0 (-1)\n")
        until(watch, "The move is finished")
    assert watch.returncode == 0


def test_a_watch_for_scripts_is_one_record_a_line(place: Terminal) -> None:
    with process(place, "session") as old:
        ada = sign_in(old, "ada")
        with watching(place, "--json", stdout=subprocess.PIPE) as watch:
            first = json.loads(until(watch, "left"))
            old.sign_out(ada.access.reveal())
            last = json.loads(until(watch, '"change": -1'))
    assert (first["left"], first["change"], last["left"], watch.returncode) == (1, None, 0, 0)


def test_a_watch_in_a_terminal_draws_over_itself(place: Terminal) -> None:
    with process(place, "session") as old:
        ada = sign_in(old, "ada")
        ours, theirs = pty.openpty()
        with watching(place, stdin=theirs, stdout=theirs, stderr=theirs) as watch:
            os.close(theirs)
            shown = _read_until(ours, "Left to move")
            old.sign_out(ada.access.reveal())
            shown += _read_until(ours, None)
            os.close(ours)
    assert "session ids" in shown
    assert "left to move: 0 (-1)" in shown
    assert "\x1b[" in shown
    assert watch.returncode == 0


def _read_until(terminal: int, wanted: str | None) -> str:
    """Read what a terminal shows, to its end or until something was shown."""
    shown = b""
    while wanted is None or wanted.encode() not in shown:
        try:
            part = os.read(terminal, 4_096)
        except OSError:  # Linux says so when nobody holds the other side any more
            part = b""
        if not part:
            break
        shown += part
    return shown.decode()


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_steps_of_a_move_sign_nobody_out(place: Terminal, before: str, after: str) -> None:
    move = place.json("migrate-strategy", "--to", after, **named(before))
    steps = [_settings(one) for one in move["steps"] if one["environment"]]
    assert [steps[-1]["strategy"], steps[-1]["accept"]] == [after, ""]
    # While a step is deployed, a client meets processes of both sides.
    for number, sides in enumerate(pairwise([{"strategy": before}, *steps])):
        for issuing, taking in (sides, sides[::-1]):
            with process(place, **issuing) as one, process(place, **taking) as other:
                given = sign_in(one, f"user {number}")
                assert isinstance(other.authenticate(given.access.reveal()), Authenticated)
                renewed = other.refresh((given.refresh or given.access).reveal())
                assert isinstance(renewed, Issued)
                assert isinstance(one.authenticate(renewed.access.reveal()), Authenticated)


def _settings(step: dict[str, Any]) -> dict[str, str]:
    """Return the settings of a step, which its two spellings say alike."""
    lines = dict(line.split("=") for line in step["environment"])
    accept = lines.pop("LIMEN_ACCEPT")
    strategy = lines.pop("LIMEN_STRATEGY")
    assert lines == {}
    tail = f', accept=("{accept}",)' if accept else ""
    assert step["python"] == f'Limen("{strategy}"{tail}, ...)'
    return {"strategy": strategy, "accept": accept}


@pytest.mark.parametrize("after", STRATEGIES)
def test_the_steps_from_a_time_without_a_store_work(place: Terminal, after: str) -> None:
    env = named("jwt") | {"LIMEN_REFRESH": "none", "LIMEN_DATABASE": None}
    move = json.loads(place.ok("migrate-strategy", "--to", after, "--json", **env))
    first, wait, last = move["steps"]
    assert "LIMEN_REFRESH=" in first["environment"]
    assert wait["text"].startswith("Wait 5.1 min")
    with process(place, "jwt", refresh=None, database=None) as nothing:
        old = sign_in(nothing, "ada")
    assert first["environment"][:2] == [f"LIMEN_STRATEGY={after}", "LIMEN_ACCEPT=jwt"]
    with process(place, after, "jwt") as moving:
        moved = exchanged(moving, old)
    assert last["environment"] == [f"LIMEN_STRATEGY={after}", "LIMEN_ACCEPT="]
    with process(place, after) as finished:
        assert isinstance(finished.authenticate(moved.access.reveal()), Authenticated)


def test_a_person_reads_the_steps(place: Terminal) -> None:
    # No database is looked at: there need be none yet.
    said = place.ok("migrate-strategy", "--to", "jwt", **named("hybrid"), LIMEN_DATABASE=None)
    assert said.startswith("From hybrid to jwt:\n\n1. Deploy.")
    assert "     LIMEN_STRATEGY=jwt\n     LIMEN_ACCEPT=\n" in said
    assert "ends when its token expires, within 5 min, no longer within 2.0 s (max_lag)." in said
    said = place.ok("migrate-strategy", "--to", "hybrid", **named("session"))
    assert "What users notice: Nothing." in said
    assert "Finished: When `limen migrate-strategy` exits with 0; at the latest 30 d" in said


def test_a_check_that_the_new_strategy_has_not_is_left_out(place: Terminal) -> None:
    env = named("hybrid") | {"LIMEN_CHECK": "store"}
    (step,) = place.json("migrate-strategy", "--to", "jwt", **env)["steps"]
    assert step["environment"] == ["LIMEN_STRATEGY=jwt", "LIMEN_ACCEPT=", "LIMEN_CHECK="]
    assert step["python"] == 'Limen("jwt", ...)  # without check'


def test_a_move_to_the_same_strategy_has_no_steps(place: Terminal) -> None:
    assert place.json("migrate-strategy", "--to", "jwt", **named("jwt"))["steps"] == []
    assert "is jwt already" in place.ok("migrate-strategy", "--to", "jwt", **named("jwt"))


@pytest.mark.parametrize(
    ("words", "env", "code", "said"),
    [
        ((), {"LIMEN_STRATEGY": None}, CONFIGURATION, "strategy (LIMEN_STRATEGY): is not set"),
        ((), {"LIMEN_DATABASE": None}, CONFIGURATION, "database (LIMEN_DATABASE): is not set"),
        (
            (),
            {"LIMEN_DATABASE": None, "LIMEN_STRATEGY": "jwt", "LIMEN_REFRESH": "none"},
            CONFIGURATION,
            "keeps nothing to count",
        ),
        ((), {"LIMEN_DATABASE": "sqlite+aiosqlite:////nowhere/app.db"}, STORE, "Check that"),
        (("--to", "cookies"), {}, 2, "jwt, session or hybrid"),
        (("--to", "jwt", "--watch"), {}, 2, "--to looks at nothing"),
        (("--every", "0"), {}, 2, "--every"),
    ],
)
def test_what_cannot_be_answered_is_said(
    place: Terminal, words: tuple[str, ...], env: dict[str, str | None], code: int, said: str
) -> None:
    done = place.run("migrate-strategy", *words, **(named("session") | env))
    assert done.returncode == code
    assert said in done.stderr


def test_the_strategy_may_be_named_on_the_command_line(place: Terminal) -> None:
    said = place.ok("migrate-strategy", "--strategy", "session", LIMEN_STRATEGY=None)
    assert "there is nothing to move" in said
