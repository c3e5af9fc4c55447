"""The cookies of this wire: read, written and cut into pieces as its clients' servers do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from limen.service.answer import HeaderPairs
    from limen.transports.authjs import Version
    from limen.transports.base import HeaderLines

# Characters of a value that share one cookie: 4096 less what each version sets aside.
PIECE: Final[Mapping[Version, int]] = {5: 3936, 4: 3933}
MAX_PIECES: Final = 8
_UNQUOTED: Final = "!'()*-._~"  # what JavaScript's encodeURIComponent leaves as it is


def cookies_of(headers: HeaderLines) -> dict[str, str]:
    """Return the cookies of a request, percent-decoded where that is possible.

    One whose name occurs twice is the empty text: to take either would let whoever can plant
    one, such as a page of a sibling domain, choose.
    """
    found: dict[str, str] = {}
    for header, line in headers:
        if header != b"cookie":
            continue
        for pair in line.decode("latin-1").split(";"):
            name, equals, value = pair.strip(" \t").partition("=")
            if equals:
                found[name] = "" if name in found else _decoded(value)
    return found


def _decoded(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return value


def pieces_in(cookies: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the names under which a value, or pieces of one, stand in a request."""
    return tuple(one for one in cookies if one == name or _number(one, name) is not None)


def joined(cookies: Mapping[str, str], name: str) -> str:
    """Return a value that stands in one cookie or in numbered pieces; empty if there is none."""
    if name in cookies:
        return cookies[name]
    numbers = sorted(number for one in cookies if (number := _number(one, name)) is not None)
    if not numbers or numbers != list(range(len(numbers))) or len(numbers) > MAX_PIECES:
        return ""
    return "".join(cookies[f"{name}.{number}"] for number in numbers)


def _number(cookie: str, name: str) -> int | None:
    """Return which piece of `name` a cookie is, `None` if it is none."""
    beginning, dot, number = cookie.rpartition(".")
    if beginning != name or not dot or not number.isascii() or not number.isdigit():
        return None
    return int(number) if len(number) <= len(str(MAX_PIECES)) else None


def cut(name: str, value: str, size: int) -> dict[str, str]:
    """Return the cookies that hold a value: one, or numbered pieces of at most `size`."""
    if len(value) <= size:
        return {name: value}
    starts = range(0, len(value), size)
    return {f"{name}.{number}": value[start : start + size] for number, start in enumerate(starts)}


def written(
    name: str, value: str, *, secure: bool, domain: str | None = None, age: int | None = None
) -> tuple[str, str]:
    """Return the header that sets a cookie; `age` in seconds, `None` is until the browser closes.

    A `__Host-` name is bound to its host, so it gets no `domain` (RFC 6265bis section 4.1.3.2).
    """
    parts = [f"{name}={quote(value, safe=_UNQUOTED)}"]
    if age is not None:
        parts.append(f"Max-Age={age}")
    if domain is not None and not name.startswith("__Host-"):
        parts.append(f"Domain={domain}")
    parts += ["Path=/", "HttpOnly", *(["Secure"] if secure else []), "SameSite=Lax"]
    return "Set-Cookie", "; ".join(parts)


def cleared(names: Iterable[str], *, secure: bool, domain: str | None = None) -> HeaderPairs:
    """Return the headers that make a browser forget cookies."""
    return tuple(written(name, "", secure=secure, domain=domain, age=0) for name in names)
