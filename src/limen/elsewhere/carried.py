"""What a request carries for another server: its cookies, or its `Authorization` header."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines

MAX_CHUNKS: Final = 8  # a header of more than 32 KiB passes no server
_HANDLE_OCTETS: Final = 16


def bearer_of(headers: HeaderLines) -> str | Refused | None:
    """Return what follows `Bearer`, the empty text for another scheme, `None` for no header."""
    lines = [value for name, value in headers if name == b"authorization"]
    if not lines:
        return None
    scheme, _, credential = lines[0].strip().partition(b" ")
    if len(lines) > 1:
        return Refused(Reason.AMBIGUOUS)
    return _decoded(credential.strip()) if scheme.lower() == b"bearer" else ""


def cookie_of(headers: HeaderLines, name: str) -> str | Refused | None:
    """Return the value of a cookie, or of its chunks `name.0`, `name.1` and so on.

    Two of one name are refused, as everywhere in Limen: one may have been planted.
    """
    wanted = name.encode()
    found: dict[bytes, bytes] = {}
    for header, line in headers:
        if header != b"cookie":
            continue
        for pair in line.split(b";"):
            key, equals, value = pair.strip(b" \t").partition(b"=")
            if not equals or not (key == wanted or key.startswith(wanted + b".")):
                continue
            if key in found:
                return Refused(Reason.AMBIGUOUS)
            found[key] = value.strip(b'"')
    if wanted in found:
        return _decoded(found[wanted]) or None
    chunks = []
    for number in range(min(len(found), MAX_CHUNKS)):
        chunk = found.get(b"%s.%d" % (wanted, number))
        if chunk is None:
            break
        chunks.append(chunk)
    return _decoded(b"".join(chunks)) or None


def handle_of(name: str, credential: str) -> str:
    """Return what names a session here without being a credential there."""
    digest = hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()
    return f"{name}:{base64.urlsafe_b64encode(digest[:_HANDLE_OCTETS]).decode().rstrip('=')}"


def _decoded(value: bytes) -> str:
    return unquote(value.decode("latin-1"))
