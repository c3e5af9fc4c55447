"""Proofs that a client holds a private key, and so may use what is bound to it (RFC 9449).

A proof is a small signed token of the client's own, made for one request. What it proves is
the key: its RFC 7638 thumbprint is what access tokens, refresh tokens and sessions are bound to.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from limen import jwk
from limen.errors import ConfigurationError, InvalidToken
from limen.evidence import Check, Duration, Evidence, Public, Size
from limen.jose import UnverifiedToken, parse_with_key, verify_signature
from limen.keyring import Algorithm, Key, KeyState
from limen.nonces import Nonces
from limen.strict import encode_segment, strict_json
from limen.urls import normalised
from limen.verdict import Reason

TYPE: Final = "dpop+jwt"
MAXIMUM_PROOF: Final = 4_096  # characters; one with an RSA key of 4096 bits has some 1,800
MAXIMUM_ID: Final = 256  # characters of `jti`
MAXIMUM_RSA_BITS: Final = 4_096  # a greater key would only cost time, and the client chose it

# By what a proof says. No symmetric one: whoever could check it could make it.
ALGORITHMS: Final = {
    "EdDSA": Algorithm.EDDSA,
    "Ed25519": Algorithm.EDDSA,  # the same under the name of RFC 9864
    "ES256": Algorithm.ES256,
    "PS256": Algorithm.PS256,
    "RS256": Algorithm.RS256,
}
_KNOWN_KEYS: Final = 1_024  # a client repeats its header with each proof


@dataclass(frozen=True, slots=True)
class ProofPolicy:
    """How old a proof may be. Times are in seconds.

    A proof is accepted from `ahead` before its `iat` (a client's clock may be fast) until `age`
    after it, and once only: its `jti` is kept for twice that span. With `nonce` it must contain
    a value that this service handed out at most two `nonce_lifetime` ago, so that no proof can
    be made in advance.
    """

    age: float = 60
    ahead: float = 5
    nonce: bool = False
    nonce_lifetime: float = 300

    def __post_init__(self) -> None:
        for name, most in (("age", 300), ("nonce_lifetime", 3_600)):
            if not 1 <= getattr(self, name) <= most:
                raise ConfigurationError(
                    f"proofs.{name}",
                    f"is not between 1 and {most} seconds.",
                    "A proof is made for the request that carries it; leave it out.",
                )
        if not 0 <= self.ahead <= 60:  # noqa: PLR2004 - said in the text
            raise ConfigurationError(
                "proofs.ahead", "is not between 0 and 60 seconds.", "Set clocks by NTP instead."
            )

    @property
    def kept_for(self) -> int:
        """How long a used proof is remembered, in milliseconds, however clocks differ."""
        return round((self.age + self.ahead) * 2_000)


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof as a request carried it, and the request that it must be about.

    `url` is the public address without query, never one that a header of the request made up.
    """

    text: str
    method: str
    url: str


class Judgement:
    """One proof under the rules: what they found out, up to the first that it breaks.

    `reason` is why it is refused, `None` if it is not.
    """

    __slots__ = (
        "_broken",
        "access",
        "key",
        "nonces",
        "now",
        "policy",
        "proof",
        "reason",
        "stated",
        "thumbprint",
        "token",
        "written",
    )

    token: UnverifiedToken
    key: Key
    thumbprint: str  # RFC 7638, of the key that signed
    written: bytes
    stated: dict[str, Any]  # read, and not to be believed before every rule holds

    def __init__(
        self,
        proof: Proof,
        policy: ProofPolicy,
        nonces: Nonces | None,
        now: int,
        access: str | None,
    ) -> None:
        """Apply every rule in order, up to the first that the proof breaks."""
        self.proof = proof
        self.policy = policy
        self.nonces = nonces
        self.now = now
        self.access = access
        self._broken: _Rule | None = None
        self.reason: Reason | None = None
        for rule in _RULES:
            if not rule.holds(self):
                self._broken, self.reason = rule, rule.reason
                return

    @property
    def use(self) -> str:
        """Name this one use: the same for every copy of the proof, whoever sends it."""
        parts = (self.thumbprint, self.stated["jti"], normalised(self.proof.url) or "")
        named = "\0".join(parts).encode("utf-8", "surrogatepass")
        return encode_segment(hashlib.sha256(named).digest()).decode("ascii")

    def checks(self) -> tuple[Check, ...]:
        """Return every rule that was applied, in order: made only for whoever looks."""
        applied: list[Check] = []
        for rule in _RULES:
            if rule is self._broken:
                applied.append(Check(f"proof {rule.name}", False, self.reason, rule.detail(self)))
                break
            applied.append(Check(f"proof {rule.name}", True, None, rule.detail(self)))
        return tuple(applied)


def judge(
    proof: Proof,
    policy: ProofPolicy,
    now: int,
    *,
    nonces: Nonces | None = None,
    access: str | None = None,
) -> Judgement:
    """Apply the rules of RFC 9449 section 4.3 in order. Never raises.

    `access` is the credential that the request presents, if any: the proof must be about it.
    Whether it was used before is for a store to say. `now` is in milliseconds.
    """
    return Judgement(proof, policy, nonces, now, access)


class _Rule(NamedTuple):
    """One rule, why a proof that breaks it is refused, and what a trace shows of it.

    `holds` may use what the rules before it found, and leaves in the judgement what it finds.
    """

    name: str
    holds: Callable[[Judgement], bool]
    detail: Callable[[Judgement], Evidence | None] = lambda _: None
    reason: Reason = Reason.BAD_PROOF


def _is_token(seen: Judgement) -> bool:
    try:
        seen.token, seen.written = parse_with_key(seen.proof.text, MAXIMUM_PROOF)
    except InvalidToken:
        return False
    return True


def _has_fit_key(seen: Judgement) -> bool:
    found = _key_in(seen.written)
    if found is None:
        return False
    seen.key, seen.thumbprint = found
    return True


@lru_cache(_KNOWN_KEYS)
def _key_in(header: bytes) -> tuple[Key, str] | None:
    """Return the public key of a header whose algorithm is allowed, and its thumbprint."""
    stated = strict_json(header)
    members = stated["jwk"]
    if not isinstance(members, dict) or jwk.publishes_a_secret(members):
        return None
    try:
        jose = jwk.read_public(members, stated["alg"])
    except jwk.UnfitKey:
        return None
    key = Key("proof", ALGORITHMS[stated["alg"]], KeyState.VERIFYING, jose)
    if jose.key_type == "RSA" and key.verifier.key_size > MAXIMUM_RSA_BITS:
        return None
    return key, jose.thumbprint()


def _is_readable(seen: Judgement) -> bool:
    try:
        stated = strict_json(seen.token.payload)
    except InvalidToken:
        return False
    id_, issued_at = stated.get("jti"), stated.get("iat")
    seen.stated = stated
    return (
        isinstance(id_, str)
        and 1 <= len(id_) <= MAXIMUM_ID
        and isinstance(stated.get("htm"), str)
        and isinstance(stated.get("htu"), str)
        and isinstance(issued_at, int | float)
        and not isinstance(issued_at, bool)
        and math.isfinite(issued_at)
    )


def _is_about_url(seen: Judgement) -> bool:
    about = normalised(seen.stated["htu"])
    return about is not None and about == normalised(seen.proof.url)


def _has_nonce(seen: Judgement) -> bool:
    if seen.nonces is None:
        return True
    stated = seen.stated.get("nonce")
    return isinstance(stated, str) and seen.nonces.holds(stated, seen.now)


def _is_recent(seen: Judgement) -> bool:
    issued_at = seen.stated["iat"] * 1000
    return bool(-seen.policy.ahead * 1000 <= seen.now - issued_at <= seen.policy.age * 1000)


def _is_about_access(seen: Judgement) -> bool:
    if seen.access is None:
        return True
    stated = seen.stated.get("ath")
    if not isinstance(stated, str) or not stated.isascii():
        return False
    digest = hashlib.sha256(seen.access.encode("utf-8", "surrogatepass")).digest()
    return compare_digest(encode_segment(digest), stated.encode("ascii"))


def _age(seen: Judgement) -> Duration:
    return Duration(seen.now / 1000 - seen.stated["iat"])


_RULES: Final = (
    _Rule("shape", _is_token, lambda seen: Size(len(seen.proof.text))),
    _Rule("typ", lambda seen: seen.token.header.type == TYPE),
    _Rule("alg", lambda seen: seen.token.header.algorithm in ALGORITHMS),
    _Rule("jwk", _has_fit_key),
    _Rule(
        "signature",
        lambda seen: verify_signature(seen.token, seen.key),
        lambda seen: Public(seen.thumbprint),
    ),
    _Rule("claims", _is_readable),
    _Rule("htm", lambda seen: bool(seen.stated["htm"] == seen.proof.method)),
    _Rule("htu", _is_about_url),
    _Rule("nonce", _has_nonce, reason=Reason.NONCE_NEEDED),
    _Rule("iat", _is_recent, _age),
    _Rule("ath", _is_about_access),
)
