"""The plugins of the published better-auth client, unmodified, against the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from live import STRATEGIES, Live
from nodes import run

from limen import BetterAuthSettings


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_several_accounts_tokens_and_a_bearer(
    start: Callable[..., Live], installed: Path, strategy: str
) -> None:
    plugins = BetterAuthSettings(multi_session=3, session_jwt=True)
    live = start(strategy, better_auth=plugins)
    got = json.loads(run(installed, "plugins.mjs", live.url))

    assert got["alone"] == {"data": [], "error": None}
    assert sum("_multi-ses_" in name for name in got["cookies"]) == 2
    assert got["both"] == ["ada", "bob"]
    assert got["active"] == "bob"
    assert got["setActive"]["data"]["user"]["name"] == "ada"
    assert got["activeNow"] == "ada"
    for refused in (got["madeUp"], got["again"]):
        error = refused["error"]
        assert (error["status"], error["code"]) == (401, "INVALID_SESSION_TOKEN")
    assert got["revoke"]["data"] == {"status": True}
    assert got["takenOver"] == "bob"
    assert got["left"] == ["bob"]
    assert got["same"] is True
    assert (got["token"], got["jwks"]) == (3, len(live.auth.jwks()["keys"]))
    assert got["sessionJwt"].count(".") == 2
    assert got["exposed"] == "set-auth-jwt"
    assert (got["appSignUp"], got["appSignIn"]) == (None, None)
    assert got["bearer"] == "ada"
    assert got["bearerIsNoHandle"] is True
    assert got["three"] == ["bob", "eve"]
    assert got["signOut"]["data"] == {"success": True}
    assert got["jarAfterSignOut"] == ["better-auth.device"]
    assert got["afterSignOut"] == []
