"""How much is measured: the numbers that a reader must see beside every result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """How often each thing is done.

    `calls` and `requests` are those of one setup, `warm_up` comes before each of them and is
    not counted; `first_calls` is how many credentials are judged for the first time.
    `endings` is how many sign-ins are ended while a thief watches, and `sign_ins` how many
    rows are written to learn what one takes. `access_lifetime` is in seconds: short, so that
    a person can watch a token run out. `outage` is for how many seconds the store is gone, 0
    if that is not measured: longer than a process goes on by its own copy of the log.
    """

    calls: int = 1_000
    first_calls: int = 200
    requests: int = 400
    warm_up: int = 100
    endings: int = 5
    sign_ins: int = 600
    access_lifetime: float = 5.0
    outage: float = 3.0


FULL: Final = Sizes()
# Too few for a picture of how times are spread, and enough for what is exact or bounded.
BRIEF: Final = Sizes(
    calls=20,
    first_calls=5,
    requests=10,
    warm_up=5,
    endings=2,
    sign_ins=20,
    access_lifetime=3.0,
    outage=0.0,
)
