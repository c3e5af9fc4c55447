"""The recipe of docs/dpop.md for browsers, with the published packages and WebCrypto."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from live import serve
from nodes import run
from proving_app import application

from limen import ProofPolicy
from limen.stores.sql import migrate

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```js\n(.*?)```", re.DOTALL)


@pytest.mark.proves("asvs:10.3.5", "asvs:10.4.5", "oauth:7")
def test_the_better_auth_client_with_a_key_of_its_own(tmp_path: Path, installed: Path) -> None:
    template = tmp_path / "template.db"
    migrate(f"sqlite+aiosqlite:///{template}")
    (tmp_path / "live").mkdir()
    with serve(
        template,
        tmp_path / "live",
        "jwt",
        build=application,
        dpop="require",
        proofs=ProofPolicy(nonce=True),
    ) as live:
        got = json.loads(run(installed, "dpop-client.mjs", live.url))
    assert got["extractable"] is False
    assert got["signUp"]["data"]["tokenType"] == "DPoP"
    assert got["turnsForTheFirst"] == 2  # one for the nonce
    person = got["signUp"]["data"]["user"]["id"]
    assert got["session"]["data"]["user"]["id"] == person
    assert got["me"] == {"subject": person, "bound_to": got["thumbprint"]}
    assert got["copied"] == 401
    assert got["refreshed"]["data"]["tokenType"] == "DPoP"
    assert got["isNew"] is True
    assert got["after"]["data"]["user"]["id"] == person
    assert got["signOut"]["data"] == {"success": True}
    # The token is its own judge until it expires; the session behind it is gone.
    assert got["gone"] == 200


def test_the_document_shows_what_is_tested() -> None:
    (shown,) = BLOCK.findall((ROOT / "docs" / "dpop.md").read_text())
    tested = (ROOT / "tests" / "npm" / "dpop-client.mjs").read_text()
    for beginning, end in (
        ("const keys", "let held"),
        ("async function proof", "export async"),
        ("async function provingFetch", "const client"),
    ):
        start = shown.index(beginning)
        assert shown[start : shown.index(end, start)].strip() in tested
