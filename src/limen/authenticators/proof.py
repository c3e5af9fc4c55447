"""A client proves that it holds a key: judged first, and used up only once all else holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.dpop import Judgement, judge
from limen.effects import Increment, ask, check, enter
from limen.evidence import Checks
from limen.phase import Phase
from limen.verdict import Authenticated, Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from limen.dpop import Proof, ProofPolicy
    from limen.effects import Flow
    from limen.nonces import Nonces
    from limen.verdict import Verdict

_COUNTED_AS = "proof:"


class ProofAuthenticator:
    """Judges proofs of possession (RFC 9449)."""

    def __init__(self, policy: ProofPolicy, nonces: Nonces | None = None) -> None:
        """Make it; without `nonces` a proof may have been made without asking the service."""
        self.policy = policy
        self.nonces = nonces

    def examine(
        self, proof: Proof, now: int, access: str | None = None
    ) -> Flow[Judgement | Refused]:
        """Apply every rule that needs no store. `access` is the credential that came with it."""
        yield from enter(Phase.CREDENTIAL_VALIDATE)
        judgement = judge(proof, self.policy, now, nonces=self.nonces, access=access)
        yield Checks(judgement.checks)
        return judgement if judgement.reason is None else Refused(judgement.reason)

    def accept(
        self,
        proof: Proof,
        access: str,
        now: int,
        judged_for: Callable[[str], Flow[Verdict]],
    ) -> Flow[Verdict]:
        """Judge a credential that came with a proof; `judged_for` does so for the proven key."""
        judgement = yield from self.examine(proof, now, access)
        if isinstance(judgement, Refused):
            return judgement
        verdict = yield from judged_for(judgement.thumbprint)
        if not isinstance(verdict, Authenticated):
            return verdict
        # Last, so that nobody without a credential can fill the store with proofs.
        return (yield from self.spend(judgement, now)) or verdict

    def spend(self, judgement: Judgement, now: int) -> Flow[Refused | None]:
        """Use a proof up: of any number of copies, at any number of workers, one passes.

        Raises `StoreUnavailable` when the store cannot say: then nobody passes.
        """
        counted = yield from ask(Increment(_COUNTED_AS + judgement.use, self.policy.kept_for, now))
        if (yield from check("proof first use", counted.count == 1, Reason.PROOF_REPLAYED)):
            return None
        return Refused(Reason.PROOF_REPLAYED)

    def prove(self, proof: Proof, now: int, *, uses_up: bool = True) -> Flow[str | Refused]:
        """Return the thumbprint of the key whose holder made a proof, and use the proof up."""
        judgement = yield from self.examine(proof, now)
        if isinstance(judgement, Refused):
            return judgement
        refused = (yield from self.spend(judgement, now)) if uses_up else None
        return refused or judgement.thumbprint
