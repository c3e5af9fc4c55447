"""Judging a password that somebody chooses, whichever way they came to choose one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.effects import SearchBreaches, ask, check
from limen.passwords import digits_of
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.effects import Flow
    from limen.passwords import PasswordPolicy
    from limen.secret import Secret


def refusal_of_choice(
    policy: PasswordPolicy, password: Secret, email: str, username: str | None = None
) -> Flow[Reason | None]:
    """Say why a new password is refused, `None` if it is good.

    Nobody outside is asked about a password that is refused anyway.
    """
    reason = policy.refusal_of(password, email, username)
    if reason is not None or policy.breached is None:
        return reason
    prefix, rest = digits_of(password)
    known = yield from ask(SearchBreaches(prefix))
    unknown = yield from check("not breached", rest not in known, Reason.PASSWORD_BREACHED)
    return None if unknown else Reason.PASSWORD_BREACHED
