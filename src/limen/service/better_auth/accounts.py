"""Sign-up, sign-in and what a person may change about their account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limen.account import is_email
from limen.evidence import Hidden, Personal, Public
from limen.phase import Phase
from limen.secret import Secret
from limen.service.better_auth.wire import (
    EMAIL_IS_FIXED,
    INVALID_EMAIL,
    INVALID_EMAIL_OR_PASSWORD,
    INVALID_PASSWORD,
    NO_FIELDS,
    PASSWORD_TOO_COMMON,
    PASSWORD_TOO_LONG,
    PASSWORD_TOO_SHORT,
    SESSION_NOT_CREATED,
    USER_EXISTS,
    USER_NOT_FOUND,
    Answer,
    HeaderPairs,
    Problem,
    date,
    json_answer,
    too_many_requests,
    user_of,
)
from limen.transports import Carrier, Presented
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.account import Account
    from limen.service.better_auth.endpoint import Call
    from limen.verdict import Issued

CHOICE_PROBLEMS = (PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, PASSWORD_TOO_COMMON)
SIGN_UP_PROBLEMS = (*CHOICE_PROBLEMS, INVALID_EMAIL, USER_EXISTS, SESSION_NOT_CREATED)
SIGN_IN_PROBLEMS = (INVALID_EMAIL, INVALID_EMAIL_OR_PASSWORD, SESSION_NOT_CREATED)
CHANGE_PROBLEMS = (*CHOICE_PROBLEMS, INVALID_PASSWORD, SESSION_NOT_CREATED)
UPDATE_PROBLEMS = (EMAIL_IS_FIXED, NO_FIELDS, USER_NOT_FOUND)

_PROBLEMS: dict[Reason, Problem] = {
    Reason.MALFORMED: INVALID_EMAIL,
    Reason.BAD_CREDENTIALS: INVALID_EMAIL_OR_PASSWORD,
    Reason.ACCOUNT_CHANGED: SESSION_NOT_CREATED,
    Reason.EMAIL_TAKEN: USER_EXISTS,
    Reason.PASSWORD_TOO_SHORT: PASSWORD_TOO_SHORT,
    Reason.PASSWORD_TOO_LONG: PASSWORD_TOO_LONG,
    Reason.PASSWORD_TOO_COMMON: PASSWORD_TOO_COMMON,
}


async def sign_up(call: Call) -> Answer:
    """Open an account and sign its owner in."""
    email, password = call.body["email"], call.body["password"]
    _received(call, email, password)
    outcome = await call.auth.sign_up(
        email,
        password,
        call.body["name"],
        image=call.body.get("image"),
        client=call.client,
        remembered=call.body.get("rememberMe", True),
        presented=call.credentials(),
    )
    if isinstance(outcome, Refused):
        return _responded(call, _refused(outcome))
    members = {**handed_over(call, outcome.issued), "user": _user(outcome.account)}
    return _responded(call, json_answer(members))


async def sign_in(call: Call) -> Answer:
    """Judge an e-mail and a password; what this client held before is ended (ASVS 7.2.4)."""
    email, password = call.body["email"], call.body["password"]
    _received(call, email, password)
    if not is_email(email.lower()):
        return _responded(call, INVALID_EMAIL.answer())
    outcome = await call.auth.sign_in(
        email,
        password,
        client=call.client,
        remembered=call.body.get("rememberMe", True),
        presented=call.credentials(),
    )
    if isinstance(outcome, Refused):
        return _responded(call, _refused(outcome))
    target = call.body.get("callbackURL")
    members: dict[str, Any] = {"redirect": bool(target), **handed_over(call, outcome.issued)}
    headers: HeaderPairs = ()
    if target:
        members["url"] = target
        headers = (("Location", target),)
    members["user"] = _user(outcome.account)
    return _responded(call, json_answer(members, headers=headers))


async def change_password(call: Call) -> Answer:
    """Replace the password; unless told otherwise, every other session ends (ASVS 7.4.3)."""
    outcome = await call.auth.change_password(
        call.actor,
        call.body["currentPassword"],
        call.body["newPassword"],
        revoke_others=call.body.get("revokeOtherSessions", True),
        client=call.client,
    )
    if isinstance(outcome, Refused):
        if outcome.reason is Reason.BAD_CREDENTIALS:
            return INVALID_PASSWORD.answer()
        return _refused(outcome)
    members: dict[str, Any] = {"token": None}
    if outcome.issued is not None:
        members = handed_over(call, outcome.issued)
    return json_answer({**members, "user": user_of(outcome.account)})


async def update_user(call: Call) -> Answer:
    """Change the name or the picture."""
    if call.body.get("email"):
        return EMAIL_IS_FIXED.answer()
    changes = {name: call.body[name] for name in ("name", "image") if name in call.body}
    if not changes:
        return NO_FIELDS.answer()
    account = await call.auth.update_account(
        call.actor.subject,
        name=changes.get("name"),
        image=changes.get("image"),
        clear_image="image" in changes and changes["image"] is None,
    )
    return USER_NOT_FOUND.answer() if account is None else json_answer({"status": True})


def handed_over(call: Call, issued: Issued) -> dict[str, Any]:
    """Hand credentials to the client: by cookie, or in the body if it keeps them itself."""
    carried = call.request_auth.presented()
    cookie = isinstance(carried, Presented) and carried.carrier is Carrier.COOKIE
    if not call.by_bearer:
        call.request_auth.deliver(issued)
        # What a page's script can read is the session's name; the credential itself is in
        # a cookie that it cannot. Whoever is no browser may go on with either.
        if call.by_browser:
            return {"token": issued.principal.session_id}
        call.shown = issued.access
        return {"token": issued.access.reveal()}
    if cookie:
        call.request_auth.withdraw()  # its session has just ended, and nothing replaces it
    call.shown = issued.access
    return bearer_members(issued)


def bearer_members(issued: Issued) -> dict[str, Any]:
    """Return what a client that keeps its credentials itself must keep."""
    members = {"token": issued.access.reveal(), "expiresAt": date(issued.access_expires_at)}
    if issued.refresh is not None:
        members["refreshToken"] = issued.refresh.reveal()
    return members


def _user(account: Account | None) -> dict[str, Any]:
    assert account is not None  # noqa: S101 - for the type checker: a password proves one
    return user_of(account)


def _refused(refused: Refused) -> Answer:
    if refused.reason is Reason.THROTTLED:
        return too_many_requests(refused.retry_after or 1)
    problem = _PROBLEMS[refused.reason]
    challenge: HeaderPairs = (("WWW-Authenticate", "Bearer"),) if problem.status == 401 else ()  # noqa: PLR2004 - a status
    return problem.answer(challenge)


def _received(call: Call, email: str, password: str) -> None:
    call.auth.assembly.tracer.record(
        call.strategy,
        Phase.LOGIN_RECEIVE,
        given={"email": Personal(email), "password": Hidden(Secret(password), "password")},
    )


def _responded(call: Call, answer: Answer) -> Answer:
    carrier = Carrier.BEARER if call.by_bearer else Carrier.COOKIE
    call.record(Phase.LOGIN_RESPOND, status=Public(answer.status), carrier=Public(carrier.value))
    return answer
