"""How many attempts are left, and until when."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` attempts in each window of `window` milliseconds.

    `limit=0` switches the budget off.
    """

    name: str
    limit: int
    window: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a budget was drawn on in its current window, which ends at `resets_at`."""

    count: int
    resets_at: int


# ASVS 6.3.1. Every attempt counts, also the right ones: the count is taken before the password
# is looked at, so that concurrent guesses cannot outrun it.
ACCOUNT_BUDGET = Budget("sign-in:account", limit=20, window=15 * 60_000)
# The better-auth wire: 3 attempts in 10 s for one address, on sign-in and sign-up each.
ADDRESS_BUDGET = Budget("sign-in:address", limit=3, window=10_000)

# Attempts of one browser that has signed in to the account before. Who is throttled or locked
# out by strangers still has these.
DEVICE_BUDGET = Budget("sign-in:device", limit=10, window=15 * 60_000)
# Sign-ins of the whole service that failed. Above that only known devices are judged.
GLOBAL_BUDGET = Budget("sign-in:failures", limit=1_000, window=60_000)
# Accounts on which one and the same password failed; see `limen.authenticators.guard`.
SPRAYING_BUDGET = Budget("sign-in:spraying", limit=50, window=3_600_000)
# NIST SP 800-63B-4 section 3.2.2: failures in a row, however long that takes.
FAILURES_IN_A_ROW = 100
# Whatever else costs work, for one address and one endpoint: an office of 1000 people behind
# one address renews 200 tokens of 5 minutes in a minute.
REQUEST_BUDGET = Budget("request:address", limit=300, window=60_000)

# Letters of one kind to one address, and of one kind for one account that is signed in.
LETTER_BUDGET = Budget("letter:recipient", limit=3, window=3_600_000)
# Letters that the clients of one network address may cause, of all kinds together.
LETTER_ADDRESS_BUDGET = Budget("letter:address", limit=30, window=3_600_000)


def retry_after(tally: Tally, budget: Budget, now: int) -> int | None:
    """Return the seconds until another attempt is allowed, `None` if it is allowed now."""
    if tally.count <= budget.limit:
        return None
    return max(1, -(-(tally.resets_at - now) // 1000))


def used_up(tally: Tally | None, budget: Budget, now: int) -> int | None:
    """Return the seconds until a counter that was only looked at leaves room, `None` if it does."""
    if not budget.limit or tally is None:
        return None
    return retry_after(Tally(tally.count + 1, tally.resets_at), budget, now)


def counted_as(name: str, identifier: str) -> str:
    """Return the key of a counter: a digest, so no store keeps addresses or e-mails in it."""
    return hashlib.sha256(f"{name}:{identifier}".encode("utf-8", "surrogatepass")).hexdigest()
