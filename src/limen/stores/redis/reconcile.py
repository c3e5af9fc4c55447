"""Before a Redis is asked anything: end again what it may have forgotten that it ended.

A Redis that was restarted may have read an old snapshot, one that was flushed knows nothing,
and a replica that was promoted may lack the last moments. Each is noticed by its marker: it
names the process that was reconciled, and those scripts that serve verbs refuse without it.
Everything here may be done twice, and by several stores at once.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from limen.clock import CLOCKS_DIFFER
from limen.effects import KeptRevocation, ListKept
from limen.stores.redis import scripts
from limen.stores.redis.steps import Argument, Run, Steps, home

if TYPE_CHECKING:
    from limen.stores.redis.steps import Reply

_AT_ONCE: Final = 500
_TOKEN_OCTETS: Final = 12
# How far the numbers of the log go ahead, in microseconds of time, so that they lie above
# those that were lost even if the clock of a promoted replica is behind.
_AHEAD: Final = 60_000_000


def reconcile() -> Steps[None]:
    """Make Redis know what was revoked, then let it be asked."""
    survey = yield from _raw(scripts.SURVEY)
    if survey[0] == b"settled":
        return
    # What expired longer ago by Redis's clock is needed by nobody.
    since = int(survey[1]) - CLOCKS_DIFFER
    entries = yield from home(ListKept(0, _AT_ONCE))
    known = bool(entries)
    while entries:
        if (yield from _apply(entries, since)):
            return
        entries = yield from home(ListKept(entries[-1].number, _AT_ONCE))
    yield from _raw(scripts.SETTLE, secrets.token_hex(_TOKEN_OCTETS), _AHEAD, known)


def _apply(entries: tuple[KeptRevocation, ...], since: int) -> Steps[bool]:
    """End what these ended; tell whether somebody else is through already."""
    arguments: list[Argument] = []
    for entry in entries:
        arguments += (entry.kind.value, entry.subject, entry.not_before)
        arguments += (
            entry.sessions_until > 0,
            entry.expires_at if entry.expires_at > since else 0,
        )
    more = True
    while more:
        reply = yield from _raw(scripts.APPLY, _AT_ONCE, *arguments)
        if reply[0] == b"settled":
            return True
        more = reply[1] == b"1"
    return False


def _raw(script: scripts.Script, *arguments: Argument) -> Steps[Reply]:
    reply: Reply = yield Run(script, arguments)
    return reply
