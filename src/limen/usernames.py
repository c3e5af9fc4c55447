"""What a username may be. Compared in lower case, shown as it was typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from limen.errors import ConfigurationError
from limen.verdict import Reason

MAX_USERNAME: Final = 64  # characters; what the stores have room for
MAX_DISPLAY: Final = 256  # characters of the form that is shown
_PATTERN: Final = re.compile(r"[A-Za-z0-9_.]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class UsernamePolicy:
    """Whether accounts may have usernames to sign in with, and how long these are.

    Letters, digits, `_` and `.`: nothing that looks like something else, and no `@`, so that
    a username is never an e-mail address.
    """

    enabled: bool = False
    minimum: int = 3
    maximum: int = 30

    def __post_init__(self) -> None:
        """Refuse lengths that no name can have."""
        if not 1 <= self.minimum <= self.maximum <= MAX_USERNAME:
            raise ConfigurationError(
                "usernames",
                f"{self.minimum} to {self.maximum} characters is no range.",
                f"Use a minimum of at least 1 and a maximum of at most {MAX_USERNAME}.",
            )

    def refusal_of(self, username: str, shown: str | None = None) -> Reason | None:
        """Say why a name cannot be had, `None` if its form is good; `shown` is what others see."""
        if shown is not None and (not 0 < len(shown) <= MAX_DISPLAY or not shown.isprintable()):
            return Reason.USERNAME_INVALID
        if len(username) < self.minimum:
            return Reason.USERNAME_TOO_SHORT
        if len(username) > self.maximum:
            return Reason.USERNAME_TOO_LONG
        return None if _PATTERN.fullmatch(username) else Reason.USERNAME_INVALID


# What an account may have from elsewhere: the lengths of a policy are for choosing a name.
ANY_USERNAME: Final = UsernamePolicy(enabled=True, minimum=1, maximum=MAX_USERNAME)


def normalised_username(text: str) -> str:
    """Return the form under which a username is stored and looked up."""
    return text.lower()
