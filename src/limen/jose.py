"""Signed tokens: compact JWS only, and the only place that signs or verifies one.

Parsing is strict, because every leniency is a second spelling of the same token: canonical
base64url, JSON without duplicate members, three known header members. What was parsed but
not verified has a type of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hmac import compare_digest, digest
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from joserfc.errors import JoseError
from joserfc.jwk import Key as JoseKey
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from limen.errors import InvalidToken
from limen.keyring import Algorithm, Key
from limen.secret import Secret
from limen.strict import compact_json, decode_segment, encode_segment, malformed, strict_json
from limen.verdict import Reason

MAXIMUM_LENGTH: Final = 8192  # characters; a cookie holds 4096
_KNOWN_HEADERS: Final = 64  # as text; a system has one for each key and type
_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
# RFC 8725 sections 2.5 and 3.10: no crit, jwk, jku, x5u, x5c, zip, b64 or cty.
_HEADER: Final = frozenset({"alg", "kid", "typ"})
_HEADER_WITH_KEY: Final = frozenset({"alg", "jwk", "typ"})  # RFC 9449 section 4.2
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


def parse(token: object) -> UnverifiedToken:
    """Take a token apart.

    Raises `InvalidToken`, and nothing else, for whatever else it is given:
    `UNSUPPORTED_HEADER` for a header member beyond `alg`, `kid` and `typ`, else `MALFORMED`.
    """
    head, body, signing_input, tail = segments(token, MAXIMUM_LENGTH)
    if not body:
        malformed()
    return UnverifiedToken(_header(head), decode_segment(body), signing_input, decode_segment(tail))


def parse_with_key(token: object, maximum: int) -> tuple[UnverifiedToken, bytes]:
    """Take apart a token whose header is exactly `typ`, `alg` and `jwk`; never an access token.

    Returns the JSON of the header too: the key in it says nothing of who may use it, only that
    whoever made the token holds its private half. Raises `InvalidToken`, as `parse` does.
    """
    head, body, signing_input, tail = segments(token, maximum)
    if not body:
        malformed()
    stated = decode_segment(head)
    header = strict_json(stated)
    if header.keys() != _HEADER_WITH_KEY:
        raise InvalidToken(Reason.UNSUPPORTED_HEADER)
    algorithm, typ = header["alg"], header["typ"]
    if not isinstance(algorithm, str) or not isinstance(typ, str):
        malformed()
    parsed = Header(algorithm, None, typ)
    taken = UnverifiedToken(parsed, decode_segment(body), signing_input, decode_segment(tail))
    return taken, stated


def segments(token: object, maximum: int) -> tuple[bytes, bytes, bytes, bytes]:
    """Return header, payload, what is signed, and signature, all of them encoded still.

    Only the payload may be empty. Length and characters are judged before anything is
    decoded. Raises `InvalidToken(MALFORMED)`, and nothing else.
    """
    if not isinstance(token, str) or len(token) > maximum:
        malformed()
    try:
        octets = token.encode("ascii")
    except UnicodeEncodeError:
        malformed()
    signing_input, _, tail = octets.rpartition(b".")
    head, dot, body = signing_input.partition(b".")
    if not (head and dot and tail):
        malformed()
    return head, body, signing_input, tail


def verify_signature(token: UnverifiedToken, key: Key) -> bool:
    """Tell whether the key signed the token, by the key's own algorithm. Never raises.

    The token's `alg` is not looked at (RFC 8725 section 3.1).
    """
    algorithm, verifier, signature = key.algorithm, key.verifier, token.signature
    if verifier is None:
        return False
    # The two that a busy process checks most go straight to the arithmetic, which knows
    # the one length that a signature has.
    if algorithm is _HS256:
        return compare_digest(digest(verifier, token.signing_input, "sha256"), signature)
    if algorithm is _EDDSA:
        try:
            verifier.verify(signature, token.signing_input)
        except (InvalidSignature, ValueError):
            return False
        return True
    return signature_holds(algorithm.value, key.jose, token.signing_input, signature)


def signature_holds(algorithm: str, jose: JoseKey, signing_input: bytes, signature: bytes) -> bool:
    """Tell whether a key that may serve an algorithm made a signature by it. Never raises."""
    try:
        # OpenSSL takes a PSS signature without its leading zero octet (RFC 8017 section 8.1.2).
        if isinstance(jose, RSAKey):
            octets = (jose.get_op_key("verify").key_size + 7) // 8
            if len(signature) != octets:
                return False
        verify = JWSRegistry.algorithms[algorithm].verify
        return bool(verify(signing_input, signature, jose))
    except (InvalidSignature, JoseError, ValueError):
        return False


@lru_cache(_KNOWN_HEADERS)
def _header(segment: bytes) -> Header:
    header = strict_json(decode_segment(segment))
    if not header.keys() <= _HEADER:
        raise InvalidToken(Reason.UNSUPPORTED_HEADER)
    if "alg" not in header or not all(isinstance(value, str) for value in header.values()):
        malformed()
    key_id = header.get("kid")
    if key_id is not None and not _KEY_ID.fullmatch(key_id):
        malformed()
    return Header(header["alg"], key_id, header.get("typ", ""))
