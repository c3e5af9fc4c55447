"""How many entries a service writes: assumptions as numbers, each with a range."""

from __future__ import annotations

from dataclasses import dataclass

from limen.claims import DEFAULT_LEEWAY
from limen.settings import Settings

DAY_S = 86_400
ENTRY_LIVES_S = Settings(strategy="jwt", refresh=None).access_lifetime + DEFAULT_LEEWAY / 1000
USERS = (10**6, 10**7, 10**8, 10**9)
PEAK = (2.0, 3.0, 5.0)  # the busiest hour against the mean of the day


@dataclass(frozen=True, slots=True)
class Act:
    """Something that writes entries: how many a registered user causes in a day."""

    name: str
    low: float
    middle: float
    high: float
    kind: str


ACTS = (
    Act("signs out", 0.01, 0.05, 0.3, "session"),
    Act("signs in over a session that the client still held", 0.002, 0.02, 0.1, "session"),
    Act("ends other devices (one entry for each)", 0.0002, 0.001, 0.01, "session"),
    Act("changes or resets the password", 0.0005, 0.002, 0.005, "user"),
    Act("gets other roles", 0.0001, 0.002, 0.02, "user"),
    Act("is disabled or deleted", 0.00001, 0.0001, 0.001, "user"),
    Act("has a refresh token replayed", 0.000001, 0.00001, 0.0001, "session"),
)


def per_day() -> tuple[float, float, float]:
    """Return entries for each user and day: low, middle, high."""
    return sum(a.low for a in ACTS), sum(a.middle for a in ACTS), sum(a.high for a in ACTS)


def peak_per_s(users: int) -> tuple[float, float, float]:
    """Return entries a second in the busiest hour: low, middle, high."""
    low, middle, high = (
        users * rate / DAY_S * peak for rate, peak in zip(per_day(), PEAK, strict=True)
    )
    return low, middle, high
