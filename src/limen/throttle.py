"""How many attempts are left, and until when."""

from __future__ import annotations

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

# Letters of one kind to one address, and of one kind for one account that is signed in.
LETTER_BUDGET = Budget("letter:recipient", limit=3, window=3_600_000)
# Letters that the clients of one network address may cause, of all kinds together.
LETTER_ADDRESS_BUDGET = Budget("letter:address", limit=30, window=3_600_000)


def retry_after(tally: Tally, budget: Budget, now: int) -> int | None:
    """Return the seconds until another attempt is allowed, `None` if it is allowed now."""
    if tally.count <= budget.limit:
        return None
    return max(1, -(-(tally.resets_at - now) // 1000))
