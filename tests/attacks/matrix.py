"""The attack matrix: what is tried, and what each strategy is expected to answer.

Numbers are those of the threat model. What a credential does after it was ended is the only
thing in which the strategies differ by design; everything else is refused at once by all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

STRATEGIES = ("jwt", "session", "hybrid")
STORES = ("sqlite", "postgresql", "redis")


@unique
class Outcome(Enum):
    """What becomes of an attack; the bound is the window that `Guarantees` states."""

    AT_ONCE = "refused from the first request on"
    WITHIN = "refused at once where it was ended, and everywhere from the bound on"
    UNTIL = "accepted until the bound, by design, and refused from there on"


@dataclass(frozen=True, slots=True)
class Without:
    """A strategy that has nothing which could be attacked like this, and why."""

    reason: str


Expected = Outcome | Without
AT_ONCE, WITHIN, UNTIL = Outcome


@dataclass(frozen=True, slots=True)
class Row:
    """One attack in our own words, and what each strategy answers."""

    number: int
    title: str
    jwt: Expected = AT_ONCE
    session: Expected = AT_ONCE
    hybrid: Expected = AT_ONCE

    def of(self, strategy: str) -> Expected:
        """Return what one strategy is expected to answer."""
        found: Expected = getattr(self, strategy)
        return found


def _ended(number: int, title: str) -> Row:
    """Return the row of an attack with a copy of what was ended."""
    return Row(number, title, jwt=UNTIL, session=AT_ONCE, hybrid=WITHIN)


def _signed(number: int, title: str, reason: str) -> Row:
    """Return the row of an attack on something that only signed strategies have."""
    return Row(number, title, session=Without(reason))


_NO_REFRESH = "a session id is renewed as it is; there is no refresh token"

ROWS = (
    # -- theft and ending
    _ended(1, "A copy is used after its owner signed out"),
    _ended(2, "A copy is used after everything was ended from another device"),
    _ended(3, "A copy is used after the password was changed or reset"),
    _ended(4, "A copy is used after the account was disabled or deleted"),
    _ended(5, "A copy made before a role was taken away still claims it"),
    Row(6, "A bearer copy comes from another address", UNTIL, UNTIL, UNTIL),
    Row(8, "A session that nobody uses is kept alive by a page that only polls"),
    Row(9, "A session is used without a pause beyond its absolute end"),
    Row(10, "A client keeps a cookie longer than it was told to"),
    Row(11, "Signing out with a wrong cookie, twice, or after the end"),
)
BY_NUMBER = {row.number: row for row in ROWS}
