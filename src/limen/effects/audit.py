"""Questions about the audit log: appending to it and reading it. Nothing changes an entry."""

from __future__ import annotations

from dataclasses import dataclass

from limen.audit import AuditEvent
from limen.effects.asking import Reading, Writing


@dataclass(frozen=True, slots=True)
class AppendAudit(Writing[None]):
    """Keep its `events` and do nothing else: something was tried that changed nothing.

    What a change means is kept with the change; see `Writing`.
    """


@dataclass(frozen=True, slots=True)
class ReadAudit(Reading[tuple[AuditEvent, ...]]):
    """Return at most `limit` events, newest first, or oldest first with `forward`.

    Only those between `after` and `before` (both by `seq`, both left out), and of the given
    subject, kinds and address where these are given. `since` and `until` are in milliseconds;
    `until` is left out.
    """

    limit: int = 100
    after: int = 0
    before: int | None = None
    subject: str | None = None
    kinds: tuple[str, ...] = ()
    address: str | None = None
    since: int = 0
    until: int | None = None
    forward: bool = False
