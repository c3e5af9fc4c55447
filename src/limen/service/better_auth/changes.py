"""What a person changes about their account once they have proved again that it is theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.account import normalised_email
from limen.service import limits
from limen.service.better_auth import origin, schemas, wire
from limen.service.better_auth.accounts import CHALLENGE
from limen.service.better_auth.bodies import ABSENT, Body, Field
from limen.service.better_auth.endpoint import Endpoint
from limen.service.better_auth.letters import AHEAD_OF_PERSON
from limen.service.better_auth.sessions import describe, withdraw
from limen.service.better_auth.wire import (
    NOT_FOUND,
    Answer,
    Problem,
    json_answer,
    too_many_requests,
)
from limen.session import OWN_MEMBERS
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.service.better_auth.endpoint import Call

_PROBLEMS: Final[dict[Reason, Problem]] = {
    Reason.BAD_CREDENTIALS: wire.INVALID_PASSWORD,
    Reason.NO_PASSWORD: wire.NO_PASSWORD,
    Reason.NOT_FRESH: wire.SESSION_EXPIRED,
    Reason.INVALID_LINK: wire.DELETION_TOKEN,
    Reason.MALFORMED: wire.INVALID_EMAIL,
    Reason.ACCOUNT_CHANGED: wire.UNAUTHORIZED,
}
_DELETED: Final = {"success": True, "message": "User deleted"}
_LETTER_SENT: Final = {"success": True, "message": "Verification email sent"}


async def verify_password(call: Call) -> Answer:
    """Say whether a password is that of whoever is signed in."""
    outcome = await call.auth.verify_password(call.actor, call.body["password"])
    return _refused(outcome) if isinstance(outcome, Refused) else json_answer({"status": True})


async def change_email(call: Call) -> Answer:
    """Mail what changes the address; nothing tells whether the new one is somebody's."""
    if not call.auth.settings.email.changes:
        return wire.CHANGE_EMAIL_DISABLED.answer()
    account = await call.auth.account(call.actor.subject)
    if account is not None and account.email == normalised_email(call.body["newEmail"]):
        return wire.EMAIL_IS_SAME.answer()
    wait = await limits.spend_on_letter(call.auth, call.request_auth.scope)
    if wait is not None:
        return too_many_requests(wait)
    link = call.link("/verify-email?token={token}", call.body.get("callbackURL") or "/")
    outcome = await call.auth.change_email(call.actor, call.body["newEmail"], link=link)
    if not isinstance(outcome, Refused):
        return json_answer({"status": True})
    if outcome.reason is Reason.NOT_FRESH:
        return wire.SESSION_NOT_FRESH.answer()
    return _refused(outcome)


async def delete_user(call: Call) -> Answer:
    """Delete this account: by its password, a sign-in of a moment ago or a mailed link."""
    policy = call.auth.settings.email
    if not policy.deletes:
        return NOT_FOUND
    token, password = call.body.get("token"), call.body.get("password")
    if token:
        outcome = await call.auth.delete_by_link(call.actor, token)
    elif policy.deletes_by_link:
        return await _mail_deletion(call, password)
    else:
        outcome = await call.auth.delete_own_account(call.actor, password)
    if isinstance(outcome, Refused):
        return _refused(outcome)
    withdraw(call)
    return json_answer(_DELETED)


async def _mail_deletion(call: Call, password: str | None) -> Answer:
    wait = await limits.spend_on_letter(call.auth, call.request_auth.scope)
    if wait is not None:
        return too_many_requests(wait)
    link = call.link("/delete-user/callback?token={token}", call.body.get("callbackURL") or "/")
    outcome = await call.auth.request_deletion(call.actor, link=link, password=password)
    return _refused(outcome) if isinstance(outcome, Refused) else json_answer(_LETTER_SENT)


