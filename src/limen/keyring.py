"""Signing keys: their four states, how a store keeps them, and the public key set.

One key serves exactly one algorithm, and the algorithm belongs to the key, never to what
a token says of itself (RFC 8725 section 3.1).
"""

from __future__ import annotations

import contextlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from typing import Any, Final, final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jwk import Key as JoseKey

from limen.entropy import Entropy, random_text
from limen.errors import ConfigurationError
from limen.jwk import PUBLIC_MEMBERS, UnfitKey, read
from limen.sealing import NONCE_OCTETS, Secrets

RSA_BITS: Final = 3072  # of new keys: 128 bits of strength (ASVS 11.2.3, SP 800-57 table 2)
HMAC_OCTETS: Final = 32  # RFC 7518 section 3.2: as long as the hash
SEED_OCTETS: Final = 32  # RFC 8032 section 5.1.5
KEY_ID_OCTETS: Final = 16

_PURPOSE: Final = "limen stored signing key"
_DERIVED: Final = "limen signing key"
_REMEDY: Final = "Remove it and let Limen make a new one with `limen keys rotate`."


@unique
class KeyState(StrEnum):
    """The life of a key. It moves forward only."""

    NEXT = "next"  # published so that everybody knows it, not used yet
    SIGNING = "signing"
    VERIFYING = "verifying"  # signs no more; what it signed is still good
    RETIRED = "retired"


@unique
class Algorithm(StrEnum):
    """The signature algorithms. Symmetric ones fit where one system signs and verifies."""

    EDDSA = "EdDSA"  # Ed25519 (RFC 8037); the default
    ES256 = "ES256"
    PS256 = "PS256"
    HS256 = "HS256"
    RS256 = "RS256"  # interop only: PKCS #1 v1.5 padding (ASVS appendix C)


# Whose keys are plain bytes, so that they can come from the application's secret.
DERIVABLE: Final = frozenset({Algorithm.EDDSA, Algorithm.HS256})
_VERIFYING_STATES: Final = frozenset({KeyState.NEXT, KeyState.SIGNING, KeyState.VERIFYING})


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What a store keeps of a key. Times are in milliseconds.

    `public` is a JWK as JSON, `{}` for a symmetric key. `sealed_private` opens only with
    the application's secret. `moved_at` is when the key got its state.
    """

    id: str
    algorithm: str
    state: KeyState
    public: str
    sealed_private: bytes = field(repr=False)
    created_at: int
    moved_at: int


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is ready to use. `jose` is the library's key object.

    `verifier` is what the arithmetic verifies with: the octets of a symmetric key, else
    the public key, and `None` for a key that may only sign (RFC 7517 section 4.3).
    """

    id: str
    algorithm: Algorithm
    state: KeyState
    jose: JoseKey = field(repr=False, compare=False)
    created_at: int = 0
    verifier: Any = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        jose: Any = self.jose
        with contextlib.suppress(JoseError):
            object.__setattr__(self, "verifier", jose.get_op_key("verify"))

    @property
    def symmetric(self) -> bool:
        """Tell whether whoever can verify can also sign."""
        return isinstance(self.jose, OctKey)

    def public_jwk(self) -> dict[str, str]:
        """Return the public members, with `kid`, `alg` and `use`.

        Raises `ValueError` for a symmetric key, which has nothing public.
        """
        if self.symmetric:
            raise ValueError("a symmetric key has no public part")
        named = {"kid": self.id, "alg": self.algorithm.value, "use": "sig"}
        return _public_members(self.jose) | named


