"""The published better-auth client and what begins or ends with a letter, over a mail server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live import EMAIL, STRATEGIES, Live
from nodes import node
from sink import Sink

from limen import EmailPolicy, UsernamePolicy

SENDER = "The App <no-reply@app.example>"
CONFIRM, RESET = "Confirm your e-mail address", "Choose a new password"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def conversed(live: Live, sink: Sink, folder: Path, mode: str) -> dict[str, Any]:
    """Run the client, reading its letters for it; return what it got."""
    command = [node(), "client-letters.mjs", live.url, mode]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as ran:
        assert ran.stdin is not None
        assert ran.stdout is not None
        assert ran.stderr is not None
        for line in ran.stdout:
            said = json.loads(line)
            if "results" in said:
                results: dict[str, Any] = said["results"]
                return results
            ran.stdin.write(sink.link(said["to"], said["subject"], said["count"]) + "\n")
            ran.stdin.flush()
        raise AssertionError(ran.stderr.read())


def refused(result: dict[str, Any]) -> tuple[int, str | None]:
    assert result["data"] is None
    return result["error"]["status"], result["error"].get("code")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_letters_usernames_and_an_account_that_ends(  # noqa: PLR0915 - one long conversation
    start: Callable[..., Live], sink: Sink, installed: Path, strategy: str
) -> None:
    live = start(
        strategy,
        smtp=sink.url,
        mail_from=SENDER,
        email=EmailPolicy(on_sign_up=True),
        usernames=UsernamePolicy(enabled=True),
        session_fields={"theme": "string"},
    )
    got = conversed(live, sink, installed, "open")

    user = got["signUp"]["data"]["user"]
    assert (user["username"], user["displayUsername"]) == ("ada.l", "Ada.L")
    assert user["emailVerified"] is False
    assert got["verify"]["data"] == {"status": True, "user": None}
    assert refused(got["verifyAgain"]) == (401, "INVALID_TOKEN")
    assert got["verified"]["data"]["user"]["emailVerified"] is True
    assert refused(got["verifiedAlready"]) == (400, "EMAIL_ALREADY_VERIFIED")
    assert refused(got["mismatch"]) == (400, "EMAIL_MISMATCH")
    assert got["anonymous"]["data"] == {"status": True}

    assert got["taken"]["data"] == {"available": False}
    assert got["free"]["data"] == {"available": True}
    assert refused(got["short"]) == (422, "USERNAME_TOO_SHORT")
    assert refused(got["odd"]) == (422, "INVALID_USERNAME")
    assert refused(got["wrongUsername"]) == (401, "INVALID_USERNAME_OR_PASSWORD")
    assert refused(got["shortUsername"]) == (401, "INVALID_USERNAME_OR_PASSWORD")
    assert got["username"]["data"]["user"]["email"] == EMAIL
    assert got["rename"]["data"] == {"status": True}
    assert got["renamed"]["data"]["user"]["username"] == "countess"
    assert refused(got["badRename"]) == (400, "INVALID_USERNAME")

    assert got["theme"]["data"]["session"]["theme"] == "dark"
    assert got["themed"]["data"]["session"]["theme"] == "dark"
    assert got["verified"]["data"]["session"]["theme"] is None
    assert refused(got["noField"]) == (400, None)
    assert refused(got["foreignField"]) == (400, "FIELD_NOT_ALLOWED")

    assert got["reset"] == got["resetUnknown"]
    assert got["reset"]["data"]["status"] is True
    opened = got["resetOpened"]
    assert (opened["status"], opened["referrer"]) == (302, "no-referrer")
    assert opened["to"].startswith(f"{live.url}/choose?step=1&token=")
    assert refused(got["tooShort"]) == (400, "PASSWORD_TOO_SHORT")
    assert got["resetDone"]["data"] == {"status": True}
    assert refused(got["resetTwice"]) == (400, "INVALID_TOKEN")
    assert got["resetReopened"]["to"] == f"{live.url}/choose?step=1&error=INVALID_TOKEN"
    assert [one["data"] for one in got["afterReset"]] == [None, None]
    assert refused(got["oldPassword"]) == (401, "INVALID_EMAIL_OR_PASSWORD")
    assert got["newPassword"]["error"] is None

    assert refused(got["sameEmail"]) == (400, None)
    assert got["change"]["data"] == {"status": True}
    assert got["confirmed"]["to"] == f"{live.url}/account"
    assert got["unchanged"]["data"]["user"]["email"] == EMAIL
    assert got["arrived"]["to"] == f"{live.url}/account"
    assert got["changed"]["data"]["user"]["email"] == "ada@example.net"
    assert got["changed"]["data"]["user"]["emailVerified"] is True
    assert got["reused"]["to"] == f"{live.url}/account?error=INVALID_TOKEN"

    assert got["rightPassword"]["data"] == {"status": True}
    assert refused(got["wrongPassword"]) == (400, "INVALID_PASSWORD")
    assert refused(got["wrongDelete"]) == (400, "INVALID_PASSWORD")
    assert got["delete"]["data"] == {"success": True, "message": "User deleted"}
    assert got["afterDelete"] == {"data": None, "error": None}
    assert got["jarAfterDelete"] == ["better-auth.device"]
    assert refused(got["gone"]) == (401, "INVALID_USERNAME_OR_PASSWORD")
    assert got["freshDelete"]["data"] == {"success": True, "message": "User deleted"}

    sink.wait(EMAIL, "Your password was changed")
    sink.wait(EMAIL, "Your e-mail address was changed")
    assert sink.subjects("nobody@example.org") == []
    assert sink.subjects("eve@example.org") == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nobody_gets_in_before_the_address_is_verified(
    start: Callable[..., Live], sink: Sink, installed: Path, strategy: str
) -> None:
    policy = EmailPolicy(required=True, signs_in=True, deletes_by_link=True)
    live = start(strategy, smtp=sink.url, mail_from=SENDER, email=policy)
    got = conversed(live, sink, installed, "required")

    first, second = got["signUp"]["data"], got["again"]["data"]
    assert first["token"] is second["token"] is None
    assert first["user"].keys() == second["user"].keys()
    assert first["user"]["id"] != second["user"]["id"]
    assert got["jar"] == []
    sink.wait(EMAIL, "You have an account already")
    assert refused(got["unverified"]) == (403, "EMAIL_NOT_VERIFIED")
    assert refused(got["wrong"]) == (401, "INVALID_EMAIL_OR_PASSWORD")
    assert (got["opened"]["status"], got["opened"]["to"]) == (302, f"{live.url}/welcome")
    assert got["session"]["data"]["user"] == {**first["user"], "emailVerified": True} | {
        "updatedAt": got["session"]["data"]["user"]["updatedAt"]
    }
    assert got["signIn"]["error"] is None

    message = {"success": True, "message": "Verification email sent"}
    assert got["request"]["data"] == message
    assert got["stranger"]["status"] == 404
    assert got["stranger"]["body"]["code"] == "FAILED_TO_GET_USER_INFO"
    assert got["stillThere"]["data"]["user"]["email"] == EMAIL
    assert (got["deleted"]["status"], got["deleted"]["to"]) == (302, f"{live.url}/bye")
    assert got["afterDelete"] == {"data": None, "error": None}
