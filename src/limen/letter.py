"""A letter to a person, and what an application decides about its letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import TypeAlias

from limen.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail. `link` stands in the text and works once, so a repr shows neither.

    `purpose` is a short word such as `reset-password`, for logs and for a mailer of your own
    that words its letters itself. A letter with an empty `to` is sent to nobody: it stands for
    an account that does not exist, so that the work is the same.
    """

    to: str
    purpose: str
    subject: str
    text: str = field(repr=False)
    link: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)


Wording: TypeAlias = Callable[[Letter], Letter]


@unique
class Errand(StrEnum):
    """What a mailed link is good for, once. Also the purpose of its ticket and its letter."""

    RESET_PASSWORD = "reset-password"  # noqa: S105 - a name
    VERIFY_EMAIL = "verify-email"
    CONFIRM_CHANGE = "confirm-new-email"  # goes to the address that is to be given up
    VERIFY_NEW = "verify-new-email"
    DELETE_ACCOUNT = "delete-account"


@dataclass(frozen=True, slots=True)
class EmailPolicy:
    """What an application does with its users' addresses. Lifetimes are in seconds.

    `required` lets nobody in whose address is not verified, and mails the link on sign-up;
    `on_sign_up` mails it without asking for it, `on_sign_in` mails another to whoever is kept
    out. `signs_in` opens a session for whoever opens the link. `changes` and `deletes` let
    people change their address and delete their account, `deletes_by_link` only with a link
    that was mailed to them. `notices` tells people of a new password or address and of another
    way to sign in (ASVS 6.3.7, NIST SP 800-63B-4 4.1.2.1), `new_device` of a sign-in from a
    device that was not seen before (ASVS 6.3.5).
    `wording` gets each letter and returns the one that is sent.
    """

    required: bool = False
    on_sign_up: bool = False
    on_sign_in: bool = False
    signs_in: bool = False
    changes: bool = True
    deletes: bool = True
    deletes_by_link: bool = False
    notices: bool = True
    new_device: bool = False
    reset_lifetime: float = 3_600
    verification_lifetime: float = 3_600
    deletion_lifetime: float = 3_600
    wording: Wording | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse links that would never work."""
        for name in ("reset_lifetime", "verification_lifetime", "deletion_lifetime"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"email.{name}", "is not positive.", "Give it in seconds.")

    @property
    def welcomes(self) -> bool:
        """Whether a sign-up is followed by a letter."""
        return self.required or self.on_sign_up

    def lifetime_of(self, errand: Errand) -> int:
        """Return for how many milliseconds a link works."""
        seconds = {
            Errand.RESET_PASSWORD: self.reset_lifetime,
            Errand.DELETE_ACCOUNT: self.deletion_lifetime,
        }.get(errand, self.verification_lifetime)
        return round(seconds * 1_000)

    def worded(self, letter: Letter) -> Letter:
        """Return a letter in the application's own words, if it has any."""
        return letter if self.wording is None else self.wording(letter)