@final
class Keyring:
    """The keys of one moment. Immutable: a rotation makes a new one."""

    __slots__ = ("_keys", "_verifying")

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        kept = tuple(keys)
        self._keys = {key.id: key for key in kept}
        self._verifying = {one.id: one for one in kept if one.state in _VERIFYING_STATES}
        if len(self._keys) != len(kept):
            raise ConfigurationError("keys", "two keys share one id.", "Remove one of them.")
        if sum(key.state is KeyState.SIGNING for key in kept) > 1:
            raise ConfigurationError(
                "keys", "more than one key is in use for signing.", "Move all but one to verifying."
            )

    @classmethod
    def load(cls, records: Iterable[KeyRecord], secrets: Secrets) -> Keyring:
        """Open the keys that a store keeps; retired ones stay closed.

        Raises `ConfigurationError` if a key cannot be opened, is too weak, or is not the
        one it says it is.
        """
        return cls(_opened(one, secrets) for one in records if one.state in _VERIFYING_STATES)

    @property
    def signing(self) -> Key:
        """The key that signs now. Raises `ConfigurationError` if there is none."""
        for key in self._keys.values():
            if key.state is KeyState.SIGNING:
                return key
        raise ConfigurationError(
            "keys", "there is no key to sign with.", "Make one with `limen keys rotate`."
        )

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of the keys that may verify."""
        return frozenset(self._verifying)

    def find(self, key_id: str) -> Key | None:
        """Return a key that may verify.

        A `next` key may: another process may sign with it an instant before this one
        hears of the promotion.
        """
        return self._verifying.get(key_id)

    def with_verifying(self, others: Keyring) -> Keyring:
        """Return these keys and `others`, of which none signs."""
        joined = dict(self._keys)
        for one in others._keys.values():
            joined.setdefault(one.id, replace(one, state=KeyState.VERIFYING))
        return Keyring(joined.values())

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public key set (RFC 7517 section 5); symmetric keys are never in it."""
        published = (key for key in self._verifying.values() if not key.symmetric)
        return {"keys": [key.public_jwk() for key in published]}

    def __len__(self) -> int:
        return len(self._keys)

    def __eq__(self, other: object) -> bool:
        """Tell whether both hold the same keys in the same states."""
        return isinstance(other, Keyring) and self._keys == other._keys

    def __hash__(self) -> int:
        return hash(frozenset(self._keys))

    def __repr__(self) -> str:
        return f"<Keyring {sorted(self._keys)}>"


def generate(
    algorithm: Algorithm, state: KeyState, now: int, secrets: Secrets, entropy: Entropy
) -> KeyRecord:
    """Make a new key. `now` is in milliseconds.

    Its id is the RFC 7638 thumbprint, or random for a symmetric key, whose thumbprint
    would let anybody test a guess at it. EC and RSA keys come from the library's own
    generator, which takes no other source.
    """
    jose = _generated(algorithm, entropy)
    while jose.thumbprint().startswith("-"):  # on a command line it would be an option
        jose = _generated(algorithm, entropy)
    symmetric = isinstance(jose, OctKey)
    key_id = random_text(entropy, KEY_ID_OCTETS) if symmetric else jose.thumbprint()
    key = Key(key_id, algorithm, state, jose, now)
    plain = json.dumps(jose.as_dict(private=True)).encode()
    return KeyRecord(
        id=key_id,
        algorithm=algorithm.value,
        state=state,
        public=_public_text(key),
        sealed_private=secrets.seal(
            plain, _PURPOSE, _context(key_id, algorithm), entropy.octets(NONCE_OCTETS)
        ),
        created_at=now,
        moved_at=now,
    )


def reseal(record: KeyRecord, secrets: Secrets, entropy: Entropy) -> KeyRecord:
    """Return the record sealed under the newest secret; itself if it already is.

    Raises `ConfigurationError` if no configured secret opens it.
    """
    if secrets.sealed_by_newest(record.sealed_private):
        return record
    context = _context(record.id, record.algorithm)
    plain = secrets.open(record.sealed_private, _PURPOSE, context)
    sealed = secrets.seal(plain, _PURPOSE, context, entropy.octets(NONCE_OCTETS))
    return replace(record, sealed_private=sealed)


