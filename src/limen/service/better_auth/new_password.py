"""The plain page where a new password is chosen, for an application that has none."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from limen.service.better_auth import schemas
from limen.service.better_auth.bodies import Body, Field
from limen.service.better_auth.endpoint import Endpoint
from limen.service.plain_page import alert, page
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.service.better_auth.endpoint import Call
    from limen.service.better_auth.wire import Answer

PATH: Final = "/new-password"
_TITLE: Final = "Choose a new password"
_VOID: Final = "This link was used already or is too old. Please ask for another one."
_DONE: Final = "<p>Your password was changed. You can sign in with it now.</p>"
_REASONS: Final = {
    Reason.PASSWORD_TOO_SHORT: "This password is too short.",
    Reason.PASSWORD_TOO_LONG: "This password is too long.",
    Reason.PASSWORD_TOO_COMMON: "This password is one of the first that would be guessed.",
    Reason.PASSWORD_BREACHED: "This password is known from a breach.",
}
_FORM: Final = """<form method="post" action="{action}">
<input type="hidden" name="token" value="{token}">
<label for="password">New password, at least {minimum} characters</label>
<input id="password" name="newPassword" type="password" autocomplete="new-password" required>
<button type="submit">Set the password</button>
</form>"""


async def show(call: Call) -> Answer:
    """Show the form, or say that the link is void."""
    token = call.asked("token")
    if not await call.auth.is_reset_link(token):
        return page(_TITLE, alert(_VOID))
    return page(_TITLE, _form(call, token))


async def take(call: Call) -> Answer:
    """Set the password; a bad choice does not use the link up."""
    token = call.body["token"]
    outcome = await call.auth.reset_password(token, call.body["newPassword"])
    if not isinstance(outcome, Refused):
        return page(_TITLE, _DONE)
    words = _REASONS.get(outcome.reason)
    if words is None:
        return page(_TITLE, alert(_VOID))
    return page(_TITLE, alert(words) + _form(call, token))


def _form(call: Call, token: str) -> str:
    settings = call.auth.settings
    return _FORM.format(
        action=html.escape(f"{settings.base_path}{PATH}"),
        token=html.escape(token),
        minimum=settings.passwords.minimum,
    )


ENDPOINTS: Final = (
    Endpoint(
        "GET",
        PATH,
        show,
        "Show a plain page where a new password is chosen",
        schemas.PAGE,
        media_type="text/html",
        query=("token",),
    ),
    Endpoint(
        "POST",
        PATH,
        take,
        "Take the form of that page, and end every session",
        schemas.PAGE,
        body=Body((Field("newPassword", required=True), Field("token", required=True)), forms=True),
        media_type="text/html",
        limited=True,
        opens=True,
    ),
)
