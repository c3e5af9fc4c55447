"""The verbs about refresh families. What a presentation means is decided in `limen.family`.

The decision is made on what one script read, and the next one carries it out if that still
holds. If it does not, somebody else presented the same token, and it is decided anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limen.family import (
    Presentation,
    RefreshRecord,
    Repeated,
    Replayed,
    Rotated,
    Rotation,
    Superseded,
    Unproven,
    judge,
)
from limen.revocation import Target
from limen.session import Standing, refusal_of
from limen.stores.redis import scripts
from limen.stores.redis.accounts import run_with_account
from limen.stores.redis.revocations import Ending, Extent, end, keep
from limen.stores.redis.rows import STANDING, standing_of
from limen.stores.redis.steps import ATTEMPTS, Steps, restless

if TYPE_CHECKING:
    from limen.effects import FindRefresh, RotateRefresh


@dataclass(frozen=True, slots=True)
class _Member:
    """A refresh token as one script read it."""

    standing: Standing
    record: RefreshRecord
    successor_used: bool

    def presented(self, now: int, grace: int) -> Presentation:
        return judge(self.record, self.successor_used, now, grace)


def _read(digest: bytes) -> Steps[_Member | None]:
    reply = yield from run_with_account(scripts.FAMILY, digest)
    if reply[0] == b"none":
        return None
    standing = standing_of(reply)
    used, successor, sealed, successor_used, issued = reply[STANDING:]
    record = RefreshRecord(
        digest=digest,
        session_id=standing.session.id,
        issued_at=int(issued),
        used_at=int(used) if used else None,
        successor=successor or None,
        sealed_successor=sealed or None,
    )
    return _Member(standing, record, successor_used == b"1")


def find(effect: FindRefresh) -> Steps[Standing | None]:
    """Perform `FindRefresh`."""
    member = yield from _read(effect.digest)
    if member is None:
        return None
    presentation = member.presented(effect.now, effect.grace)
    if presentation not in (Presentation.FIRST_USE, Presentation.RETRY):
        return None
    return member.standing


def rotate(effect: RotateRefresh) -> Steps[Rotation | None]:
    """Perform `RotateRefresh`."""
    for _ in range(ATTEMPTS):
        member = yield from _read(effect.digest)
        if member is None:
            return None
        # A session is bound when it begins and never again, so this need not be looked at twice.
        if member.standing.session.bound_to != effect.proven_key:
            return Unproven()
        presentation = member.presented(effect.now, effect.grace)
        if presentation is Presentation.REPLAY:
            return (yield from _replay(effect, member.standing))
        if refusal_of(member.standing, effect.now) is not None:
            return None
        if presentation is Presentation.SUPERSEDED:
            return Superseded()
        reply = yield from run_with_account(
            scripts.ROTATE,
            effect.digest,
            effect.now,
            member.record.used_at,
            member.successor_used,
            effect.successor,
            effect.sealed_successor,
        )
        if reply[0] != b"moved":
            standing = standing_of(reply)
            if presentation is Presentation.RETRY:
                return Repeated(standing, reply[STANDING])
            return Rotated(standing)
    raise restless()


def _replay(effect: RotateRefresh, standing: Standing) -> Steps[Replayed | None]:
    """End the family. A token that was used once is used for ever, so nothing is checked again."""
    session = standing.session
    ending = Ending(Target.session(session.id), effect.now, effect.horizon)
    latest = max(effect.now, session.created_at, session.used_at)
    extent = Extent(latest, session.expires_at, frozenset({session.id}))
    yield from keep(ending, extent)
    ended = yield from end(ending, extent)
    return Replayed(session.id, session.subject) if ended.sessions else None
