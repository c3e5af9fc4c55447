"""Signing in with a password, and signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from limen.evidence import Hidden, Personal, Public
from limen.phase import Phase
from limen.secret import Secret
from limen.service import known_devices, limits
from limen.service.authjs.sessions import SignedIn
from limen.transports import Carrier
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.operations import SignedIn as Opened
    from limen.service.answer import Answer
    from limen.service.authjs.call import Call
    from limen.service.authjs.tokens import SessionTokens

CREDENTIALS: Final = "credentials"
# One budget for each address, whichever wire it tries.
_BUDGET: Final = "/sign-in/email"
_CODES: Final = {Reason.BAD_CREDENTIALS: CREDENTIALS, Reason.THROTTLED: "too_many_requests"}


async def sign_in(call: Call, tokens: SessionTokens) -> Answer:
    """Judge who somebody says they are by a password; what they held is ended (ASVS 7.2.4)."""
    if not call.is_ours():
        return call.foreign()
    target = call.target()
    wait = await limits.spend(call.auth, call.request_auth.scope, _BUDGET)
    if wait is not None:
        return _failed(call, Refused(Reason.THROTTLED, wait))
    username, email = call.given("username"), call.given("email")
    named = bool(username) and call.auth.settings.usernames.enabled
    identifier, password = username if named else email, call.given("password")
    call.auth.assembly.tracer.record(
        call.strategy,
        Phase.LOGIN_RECEIVE,
        given={
            "username" if named else "email": Personal(identifier),
            "password": Hidden(Secret(password), "password"),
        },
    )
    judge = call.auth.sign_in_with_username if named else call.auth.sign_in
    outcome = await judge(
        identifier,
        password,
        client=call.client,
        remembered=call.given("rememberMe") != "false",
        presented=call.held(),
        link=_verification_link(call, target),
        device=known_devices.kept_by(call),
    )
    if isinstance(outcome, Refused):
        return _failed(call, outcome)
    return await welcome(call, tokens, outcome, target)


async def welcome(call: Call, tokens: SessionTokens, opened: Opened, target: str) -> Answer:
    """Hand somebody their credential and send them on."""
    issued = opened.issued
    call.request_auth.deliver(issued)
    await known_devices.know(call, opened.account, remembered=issued.remembered)
    tokens.issue(call, SignedIn(issued.principal, issued.session, opened.account))
    return _responded(call, call.go(target))


async def sign_out(call: Call, tokens: SessionTokens) -> Answer:
    """End the session of this client, whatever the strategy, and make it forget its cookies.

    So too the other accounts that the browser holds by the other mount: nobody stays behind.
    """
    if not call.is_ours():
        return call.foreign("signout")
    target, edge = call.target(), call.request_auth
    others = edge.cookies.beside.accounts(edge.headers)
    await call.auth.sign_out(*call.held(), *(one.reveal() for one in others.values()))
    edge.withdraw()
    for key in others:
        edge.put(edge.cookies.beside.forget_account(key))
    tokens.clear(call)
    return call.go(target)


def _verification_link(call: Call, target: str) -> str | None:
    """Return where a letter that verifies an address leads: to the other mount, then on.

    `None` without a `base_url`: whoever writes a Host header must not get somebody's link.
    """
    settings = call.auth.settings
    if settings.base_url is None:
        return None
    query = f"token={{token}}&callbackURL={quote(target, safe='')}"
    return f"{call.origin}{settings.base_path}/verify-email?{query}"


def _failed(call: Call, refused: Refused) -> Answer:
    """Answer a refusal alike for unknown and wrong; only waiting has a status of its own."""
    code = _CODES.get(refused.reason, refused.reason.value)
    headers = (("Retry-After", str(refused.retry_after)),) if refused.retry_after else ()
    if call.is_next_auth:
        url = call.page("error", None, error="CredentialsSignin", provider=CREDENTIALS)
        status = 401
    else:
        url = call.page("signin", call.settings.sign_in_page, error="CredentialsSignin", code=code)
        status = 200
    status = 429 if refused.reason is Reason.THROTTLED else status
    return _responded(call, call.go(url, status, headers))


def _responded(call: Call, answer: Answer) -> Answer:
    call.record(
        Phase.LOGIN_RESPOND, status=Public(answer.status), carrier=Public(Carrier.COOKIE.value)
    )
    return answer
