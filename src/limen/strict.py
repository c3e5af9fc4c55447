"""Base64url and JSON that have one spelling: what does not is refused, never repaired.

Every leniency of a reader is a second spelling of the same token, and every difference
between two readers a token that means one thing to each.
"""

from __future__ import annotations

import json
import math
import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from typing import Any, Final, NoReturn

from limen.errors import InvalidToken
from limen.verdict import Reason

MAXIMUM_DEPTH: Final = 8
MAXIMUM_NUMBER: Final = 2**53  # beyond it, JSON numbers differ between readers (RFC 7493 2.2)
MAXIMUM_DIGITS: Final = 24  # of a number, sign and point included; no number needs more

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
_NESTING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def encode_segment(data: bytes) -> bytes:
    """Return base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=")


def decode_segment(segment: bytes) -> bytes:
    """Decode base64url that is spelt the one canonical way (RFC 4648 section 3.5).

    The segment is not empty. Raises `InvalidToken(MALFORMED)`, and nothing else.
    """
    endings, padding = _ENDINGS[len(segment) % 4]
    if segment[-1] not in endings:
        malformed()
    try:
        return a2b_base64(segment.translate(_BASE64) + padding, strict_mode=True)
    except ValueError:
        malformed()


def compact_json(value: object, *, ascii_only: bool = True) -> bytes:
    """Return JSON without white space, as UTF-8."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only, allow_nan=False)
    return text.encode("utf-8")


def strict_json(data: bytes) -> dict[str, Any]:
    """Read a JSON object that every reader must understand alike (RFC 7493).

    UTF-8 without byte order mark or white space around it; no duplicate members, lone
    surrogates, NaN or Infinity; numbers of at most 2**53; at most 8 levels. Raises
    `InvalidToken(MALFORMED)`, and nothing else, for any other bytes.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        malformed()
    outline = data.translate(_OUTLINE)
    if outline.count(b"[") > MAXIMUM_DEPTH and _too_deep(text):
        malformed()
    decoder = _DECODER if _LONG_NUMBER in outline else _DECODER_OF_SHORT_NUMBERS
    try:
        value, end = decoder.raw_decode(text)
        if end != len(text):
            malformed()
        if "\\u" in text:
            # An escape may spell half of a pair, which no encoder can write again.
            compact_json(value, ascii_only=False)
    except ValueError:
        malformed()
    if not isinstance(value, dict):
        malformed()
    return value


def malformed() -> NoReturn:
    """Refuse what has not the right shape."""
    raise InvalidToken(Reason.MALFORMED)


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
        malformed()
    return members


def _integer(digits: str) -> int:
    if len(digits) > MAXIMUM_DIGITS:
        malformed()
    if -MAXIMUM_NUMBER <= (number := int(digits)) <= MAXIMUM_NUMBER:
        return number
    malformed()


def _fraction(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number) or abs(number) > MAXIMUM_NUMBER:
        malformed()
    return number


def _constant(_name: str) -> NoReturn:
    malformed()


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
_DECODER_OF_SHORT_NUMBERS: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_fraction, parse_constant=_constant
)
