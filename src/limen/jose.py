"""Signed tokens: compact JWS only, and the only place that signs or verifies one.

Parsing is strict, because every leniency is a second spelling of the same token: canonical
base64url, JSON without duplicate members, three known header members. What was parsed but
not verified has a type of its own.
"""

from __future__ import annotations

import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from limen.errors import InvalidToken
from limen.keyring import Algorithm, Key
from limen.secret import Secret
from limen.verdict import Reason

MAXIMUM_LENGTH: Final = 8192  # characters; a cookie holds 4096
MAXIMUM_DEPTH: Final = 8
MAXIMUM_NUMBER: Final = 2**53  # beyond it, JSON numbers differ between readers (RFC 7493 2.2)
MAXIMUM_DIGITS: Final = 24  # of a number, sign and point included; no number needs more

_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
# RFC 8725 sections 2.5 and 3.10: no crit, jwk, jku, x5u, x5c, zip, b64 or cty.
_HEADER: Final = frozenset({"alg", "kid", "typ"})
_NESTING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
_SIGNATURE_OCTETS: Final = {Algorithm.EDDSA: 64, Algorithm.ES256: 64, Algorithm.HS256: 32}


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token that has the right shape. Nothing in it may be believed."""

    header: Mapping[str, str]
    payload: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def sign(claims: Mapping[str, object], key: Key, typ: str) -> Secret:
    """Return a compact JWS whose header is exactly `alg`, `kid` and `typ`."""
    header = {"alg": key.algorithm.value, "kid": key.id, "typ": typ}
    signing_input = _encode(_compact_json(header)) + b"." + _encode(_compact_json(claims))
    signature = JWSRegistry.algorithms[key.algorithm.value].sign(signing_input, key.jose)
    return Secret((signing_input + b"." + _encode(signature)).decode("ascii"))


def parse(token: str) -> UnverifiedToken:
    """Take a token apart.

    Raises `InvalidToken`, and nothing else, for any other text: `UNSUPPORTED_HEADER` for a
    header member beyond `alg`, `kid` and `typ`, else `MALFORMED`.
    """
    if len(token) > MAXIMUM_LENGTH or not _COMPACT.fullmatch(token):
        _malformed()
    head, body, tail = token.split(".")
    return UnverifiedToken(
        header=_header(_decode(head)),
        payload=_decode(body),
        signing_input=f"{head}.{body}".encode("ascii"),
        signature=_decode(tail),
    )


def verify_signature(token: UnverifiedToken, key: Key) -> bool:
    """Tell whether the key signed the token, by the key's own algorithm. Never raises.

    The token's `alg` is not looked at (RFC 8725 section 3.1).
    """
    expected = _SIGNATURE_OCTETS.get(key.algorithm)
    if isinstance(key.jose, RSAKey):
        expected = key.jose.public_key.key_size // 8
    if len(token.signature) != expected:
        return False
    try:
        algorithm = JWSRegistry.algorithms[key.algorithm.value]
        return bool(algorithm.verify(token.signing_input, token.signature, key.jose))
    except (JoseError, ValueError):
        return False


def strict_json(data: bytes) -> dict[str, Any]:
    """Read a JSON object that every reader must understand alike (RFC 7493).

    UTF-8 without byte order mark; no duplicate members, lone surrogates, NaN or Infinity;
    numbers of at most 2**53; at most 8 levels. Raises `InvalidToken(MALFORMED)`, and
    nothing else, for any other bytes.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        _malformed()
    if _too_deep(text):
        _malformed()
    try:
        value = _DECODER.decode(text)
        if "\\u" in text:
            # An escape may spell half of a pair, which no encoder can write again.
            _compact_json(value, ascii_only=False)
    except ValueError:
        _malformed()
    if not isinstance(value, dict):
        _malformed()
    return value


def _malformed() -> NoReturn:
    raise InvalidToken(Reason.MALFORMED)


def _header(data: bytes) -> Mapping[str, str]:
    header = strict_json(data)
    if not header.keys() <= _HEADER:
        raise InvalidToken(Reason.UNSUPPORTED_HEADER)
    if "alg" not in header or not all(isinstance(value, str) for value in header.values()):
        _malformed()
    if "kid" in header and not _KEY_ID.fullmatch(header["kid"]):
        _malformed()
    return header


def _encode(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _decode(segment: str) -> bytes:
    """Decode base64url that is spelt the one canonical way (RFC 4648 section 3.5)."""
    try:
        data = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        _malformed()
    # A 64 byte signature has 15 other last characters that decode alike.
    if _encode(data) != segment.encode("ascii"):
        _malformed()
    return data


def _compact_json(value: object, *, ascii_only: bool = True) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only, allow_nan=False)
    return text.encode("utf-8")


def _too_deep(text: str) -> bool:
    """Tell whether a JSON text nests too deep, without reading it recursively."""
    if text.count("{") + text.count("[") <= MAXIMUM_DEPTH:
        return False  # the usual case
    level = 0
    for found in _NESTING.finditer(text):
        if found[0] in "[{":
            level += 1
            if level > MAXIMUM_DEPTH:
                return True
        elif found[0] in "]}":
            level -= 1
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _malformed()
    return members


def _integer(digits: str) -> int:
    if len(digits) > MAXIMUM_DIGITS or abs(int(digits)) > MAXIMUM_NUMBER:
        _malformed()
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number) or abs(number) > MAXIMUM_NUMBER:
        _malformed()
    return number


def _constant(_name: str) -> NoReturn:
    _malformed()


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
