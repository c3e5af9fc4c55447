"""The key that a client proves before it is given anything, and what it is told if it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.service.better_auth.wire import INVALID_PROOF, NONCE_NEEDED, UNAUTHORIZED
from limen.verdict import Reason, Refused
from limen.web.proving import proven_key
from limen.web.refusal import challenge_of

if TYPE_CHECKING:
    from limen.service.better_auth.endpoint import Call, Endpoint
    from limen.service.better_auth.wire import Answer, HeaderPairs, Problem
    from limen.verdict import Absent

_PROBLEMS: Final[dict[Reason, Problem]] = {
    Reason.BAD_PROOF: INVALID_PROOF,
    Reason.PROOF_REPLAYED: INVALID_PROOF,
    Reason.NONCE_NEEDED: NONCE_NEEDED,
}


async def refusal_of_proof(call: Call, endpoint: Endpoint) -> Answer | None:
    """Note the key that the client proves where it may be given something that is bound to it.

    Refused is a proof that does not hold, and none at all where a client that keeps its
    credentials itself must have one. Whoever is signed in has proved a key already, or none.
    """
    if not endpoint.proves or call.auth.settings.dpop == "off":
        return None
    if call.principal is not None:
        call.proven_key = call.principal.bound_to
    else:
        # So no stranger makes the store write by a sign-out, which has no budget.
        proven = await proven_key(call.request_auth, uses_up=not endpoint.repeatable)
        if isinstance(proven, Refused):
            return refused(call, proven)
        call.proven_key = proven
    unproven = call.proven_key is None and call.auth.settings.dpop == "require"
    if endpoint.hands_over and unproven and call.by_bearer:
        return refused(call, Refused(Reason.BAD_PROOF))
    return None


def refused(call: Call, verdict: Refused) -> Answer:
    """Answer for a refusal that has to do with proofs, or with the credential itself."""
    return _PROBLEMS.get(verdict.reason, UNAUTHORIZED).answer(challenge(call, verdict))


def challenge(call: Call, verdict: Absent | Refused) -> HeaderPairs:
    """Return the header of a 401: which schemes are taken, and what was wrong."""
    return (("WWW-Authenticate", challenge_of(verdict, call.auth.settings.dpop)),)
