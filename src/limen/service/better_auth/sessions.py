"""The session of this client, the device list, and ending sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.evidence import Public
from limen.guarantees import Format
from limen.phase import Phase
from limen.revocation import Target
from limen.service import known_devices
from limen.service.better_auth import several
from limen.service.better_auth.accounts import bearer_members
from limen.service.better_auth.endpoint import Description
from limen.service.better_auth.proving import challenge, refused
from limen.service.better_auth.wire import (
    SESSION_NOT_FRESH,
    UNAUTHORIZED,
    Answer,
    HeaderPairs,
    date,
    exposed,
    json_answer,
)
from limen.transports import Carrier
from limen.transports.origin import Provenance
from limen.verdict import Absent, Authenticated, Issued, Reason, Refused

if TYPE_CHECKING:
    from limen.principal import Principal
    from limen.service.better_auth.endpoint import Call

_NO_CACHE = (("Pragma", "no-cache"),)


async def get_session(call: Call) -> Answer:
    """Say who is signed in, `null` if nobody is. A GET never uses a refresh token up."""
    verdict = await call.request_auth.verdict()
    if not isinstance(verdict, Authenticated):
        call.forget(verdict)
        return _nobody(call)
    principal = verdict.principal
    due = _renewal_is_due(call, principal)
    if due and not call.request_auth.is_safe:
        principal, due = await _renewed(call, principal), False
    call.described = await describe(call, principal)
    if call.described is None:
        call.forget(Refused(Reason.REVOKED))
        return _nobody(call)
    members = {**call.described.members, **({"needsRefresh": True} if due else {})}
    call.record(Phase.RESOURCE_RESPOND, status=Public(200), signed_in=Public(True))
    return json_answer(members, headers=(*_NO_CACHE, *await _service_token(call, principal)))


async def _service_token(call: Call, principal: Principal) -> HeaderPairs:
    """Return a token for other services as a header, where that is asked for."""
    if not call.auth.settings.better_auth.session_jwt:
        return ()
    minted = await call.auth.service_token(principal)
    return () if isinstance(minted, Refused) else exposed("set-auth-jwt", minted.reveal())


def _nobody(call: Call) -> Answer:
    call.request_auth.forget_cache()
    call.record(Phase.RESOURCE_RESPOND, status=Public(200), signed_in=Public(False))
    return json_answer(None, headers=_NO_CACHE)


def _renewal_is_due(call: Call, principal: Principal) -> bool:
    """Tell whether the browser should trade its refresh token before long."""
    carried = call.carried()
    if carried is None or carried.carrier is not Carrier.COOKIE or carried.refresh is None:
        return False
    if call.request_auth.recalled:
        return True  # this GET went on without using the refresh token up
    if call.request_auth.outgoing:
        return False  # this very request has renewed
    if call.guarantees_of(principal).format is not Format.SIGNED:
        return False
    return (principal.expires_at - call.now) * 2 <= call.auth.assembly.parts.policy.lifetime


async def _renewed(call: Call, principal: Principal) -> Principal:
    """Trade the refresh token; if another tab did so first, go on with what is valid."""
    carried = call.carried()
    assert carried is not None and carried.refresh is not None  # noqa: S101, PT018 - it is due
    issued = await call.auth.refresh(carried.refresh.reveal())
    if isinstance(issued, Refused):
        return principal
    call.request_auth.deliver(issued)
    return issued.principal


async def describe(call: Call, principal: Principal) -> Description | None:
    """Return the session and user objects, `None` if the session has ended meanwhile."""
    ends_at, remembered = principal.expires_at, True
    if call.is_kept(principal):
        session = await call.living_session(principal)
        if session is None:
            return None
        described = call.session_object(session)
        ends_at, remembered = session.ends_at, session.remembered
    else:
        described = call.session_object(principal)
    account = None
    if call.auth.assembly.parts.keeps:
        account = await call.auth.account(principal.subject)
    # Of a subject whose account Limen does not keep, the id is all that it knows.
    user = {"id": principal.subject} if account is None else call.user(account)
    return Description({"session": described, "user": user}, ends_at, remembered)


async def list_sessions(call: Call) -> Answer:
    """List the sessions of this account, newest first."""
    sessions = await call.auth.sessions(call.actor.subject)
    return json_answer([call.session_object(session) for session in sessions])


async def revoke_session(call: Call) -> Answer:
    """End one session of this account; the answer does not tell whether there was one."""
    handle = call.body["token"]
    if handle != call.actor.session_id and _is_stale(call):
        return SESSION_NOT_FRESH.answer()
    await call.auth.revoke(Target.session(handle, owner=call.actor.subject))
    if handle == call.actor.session_id:
        withdraw(call)
    return json_answer({"status": True})


async def revoke_sessions(call: Call) -> Answer:
    """End every session of this account, this one included."""
    if _is_stale(call):
        return SESSION_NOT_FRESH.answer()
    await call.auth.revoke(Target.user(call.actor.subject))
    withdraw(call)
    return json_answer({"status": True})


async def revoke_other_sessions(call: Call) -> Answer:
    """End every session of this account but this one."""
    if _is_stale(call):
        return SESSION_NOT_FRESH.answer()
    await call.auth.revoke(Target.user(call.actor.subject, keep=call.actor.session_id))
    if call.auth.assembly.parts.keeps:  # every other browser is a stranger now
        await known_devices.know(call, await call.auth.account(call.actor.subject))
    return json_answer({"status": True})


def _is_stale(call: Call) -> bool:
    """Tell whether whoever asks must prove first who they are (ASVS 7.5.2)."""
    settings = call.auth.settings
    age = call.now - call.actor.authenticated_at
    return settings.fresh_to_revoke and age > settings.fresh * 1000


async def sign_out(call: Call) -> Answer:
    """End the session of this client, if it has one, and make it forget its cookies."""
    refresh = call.body.get("refreshToken")
    others = several.held_by_cookie(call)
    carried = call.carried()
    if carried is not None and carried.carrier is Carrier.DPOP and call.proven_key is None:
        return refused(call, Refused(Reason.UNPROVEN))
    told = (refresh,) if refresh else ()
    held = (*call.held(), *told, *(one.reveal() for one in others.values()))
    await call.auth.sign_out(*held, proven_key=call.proven_key)
    withdraw(call)
    several.forget(call, *others)
    return json_answer({"success": True})


async def refresh(call: Call) -> Answer:
    """Trade a refresh token, or slide a session.

    What came by cookie goes back by cookie and is never shown to the page. What came in the
    body or in `Authorization` goes back in the body.
    """
    carried = call.carried()
    text: str | None = call.body.get("refreshToken")
    by_cookie = text is None and carried is not None and carried.carrier is Carrier.COOKIE
    if text is None and carried is not None:
        held = carried.refresh or carried.access
        text = held.reveal() if held else None
    if text is None:
        return UNAUTHORIZED.answer(challenge(call, Absent()))
    # What travels by cookie is never bound, so no proof goes with it.
    proven_key = None if by_cookie else call.proven_key
    if call.auth.settings.dpop == "require" and not by_cookie and proven_key is None:
        return refused(call, Refused(Reason.BAD_PROOF))
    issued = await call.auth.refresh(text, proven_key=proven_key)
    if isinstance(issued, Refused):
        if by_cookie:
            call.forget(issued)
        return refused(call, issued)
    return _handed_back(call, issued, by_cookie=by_cookie)


def _handed_back(call: Call, issued: Issued, *, by_cookie: bool) -> Answer:
    if not by_cookie:
        call.shown = issued.access
        return json_answer(bearer_members(issued))
    call.request_auth.deliver(issued)
    return json_answer({"token": None, "expiresAt": date(issued.access_expires_at)})


def withdraw(call: Call) -> None:
    """Make a browser forget its cookies; an app drops what it keeps itself."""
    carried = call.carried()
    if carried is None and call.request_auth.provenance() is not Provenance.TRUSTED:
        # A form of another site comes without cookies; its answer could still expire them.
        return
    if carried is None or carried.carrier is Carrier.COOKIE:
        call.request_auth.withdraw()
