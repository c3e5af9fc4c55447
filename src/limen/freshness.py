"""What a sensitive action asks of a sign-in, and how a client is told (RFC 9470)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limen.assurance import LEVELS, reaches
from limen.errors import ConfigurationError
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.principal import Principal

# RFC 9470 section 3: the error code of the challenge, and of the JSON body beside it.
STEP_UP = "insufficient_user_authentication"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long ago, how strongly and by what somebody must have proved who they are.

    `max_age` is in seconds, `None` asks for no age; `acr` is a level such as `aal2`, and
    `methods` are RFC 8176 names, each of which must have been used. Raises `ConfigurationError`
    for what no sign-in could satisfy.
    """

    max_age: float | None = None
    acr: str | None = None
    methods: Iterable[str] = frozenset()

    def __post_init__(self) -> None:
        if self.max_age is not None and not 0 <= self.max_age < math.inf:
            raise ConfigurationError(
                "max_age", "is no number of seconds.", "Leave it out where no age is asked for."
            )
        if self.acr is not None and self.acr not in LEVELS:
            raise ConfigurationError(
                "acr", f"{self.acr!r} is no level.", f"Use one of {', '.join(LEVELS)}."
            )
        if isinstance(self.methods, str):
            raise ConfigurationError("methods", "is one text.", "Write it as a set of texts.")
        object.__setattr__(self, "methods", frozenset(self.methods))

    def reason(self, principal: Principal, now: int) -> Reason | None:
        """Return why a sign-in is not enough at `now` (milliseconds), `None` if it is."""
        age = now - principal.authenticated_at
        if self.max_age is not None and age > self.max_age * 1000:
            return Reason.NOT_FRESH
        weak = self.acr is not None and not reaches(principal.acr, self.acr)
        if weak or not frozenset(principal.methods).issuperset(self.methods):
            return Reason.TOO_WEAK
        return None

    @property
    def sentence(self) -> str:
        """What the client is told that is missing."""
        if not self.methods:
            return "Sign in again to do this"
        return f"Sign in again with {', '.join(sorted(self.methods))} to do this"

    def challenge(self, scheme: str = "Bearer") -> str:
        """Return the value of `WWW-Authenticate` (RFC 9470 section 3)."""
        parts = [f'{scheme} error="{STEP_UP}"', f'error_description="{_quoted(self.sentence)}"']
        if self.max_age is not None:
            parts.append(f'max_age="{int(self.max_age)}"')
        if self.acr is not None:
            parts.append(f'acr_values="{self.acr}"')
        return ", ".join(parts)


def _quoted(text: str) -> str:
    """Return a text without what RFC 6750 section 3 does not allow in a description."""
    return "".join(one for one in text if " " <= one <= "~" and one not in '"\\')
