"""Asking a service whether a new password is known from a breach, without telling it which.

    PasswordPolicy(breached=BreachRange("https://api.pwnedpasswords.com/range/"))

Only the first five of the forty digits of a digest leave the process: some hundred thousand
passwords have them in common, and the service answers with all that it knows of those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from limen.verify.fetching import FetchFailed, checked_url, exchange

_OK: Final = 200
_LINE: Final = re.compile(r"([0-9A-F]{35}):([0-9]+)")
MAX_OCTETS: Final = 262_144  # of one answer; honest ones have some 40 KiB, padded ones 100


@dataclass(frozen=True, slots=True)
class BreachRange:
    """A service that answers to the beginning of a SHA-1 digest, as Pwned Passwords does.

    `url` is what the five digits are appended to; raises `ConfigurationError` unless it is
    https, or http to this machine. An answer is waited for `seconds` at most.
    """

    url: str
    seconds: float = 3.0

    def __post_init__(self) -> None:
        """Refuse an address on whose way somebody could change the answer."""
        checked_url(self.url, "breached")

    def __call__(self, prefix: str) -> frozenset[str]:
        """Return the other 35 digits of each that is known; raises `FetchFailed`."""
        # Padded, so that the size of an answer does not tell which prefix was asked about.
        said = exchange(
            self.url + prefix,
            headers={"Add-Padding": "true", "User-Agent": "limen"},
            octets=MAX_OCTETS,
            seconds=self.seconds,
        )
        if said.status != _OK:
            raise FetchFailed(f"the answer was {said.status}")
        lines = (_LINE.fullmatch(line) for line in said.body.decode("ascii", "replace").split())
        return frozenset(one[1] for one in lines if one is not None and int(one[2]))
