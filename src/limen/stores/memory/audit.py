"""The verbs about the audit log, over a list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limen.effects.tickets import MOST_PURGED
from limen.stores.memory.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.audit import AuditEvent
    from limen.effects import ReadAudit


class AuditLog(State):
    """What happened, in its order."""

    def append_audit(self, events: Iterable[AuditEvent]) -> None:
        for event in events:
            self.audit_seq += 1
            self.audit.append(replace(event, seq=self.audit_seq))

    def read_audit(self, effect: ReadAudit) -> tuple[AuditEvent, ...]:
        wanted = [event for event in self.audit if _matches(effect, event)]
        if not effect.forward:
            wanted.reverse()
        return tuple(wanted[: effect.limit])

    def purge_audit(self, before: int) -> int:
        old = [event.seq for event in self.audit if event.at < before][:MOST_PURGED]
        gone = set(old)
        self.audit = [event for event in self.audit if event.seq not in gone]
        return len(old)


def _matches(effect: ReadAudit, event: AuditEvent) -> bool:
    return (
        event.seq > effect.after
        and (effect.before is None or event.seq < effect.before)
        and effect.subject in (None, event.subject)
        and (not effect.kinds or event.kind in effect.kinds)
        and effect.address in (None, event.address)
        and event.at >= effect.since
        and (effect.until is None or event.at < effect.until)
    )
