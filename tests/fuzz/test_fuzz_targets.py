"""Each fuzz target for a moment, and proof that a target notices what is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.__main__ import ROOT, asked_for, fuzz
from fuzz.target import Broken
from fuzz.targets import TARGETS
from fuzz.tokens import honest

RUNS = 2_000
FEWER = {"request": 200, "jwk": 700}  # an input costs more there
ENOUGH_SECONDS = 110


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_nothing_that_a_stranger_sends_breaks_what_reads_it(name: str, tmp_path: Path) -> None:
    runs = FEWER.get(name, RUNS)
    outcome = fuzz(name, tmp_path, f"-runs={runs}", "-seed=1", within=ENOUGH_SECONDS)
    assert outcome.status == 0, outcome.said[-4_000:]
    assert outcome.inputs >= runs


def test_a_target_notices_a_second_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = TARGETS["token"].make()
    judge(honest().encode())
    monkeypatch.setattr("fuzz.tokens.honest", lambda: "another")
    with pytest.raises(Broken):
        TARGETS["token"].make()(honest().encode())


def test_a_target_notices_a_foreign_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(text: str) -> None:
        raise OverflowError(text)

    monkeypatch.setattr("fuzz.requests.is_email", raises)
    with pytest.raises(OverflowError):
        TARGETS["names"].make()(b"ada@example.org")


def test_a_finding_ends_the_run_and_is_kept(tmp_path: Path) -> None:
    script = (
        "import sys, fuzz.targets as t\n"
        "from dataclasses import replace\n"
        "from fuzz import child\n"
        "def broken():\n"
        "    def judge(octets):\n"
        "        if octets[:1] == b'\\x21': raise KeyError('found')\n"
        "    return judge\n"
        "t.TARGETS['names'] = replace(t.TARGETS['names'], make=broken, seeds=(b'!',))\n"
        f"sys.argv = ['child', 'names', {str(tmp_path)!r}, '-runs=500', '-seed=1']\n"
        "child.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, timeout=100, check=False
    )
    assert ended.returncode != 0
    assert b"KeyError" in ended.stdout + ended.stderr
    assert [one.read_bytes()[:1] for one in tmp_path.glob("crash-*")] == [b"!"]


def test_a_target_that_there_is_none_of_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        asked_for(["nothing"])
    assert "--list" in capsys.readouterr().err
