"""Usernames on the wire: what is no username, and giving an account one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from limen.service.better_auth import wire
from limen.service.better_auth.wire import Answer, Problem
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.service.better_auth.endpoint import Call
    from limen.usernames import UsernamePolicy

_FORMS: Final = {
    Reason.USERNAME_TOO_SHORT: wire.USERNAME_TOO_SHORT,
    Reason.USERNAME_TOO_LONG: wire.USERNAME_TOO_LONG,
    Reason.USERNAME_INVALID: wire.INVALID_USERNAME,
}
FORM_PROBLEMS: Final = tuple(_FORMS.values())
_SET: Final = {reason: Problem(400, one.code, one.message) for reason, one in _FORMS.items()} | {
    Reason.USERNAME_TAKEN: wire.USERNAME_TAKEN
}
SET_PROBLEMS: Final = (*_SET.values(), wire.INVALID_DISPLAY)


class Names(TypedDict, total=False):
    """What a sign-up says of the username."""

    username: str
    display_username: str


def form_of(username: str, policy: UsernamePolicy) -> Answer | None:
    """Answer 422 for a text that is no username under a policy."""
    reason = policy.refusal_of(username)
    return None if reason is None else _FORMS[reason].answer()


def refusal_of(refused: Refused) -> Answer | None:
    """Answer 400 for a username that cannot be had, `None` if that is not what is wrong."""
    problem = _SET.get(refused.reason)
    return None if problem is None else problem.answer()


def of_new(call: Call) -> Names | Answer:
    """Return the username of a sign-up; a shown form alone is the username too."""
    username: str | None = call.body.get("username")
    shown: str | None = call.body.get("displayUsername")
    if not call.auth.settings.usernames.enabled or (username is None and shown is None):
        return {}
    alone = username is None
    name = (shown if username is None else username) or ""
    unfit = _unfit(call, name, name if shown is None else shown)
    if unfit is not None:
        return wire.INVALID_DISPLAY.answer() if alone else unfit
    return {"username": name, "display_username": name if shown is None else shown}


async def set_by(call: Call) -> bool | Answer:
    """Give the account the username that an update names; false if it names none."""
    username: str | None = call.body.get("username")
    shown: str | None = call.body.get("displayUsername")
    if not call.auth.settings.usernames.enabled or (username is None and shown is None):
        return False
    if username is None:
        account = await call.auth.account(call.actor.subject)
        username = None if account is None else account.username
    name = (shown if username is None else username) or ""
    unfit = _unfit(call, name, name if shown is None else shown)
    if unfit is not None:
        return unfit
    refused = await call.auth.set_username(call.actor.subject, name, shown)
    return True if refused is None else _SET[refused.reason].answer()


def _unfit(call: Call, username: str, shown: str) -> Answer | None:
    """Say which of the two cannot be."""
    policy = call.auth.settings.usernames
    reason = policy.refusal_of(username)
    if reason is not None:
        return _SET[reason].answer()
    unseemly = policy.refusal_of(username, shown) is not None
    return wire.INVALID_DISPLAY.answer() if unseemly else None
