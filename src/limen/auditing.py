"""From what a flow tells the audit log to what is kept: who asked, from where, and how often.

The edges say who asks (`audited_as`); whoever runs a flow writes it on the events, holds back
what a flood would add, and has the hooks called once the events are kept.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from limen import forks
from limen.addresses import network_of
from limen.audit import (
    KINDS,
    MAX_TEXT,
    MAX_USER_AGENT,
    AuditEvent,
    AuditKind,
    AuditPolicy,
    legible,
)
from limen.effects import (
    AppendAudit,
    AttachCredential,
    FindRefresh,
    FindSession,
    RotateRefresh,
    SetSessionFields,
    Writing,
    meant,
    told,
)
from limen.entropy import SystemEntropy, random_text
from limen.forks import Forkable
from limen.principal import Client

if TYPE_CHECKING:
    from limen.clock import Clock
    from limen.effects import AnyEffect
    from limen.errors import UnreadableSession

E = TypeVar("E")

_log = logging.getLogger("limen.audit")
_ID_OCTETS: Final = 12
_OF_ONE_SESSION: Final = (
    FindSession,
    FindRefresh,
    RotateRefresh,
    AttachCredential,
    SetSessionFields,
)
_FLOODS: Final = frozenset(kind.value for kind, told in KINDS.items() if told.flood)
_SECOND: Final = 1_000
_MINUTE: Final = 60_000
# Kinds and networks that are counted at once; beyond, the others share one count for each kind.
MOST_COUNTED: Final = 10_000
NETWORKS: Final = 50
EVERYWHERE: Final = "*"


class Asker(Protocol):
    """Who asks, as far as it is known. Read only when there is something to tell."""

    @property
    def actor(self) -> str:
        """Who acts: an account's id, a name, or the empty text."""
        ...

    @property
    def client(self) -> Client:
        """From where."""
        ...

    @property
    def request_id(self) -> str:
        """The request, as the trace calls it too."""
        ...


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, where that is known beforehand."""

    actor: str = ""
    client: Client = Client()  # noqa: RUF009 - frozen and without state
    request_id: str = ""


# Who acts where it is no account.
COMMAND_LINE: Final = "command line"
SYSTEM: Final = "system"
_NOBODY: Final = Asking()
_asker: ContextVar[Asker] = ContextVar("limen_asker", default=_NOBODY)
asked_by: Final = _asker.set
asked_no_more: Final = _asker.reset


@contextlib.contextmanager
def audited_as(
    actor: str = "",
    *,
    client: Client = Client(),  # noqa: B008 - frozen and without state
    request_id: str = "",
) -> Iterator[None]:
    """Name whoever acts in a block, for instance the administrator of a back office.

    The middleware does so for each request; a back office or a script says it itself.
    """
    token = _asker.set(Asking(actor, client, request_id))
    try:
        yield
    finally:
        _asker.reset(token)


@dataclass(slots=True)
class _Minute:
    ends_at: int
    seen: int = 0
    kept: int = 0


class Flood(Forkable):
    """Holds back what strangers can cause without end.

    In one minute at most `per_minute` events of one kind from one network are kept, and at
    most `NETWORKS` times as many of one kind from all of them together.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._minutes: dict[tuple[str, str], _Minute] = {}
        self._sweeps_at = 0
        self._lock = threading.Lock()
        forks.tell(self)

    def after_fork(self, *, child: bool) -> None:
        """Open a lock that a thread of the parent may have held."""
        if child:
            self._lock = threading.Lock()

    def admitted(self, event: AuditEvent) -> AuditEvent | None:
        """Return the event if it is to be kept, with how many were not since the last one."""
        with self._lock:
            if len(self._minutes) >= MOST_COUNTED and event.at >= self._sweeps_at:
                # Once a second at most: looking through all of them takes a millisecond.
                self._sweeps_at = event.at + _SECOND
                self._minutes = {k: v for k, v in self._minutes.items() if v.ends_at > event.at}
            full = len(self._minutes) >= MOST_COUNTED
            network = EVERYWHERE if full else network_of(event.address)
            own, left_out = self._minute(event, network)
            everywhere, _ = self._minute(event, EVERYWHERE)
            own.seen += 1
            if own.kept >= self._per_minute or everywhere.kept >= self._per_minute * NETWORKS:
                return None
            own.kept += 1
            if own is not everywhere:
                everywhere.kept += 1
        if not left_out:
            return event
        return replace(event, details={**event.details, "left_out": left_out})

    def _minute(self, event: AuditEvent, network: str) -> tuple[_Minute, int]:
        """Return the minute that is on, and how many the one before it has left out."""
        key = (event.kind, network)
        minute = self._minutes.get(key)
        if minute is not None and minute.ends_at > event.at:
            return minute, 0
        left_out = 0 if minute is None else minute.seen - minute.kept
        self._minutes[key] = _Minute(event.at + _MINUTE)
        return self._minutes[key], left_out


