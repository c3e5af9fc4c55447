"""A letter to a person: what the service mails."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail. `link` stands in the text and works once, so a repr shows neither.

    `purpose` is a short word such as `reset-password`, for logs and for a mailer of your own
    that words its letters itself.
    """

    to: str
    purpose: str
    subject: str
    text: str = field(repr=False)
    link: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
