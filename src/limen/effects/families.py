"""Questions about refresh families."""

from __future__ import annotations

from dataclasses import dataclass

from limen.effects.asking import Reading, Writing
from limen.family import Rotation
from limen.session import Standing


@dataclass(frozen=True, slots=True)
class FindRefresh(Reading[Standing | None]):
    """Find the session of a refresh token that would rotate or be repeated at `now`.

    A token whose successor was handed out moments ago still counts: another tab may have
    rotated while this request was on its way. Changes nothing.
    """

    digest: bytes
    now: int
    grace: int


@dataclass(frozen=True, slots=True)
class RotateRefresh(Writing[Rotation | None]):
    """Present a refresh token and offer its successor; `limen.family.judge` decides.

    One transaction: of any number of concurrent presentations exactly one rotates. A replay
    ends the family's session and appends its log entry. The answer's `created_at` is raised
    as `OpenSession` raises it, so that the token signed next is not covered by a revocation
    of the ones before. `None` if the token is unknown or its session has ended.

    Before all that, the session must be bound to exactly `proven_key`, or to none if that is
    `None`: else the answer is `Unproven`, and nothing has changed.
    """

    digest: bytes
    successor: bytes
    sealed_successor: bytes
    now: int
    grace: int
    horizon: int = 0
    proven_key: str | None = None
