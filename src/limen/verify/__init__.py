"""Tokens of a Limen verified elsewhere: by its public keys, and its revocation log if given.

    from limen.verify import Verifier

    verifier = Verifier(
        "https://app.example/api/auth/jwks", issuer="https://app.example", audience="https://app.example"
    )

It has neither the database nor the secret of that Limen.
"""

from limen.dpop import Proof as Proof
from limen.dpop import ProofPolicy as ProofPolicy
from limen.verify.blocking import BlockingVerifier as BlockingVerifier
from limen.verify.remote_keys import KeyLimits as KeyLimits
from limen.verify.verifier import Verifier as Verifier
