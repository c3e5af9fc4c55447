"""Signed tokens: compact JWS only, and the only place that signs or verifies one.

Parsing is strict, because every leniency is a second spelling of the same token: canonical
base64url, JSON without duplicate members, three known header members. What was parsed but
not verified has a type of its own.
"""

from __future__ import annotations

import json
import math
import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from collections.abc import Mapping
from functools import lru_cache
from hmac import compare_digest, digest
from typing import Any, Final, NamedTuple, NoReturn

from cryptography.exceptions import InvalidSignature
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

_KNOWN_HEADERS: Final = 64  # as text; a system has one for each key and type
# To the alphabet that the standard library decodes fast; what has no place in base64url
# becomes an octet that has none in base64 either.
_BASE64: Final = bytes(
    {ord("-"): ord("+"), ord("_"): ord("/"), ord("+"): 0, ord("/"): 0, ord("="): 0}.get(
        octet, octet
    )
    for octet in range(256)
)
# JSON with every digit as 0 and every opening bracket as [: what is plain shows at a glance.
_OUTLINE: Final = bytes.maketrans(b"123456789{", b"000000000[")
_LONG_NUMBER: Final = b"0" * 16  # the first length that may be above 2**53
# What a segment may end with, and the padding that it lacks, by its length modulo four. Any
# other last character would be a second spelling: the bits that it adds are not decoded.
_ENDINGS: Final = (
    (frozenset(range(256)), b""),
    (frozenset(b""), b""),  # no number of octets has this length
    (frozenset(b"AQgw"), b"=="),
    (frozenset(b"AEIMQUYcgkosw048"), b"="),
)
_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
# RFC 8725 sections 2.5 and 3.10: no crit, jwk, jku, x5u, x5c, zip, b64 or cty.
_HEADER: Final = frozenset({"alg", "kid", "typ"})
_NESTING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
_HS256: Final = Algorithm.HS256
_EDDSA: Final = Algorithm.EDDSA


class Header(NamedTuple):
    """What a token says of itself: `alg`, and `kid` and `typ` if they are there."""

    algorithm: str
    key_id: str | None
    type: str


class UnverifiedToken(NamedTuple):
    """A token that has the right shape. Nothing in it may be believed."""

    header: Header
    payload: bytes
    signing_input: bytes
    signature: bytes

    def __repr__(self) -> str:
        """Show the header only."""
        return f"<UnverifiedToken {self.header}>"


def sign(claims: Mapping[str, object], key: Key, typ: str) -> Secret:
    """Return a compact JWS whose header is exactly `alg`, `kid` and `typ`."""
    header = {"alg": key.algorithm.value, "kid": key.id, "typ": typ}
    signing_input = (
        encode_segment(compact_json(header)) + b"." + encode_segment(compact_json(claims))
    )
    signature = JWSRegistry.algorithms[key.algorithm.value].sign(signing_input, key.jose)
    return Secret((signing_input + b"." + encode_segment(signature)).decode("ascii"))


def parse(token: str) -> UnverifiedToken:
    """Take a token apart.

    Raises `InvalidToken`, and nothing else, for any other text: `UNSUPPORTED_HEADER` for a
    header member beyond `alg`, `kid` and `typ`, else `MALFORMED`.
    """
    if len(token) > MAXIMUM_LENGTH:
        _malformed()
    try:
        octets = token.encode("ascii")
    except UnicodeEncodeError:
        _malformed()
    signing_input, _, tail = octets.rpartition(b".")
    head, _, body = signing_input.partition(b".")
    if not (head and body and tail):
        _malformed()
    return UnverifiedToken(_header(head), decode_segment(body), signing_input, decode_segment(tail))


def verify_signature(token: UnverifiedToken, key: Key) -> bool:
    """Tell whether the key signed the token, by the key's own algorithm. Never raises.

    The token's `alg` is not looked at (RFC 8725 section 3.1).
    """
    algorithm, verifier, signature = key.algorithm, key.verifier, token.signature
    if verifier is None:
        return False
    try:
        # The two that a busy process checks most go straight to the arithmetic, which knows
        # the one length that a signature has.
        if algorithm is _HS256:
            return compare_digest(digest(verifier, token.signing_input, "sha256"), signature)
        if algorithm is _EDDSA:
            verifier.verify(signature, token.signing_input)
            return True
        # OpenSSL takes a PSS signature without its leading zero octet (RFC 8017 section 8.1.2).
        if isinstance(key.jose, RSAKey) and len(signature) != (verifier.key_size + 7) // 8:
            return False
        by_library = JWSRegistry.algorithms[algorithm.value]
        return bool(by_library.verify(token.signing_input, signature, key.jose))
    except (InvalidSignature, JoseError, ValueError):
        return False


def strict_json(data: bytes) -> dict[str, Any]:
    """Read a JSON object that every reader must understand alike (RFC 7493).

    UTF-8 without byte order mark or white space around it; no duplicate members, lone
    surrogates, NaN or Infinity; numbers of at most 2**53; at most 8 levels. Raises
    `InvalidToken(MALFORMED)`, and nothing else, for any other bytes.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        _malformed()
    outline = data.translate(_OUTLINE)
    if outline.count(b"[") > MAXIMUM_DEPTH and _too_deep(text):
        _malformed()
    decoder = _DECODER if _LONG_NUMBER in outline else _DECODER_OF_SHORT_NUMBERS
    try:
        value, end = decoder.raw_decode(text)
        if end != len(text):
            _malformed()
        if "\\u" in text:
            # An escape may spell half of a pair, which no encoder can write again.
            compact_json(value, ascii_only=False)
    except ValueError:
        _malformed()
    if not isinstance(value, dict):
        _malformed()
    return value


def _malformed() -> NoReturn:
    raise InvalidToken(Reason.MALFORMED)


@lru_cache(_KNOWN_HEADERS)
def _header(segment: bytes) -> Header:
    header = strict_json(decode_segment(segment))
    if not header.keys() <= _HEADER:
        raise InvalidToken(Reason.UNSUPPORTED_HEADER)
    if "alg" not in header or not all(isinstance(value, str) for value in header.values()):
        _malformed()
    key_id = header.get("kid")
    if key_id is not None and not _KEY_ID.fullmatch(key_id):
        _malformed()
    return Header(header["alg"], key_id, header.get("typ", ""))


def encode_segment(data: bytes) -> bytes:
    """Return base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=")


def decode_segment(segment: bytes) -> bytes:
    """Decode base64url that is spelt the one canonical way (RFC 4648 section 3.5).

    The segment is not empty. Raises `InvalidToken(MALFORMED)`, and nothing else.
    """
    endings, padding = _ENDINGS[len(segment) % 4]
    if segment[-1] not in endings:
        _malformed()
    try:
        return a2b_base64(segment.translate(_BASE64) + padding, strict_mode=True)
    except ValueError:
        _malformed()


def compact_json(value: object, *, ascii_only: bool = True) -> bytes:
    """Return JSON without white space, as UTF-8."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only, allow_nan=False)
    return text.encode("utf-8")


def _too_deep(text: str) -> bool:
    """Tell whether a JSON text nests too deep, without reading it recursively."""
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
    if len(digits) > MAXIMUM_DIGITS:
        _malformed()
    if -MAXIMUM_NUMBER <= (number := int(digits)) <= MAXIMUM_NUMBER:
        return number
    _malformed()


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
_DECODER_OF_SHORT_NUMBERS: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_fraction, parse_constant=_constant
)
