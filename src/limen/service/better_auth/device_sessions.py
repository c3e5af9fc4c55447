"""The accounts of one browser: seeing them, changing between them, ending one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from limen.revocation import Target
from limen.service.better_auth import schemas, several
from limen.service.better_auth.bodies import Body, Field
from limen.service.better_auth.endpoint import Endpoint
from limen.service.better_auth.sessions import describe
from limen.service.better_auth.wire import INVALID_SESSION_TOKEN, json_answer
from limen.verdict import Refused

if TYPE_CHECKING:
    from limen.service.better_auth.endpoint import Call
    from limen.service.better_auth.several import Account
    from limen.service.better_auth.wire import Answer

MAX_HANDLE: Final = 64  # characters; a handle has 26


async def list_device_sessions(call: Call) -> Answer:
    """List the accounts of this browser; nobody has to be signed in."""
    listed: list[dict[str, Any]] = []
    for account in (await several.living(call)).values():
        described = await describe(call, account.principal)
        if described is not None:
            listed.append(dict(described.members))
    return json_answer(listed)


async def set_active(call: Call) -> Answer:
    """Act as another account of this browser from now on."""
    handle = call.body["sessionToken"]
    account = await several.account_of(call, handle)
    await several.keep_acting(call)
    if account is None or not await _activate(call, account):
        several.forget(
            call, *(key for key in several.held_by_cookie(call) if key == handle.lower())
        )
        return INVALID_SESSION_TOKEN.answer()
    call.described = await describe(call, account.principal)
    if call.described is None:
        call.request_auth.withdraw(ended=False)
        return INVALID_SESSION_TOKEN.answer()
    return json_answer(call.described.members)


async def revoke(call: Call) -> Answer:
    """End the session of one account of this browser; another takes over if it acted."""
    handle = call.body["sessionToken"]
    account = await several.account_of(call, handle)
    if account is None:
        return INVALID_SESSION_TOKEN.answer()
    ended = account.principal.session_id
    await call.auth.revoke(Target.session(ended))
    if ended == call.actor.session_id:
        call.request_auth.withdraw()
        for other in (await several.living(call)).values():
            if await _activate(call, other):
                break
    several.forget(call, ended)
    return json_answer({"status": True})


async def _activate(call: Call, account: Account) -> bool:
    """Set the cookies of an account; false if it does not stand any more."""
    issued = await call.auth.refresh(account.credential.reveal())
    if isinstance(issued, Refused):
        return False
    call.request_auth.deliver(issued)
    return True


_HANDLE: Final = Body((Field("sessionToken", required=True, most=MAX_HANDLE),))
_ENTRIES: Final = {"type": "array", "items": schemas.SIGNED_IN_NOW}

ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/multi-session/list-device-sessions",
        list_device_sessions,
        "List the accounts of this browser",
        _ENTRIES,
        costs=True,
    ),
    Endpoint(
        "POST",
        "/multi-session/set-active",
        set_active,
        "Act as another account of this browser",
        schemas.SIGNED_IN_NOW,
        body=_HANDLE,
        problems=(INVALID_SESSION_TOKEN,),
        costs=True,
    ),
    Endpoint(
        "POST",
        "/multi-session/revoke",
        revoke,
        "End the session of one account of this browser",
        schemas.STATUS,
        body=_HANDLE,
        problems=(INVALID_SESSION_TOKEN,),
        session=True,
        costs=True,
    ),
)
