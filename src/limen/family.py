"""Refresh rotation: one successor per token, a short grace, and what a replay means.

A family is the chain of refresh tokens born from one sign-in; its id is the session's.
The rules of this file are pure. A store applies them inside one transaction and adds
nothing of its own (RFC 9700 section 4.14.2; FAPI 2.0 for the retry after a lost response).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from limen.session import Standing


@dataclass(frozen=True, slots=True)
class RefreshRecord:
    """One refresh token as a store keeps it: a digest, never the token.

    `successor` is the digest of the token that replaced it, and `sealed_successor` that
    token's text, encrypted under a key made from *this* token's text: only somebody who
    still holds the old token can be given the new one again, and a stolen database
    cannot produce either.
    """

    digest: bytes
    session_id: str
    issued_at: int
    used_at: int | None = None
    successor: bytes | None = None
    sealed_successor: bytes | None = None


@unique
class Presentation(Enum):
    """What presenting a refresh token amounts to."""

    FIRST_USE = auto()  # rotate
    RETRY = auto()  # within the grace: hand out the same successor
    SUPERSEDED = auto()  # within the grace, but the successor was used: neither fork nor alarm
    REPLAY = auto()  # after the grace: somebody holds a copy


def judge(record: RefreshRecord, successor_used: bool, now: int, grace: int) -> Presentation:
    """Decide what presenting this token at `now` amounts to; `grace` is in milliseconds."""
    if record.used_at is None:
        return Presentation.FIRST_USE
    if now - record.used_at >= grace:
        return Presentation.REPLAY
    return Presentation.SUPERSEDED if successor_used else Presentation.RETRY


@dataclass(frozen=True, slots=True)
class Rotated:
    """The token was used for the first time; the offered successor is now the live one."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class Repeated:
    """The token was used moments ago; here is the sealed text of the same successor."""

    standing: Standing
    sealed_successor: bytes


@dataclass(frozen=True, slots=True)
class Superseded:
    """The token was used moments ago and so was its successor: refused, nothing ended."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The token was used long ago: its whole family has been ended with this answer."""

    session_id: str
    subject: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """The family is bound to another key than the one that was proved: nothing has changed.

    That holds for a token used long ago as well. Whoever cannot use a token must not end what
    it belongs to.
    """


Rotation: TypeAlias = Rotated | Repeated | Superseded | Replayed | Unproven
