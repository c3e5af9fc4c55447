"""When two spellings of a URL are the same one (RFC 3986 section 6.2)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

MAXIMUM_URL: Final = 2_048  # characters
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# Scheme, host and port, path. A user name, a bracket out of place or a character that no URL
# has is in none of them; query and fragment are left out.
_PARTS: Final = re.compile(
    r"(https?)://([a-z0-9.\-_~%!$&'()*+,;=]+|\[[0-9a-f:.]+\])(?::([0-9]{0,5}))?"
    r"(/[!$&-;=@A-Z_a-z~%]*)?(?:\?[!-\"$-~]*)?(?:#[!-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_ESCAPE: Final = re.compile(r"%(?:([0-9A-Fa-f]{2})|)")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@lru_cache(1_024)
def normalised(url: str) -> str | None:
    """Return an http(s) URL without query and fragment in the one normal spelling.

    Scheme and host are in lower case, a default port and dot segments are gone, and escapes
    are written alike. `None` for what is no such URL.
    """
    if len(url) > MAXIMUM_URL:
        return None
    parts = _PARTS.fullmatch(url)
    if parts is None:
        return None
    scheme, host, port, path = parts.groups()
    scheme = scheme.lower()
    spelt_host, spelt_path = _unescaped(host), _unescaped(path or "/")
    if spelt_host is None or spelt_path is None:
        return None
    number = int(port) if port else _DEFAULT_PORTS[scheme]
    shown = "" if number == _DEFAULT_PORTS[scheme] else f":{number}"
    return f"{scheme}://{_lowered(spelt_host)}{shown}{_without_dots(spelt_path)}"


def _unescaped(text: str) -> str | None:
    """Decode what needs no escape and write the others in upper case; `None` for half of one."""
    if "%" not in text:
        return text
    broken = False

    def spelt(found: re.Match[str]) -> str:
        nonlocal broken
        if found[1] is None:
            broken = True
            return ""
        character = chr(int(found[1], 16))
        return character if character in _UNRESERVED else f"%{found[1].upper()}"

    decoded = _ESCAPE.sub(spelt, text)
    return None if broken else decoded


def _lowered(host: str) -> str:
    return re.sub(r"%[0-9a-f]{2}", lambda found: found[0].upper(), host.lower())


def _without_dots(path: str) -> str:
    """Remove dot segments (RFC 3986 section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    closing = segments[-1] in (".", "..") and kept
    return "/" + "/".join(kept) + ("/" if closing else "")
