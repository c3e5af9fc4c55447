"""Signed messages of others, whose payload may be anything: `verify`, and nothing that signs.

Access tokens have stricter rules and go through `limen.claims`; the parsing is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from limen import jwk
from limen.errors import ConfigurationError, InvalidToken
from limen.jose import MAXIMUM_LENGTH, segments, signature_holds
from limen.strict import decode_segment, malformed, strict_json
from limen.verdict import Reason

MAXIMUM_KEYS: Final = 64  # of a set
MAXIMUM_NAME: Final = 512  # characters of `kid`, `typ` and `alg`

# What would change how a message is read or whose key verifies it (RFC 7515 section 4.1,
# RFC 7516 section 4.1, RFC 7797 section 3): refused, because to pass it over is to be wrong.
_NEVER: Final = frozenset({"crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"})


class Unverified(NamedTuple):
    """A message that has the right shape. Nothing in it may be believed."""

    header: Mapping[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """What the message says that it was signed by."""
        return str(self.header["alg"])

    @property
    def key_id(self) -> str | None:
        """Which key the message names."""
        return self.header.get("kid")

    def __repr__(self) -> str:
        """Show nothing that was sent."""
        return "<Unverified>"


def verify(
    message: object,
    key: Mapping[str, Any],
    algorithms: Collection[str] | None = None,
    *,
    maximum: int = MAXIMUM_LENGTH,
) -> bytes:
    """Return the payload of a compact JWS (RFC 7515) that `key` has signed.

    `key` is a JSON Web Key, or a set of them (RFC 7517 section 5): then it is the one that
    the message names by `kid`, or, if it names none, any that is for its algorithm. A key is
    for the one algorithm that it says, else for the only one that its type, curve and size
    allow; where they allow several, `algorithms` must leave one. A private key is taken as
    its public part. `maximum` is in characters.

    Raises `InvalidToken` for every message and, as its subclass `UnfitKey`, for every key
    that is refused; `ConfigurationError` for `algorithms` that are empty, unknown, or secret
    and public ones together.
    """
    allowed = _allowed(algorithms)
    keys = _keys(key, allowed)
    token = read(message, maximum)
    if keys is None:
        return check(token, key, allowed)
    named = token.key_id
    reason = Reason.UNKNOWN_KEY
    for one in keys:
        if named is not None and one.get("kid") != named:
            continue
        try:
            return check(token, one, allowed)
        except InvalidToken as refusal:
            if named is not None:
                raise
            reason = max(reason, refusal.reason, key=_AFTER.index)
    raise InvalidToken(reason)


def read(message: object, maximum: int = MAXIMUM_LENGTH) -> Unverified:
    """Take a message apart; raises `InvalidToken`, and nothing else, if it is none.

    Other members of the header than those that are known and those that are refused mean
    nothing here (RFC 7515 section 4).
    """
    head, body, signing_input, tail = segments(message, maximum)
    header = strict_json(decode_segment(head))
    if _NEVER & header.keys():
        raise InvalidToken(Reason.UNSUPPORTED_HEADER)
    if "alg" not in header:
        malformed()
    for name in ("alg", "kid", "typ"):
        value = header.get(name, "")
        if not isinstance(value, str) or len(value) > MAXIMUM_NAME:
            malformed()
    payload = decode_segment(body) if body else b""
    return Unverified(header, payload, signing_input, decode_segment(tail))


def check(token: Unverified, key: object, algorithms: Collection[str] | None = None) -> bytes:
    """Return the payload if this one key signed the message; raises `InvalidToken`."""
    if token.algorithm not in jwk.algorithms_of(key, algorithms):
        raise InvalidToken(Reason.WRONG_ALGORITHM)
    jose = jwk.read_public(key, token.algorithm)
    if not signature_holds(token.algorithm, jose, token.signing_input, token.signature):
        raise InvalidToken(Reason.BAD_SIGNATURE)
    return token.payload


# How far a key of a set came, for the one reason that is given of them all.
_AFTER: Final = (Reason.UNKNOWN_KEY, Reason.WRONG_ALGORITHM, Reason.BAD_SIGNATURE)


def _allowed(algorithms: Collection[str] | None) -> Collection[str] | None:
    if algorithms is None:
        return None
    names = frozenset([algorithms] if isinstance(algorithms, str) else algorithms)
    if not names or not names <= jwk.ALGORITHMS:
        raise ConfigurationError(
            "algorithms", "names none, or one that cannot be verified.", "Name the ones you use."
        )
    if names & jwk.SYMMETRIC and not names <= jwk.SYMMETRIC:
        raise ConfigurationError(
            "algorithms",
            "mixes shared secrets with public keys, so one could be taken for the other.",
            "Verify the two by two calls.",
        )
    return names


def _keys(key: object, allowed: Collection[str] | None) -> Sequence[Mapping[str, Any]] | None:
    """Return the keys of a set, `None` for a key; neither depends on a message."""
    if not isinstance(key, Mapping) or "keys" not in key:
        jwk.algorithms_of(key, allowed)
        return None
    keys = key["keys"]
    if (
        not isinstance(keys, list | tuple)
        or not 0 < len(keys) <= MAXIMUM_KEYS
        or not all(isinstance(one, Mapping) for one in keys)
    ):
        raise jwk.UnfitKey("set is malformed.")
    jwk.check_set(keys)
    return keys
