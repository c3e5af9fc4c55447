"""The recipe for Node.js in the documents, run as it stands there against a real issuer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from live import Live
from nodes import NPM, node

from limen.claims import mint

DOCUMENT = Path(__file__).parents[2] / "docs" / "other-services.md"
ISSUER = "https://app.example"
ASK = """
import { principalOf } from "./verify.mjs";
const results = [];
for (const token of JSON.parse(process.env.TOKENS)) {
  try { results.push(await principalOf(token)); } catch (refusal) { results.push(refusal.code); }
}
console.log(JSON.stringify(results));
"""


def recipe() -> str:
    """Return the block of the document that is a module of its own."""
    (block,) = re.findall(r"```js\n(import .*?)```", DOCUMENT.read_text(), re.DOTALL)
    return str(block)


def minted(live: Live, **changes: Any) -> str:
    """Return a token that the issuer's own key signed."""
    now = time.time_ns() // 1_000_000
    policy = replace(live.auth.assembly.parts.policy, **changes.pop("policy", {}))
    stated = {
        "subject": "usr_1",
        "session_id": "ses_1",
        "token_id": "t",
        "issued_at": now,
        "expires_at": now + 300_000,
        "authenticated_at": now,
        "methods": ("pwd",),
        "roles": frozenset({"admin"}),
    }
    key = live.auth.assembly.keys.keyring.signing
    return mint(policy, key, **(stated | changes)).reveal()


def test_the_recipe_accepts_what_is_good_and_refuses_the_rest(
    start: Callable[..., Live], tmp_path: Path
) -> None:
    live = start("hybrid", issuer=ISSUER)
    _, kept = live.app()
    now = time.time_ns() // 1_000_000
    head, body, signature = str(kept["token"]).split(".")
    tokens = [
        kept["token"],
        minted(live),
        minted(live, issued_at=now - 120_000, expires_at=now - 60_000),
        minted(live, policy={"audience": "https://other.example"}),
        minted(live, policy={"issuer": "https://other.example"}),
        minted(live, policy={"typ": "JWT"}),
        minted(live, issued_at=now - 3_600_000, expires_at=now + 60_000),
        f"{head}.{body}.{signature[:-4]}AAAA",
    ]
    (tmp_path / "node_modules").symlink_to(NPM / "node_modules")
    (tmp_path / "verify.mjs").write_text(recipe())
    (tmp_path / "ask.mjs").write_text(ASK)
    ran = subprocess.run(
        [node(), "ask.mjs"],
        cwd=tmp_path,
        env=os.environ
        | {"LIMEN_URL": live.url, "LIMEN_ISSUER": ISSUER, "TOKENS": json.dumps(tokens)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    own, other, *refused = json.loads(ran.stdout)
    assert own["subject"] == kept["user"]["id"]
    assert own["sessionId"].startswith("ses_")
    assert other == {"subject": "usr_1", "sessionId": "ses_1", "roles": ["admin"]}
    assert refused == [
        "ERR_JWT_EXPIRED",
        "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "ERR_JWT_EXPIRED",
        "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    ]
