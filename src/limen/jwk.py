"""What a JSON Web Key must be before anything is verified with it: the only place that says so.

One key serves one algorithm, which the key says and never the token (RFC 8725 section 3.1):
by its `alg`, else by its type, curve and size where those leave one only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jwk import Key as JoseKey

from limen.errors import InvalidToken
from limen.strict import decode_segment
from limen.verdict import Reason
from limen.weak_keys import is_degenerate_ed25519, is_weak_modulus

RSA_MINIMUM_BITS: Final = 2048  # RFC 7518 section 3.3
RSA_MAXIMUM_BITS: Final = 8192  # a longer key makes each check slow and nothing safer
RSA_MINIMUM_EXPONENT: Final = 65537  # FIPS 186-5 section 5.1
RSA_MAXIMUM_EXPONENT_BITS: Final = 32
ED25519: Final = frozenset({"EdDSA", "Ed25519"})  # two names of one algorithm (RFC 9864)

_TYPES: Final[Mapping[str, type[JoseKey]]] = {
    "oct": OctKey,
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
# Members that whoever may only verify must not have: RFC 7518 sections 6.2.2, 6.3.2 and
# 6.4.1, RFC 8037 section 2.
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# What may be published, by key type. An allowlist, so that no private member can slip out.
PUBLIC_MEMBERS: Final = {"OKP": ("crv", "x"), "EC": ("crv", "x", "y"), "RSA": ("n", "e")}
_OPERATIONS: Final = frozenset({"sign", "verify"})  # RFC 7517 section 4.3
# How the public keys begin that were taken for a shared secret elsewhere.
_PUBLISHED: Final = (b"-----BEGIN ", b"ssh-", b"ecdsa-sha2-")


class UnfitKey(InvalidToken):
    """Nothing may be verified with this key; `problem` says why, and quotes nothing of it."""

    def __init__(self, problem: str) -> None:
        super().__init__(Reason.UNKNOWN_KEY)
        self.problem = problem

    def __str__(self) -> str:
        return f"the key {self.problem}"


class _Needs(NamedTuple):
    """What a key must be for an algorithm; `octets` of the hash, or of a coordinate."""

    type: str
    octets: int
    curve: str | None = None


_NEEDS: Final[Mapping[str, _Needs]] = {
    "HS256": _Needs("oct", 32),
    "HS384": _Needs("oct", 48),
    "HS512": _Needs("oct", 64),
    "RS256": _Needs("RSA", 32),
    "RS384": _Needs("RSA", 48),
    "RS512": _Needs("RSA", 64),
    "PS256": _Needs("RSA", 32),
    "PS384": _Needs("RSA", 48),
    "PS512": _Needs("RSA", 64),
    "ES256": _Needs("EC", 32, "P-256"),
    "ES384": _Needs("EC", 48, "P-384"),
    "ES512": _Needs("EC", 66, "P-521"),
    "EdDSA": _Needs("OKP", 32, "Ed25519"),
    "Ed25519": _Needs("OKP", 32, "Ed25519"),
}
# Every algorithm that can be verified. `none` is not one of them and cannot be asked for.
ALGORITHMS: Final = frozenset(_NEEDS)
SYMMETRIC: Final = frozenset(name for name, needs in _NEEDS.items() if needs.type == "oct")


def algorithms_of(jwk: object, allowed: Collection[str] | None = None) -> frozenset[str]:
    """Return what a token may call the one algorithm of a key, among those that are allowed.

    That is one name, and two for a key on Ed25519 if both are allowed or the key names
    neither. Raises `UnfitKey` if none is left, or more than one algorithm.
    """
    members = _members(jwk)
    if "alg" in members:
        stated = members["alg"]
        if not isinstance(stated, str) or stated not in ALGORITHMS:
            raise UnfitKey("is for an algorithm that is not taken here.")
        both = ED25519 if allowed and stated in ED25519 else {stated}
        names = frozenset(both)
    else:
        names = frozenset(name for name, needs in _NEEDS.items() if _could_serve(members, needs))
    if allowed is not None:
        names &= frozenset(allowed)
    if not names:
        raise UnfitKey("is not for an algorithm that is allowed.")
    if len(names) > 1 and not names <= ED25519:
        raise UnfitKey("does not say which algorithm it is for.")
    return names


def check(jwk: object, algorithm: str) -> None:
    """Raise `UnfitKey` unless a key may serve an algorithm, which is one of `ALGORITHMS`.

    RFC 7517 sections 4.1 to 4.4, RFC 7518 section 6, RFC 8037 section 2; ASVS 11.2.3, 11.6.1.
    """
    members, needs = _members(jwk), _NEEDS[algorithm]
    if members.get("kty") != needs.type:
        raise UnfitKey(f"is not of the type that {algorithm} needs.")
    named = members.get("alg", algorithm)
    if named != algorithm and not (named in tuple(ED25519) and algorithm in ED25519):
        raise UnfitKey("is meant for another use.")
    _check_use(members)
    match needs.type:
        case "oct":
            _check_secret(_octets(members, "k"), needs.octets)
        case "RSA":
            _check_rsa(_number(members, "n"), _number(members, "e"))
        case _:
            if members.get("crv") != needs.curve:
                raise UnfitKey(f"is not on the curve {needs.curve}.")
            point = [_octets(members, name) for name in PUBLIC_MEMBERS[needs.type][1:]]
            if any(len(coordinate) != needs.octets for coordinate in point):
                raise UnfitKey("is malformed.")
            if needs.type == "OKP" and is_degenerate_ed25519(point[0]):
                raise UnfitKey("is a point that whoever likes can sign for.")


def offers(jwk: object, algorithm: str) -> bool:
    """Tell whether a key says that it verifies an algorithm; how good a key it is is not judged."""
    try:
        algorithms_of(jwk, {algorithm})
        _check_use(_members(jwk))
    except UnfitKey:
        return False
    return True


def read(jwk: Mapping[str, Any], algorithm: str) -> JoseKey:
    """Return a key as the library has it, with all its members; raises `UnfitKey`."""
    check(jwk, algorithm)
    return _imported(dict(jwk))


def read_public(jwk: object, algorithm: str) -> JoseKey:
    """Return what verifies: the secret, or the public part alone; raises `UnfitKey`."""
    check(jwk, algorithm)
    members = _members(jwk)
    if "verify" not in members.get("key_ops", ("verify",)):
        raise UnfitKey("is meant for another use.")
    kind: str = members["kty"]
    wanted = ("kty", *PUBLIC_MEMBERS.get(kind, ("k",)))
    return _imported({name: members[name] for name in wanted})


def check_set(jwks: Iterable[Mapping[str, Any]]) -> None:
    """Raise `UnfitKey` for keys that must not stand side by side.

    Two of one id could be told apart by nobody (RFC 7517 section 4.5), and a secret beside
    public keys is either published or taken for one of them (RFC 8725 section 2.1).
    """
    keys = list(jwks)
    named = [key_id for key in keys if (key_id := key.get("kid")) is not None]
    if not all(isinstance(key_id, str) for key_id in named):
        raise UnfitKey("has an id that is no text.")
    if len(set(named)) != len(named):
        raise UnfitKey("has an id that another key has too.")
    if len({key.get("kty") == "oct" for key in keys}) > 1:
        raise UnfitKey("set mixes secrets with public keys.")


def publishes_a_secret(jwk: Mapping[str, Any]) -> bool:
    """Tell whether a key that everybody sees shows what only its owner may know."""
    return jwk.get("kty") == "oct" or not PRIVATE_MEMBERS.isdisjoint(jwk)


def _members(jwk: object) -> Mapping[str, Any]:
    if not isinstance(jwk, Mapping) or not jwk:
        raise UnfitKey("is no JSON Web Key.")
    return jwk


def _could_serve(members: Mapping[str, Any], needs: _Needs) -> bool:
    if members.get("kty") != needs.type:
        return False
    if needs.type == "oct":
        return len(_octets(members, "k")) >= needs.octets
    return needs.curve is None or members.get("crv") == needs.curve


def _check_use(members: Mapping[str, Any]) -> None:
    operations = members.get("key_ops", ["verify"])
    if not isinstance(operations, list | tuple) or not all(
        isinstance(one, str) for one in operations
    ):
        raise UnfitKey("is malformed.")
    unrelated = set(operations) - _OPERATIONS
    if (
        members.get("use", "sig") != "sig"
        or not operations
        or unrelated
        or len(set(operations)) != len(operations)
    ):
        raise UnfitKey("is meant for another use.")


def _check_secret(secret: bytes, octets: int) -> None:
    if len(secret) < octets:
        raise UnfitKey(f"is shorter than {octets} bytes.")
    if secret.startswith(_PUBLISHED) or (secret.lstrip().startswith(b"{") and b'"kty"' in secret):
        raise UnfitKey("is a public key that was taken for a secret.")


def _check_rsa(modulus: int, exponent: int) -> None:
    if modulus.bit_length() < RSA_MINIMUM_BITS:
        raise UnfitKey(f"is shorter than {RSA_MINIMUM_BITS} bits.")
    if modulus.bit_length() > RSA_MAXIMUM_BITS:
        raise UnfitKey(f"is longer than {RSA_MAXIMUM_BITS} bits.")
    if exponent < RSA_MINIMUM_EXPONENT or exponent % 2 == 0:
        raise UnfitKey(f"has an exponent that is even or below {RSA_MINIMUM_EXPONENT}.")
    if exponent.bit_length() > RSA_MAXIMUM_EXPONENT_BITS:
        raise UnfitKey("has too large an exponent.")
    if is_weak_modulus(modulus):
        raise UnfitKey("has a modulus that can be taken apart.")


def _octets(members: Mapping[str, Any], name: str) -> bytes:
    text = members.get(name)
    if not isinstance(text, str) or not text.isascii():
        raise UnfitKey("is malformed.")
    try:
        return decode_segment(text.encode("ascii")) if text else b""
    except InvalidToken:
        raise UnfitKey("is malformed.") from None


def _number(members: Mapping[str, Any], name: str) -> int:
    # Some write a zero octet first, which RFC 7518 section 6.3.1.1 knows of and forbids.
    return int.from_bytes(_octets(members, name))


def _imported(members: dict[str, Any]) -> JoseKey:
    try:
        # The library looks whether a point is on its curve, and a private part fits.
        return _TYPES[members["kty"]].import_key(members)
    except (JoseError, ValueError, TypeError, KeyError):
        raise UnfitKey("is malformed.") from None