class Auditing:
    """What one Limen does about the audit log, around each effect that it performs."""

    def __init__(
        self, policy: AuditPolicy, clock: Clock, tell: Callable[[AuditEvent], None] | None = None
    ) -> None:
        self.policy = policy
        self._clock = clock
        self._tell = tell
        self._flood = Flood(policy.per_minute)
        self._entropy = SystemEntropy()

    def prepared(self, effect: E) -> E | None:
        """Return the effect with what the audit log is to say of it.

        `None` if to say something is all that it does, and there is nothing to say.
        """
        if not isinstance(effect, Writing):
            return effect
        events = meant(effect)
        if not events:
            return effect
        asker = _asker.get()
        named = [self._named(event, asker) for event in events]
        if isinstance(effect, AppendAudit):
            admitted = [self._admitted(event) for event in named]
            named = [event for event in admitted if event is not None]
            if not named:
                return None
        prepared: E = replace(effect, events=tuple(named))
        return prepared

    def _named(self, event: AuditEvent, asker: Asker) -> AuditEvent:
        client = asker.client
        return replace(
            event,
            id=random_text(self._entropy, _ID_OCTETS),
            at=self._clock.now(),
            actor=event.actor or legible(asker.actor, MAX_TEXT),
            address=legible(event.address or client.address, MAX_TEXT),
            user_agent=legible(event.user_agent or client.user_agent, MAX_USER_AGENT),
            request_id=legible(asker.request_id, MAX_TEXT),
        )

    def _admitted(self, event: AuditEvent) -> AuditEvent | None:
        return self._flood.admitted(event) if event.kind in _FLOODS else event

    def unreadable(self, effect: AnyEffect, fault: UnreadableSession) -> AppendAudit:
        """Return what is to be kept of a session that nobody can read, and tell the log.

        The effect is answered by `None`: there is no such session. Raises the fault again if
        it is about more than that one.
        """
        if not isinstance(effect, _OF_ONE_SESSION):
            raise fault
        _log.error("%s; it is taken for no session", fault)
        event = AuditEvent.of(AuditKind.SESSION_UNREADABLE, session_id=fault.session_id)
        return AppendAudit(events=(event,))

    def stands_without(self, effect: object) -> bool:
        """Tell whether a refusal stands though the store could not keep what tells of it.

        It then goes to the log of the process. Only for what was refused without the store:
        an outage must not turn a refusal of a forged credential into another answer.
        """
        if not isinstance(effect, AppendAudit):
            return False
        if not all(event.kind in _FLOODS for event in effect.events):
            return False
        for event in effect.events:
            _log.error("not kept, the store is unavailable: %s", event.as_line())
        return True

    def kept(self, effect: object, answer: object) -> None:
        """Tell the log and the hooks what was kept with an effect, now that it is done."""
        if not isinstance(effect, Writing) or not effect.events:
            return
        for event in told(effect, answer):
            if self.policy.log:
                _log.info("%s", event.as_line())
            if self._tell is not None:
                self._tell(event)
