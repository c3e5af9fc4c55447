"""Proving again who one is, over the wire: what a front end does after `SESSION_NOT_FRESH`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from limen.service.better_auth import schemas, wire
from limen.service.better_auth.accounts import CHALLENGE, handed_over
from limen.service.better_auth.bodies import Body, Field
from limen.service.better_auth.endpoint import CARRIER_HEADER, Endpoint
from limen.service.better_auth.sessions import withdraw
from limen.service.better_auth.wire import Answer, json_answer, too_many_requests
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.service.better_auth.endpoint import Call

_PROBLEMS: Final = {
    Reason.BAD_CREDENTIALS: wire.INVALID_PASSWORD,
    Reason.TOO_MANY_SESSIONS: wire.TOO_MANY_SESSIONS,
}


async def reauthenticate(call: Call) -> Answer:
    """Judge the password once more, and hand out what replaces the credentials of this client."""
    outcome = await call.auth.reauthenticate(call.actor, call.body["password"], client=call.client)
    if isinstance(outcome, Refused):
        return _refused(call, outcome)
    members: dict[str, Any] = handed_over(call, outcome.issued)
    assert outcome.account is not None  # noqa: S101 - for the type checker: a password proves one
    return json_answer({**members, "user": call.user(outcome.account)})


def _refused(call: Call, refused: Refused) -> Answer:
    if refused.reason is Reason.THROTTLED:
        return too_many_requests(refused.retry_after or 1)
    problem = _PROBLEMS.get(refused.reason)
    if problem is not None:
        return problem.answer()
    withdraw(call)  # the session has ended meanwhile, or its account has changed
    return wire.UNAUTHORIZED.answer(CHALLENGE)


ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/reauthenticate",
        reauthenticate,
        "Prove again who one is; the session goes on under new credentials",
        schemas.PASSWORD_CHANGED,
        body=Body((Field("password", required=True),)),
        problems=tuple(_PROBLEMS.values()),
        session=True,
        limited=True,
        headers=(CARRIER_HEADER.decode(),),
    ),
)