def derived_keyring(secrets: Secrets, algorithm: Algorithm = Algorithm.EDDSA) -> Keyring:
    """Return keys that need no store: one from each secret, of which the newest signs.

    Every process with the same secrets has the same keys. Raises `ConfigurationError` for
    an algorithm whose keys cannot be derived.
    """
    if algorithm not in DERIVABLE:
        raise ConfigurationError(
            "algorithm", f"{algorithm.value} keys need a store.", "Use EdDSA or HS256."
        )
    # The algorithm is part of the purpose, so that no bytes serve two algorithms.
    seeds = secrets.derive_each(f"{_DERIVED} {algorithm.value}", SEED_OCTETS)
    names = secrets.derive_each(f"{_DERIVED} id {algorithm.value}", KEY_ID_OCTETS)
    return Keyring(
        _derived(algorithm, seed, name, KeyState.VERIFYING if older else KeyState.SIGNING)
        for older, (seed, name) in enumerate(zip(seeds, names, strict=True))
    )


def read_jwk(
    jwk: Mapping[str, Any],
    algorithm: Algorithm,
    key_id: str,
    state: KeyState = KeyState.VERIFYING,
    created_at: int = 0,
) -> Key:
    """Read a JSON Web Key for exactly one algorithm.

    Raises `ConfigurationError` for `keys` if it is malformed, too weak, of another type
    or meant for another use (RFC 7517 sections 4.2 to 4.4).
    """
    try:
        jose = read(jwk, algorithm.value)
    except UnfitKey as fault:
        raise ConfigurationError("keys", f"the key {key_id} {fault.problem}", _REMEDY) from None
    return Key(key_id, algorithm, state, jose, created_at)


def _generated(algorithm: Algorithm, entropy: Entropy) -> JoseKey:
    match algorithm:
        case Algorithm.EDDSA:
            return _ed25519(entropy.octets(SEED_OCTETS))
        case Algorithm.HS256:
            return OctKey.import_key(entropy.octets(HMAC_OCTETS))
        case Algorithm.ES256:
            return ECKey.generate_key("P-256")
        case Algorithm.PS256 | Algorithm.RS256:
            return RSAKey.generate_key(RSA_BITS)


def _ed25519(seed: bytes) -> OKPKey:
    return OKPKey.import_key(OKPKey.binding.from_private_bytes("Ed25519", seed))


def _derived(algorithm: Algorithm, seed: bytes, name: bytes, state: KeyState) -> Key:
    if algorithm is Algorithm.EDDSA:
        jose = _ed25519(seed)
        return Key(jose.thumbprint(), algorithm, state, jose)
    key_id = urlsafe_b64encode(name).rstrip(b"=").decode("ascii")
    return Key(key_id, algorithm, state, OctKey.import_key(seed))


def _opened(record: KeyRecord, secrets: Secrets) -> Key:
    """Open a stored key.

    The public part is compared with the sealed one even for keys that only verify:
    whoever can write to the store, but has no secret, cannot plant a key.
    """
    try:
        algorithm = Algorithm(record.algorithm)
    except ValueError:
        raise ConfigurationError(
            "keys", f"the key {record.id} has an unknown algorithm.", _REMEDY
        ) from None
    plain = secrets.open(record.sealed_private, _PURPOSE, _context(record.id, algorithm))
    key = read_jwk(json.loads(plain), algorithm, record.id, record.state, record.created_at)
    if record.public != _public_text(key):
        raise ConfigurationError(
            "keys", f"the public part of the key {record.id} was changed.", _REMEDY
        )
    if key.symmetric or key.state is not KeyState.VERIFYING:
        return key
    # What cannot sign any more need not be able to: only the public part stays in memory.
    return read_jwk(key.public_jwk(), algorithm, record.id, record.state, record.created_at)


def _public_members(jose: JoseKey) -> dict[str, str]:
    members = PUBLIC_MEMBERS[jose.key_type]
    return {"kty": jose.key_type} | {name: str(jose.dict_value[name]) for name in members}


def _public_text(key: Key) -> str:
    return "{}" if key.symmetric else json.dumps(_public_members(key.jose), sort_keys=True)


def _context(key_id: str, algorithm: str) -> bytes:
    """Bind a sealed key to its id and its one algorithm."""
    return f"{algorithm} {key_id}".encode()
