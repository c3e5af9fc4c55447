"""Sign-up, sign-in and what a person may change about their account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limen.account import is_email
from limen.evidence import Hidden, Personal, Public
from limen.operations import AwaitsEmail
from limen.phase import Phase
from limen.secret import Secret
from limen.service import known_devices, limits
from limen.service.better_auth import names
from limen.service.better_auth.wire import (
    EMAIL_IS_FIXED,
    EMAIL_NOT_VERIFIED,
    INVALID_EMAIL,
    INVALID_EMAIL_OR_PASSWORD,
    INVALID_PASSWORD,
    NO_FIELDS,
    PASSWORD_BREACHED,
    PASSWORD_TOO_COMMON,
    PASSWORD_TOO_LONG,
    PASSWORD_TOO_SHORT,
    SESSION_NOT_CREATED,
    TOO_MANY_SESSIONS,
    USER_EXISTS,
    USER_NOT_FOUND,
    Answer,
    HeaderPairs,
    Problem,
    date,
    json_answer,
    too_many_requests,
)
from limen.transports import Carrier, Presented
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.account import Account
    from limen.operations import SignedIn
    from limen.service.better_auth.endpoint import Call
    from limen.verdict import Issued

DPOP = "DPoP"
CHALLENGE: HeaderPairs = (("WWW-Authenticate", "Bearer"),)
CHOICE_PROBLEMS = (
    PASSWORD_TOO_SHORT,
    PASSWORD_TOO_LONG,
    PASSWORD_TOO_COMMON,
    PASSWORD_BREACHED,
)
SIGN_UP_PROBLEMS = (
    *CHOICE_PROBLEMS,
    *names.SET_PROBLEMS,
    INVALID_EMAIL,
    USER_EXISTS,
    SESSION_NOT_CREATED,
    TOO_MANY_SESSIONS,
)
SIGN_IN_PROBLEMS = (
    INVALID_EMAIL,
    INVALID_EMAIL_OR_PASSWORD,
    EMAIL_NOT_VERIFIED,
    SESSION_NOT_CREATED,
    TOO_MANY_SESSIONS,
)
CHANGE_PROBLEMS = (*CHOICE_PROBLEMS, INVALID_PASSWORD, SESSION_NOT_CREATED, TOO_MANY_SESSIONS)
UPDATE_PROBLEMS = (EMAIL_IS_FIXED, NO_FIELDS, USER_NOT_FOUND, *names.SET_PROBLEMS)

_PROBLEMS: dict[Reason, Problem] = {
    Reason.MALFORMED: INVALID_EMAIL,
    Reason.BAD_CREDENTIALS: INVALID_EMAIL_OR_PASSWORD,
    Reason.ACCOUNT_CHANGED: SESSION_NOT_CREATED,
    Reason.TOO_MANY_SESSIONS: TOO_MANY_SESSIONS,
    Reason.EMAIL_TAKEN: USER_EXISTS,
    Reason.EMAIL_UNVERIFIED: EMAIL_NOT_VERIFIED,
    Reason.PASSWORD_TOO_SHORT: PASSWORD_TOO_SHORT,
    Reason.PASSWORD_TOO_LONG: PASSWORD_TOO_LONG,
    Reason.PASSWORD_TOO_COMMON: PASSWORD_TOO_COMMON,
    Reason.PASSWORD_BREACHED: PASSWORD_BREACHED,
}


async def sign_up(call: Call) -> Answer:
    """Open an account and sign its owner in."""
    email, password = call.body["email"], call.body["password"]
    received(call, "email", email, password)
    names_given = names.of_new(call)
    if isinstance(names_given, Answer):
        return _responded(call, names_given)
    if call.auth.settings.email.welcomes:
        wait = await limits.spend_on_letter(call.auth, call.request_auth.scope)
        if wait is not None:
            return _responded(call, too_many_requests(wait))
    outcome = await call.auth.sign_up(
        email,
        password,
        call.body["name"],
        image=call.body.get("image"),
        client=call.client,
        remembered=call.body.get("rememberMe", True),
        presented=call.credentials(),
        link=verification_link(call),
        **names_given,
    )
    if isinstance(outcome, AwaitsEmail):
        # The same for an address that has an account already: a user who is made up.
        return _responded(call, json_answer({"token": None, "user": call.user(outcome.account)}))
    if isinstance(outcome, Refused):
        refused = names.refusal_of(outcome) or refused_choice(outcome)
        return _responded(call, refused)
    members = {**handed_over(call, outcome.issued), "user": _user(call, outcome.account)}
    await known_devices.know(call, outcome.account, remembered=outcome.issued.remembered)
    return _responded(call, json_answer(members))


async def sign_in(call: Call) -> Answer:
    """Judge an e-mail and a password; what this client held before is ended (ASVS 7.2.4)."""
    email, password = call.body["email"], call.body["password"]
    received(call, "email", email, password)
    if not is_email(email.lower()):
        return _responded(call, INVALID_EMAIL.answer())
    outcome = await call.auth.sign_in(
        email,
        password,
        client=call.client,
        remembered=call.body.get("rememberMe", True),
        presented=call.credentials(),
        link=verification_link(call),
        device=known_devices.kept_by(call),
    )
    return await signed_in(call, outcome)


async def signed_in(
    call: Call, outcome: SignedIn | Refused, wrong: Problem = INVALID_EMAIL_OR_PASSWORD
) -> Answer:
    """Answer a sign-in that was judged; `wrong` is what bad credentials are called."""
    if isinstance(outcome, Refused):
        if outcome.reason is Reason.BAD_CREDENTIALS:
            return _responded(call, wrong.answer(CHALLENGE))
        return _responded(call, refused_choice(outcome))
    target = call.body.get("callbackURL")
    members: dict[str, Any] = {"redirect": bool(target), **handed_over(call, outcome.issued)}
    await known_devices.know(call, outcome.account, remembered=outcome.issued.remembered)
    headers: HeaderPairs = ()
    if target:
        members["url"] = target
        headers = (("Location", target),)
    members["user"] = _user(call, outcome.account)
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
        return refused_choice(outcome)
    members: dict[str, Any] = {"token": None}
    remembered = True
    if outcome.issued is not None:
        members = handed_over(call, outcome.issued)
        remembered = outcome.issued.remembered
    # The new password has made strangers of all browsers, and this one has just proven itself.
    await known_devices.know(call, outcome.account, remembered=remembered)
    return json_answer({**members, "user": call.user(outcome.account)})


async def update_user(call: Call) -> Answer:
    """Change the name or the picture."""
    if call.body.get("email"):
        return EMAIL_IS_FIXED.answer()
    changes = {name: call.body[name] for name in ("name", "image") if name in call.body}
    renamed = await names.set_by(call)
    if isinstance(renamed, Answer):
        return renamed
    if not changes:
        return json_answer({"status": True}) if renamed else NO_FIELDS.answer()
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
        # a cookie that it cannot. Whoever is no browser may go on with either, unless a header
        # takes nothing that is not bound to a key.
        if call.by_browser or call.auth.settings.dpop == "require":
            return {"token": issued.principal.session_id}
        call.shown = issued.access
        return {"token": issued.access.reveal()}
    if cookie:
        # Its session has just ended, and nothing replaces it.
        call.request_auth.withdraw(ended=False)
    call.shown = issued.access
    return bearer_members(issued)


def bearer_members(issued: Issued) -> dict[str, Any]:
    """Return what a client that keeps its credentials itself must keep."""
    members = {"token": issued.access.reveal(), "expiresAt": date(issued.access_expires_at)}
    if issued.refresh is not None:
        members["refreshToken"] = issued.refresh.reveal()
    if issued.principal.bound_to is not None:
        members["tokenType"] = DPOP  # RFC 9449 section 5
    return members


def verification_link(call: Call) -> str | None:
    """Return where a letter that verifies an address leads, if sign-ups or sign-ins mail one."""
    policy = call.auth.settings.email
    if not policy.required and not policy.on_sign_up:
        return None
    return call.link("/verify-email?token={token}", call.body.get("callbackURL") or "/")


def _user(call: Call, account: Account | None) -> dict[str, Any]:
    assert account is not None  # noqa: S101 - for the type checker: a password proves one
    return call.user(account)


def refused_choice(refused: Refused) -> Answer:
    """Answer for a refusal whose reason is about a password, an address or a sign-in."""
    if refused.reason is Reason.THROTTLED:
        return too_many_requests(refused.retry_after or 1)
    problem = _PROBLEMS[refused.reason]
    return problem.answer(CHALLENGE if problem.status == 401 else ())  # noqa: PLR2004 - a status


def received(call: Call, by: str, identifier: str, password: str) -> None:
    """Tell the trace that somebody wants in; `by` is what they name themselves by."""
    call.auth.assembly.tracer.record(
        call.strategy,
        Phase.LOGIN_RECEIVE,
        given={by: Personal(identifier), "password": Hidden(Secret(password), "password")},
    )


def _responded(call: Call, answer: Answer) -> Answer:
    carrier = Carrier.BEARER if call.by_bearer else Carrier.COOKIE
    call.record(Phase.LOGIN_RESPOND, status=Public(answer.status), carrier=Public(carrier.value))
    return answer
