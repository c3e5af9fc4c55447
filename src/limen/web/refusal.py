"""From a verdict to what a client is told, for any framework: status, text and headers.

The reason stays on the server. Whoever is refused learns whether to sign in, to wait or to
go away, and every refused credential is told the same (ASVS 6.3.8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from limen.dpop import ALGORITHMS
from limen.freshness import STEP_UP
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.freshness import Freshness
    from limen.principal import Principal
    from limen.settings import DpopMode
    from limen.verdict import Absent


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer that refuses: status, the text for the client, extra headers.

    `code` is for programs, where a client is to do more than show the text.
    """

    status: int
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None

    @property
    def body(self) -> dict[str, str]:
        """The members of a JSON body that says the same."""
        return {"message": self.detail, **({} if self.code is None else {"code": self.code})}


_FOREIGN = Refusal(
    403,
    "A cookie acts only with an Origin header of ours or in trusted_origins; scripts send "
    "Authorization: Bearer instead",
)
# With what keys a client may prove itself. Ed25519 is another name of EdDSA.
_PROVED_BY = f'algs="{" ".join(one for one in ALGORITHMS if one != "Ed25519")}"'
_BEARER, _DPOP = "Bearer", f"DPoP {_PROVED_BY}"
_SCHEMES: Mapping[DpopMode, tuple[str, ...]] = {
    "off": (_BEARER,),
    "accept": (_BEARER, _DPOP),
    "require": (_DPOP,),
}
_BAD_BEARER = 'Bearer error="invalid_token"'
_BAD_DPOP = f'DPoP error="invalid_token", {_PROVED_BY}'
_INVALID: Mapping[DpopMode, tuple[str, ...]] = {
    "off": (_BAD_BEARER,),
    "accept": (_BAD_BEARER, _BAD_DPOP),
    "require": (_BAD_DPOP,),
}
# What the client may know of why it is a question of proofs.
_PROVING = {
    Reason.BAD_PROOF: "invalid_dpop_proof",
    Reason.PROOF_REPLAYED: "invalid_dpop_proof",
    Reason.NONCE_NEEDED: "use_dpop_nonce",
    Reason.UNPROVEN: "invalid_token",
    Reason.NOT_BOUND: "invalid_token",
}
STORE_DOWN = Refusal(503, "Sign-in is unavailable, try again shortly", {"Retry-After": "1"})
_FORBIDDEN = Refusal(
    403,
    "Not allowed",
    {"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
)


def refusal_of(
    verdict: Absent | Refused, dpop: DpopMode = "off", wanted: Freshness | None = None
) -> Refusal:
    """Return the answer for a request without an accepted credential.

    `dpop` says which schemes are taken, as the setting does. With `wanted`, that of
    `Limen.require_fresh`, also for a sign-in that is not enough: how to make it so stands in
    the challenge (RFC 9470).
    """
    challenge = {"WWW-Authenticate": challenge_of(verdict, dpop)}
    if not isinstance(verdict, Refused):
        return Refusal(401, "Not signed in", challenge)
    if verdict.reason is Reason.CROSS_ORIGIN:
        return _FOREIGN
    if wanted is not None and verdict.reason in (Reason.NOT_FRESH, Reason.TOO_WEAK):
        scheme = "DPoP" if dpop == "require" else "Bearer"
        asked = {"WWW-Authenticate": wanted.challenge(scheme)}
        return Refusal(401, wanted.sentence, asked, STEP_UP)
    if verdict.reason is Reason.THROTTLED:
        wait = str(verdict.retry_after or 1)
        return Refusal(429, "Too many attempts", {"Retry-After": wait})
    return Refusal(401, "The credential is not valid", challenge)


def taken_from(principal: Principal, dpop: DpopMode) -> DpopMode:
    """Return by which schemes somebody may come again: what is bound goes by DPoP alone."""
    return dpop if principal.bound_to is None else "require"


def challenge_of(verdict: Absent | Refused, dpop: DpopMode = "off") -> str:
    """Return the challenge of a 401: what is accepted, and what was wrong.

    RFC 6750 section 3.1 and RFC 9449 section 7.1; RFC 9110 section 15.5.2 requires one.
    """
    if not isinstance(verdict, Refused):
        return ", ".join(_SCHEMES[dpop])
    if verdict.reason in _PROVING:
        return f'DPoP error="{_PROVING[verdict.reason]}", {_PROVED_BY}'
    return ", ".join(_INVALID[dpop])


def forbidden() -> Refusal:
    """Return the answer for somebody who is known and may not."""
    return _FORBIDDEN


def overloaded(retry_after: int) -> Refusal:
    """Return the answer while too many passwords wait to be hashed."""
    return Refusal(503, "Too many sign-ins at once", {"Retry-After": str(retry_after)})
