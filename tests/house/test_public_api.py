"""The public interface is a file, and a change to it is news."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from sources import ROOT


def check(root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, root / "scripts" / "public_api.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_public_interface_is_the_one_that_was_agreed() -> None:
    checked = check()
    assert checked.returncode == 0, "\n" + checked.stdout + checked.stderr


def test_a_change_is_shown_with_what_to_do_about_it(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "public_api.py", tmp_path / "scripts")
    kept = (ROOT / "public_api.txt").read_text()
    assert "limen.Limen.sign_in(email, password, *, client=, " in kept
    (tmp_path / "public_api.txt").write_text(
        kept.replace("limen.Limen.sign_in(", "limen.Limen.enter(")
    )
    checked = check(tmp_path)
    assert checked.returncode == 1
    assert "-limen.Limen.enter(" in checked.stdout
    assert "+limen.Limen.sign_in(" in checked.stdout
    assert "make snapshots" in checked.stderr
    assert "changes.d/" in checked.stderr
