"""What a step may say of itself: typed values only, so that a secret cannot be recorded.

The set of kinds is closed. There is no free text: a value is public by decision, or it is
a `Hidden` that a recorder may label (`tok#1`) but never keep.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from limen.phase import Phase
    from limen.secret import Secret
    from limen.verdict import Reason

CredentialKind: TypeAlias = Literal["token", "session", "refresh", "password"]


@dataclass(frozen=True, slots=True)
class Public:
    """A value that anybody may read, such as an algorithm, a key id or a role."""

    value: str | int | bool


@dataclass(frozen=True, slots=True)
class Hidden:
    """A credential. A recorder replaces it by a label; a password gets not even that."""

    secret: Secret
    kind: CredentialKind


@dataclass(frozen=True, slots=True)
class Personal:
    """Something about a person, such as an e-mail address; masked outside the Lab."""

    value: str


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time in seconds; negative when it lies in the past."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Count:
    """A number of things."""

    value: int


@dataclass(frozen=True, slots=True)
class Size:
    """A number of bytes."""

    octets: int


Evidence: TypeAlias = Public | Hidden | Personal | Duration | Count | Size


@dataclass(frozen=True, slots=True)
class Check:
    """A rule that was applied, and how it came out.

    `reason` is why the request is refused if this check failed.
    """

    name: str
    ok: bool
    reason: Reason | None = None
    detail: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """Several rules that were applied at once.

    `listed` makes them, and is called only if somebody listens: they cost more than what
    they tell of.
    """

    listed: Callable[[], tuple[Check, ...]]


@dataclass(frozen=True, slots=True)
class Enter:
    """A flow enters a step; what follows belongs to it until the next `Enter`."""

    phase: Phase
    given: Mapping[str, Evidence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """What the current step brought about."""

    name: str
    value: Evidence
