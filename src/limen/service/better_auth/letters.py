"""What begins with a letter or ends with its link: a forgotten password, an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from limen.account import normalised_email
from limen.letter import Errand
from limen.service import known_devices, limits
from limen.service.better_auth import new_password, origin, schemas, wire
from limen.service.better_auth.accounts import CHALLENGE, CHOICE_PROBLEMS, refused_choice
from limen.service.better_auth.bodies import Body, Field
from limen.service.better_auth.endpoint import Endpoint
from limen.service.better_auth.wire import Answer, Problem, json_answer, too_many_requests
from limen.verdict import Authenticated, Reason, Refused

if TYPE_CHECKING:
    from limen.operations import EmailConfirmed
    from limen.service.better_auth.endpoint import Call

_SENT: Final = "If this email exists in our system, check your email for the reset link"
_CALLBACK: Final = Field("callbackURL")
AHEAD_OF_PERSON: Final = Problem(503, None, "This link is not opened ahead of the person")
_NO_CALLBACK: Final = Problem(
    400,
    wire.VALIDATION_ERROR.code,
    "[query.callbackURL] Invalid input: expected string, received undefined",
)
_NO_TOKEN: Final = Problem(
    400,
    wire.VALIDATION_ERROR.code,
    "[query.token] Invalid input: expected string, received undefined",
)
_UNVERIFIED: Final = Problem(401, wire.INVALID_TOKEN.code, wire.INVALID_TOKEN.message)


async def request_password_reset(call: Call) -> Answer:
    """Mail a link to choose a new password; the answer is the same for everybody."""
    wait = await limits.spend_on_letter(call.auth, call.request_auth.scope)
    if wait is not None:
        return too_many_requests(wait)
    link = call.link("/reset-password/{token}", call.body.get("redirectTo") or "")
    await call.auth.request_password_reset(call.body["email"], link=link)
    return json_answer({"status": True, "message": _SENT})


async def open_reset_link(call: Call) -> Answer:
    """Send whoever opened the link on to the page where a password is chosen."""
    if "callbackURL" not in call.query:
        return _NO_CALLBACK.answer()
    refusal = origin.refusal_of_target(call, None)
    if refusal is not None:
        return refusal
    target = call.asked("callbackURL")
    if not target:
        return call.sent_on(
            f"{call.auth.settings.base_path}{new_password.PATH}", token=call.segment
        )
    if await call.auth.is_reset_link(call.segment):
        return call.sent_on(target, token=call.segment)
    return call.sent_on(target, error=wire.INVALID_TOKEN.code or "")


async def reset_password(call: Call) -> Answer:
    """Set the password that was chosen; every session of the account ends."""
    token = call.body.get("token") or call.asked("token")
    if not token:
        return wire.INVALID_TOKEN.answer()
    outcome = await call.auth.reset_password(token, call.body["newPassword"])
    if isinstance(outcome, Refused):
        if outcome.reason is Reason.INVALID_LINK:
            return wire.INVALID_TOKEN.answer()
        if outcome.reason is Reason.ACCOUNT_CHANGED:
            return wire.USER_NOT_FOUND.answer()
        return refused_choice(outcome)
    return json_answer({"status": True})


async def send_verification_email(call: Call) -> Answer:
    """Mail a link that verifies an address; who is not signed in learns nothing."""
    email = normalised_email(call.body["email"])
    principal = await call.signed_in()
    if principal is not None:
        account = await call.auth.account(principal.subject)
        if account is None or account.email != email:
            return wire.EMAIL_MISMATCH.answer()
        if account.email_verified:
            return wire.EMAIL_IS_VERIFIED.answer()
    wait = await limits.spend_on_letter(call.auth, call.request_auth.scope)
    if wait is not None:
        return too_many_requests(wait)
    link = call.link("/verify-email?token={token}", call.body.get("callbackURL") or "/")
    await call.auth.send_verification(email, link=link)
    return json_answer({"status": True})


async def verify_email(call: Call) -> Answer:
    """Do what a mailed link about an address is for, and send the browser on."""
    if call.request_auth.is_prefetch:
        return AHEAD_OF_PERSON.answer()
    refusal = origin.refusal_of_target(call, None)
    if refusal is not None:
        return refusal
    token, target = call.asked("token"), call.asked("callbackURL")
    if "token" not in call.query:
        return _NO_TOKEN.answer()
    outcome = await call.auth.verify_email(
        token,
        link=call.link("/verify-email?token={token}", target or "/"),
        client=call.client,
        presented=call.credentials(),
        # A link must not turn whoever is signed in into somebody else.
        may_sign_in=not isinstance(await call.request_auth.verdict(), Authenticated),
    )
    if isinstance(outcome, Refused):
        if target:
            return call.sent_on(target, error=wire.INVALID_TOKEN.code or "")
        return _UNVERIFIED.answer(CHALLENGE)
    if outcome.issued is not None:
        call.request_auth.deliver(outcome.issued)
        await known_devices.know(call, outcome.account)
    if target:
        return call.sent_on(target)
    return json_answer(_members(call, outcome))


def _members(call: Call, outcome: EmailConfirmed) -> dict[str, Any]:
    match outcome.errand:
        case Errand.VERIFY_NEW:
            return {"status": True, "user": call.user(outcome.account)}
        case Errand.CONFIRM_CHANGE:
            return {"status": True}
        case _:
            return {"status": True, "user": None}


ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/request-password-reset",
        request_password_reset,
        "Mail a link to choose a new password, if there is such an account",
        schemas.STATUS_AND_MESSAGE,
        body=Body((Field("email", "email", required=True), Field("redirectTo"))),
        problems=(wire.TOO_MANY_REQUESTS,),
        limited=True,
    ),
    Endpoint(
        "GET",
        "/reset-password/{token}",
        open_reset_link,
        "Send whoever opened a mailed link on to the page where a password is chosen",
        None,
        problems=(_NO_CALLBACK, wire.INVALID_CALLBACK_URL),
        query=("callbackURL",),
        needed=frozenset({"callbackURL"}),
        redirects=True,
        costs=True,
    ),
    Endpoint(
        "POST",
        "/reset-password",
        reset_password,
        "Set a new password by a mailed link, and end every session",
        schemas.STATUS,
        body=Body((Field("newPassword", required=True), Field("token"))),
        problems=(wire.INVALID_TOKEN, wire.USER_NOT_FOUND, *CHOICE_PROBLEMS),
        limited=True,
        query=("token",),
    ),
    Endpoint(
        "POST",
        "/send-verification-email",
        send_verification_email,
        "Mail a link that verifies an address, if there is such an account",
        schemas.STATUS,
        body=Body((Field("email", "email", required=True), _CALLBACK)),
        problems=(wire.EMAIL_MISMATCH, wire.EMAIL_IS_VERIFIED, wire.TOO_MANY_REQUESTS),
        limited=True,
    ),
    Endpoint(
        "GET",
        "/verify-email",
        verify_email,
        "Do what a mailed link about an address is for",
        schemas.EMAIL_VERIFIED,
        problems=(_NO_TOKEN, _UNVERIFIED, wire.INVALID_CALLBACK_URL, AHEAD_OF_PERSON),
        query=("token", "callbackURL"),
        needed=frozenset({"token"}),
        redirects=True,
        costs=True,
    ),
)
