"""Questions that the process itself answers, without a store."""

from __future__ import annotations

from dataclasses import dataclass, field

from limen.effects.asking import Access, Effect
from limen.keyring import Keyring
from limen.letter import Letter
from limen.revocation import Coverage, Position
from limen.secret import Secret
from limen.verdict import Authenticated


@dataclass(frozen=True, slots=True)
class AskFeed(Effect[Coverage]):
    """Ask this process's view of the revocation log about a credential."""

    access = Access.MEMORY
    session_id: str
    subject: str
    key_id: str | None
    issued_at: int


@dataclass(frozen=True, slots=True)
class AskPosition(Effect[Position | None]):
    """Ask how far this process has read the revocation log; `None` if its view is not fresh.

    Asked before the store is, so that what the store says is at least as new.
    """

    access = Access.MEMORY


@dataclass(frozen=True, slots=True)
class Remember(Effect[None]):
    """Offer a verdict that may be given again for the same credential before `until`.

    Only so long as all that it rests on stands: the `keyring` that verified it is the one
    in use, and the feed, where `asks_feed`, is fresh and knows nothing against it. `position`
    is what `AskPosition` said before a store was asked, `None` for a signed credential.
    """

    access = Access.MEMORY
    presented: Secret
    verdict: Authenticated
    until: int
    asks_feed: bool
    keyring: Keyring | None = field(default=None, repr=False)
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class RefreshKeys(Effect[Keyring]):
    """Ask for a newer keyring because a token names a key that this process does not know.

    The driver reads the store at most once per cool-down, so a flood of invented key ids
    costs nothing (CVE-2026-48524).
    """

    access = Access.MEMORY


@dataclass(frozen=True, slots=True)
class HashPassword(Effect[str]):
    """Hash a password with Argon2id, off the event loop."""

    access = Access.COMPUTE
    password: Secret


@dataclass(frozen=True, slots=True)
class PasswordAnswer:
    """Whether the password was right, and whether its hash has outdated parameters."""

    ok: bool
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class VerifyPassword(Effect[PasswordAnswer]):
    """Verify a password against a hash, or do the same work for `None` and fail."""

    access = Access.COMPUTE
    password: Secret
    against: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SearchBreaches(Effect[frozenset[str]]):
    """Ask what is known of breached passwords whose SHA-1 digest begins with `prefix`.

    The answer is the other 35 digits of each. Five digits tell nobody which password is meant.
    """

    access = Access.SEND
    prefix: str


@dataclass(frozen=True, slots=True)
class SendLetter(Effect[None]):
    """Hand a letter to the mailer. It is sent after the answer, which so tells nothing of it."""

    access = Access.SEND
    letter: Letter = field(repr=False)
