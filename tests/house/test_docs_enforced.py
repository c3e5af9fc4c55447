"""What the code can say, the reference explains; what can be generated, is."""

from __future__ import annotations

import dataclasses
import re
import secrets
import subprocess
import sys
from enum import StrEnum
from typing import get_args

import pytest
from sources import ROOT

from limen.effects import LocalEffect, StoreEffect
from limen.phase import Phase
from limen.settings import Settings
from limen.verdict import Reason

REFERENCE = ROOT / "docs" / "reference"
_ENTRY = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)


def entries(text: str) -> dict[str, str]:
    """Return the first column of a document's tables, with the rest of the row."""
    text = re.sub(r"<!-- generated: .*?<!-- end -->", "", text, flags=re.DOTALL)
    return dict(_ENTRY.findall(text))


@pytest.mark.parametrize(("kind", "page"), [(Reason, "reasons.md"), (Phase, "phases.md")])
def test_every_member_is_explained_in_order_and_nothing_else_is(
    kind: type[StrEnum], page: str
) -> None:
    explained = entries((REFERENCE / page).read_text())
    assert list(explained) == [member.value for member in kind]
    assert [name for name, rest in explained.items() if len(rest.split()) < 4] == []


def test_a_missing_entry_is_missed() -> None:
    text = (REFERENCE / "reasons.md").read_text()
    assert "revoked" in entries(text)
    assert "revoked" not in entries(text.replace("| `revoked` |", "| `removed` |"))


def test_every_effect_and_each_of_its_fields_is_in_the_reference() -> None:
    text = (REFERENCE / "effects.md").read_text()
    for effect in [*get_args(StoreEffect), *get_args(LocalEffect)]:
        (row,) = re.findall(rf"^\| `{effect.__name__}` \|.*$", text, re.MULTILINE)
        for field in dataclasses.fields(effect):
            assert f"`{field.name}`" in row


def test_generated_tables_are_as_the_code_says() -> None:
    command = [sys.executable, ROOT / "scripts" / "reference.py", "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_stale_table_is_noticed(monkeypatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import reference

    for page in ("effects.md", "phases.md", "guarantees.md"):
        text = (REFERENCE / page).read_text()
        assert "<!-- generated: " in text
        stale = re.sub(
            r"(<!-- generated: .*?-->\n).*?(<!-- end -->)", r"\1\2", text, flags=re.DOTALL
        )
        assert stale != text
        assert reference.rewritten(stale) == text


def test_the_numbers_that_are_promised_are_those_of_the_defaults() -> None:
    settings = Settings(secret=secrets.token_urlsafe(32), database="sqlite+aiosqlite:///x")
    day, account, address = 86_400, settings.account_budget, settings.address_budget
    promises = (
        f"| `hybrid` | {settings.max_lag:g} s (`max_lag`)",
        f"| `jwt` | {settings.access_lifetime:g} s (`access_lifetime`) |",
        f"within the grace ({settings.grace:g} s)",
        f"An unused session ends after {settings.idle / day:g} days, any session",
        f"any session after {settings.absolute / day:g}.",
        f"At most {account.limit} attempts per account in {account.window / 60_000:g} minutes",
        f"and {address.limit} per address in {address.window / 1_000:g} seconds",
    )
    text = " ".join((ROOT / "SECURITY.md").read_text().split())
    assert [promise for promise in promises if not promise or promise not in text] == []
