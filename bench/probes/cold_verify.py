"""Verifying tokens that the process has never seen: Limen, two libraries, and the bare arithmetic.

Every contender verifies the same tokens in turn, a round each, so that whatever slows the
machine slows all of them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import statistics
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any, Final

import joserfc.jwt
import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import JWKRegistry, OctKey

from bench.limens import SECRET
from bench.probes.timing import parser, percentile, report
from limen.claims import TokenPolicy, examine, mint
from limen.entropy import SystemEntropy
from limen.keyring import Algorithm, Key, Keyring, KeyState, generate
from limen.sealing import Secrets

ROUNDS: Final = 5
LIFETIME: Final = 300_000
ORDER: Final = ("EdDSA", "HS256", "ES256", "PS256", "RS256")
POLICY: Final = TokenPolicy(issuer="https://bench.example", audience="bench")
Contender = Callable[[str], object]


def tokens_of(key: Key, number: int, now: int) -> list[str]:
    """Return distinct tokens of one key."""
    return [
        mint(
            POLICY,
            key,
            subject=secrets.token_urlsafe(16),
            session_id="ses_" + secrets.token_urlsafe(16),
            token_id=secrets.token_urlsafe(16),
            issued_at=now,
            expires_at=now + LIFETIME,
            authenticated_at=now,
            methods=("pwd",),
            roles=frozenset(),
        ).reveal()
        for _ in range(number)
    ]


def decoded(part: str) -> bytes:
    """Decode base64url without padding."""
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def raw(key: Key, tokens: list[str]) -> Contender:
    """Return the arithmetic alone, over bytes that were decoded before."""
    parts: dict[str, tuple[bytes, bytes]] = {}
    for token in tokens:
        signed, _, signature = token.rpartition(".")
        parts[token] = (signed.encode(), decoded(signature))
    jose: Any = key.jose
    if isinstance(jose, OctKey):
        shared = jose.raw_value

        def by_hmac(token: str) -> None:
            message, signature = parts[token]
            mac = hmac.digest(shared, message, hashlib.sha256)
            assert hmac.compare_digest(mac, signature)

        return by_hmac
    public = jose.public_key
    sha256 = hashes.SHA256()
    if key.algorithm is Algorithm.EDDSA:
        return lambda token: public.verify(parts[token][1], parts[token][0])
    if key.algorithm is Algorithm.ES256:
        ecdsa = ec.ECDSA(sha256)
        for name, (message, octets) in parts.items():
            numbers = (int.from_bytes(octets[i : i + 32]) for i in (0, 32))
            parts[name] = (message, encode_dss_signature(*numbers))
        return lambda token: public.verify(parts[token][1], parts[token][0], ecdsa)
    scheme: Any = padding.PKCS1v15()
    if key.algorithm is Algorithm.PS256:
        scheme = padding.PSS(padding.MGF1(sha256), sha256.digest_size)
    return lambda token: public.verify(parts[token][1], parts[token][0], scheme, sha256)


def contenders(key: Key, tokens: list[str], now: int) -> dict[str, Contender]:
    """Return what verifies, by the name in the table. Each refuses by an exception."""
    keyring, jose = Keyring([key]), key.jose
    pyjwt_key: Any = (
        jose.raw_value if isinstance(jose, OctKey) else jwt.PyJWK(dict(jose.as_dict())).key
    )
    algorithms = [key.algorithm.value]
    joserfc_key = JWKRegistry.import_key(dict(jose.as_dict(private=isinstance(jose, OctKey))))
    registry = joserfc.jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": POLICY.issuer},
        aud={"essential": True, "value": POLICY.audience},
        exp={"essential": True},
    )

    def by_limen(token: str) -> None:
        assert examine(token, keyring, POLICY, now).claims is not None

    def by_pyjwt(token: str) -> None:
        jwt.decode(
            token, pyjwt_key, algorithms=algorithms, audience=POLICY.audience, issuer=POLICY.issuer
        )

    def by_joserfc(token: str) -> None:
        registry.validate(joserfc.jwt.decode(token, joserfc_key, algorithms=algorithms).claims)

    return {
        "limen": by_limen,
        "raw": raw(key, tokens),
        "PyJWT": by_pyjwt,
        "joserfc": by_joserfc,
    }


def measured(algorithm: Algorithm, number: int) -> dict[str, dict[str, float | int]]:
    """Measure every contender on one algorithm."""
    now = time.time_ns() // 1_000_000
    secret = Secrets.of(SECRET)
    record = generate(algorithm, KeyState.SIGNING, now, secret, SystemEntropy())
    key = Keyring.load([record], secret).signing
    tokens = tokens_of(key, number, now)
    known = contenders(key, tokens, now)
    cpu: dict[str, list[float]] = {name: [] for name in known}
    single: dict[str, list[float]] = {name: [] for name in known}
    for verify in known.values():
        for token in tokens[: number // 10]:
            verify(token)
    for number_of_round in range(ROUNDS):
        names = (
            list(known)[number_of_round % len(known) :]
            + list(known)[: number_of_round % len(known)]
        )
        for name in names:
            verify, timed = known[name], single[name]
            start = time.process_time_ns()
            for token in tokens:
                verify(token)
            cpu[name].append((time.process_time_ns() - start) / number / 1e3)
            for token in tokens:
                before = time.perf_counter_ns()
                verify(token)
                timed.append((time.perf_counter_ns() - before) / 1e3)
    return {
        name: {
            "value": round(statistics.median(cpu[name]), 3),
            "n": number * ROUNDS,
            "p50": round(percentile(single[name], 0.5), 3),
            "p99": round(percentile(single[name], 0.99), 3),
        }
        for name in known
    }


def main() -> None:
    """Measure every algorithm."""
    asking = parser()
    asking.add_argument("--verifies", type=int, required=True)
    asked = asking.parse_args()
    report({name: measured(Algorithm(name), asked.verifies) for name in ORDER})


if __name__ == "__main__":
    main()
