"""Reads a public key set (RFC 7517 section 5) that somebody else publishes.

What another program may need is passed over: other algorithms, other uses. What should not
be there at all refuses the whole set, because then nothing in it is to be believed.
"""

from __future__ import annotations

import re
from typing import Any, Final

from limen.errors import ConfigurationError, InvalidToken, LimenError
from limen.jwk import publishes_a_secret
from limen.keyring import Algorithm, Key, read_jwk
from limen.strict import strict_json

_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_PUBLISHABLE: Final = frozenset(Algorithm) - {Algorithm.HS256}


class UnusableKeySet(LimenError):
    """A document is no key set that may be believed. The text quotes nothing of it but key ids."""


def read_key_set(document: bytes, maximum: int) -> tuple[Key, ...]:
    """Return the keys that may verify, each for its one algorithm; raises `UnusableKeySet`.

    `maximum` is how many keys a set may have, used or not.
    """
    try:
        stated = strict_json(document.strip(b" \t\r\n"))
    except InvalidToken:
        raise UnusableKeySet("it is no JSON object that every reader understands alike") from None
    listed = stated.get("keys")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise UnusableKeySet("it has no list of keys")
    if len(listed) > maximum:
        raise UnusableKeySet(f"it has {len(listed)} keys, more than {maximum}")
    keys = [key for jwk in listed if (key := _read(jwk)) is not None]
    if len({key.id for key in keys}) != len(keys):
        raise UnusableKeySet("two of its keys have one id")
    if not keys:
        raise UnusableKeySet("it has no key for any algorithm that is taken here")
    return tuple(keys)


def _read(jwk: dict[str, Any]) -> Key | None:
    if publishes_a_secret(jwk):
        raise UnusableKeySet("it publishes what must be kept secret, so whoever reads it can sign")
    algorithm = jwk.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _PUBLISHABLE:
        return None  # RFC 8725 section 3.1: no key without an algorithm of its own
    if jwk.get("use", "sig") != "sig":
        return None
    key_id = jwk.get("kid")
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise UnusableKeySet("one of its keys has no id that a token could name")
    try:
        key = read_jwk(jwk, Algorithm(algorithm), key_id)
    except ConfigurationError as fault:
        raise UnusableKeySet(fault.problem) from None
    if key.verifier is None:
        return None  # its `key_ops` are for something else
    return key
