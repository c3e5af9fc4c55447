"""Why a strategy has no step where another has one, from its promises and its own trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.guarantees import Format, RevocationCheck
from limen.lab.reading.answers import FIRST_REFUSAL
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limen.lab.run import Column
    from limen.trace import TraceEvent

ORDER = tuple(Phase)
NONE_ISSUED = "no refresh token was ever issued"
UNEXPLAINED = "the trace of this step has none"
_OF_A_CREDENTIAL = frozenset({Phase.CLIENT_ATTACH, Phase.REVOCATION_CHECK, Phase.AUTHZ_DECIDE})


def why_absent(phase: Phase, column: Column, events: Sequence[TraceEvent]) -> str:
    """Return why `phase` is not among the `events` of one step of a column."""
    if not events:
        return _no_request(column)
    stopped = _refusal_before(phase, events)
    if stopped is not None:
        return stopped
    if phase in _OF_A_CREDENTIAL and not _attached(events):
        return "no credential was attached"
    match phase:
        case Phase.REVOCATION_CHECK | Phase.PRINCIPAL_LOAD if _was_renewed(events):
            return "the access token was refused, and the row of the refresh token answered"
        case Phase.REVOCATION_CHECK:
            return _no_revocation_check(column, events)
        case Phase.REFRESH:
            return _no_refresh(column)
        case Phase.CSRF_CHECK:
            return _no_origin_check(events)
        case Phase.CLIENT_STORE | Phase.CLIENT_FORGET:
            return "the client keeps what it had"
        case Phase.CREDENTIAL_VALIDATE | Phase.PRINCIPAL_LOAD if not _presented_access(events):
            return "no access credential was presented"
        case _:
            return UNEXPLAINED


def _no_request(column: Column) -> str:
    return "no such request was made" if _has_refresh(column) else NONE_ISSUED


def _has_refresh(column: Column) -> bool:
    return any(
        value.get("kind") == "refresh"
        for event in column.events
        for value in event.outcome.values()
    )


def _refusal_before(phase: Phase, events: Sequence[TraceEvent]) -> str | None:
    """Name the step that refused the request, if the phase would have come after it.

    A step may refuse one credential while the request goes on with another, so only a
    request that was answered with a refusal was stopped. The newest one tells.
    """
    answers = [one for one in events if one.phase is Phase.RESOURCE_RESPOND]
    stopped = [one.request_id for one in answers if _is_refusal(one)]
    for request_id in dict.fromkeys(reversed(stopped)):
        for event in events:
            refusing = event.request_id == request_id and event.status != "ok"
            if refusing and ORDER.index(event.phase) < ORDER.index(phase):
                reasons = [one.reason for one in event.checks if not one.ok and one.reason]
                detail = f" ({reasons[-1]})" if reasons else ""
                return f"{event.phase.value} had {event.status} it{detail}"
    return None


def _is_refusal(answer: TraceEvent) -> bool:
    return int(answer.outcome["status"]["v"]) >= FIRST_REFUSAL


def _no_revocation_check(column: Column, events: Sequence[TraceEvent]) -> str:
    if column.guarantees.check is RevocationCheck.EXPIRY:
        return "nothing is asked until the token expires"
    read = sum(one.reads for one in events if one.phase is Phase.CREDENTIAL_VALIDATE)
    return "the read in credential.validate is the check" if read else UNEXPLAINED


def _was_renewed(events: Sequence[TraceEvent]) -> bool:
    """Tell whether the request went on with the refresh token."""
    validated = [one.status for one in events if one.phase is Phase.CREDENTIAL_VALIDATE]
    renewed = [one.status for one in events if one.phase is Phase.REFRESH]
    return "ok" not in validated and "ok" in renewed


def _no_refresh(column: Column) -> str:
    if column.guarantees.format is Format.SIGNED:
        return "the access token had not expired" if _has_refresh(column) else NONE_ISSUED
    return "a session id is not exchanged, and its last use was on record"


def _no_origin_check(events: Sequence[TraceEvent]) -> str:
    attached = [one for one in events if one.phase is Phase.CLIENT_ATTACH]
    if not attached or not attached[-1].given:
        return "no cookie was sent"
    method = attached[-1].outcome.get("method", {}).get("v")
    return f"{method} changes nothing"


def _attached(events: Sequence[TraceEvent]) -> bool:
    return any(one.phase is Phase.CLIENT_ATTACH and one.given for one in events)


def _presented_access(events: Sequence[TraceEvent]) -> bool:
    kinds = {
        value.get("kind")
        for event in events
        if event.phase is Phase.CLIENT_ATTACH
        for value in event.given.values()
    }
    return bool(kinds & {"token", "session"})
