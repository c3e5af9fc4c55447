"""What an operator is told of tokens that are refused because two services disagree on a name."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from limen.errors import InvalidToken
from limen.jose import parse
from limen.strict import strict_json
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.claims import TokenPolicy
    from limen.clock import Clock
    from limen.verdict import Verdict

_log = logging.getLogger("limen.verify")

SILENCE_MS: Final = 300_000  # between two lines about one reason
LONGEST: Final = 100  # characters of one name
MOST: Final = 3  # names of one token
_CLAIMS: Final = {Reason.WRONG_ISSUER: "iss", Reason.WRONG_AUDIENCE: "aud"}
_REMEDIES: Final = {
    Reason.WRONG_ISSUER: "give `issuer` what that Limen has as `issuer`, else as `base_url`, "
    "else `limen`",
    Reason.WRONG_AUDIENCE: "give `audience` what that Limen has as `audience`, else its issuer",
}


class Mismatches:
    """Logs such a refusal at once, and then once in five minutes with how many there were.

    Both reasons come after the signature, so what the token says is what its issuer wrote.
    """

    def __init__(self, policy: TokenPolicy, clock: Clock) -> None:
        self._expected = {
            Reason.WRONG_ISSUER: policy.issuer,
            Reason.WRONG_AUDIENCE: policy.audience,
        }
        self._clock = clock
        # Two threads at once may lose a count or write a line twice: no lock is worth that.
        self._silent_until: dict[Reason, int] = {}
        self._unsaid: dict[Reason, int] = {}

    def notice(self, token: str, verdict: Verdict) -> None:
        """Look at a verdict; only of these refusals anything is said."""
        if not isinstance(verdict, Refused) or verdict.reason not in _CLAIMS:
            return
        reason, now = verdict.reason, self._clock.now()
        if now < self._silent_until.get(reason, 0):
            self._unsaid[reason] = self._unsaid.get(reason, 0) + 1
            return
        self._silent_until[reason] = now + SILENCE_MS
        _log.warning(
            "a token is refused: %s. Its signature is valid and its %s is %s, and this service "
            "expects %s: %s (%d more were refused so since the last such line)",
            reason.name,
            _CLAIMS[reason],
            _said(token, _CLAIMS[reason]),
            _quoted(self._expected[reason]),
            _REMEDIES[reason],
            self._unsaid.pop(reason, 0),
        )


def _said(token: str, claim: str) -> str:
    try:
        stated: Any = strict_json(parse(token).payload).get(claim)
    except InvalidToken:  # no token that came this far
        return "unreadable"
    names = stated if isinstance(stated, list) else [stated]
    shown = ", ".join(_quoted(str(name)) for name in names[:MOST])
    return shown if len(names) <= MOST else f"{shown} and {len(names) - MOST} more"


def _quoted(name: str) -> str:
    # `ascii` leaves nothing that a terminal obeys or that looks like another letter.
    return ascii(name[:LONGEST]) + ("…" if len(name) > LONGEST else "")
