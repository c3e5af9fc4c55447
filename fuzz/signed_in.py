"""Signs in for Schemathesis: a new account every few seconds, since some endpoints end one."""

from __future__ import annotations

import os
import secrets
from typing import Any

import httpx
import schemathesis

PASSWORD = "correct horse battery"
RENEW_SECONDS = 3
BAD_REQUEST = 400


@schemathesis.auth(refresh_interval=RENEW_SECONDS)
class SignedIn:
    """Gives each request the credential of somebody who has just signed up."""

    def get(self, _case: Any, _context: Any) -> str:
        """Sign somebody up and return their credential."""
        url = os.environ["FUZZ_URL"]
        answer = httpx.post(
            f"{url}/sign-up/email",
            json={
                "email": f"{secrets.token_hex(8)}@example.org",
                "password": PASSWORD,
                "name": "A",
            },
            headers={"x-limen-carrier": "bearer"},
            timeout=60,
        )
        token: str = answer.raise_for_status().json()["token"]
        return token

    def set(self, case: Any, data: str, _context: Any) -> None:
        """Put the credential into a request."""
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


# The members of these bodies exclude each other, which the document says only in words.
EXCLUSIVE = ("/get-access-token", "/refresh-token")


class CalledInvalid(schemathesis.checks.Failure):
    """A request that fits the document was called malformed."""


@schemathesis.check
def what_fits_the_document_is_never_called_invalid(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Hold the document against the service.

    The protocol says 400 for a wrong password too, so that status alone tells nothing.
    """
    del ctx
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    invalid = response.status_code == BAD_REQUEST and b"VALIDATION_ERROR" in response.content
    if invalid and case.path not in EXCLUSIVE:
        raise CalledInvalid(
            operation=case.operation.label,
            title="A request that fits the document was called invalid",
            message=response.text,
        )