async def open_deletion_link(call: Call) -> Answer:
    """Delete the account of whoever opened the link in the browser that is signed in to it."""
    if not call.auth.settings.email.deletes:
        return wire.DELETION_OFF.answer()
    if call.request_auth.is_prefetch:
        return AHEAD_OF_PERSON.answer()
    refusal = origin.refusal_of_target(call, None)
    if refusal is not None:
        return refusal
    principal = await call.signed_in()
    if principal is None:
        return wire.USER_INFO_NOT_FOUND.answer()
    outcome = await call.auth.delete_by_link(principal, call.asked("token"))
    if isinstance(outcome, Refused):
        return wire.DELETION_TOKEN.answer()
    withdraw(call)
    target = call.asked("callbackURL")
    return call.sent_on(target) if target else json_answer(_DELETED)


async def update_session(call: Call) -> Answer:
    """Change what this application keeps with the session of this client."""
    if call.body.keys() & OWN_MEMBERS:
        return wire.FIELD_NOT_ALLOWED.answer()
    declared = call.auth.settings.session_fields
    changes = {name: call.body[name] for name in declared if name in call.body}
    if not changes:
        return wire.NO_FIELDS.answer()
    outcome = await call.auth.set_session_fields(call.actor.session_id, changes)
    if not isinstance(outcome, Refused):
        if call.auth.settings.better_auth.cookie_cache:
            call.described = await describe(call, call.actor)  # the copy tells it too
        return json_answer({"session": call.session_object(outcome)})
    if outcome.reason is Reason.MALFORMED:
        return wire.VALIDATION_ERROR.answer()
    withdraw(call)
    return wire.SESSION_NOT_FOUND.answer(CHALLENGE)


def _refused(refused: Refused) -> Answer:
    if refused.reason is Reason.THROTTLED:
        return too_many_requests(refused.retry_after or 1)
    problem = _PROBLEMS[refused.reason]
    return problem.answer(CHALLENGE if problem is wire.UNAUTHORIZED else ())


@dataclass(frozen=True, slots=True)
class AnyObject(Body):
    """A body whose members the settings name."""

    def judge(self, value: object) -> Answer | None:
        """Answer 400 for what is no object."""
        fits = isinstance(value, dict) or value is ABSENT
        return None if fits else wire.NOT_AN_OBJECT.answer()


ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/verify-password",
        verify_password,
        "Say whether a password is one's own",
        schemas.STATUS,
        body=Body((Field("password", required=True),)),
        problems=(wire.INVALID_PASSWORD,),
        session=True,
        limited=True,
    ),
    Endpoint(
        "POST",
        "/change-email",
        change_email,
        "Mail what changes the address of this account",
        schemas.STATUS,
        body=Body((Field("newEmail", "email", required=True), Field("callbackURL"))),
        problems=(
            wire.CHANGE_EMAIL_DISABLED,
            wire.EMAIL_IS_SAME,
            wire.INVALID_EMAIL,
            wire.SESSION_NOT_FRESH,
        ),
        session=True,
        limited=True,
    ),
    Endpoint(
        "POST",
        "/delete-user",
        delete_user,
        "Delete this account, or mail the link that does",
        schemas.SUCCESS_AND_MESSAGE,
        body=Body((Field("callbackURL"), Field("password"), Field("token")), required=False),
        problems=(
            wire.INVALID_PASSWORD,
            wire.NO_PASSWORD,
            wire.SESSION_EXPIRED,
            wire.DELETION_TOKEN,
        ),
        session=True,
        limited=True,
    ),
    Endpoint(
        "GET",
        "/delete-user/callback",
        open_deletion_link,
        "Delete the account of whoever opened a mailed link",
        schemas.SUCCESS_AND_MESSAGE,
        problems=(
            wire.DELETION_OFF,
            wire.USER_INFO_NOT_FOUND,
            wire.DELETION_TOKEN,
            wire.INVALID_CALLBACK_URL,
            AHEAD_OF_PERSON,
        ),
        costs=True,
        query=("token", "callbackURL"),
        redirects=True,
    ),
    Endpoint(
        "POST",
        "/update-session",
        update_session,
        "Change what the application keeps with this session",
        schemas.SESSION_UPDATED,
        body=AnyObject((), required=False),
        problems=(
            wire.NOT_AN_OBJECT,
            wire.NO_FIELDS,
            wire.FIELD_NOT_ALLOWED,
            wire.SESSION_NOT_FOUND,
        ),
        costs=True,
        session=True,
    ),
)
