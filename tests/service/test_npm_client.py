"""The published better-auth client, unmodified, against the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live import EMAIL, STRATEGIES, Live
from nodes import run

# The newest, and one of an older minor version, as a front end may still have it.
PACKAGES = ("better-auth", "better-auth-1-6")


def refused(result: dict[str, Any]) -> tuple[int, str | None]:
    assert result["data"] is None
    return result["error"]["status"], result["error"].get("code")


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_client_signs_up_in_and_out_and_manages_its_sessions(
    start: Callable[..., Live], installed: Path, strategy: str, package: str
) -> None:
    got = json.loads(run(installed, "client.mjs", start(strategy).url, package))
    cookies = ["better-auth.session_token"]
    if strategy != "session":
        cookies.append("better-auth.refresh_token")
    device = "better-auth.device"  # no credential, so it stays

    assert got["nobody"] == {"data": None, "error": None}
    assert got["signUp"]["error"] is None
    assert got["signUp"]["data"]["user"]["email"] == EMAIL
    assert got["cookiesAfterSignUp"] == [*cookies, device]
    assert refused(got["taken"]) == (422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL")
    assert refused(got["invalid"]) == (400, "VALIDATION_ERROR")
    assert refused(got["wrong"]) == (401, "INVALID_EMAIL_OR_PASSWORD")
    assert got["signIn"]["data"]["redirect"] is False
    session = got["session"]["data"]["session"]
    assert session["userId"] == got["signUp"]["data"]["user"]["id"]
    assert got["expiresAtIsDate"] is True
    assert len(got["list"]["data"]) == 2
    assert got["update"]["data"] == {"status": True}
    assert got["updated"]["data"]["user"]["name"] == "Ada L."
    assert got["token"]["data"]["token"].count(".") == 2
    assert got["jwks"]["data"]["keys"]
    assert got["revoke"]["data"] == {"status": True}
    assert got["revoked"] == {"data": None, "error": None}
    assert got["revokeOthers"]["data"] == {"status": True}
    assert got["revokedOther"] == {"data": None, "error": None}
    assert refused(got["badChange"]) == (400, "INVALID_PASSWORD")
    assert got["change"]["data"]["token"]
    assert got["afterChange"]["data"]["user"]["email"] == EMAIL
    assert got["afterChange"]["data"]["session"]["id"] != session["id"]
    assert got["signOut"]["data"] == {"success": True}
    assert got["cookiesAfterSignOut"] == [device]
    assert got["afterSignOut"] == {"data": None, "error": None}
    assert refused(got["refusedList"]) == (401, "UNAUTHORIZED")
    assert refused(got["oldPassword"]) == (401, "INVALID_EMAIL_OR_PASSWORD")
    assert got["newPassword"]["error"] is None
    assert got["revokeAll"]["data"] == {"status": True}
    assert got["afterRevokeAll"] == {"data": None, "error": None}
