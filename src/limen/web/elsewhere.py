"""Requests that carry the session of another server, and nothing of Limen's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.verdict import Authenticated, Issued, Reason, Refused

if TYPE_CHECKING:
    from limen.ports import Elsewhere
    from limen.principal import Principal
    from limen.verdict import Verdict
    from limen.web.request import RequestAuth


async def judge(request: RequestAuth, verdict: Verdict) -> Verdict:
    """Ask each of the other servers' verifiers; what Limen itself said stands if none knows.

    A cookie of another server is attached by browsers too, so an unsafe request needs an
    origin of ours all the same.
    """
    found = await _found(request)
    if not isinstance(found, tuple):
        return found or verdict
    other, principal = found
    if _by_cookie(request) and not await request.comes_from_us():
        return Refused(Reason.CROSS_ORIGIN)
    admitted = await request.auth.admit(principal)
    if other.adopts and isinstance(admitted, Authenticated) and _by_cookie(request):
        return await _adopted(request, admitted)
    return admitted


async def part(request: RequestAuth) -> None:
    """Take no more what the browser holds of another server: somebody signed in or out.

    Otherwise the next request would sign them in again, or somebody else.
    """
    request.parting = False
    if request.auth.settings.elsewhere and _by_cookie(request):
        found = await _found(request)
        if isinstance(found, tuple):
            await request.auth.dismiss(found[1])


async def _found(request: RequestAuth) -> tuple[Elsewhere, Principal] | Refused | None:
    now = request.auth.assembly.clock.now()
    refused: Refused | None = None
    for other in request.auth.settings.elsewhere:
        answer = await other.authenticate(request.headers, now)
        if isinstance(answer, Authenticated):
            return other, answer.principal
        if isinstance(answer, Refused):
            refused = refused or answer
    return refused


async def _adopted(request: RequestAuth, admitted: Authenticated) -> Verdict:
    """Hand out a session of Limen's own with this response, so that theirs is needed no more."""
    if request.is_prefetch:
        return admitted
    issued = await request.auth.adopt(admitted.principal, client=request.client)
    if not isinstance(issued, Issued):
        return admitted
    request.hand_out(issued)
    return Authenticated(issued.principal)


def _by_cookie(request: RequestAuth) -> bool:
    return not any(name == b"authorization" for name, _ in request.headers)
