"""A copy of the session in a cookie, for the middleware of a front end.

`getCookieCache` of better-auth reads it without asking anybody. Limen writes it and never
believes it; it holds no credential, and its key opens nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any, Final

from limen.jwe import TOLERANCE, TokenKeys
from limen.service.better_auth.sessions import describe
from limen.strict import compact_json, encode_segment
from limen.transports import Carrier
from limen.transports.better_auth import cache_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.entropy import Entropy
    from limen.service.better_auth.endpoint import Call, Description
    from limen.transports.better_auth import CacheFormat

VERSION: Final = "1"  # what the readers expect unless told otherwise
_DATES: Final = frozenset({"expiresAt", "createdAt", "updatedAt"})
# What the readers turn into a date wherever it stands, and so write in another way.
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)


async def write(call: Call) -> None:
    """Write the copy beside an answer that tells of a session which the store still has."""
    settings, edge = call.auth.settings.better_auth, call.request_auth
    if not settings.cookie_cache:
        return
    carried = call.carried()
    by_cookie = carried is not None and carried.carrier is Carrier.COOKIE
    if edge.issued is not None:
        described = call.described or await describe(call, edge.issued.principal)
    else:
        described = call.described if by_cookie else None
    if described is None:
        return
    life = min(round(settings.cookie_cache * 1000), described.ends_at - call.now)
    assembly = call.auth.assembly
    value = None
    if life >= 1000:  # noqa: PLR2004 - a second: a cookie has no shorter age
        secret = cache_secret(assembly.secrets)
        written = settings.cookie_cache_format
        value = written_as(written, secret, described, call.now, life, assembly.entropy)
    age = life // 1000 if described.remembered else None
    lines = None if value is None else edge.cookies.beside.keep_cache(value, age)
    if lines is None:
        edge.forget_cache()
    else:
        edge.put(lines)


def written_as(
    written: CacheFormat,
    secret: str,
    described: Description,
    now: int,
    life: int,
    entropy: Entropy,
) -> str | None:
    """Return the value of the cookie, `None` for what its readers would take for broken.

    `now` and `life` are in milliseconds.
    """
    members = described.members
    if "email" not in members["user"] or not _survives(members):
        return None
    told = {
        "session": members["session"],
        "user": members["user"],
        "updatedAt": now,
        "version": VERSION,
    }
    if written == "compact":
        return _compact(told, secret, now + life)
    if written == "jwt":
        return _signed(told, secret, now, life)
    # Its readers allow for clocks that differ, and so would believe it for that much longer.
    keys = TokenKeys.better_auth((secret,))
    return keys.encrypt(told, now=now, lifetime=life - TOLERANCE, entropy=entropy).reveal()


def _compact(told: Mapping[str, Any], secret: str, ends_at: int) -> str:
    """Write JSON with a MAC over the same members, once more and in this order."""
    signed = compact_json({**told, "expiresAt": ends_at}, ascii_only=False)
    signature = encode_segment(_mac(secret, signed)).decode()
    whole = {"session": told, "expiresAt": ends_at, "signature": signature}
    return encode_segment(compact_json(whole, ascii_only=False)).decode()


def _signed(told: Mapping[str, Any], secret: str, now: int, life: int) -> str:
    """Write a JWS whose key is the text of the secret; none of Limen's own verifiers has it."""
    claims = {**told, "iat": now // 1000, "exp": (now + life) // 1000}
    parts = (compact_json({"alg": "HS256"}), compact_json(claims))
    signing = b".".join(map(encode_segment, parts))
    return (signing + b"." + encode_segment(_mac(secret, signing))).decode()


def _mac(secret: str, text: bytes) -> bytes:
    return hmac.digest(secret.encode(), text, hashlib.sha256)


def _survives(value: object, name: str = "") -> bool:
    """Tell whether JavaScript reads this and writes it again with the same characters."""
    if isinstance(value, dict):
        # It puts names that are whole numbers first.
        return all(not key.isdigit() and _survives(one, key) for key, one in value.items())
    if isinstance(value, list):
        return all(_survives(one) for one in value)
    if isinstance(value, str):
        return name in _DATES or _DATE.fullmatch(value) is None
    return not isinstance(value, float)
