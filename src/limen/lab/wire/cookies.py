"""What a `Set-Cookie` line asks of a browser: attribute by attribute, with a verdict for each.

The advice is that of "OAuth 2.0 for Browser-Based Applications" about cookies; what an
attribute does is RFC 6265bis section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import cache
from typing import TYPE_CHECKING, Final

from limen.lab.reading.moments import relative
from limen.transports.cookie import CookieSettings, CookieTransport

if TYPE_CHECKING:
    from limen.lab.recording.exchange import Line
    from limen.trace.event import Recorded

# Why a cookie of a jar did not go along, in words.
UNSENT: Final[Mapping[str, str]] = {
    "Expired": "its time was over. The jar drops it now; the server was not told.",
    "SecureOnly": "it is Secure, and this request is plain http. (Chrome and Firefox make an "
    "exception for the loopback; this jar makes none.)",
    "NotOnPath": "its Path does not cover the path that was asked.",
    "DomainMismatch": "it belongs to another host.",
}
HOST_PREFIX: Final = "__Host-"
SECURE_PREFIX: Final = "__Secure-"
MAX_DIGITS: Final = 11


@unique
class Verdict(StrEnum):
    """How an attribute compares with the advice."""

    ADVISED = "as advised"
    WEAKER = "weaker than advised"
    MISSING = "missing"
    LOOPBACK = "only on plain http"
    BROKEN = "browsers drop it"
    FREE = "no advice"


@dataclass(frozen=True, slots=True)
class Trait:
    """One attribute: what is stated, what follows from it, and what to think of it."""

    name: str
    stated: str
    meaning: str
    verdict: Verdict
    source: str


@dataclass(frozen=True, slots=True)
class CookieCard:
    """One `Set-Cookie` line, read. `value` is the label of its credential, `None` for none."""

    name: str
    value: Recorded | None
    octets: int
    traits: tuple[Trait, ...]

    @property
    def deletes(self) -> bool:
        """Whether the line tells the browser to drop the cookie."""
        return self.value is None


def card_of(line: Line, at: int) -> CookieCard:
    """Read a `Set-Cookie` line that was sent at `at`, in milliseconds."""
    first, *others = line.pieces
    name = first.removesuffix("=") if isinstance(first, str) else "a cookie that is not listed"
    value = next((one for one in others if isinstance(one, Mapping)), None)
    stated = "".join(one for one in others if isinstance(one, str))
    attributes = dict(_attribute(one) for one in stated.split(";") if one.strip())
    return CookieCard(name, value, line.octets, _traits(name, attributes, at))


@cache
def over_https(name: str) -> str:
    """Return how Limen sets the cookie of this name over https, as its transport writes it."""
    for _, octets in CookieTransport(CookieSettings(), secure=True).withdraw():
        stated, *attributes = octets.decode("latin-1").split("; ")
        if stated.removesuffix("=").endswith(name):
            kept = [one for one in attributes if not one.startswith("Max-Age")]
            return "; ".join([f"{stated}…", *kept])
    return ""


def _attribute(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip()


def _traits(name: str, attributes: Mapping[str, str], at: int) -> tuple[Trait, ...]:
    secure = "secure" in attributes
    return (
        _prefix(name, attributes),
        _secure(secure),
        _http_only("httponly" in attributes),
        _same_site(attributes.get("samesite")),
        _path(attributes.get("path")),
        _domain(attributes.get("domain")),
        _lifetime(attributes, at),
    )


def _prefix(name: str, attributes: Mapping[str, str]) -> Trait:
    source = "RFC 6265bis, 4.1.3"
    if not name.startswith((HOST_PREFIX, SECURE_PREFIX)):
        meaning = (
            "A prefix would have to be Secure, so on plain http there is none: another host or "
            "port of this machine could set a cookie of the same name."
        )
        return Trait("Name", "no prefix", meaning, Verdict.LOOPBACK, source)
    host = name.startswith(HOST_PREFIX)
    kept = "secure" in attributes and (
        not host or (attributes.get("path") == "/" and "domain" not in attributes)
    )
    if not kept:
        meaning = "The prefix promises attributes that this line does not have."
        return Trait(
            "Name", HOST_PREFIX if host else SECURE_PREFIX, meaning, Verdict.BROKEN, source
        )
    if host:
        meaning = "Only this host can have set it, over https."
        return Trait("Name", HOST_PREFIX, meaning, Verdict.ADVISED, source)
    meaning = "It was set over https, but a subdomain may have set it."
    return Trait("Name", SECURE_PREFIX, meaning, Verdict.WEAKER, source)


def _secure(secure: bool) -> Trait:
    source = "RFC 6265bis, 4.1.2.5"
    if secure:
        meaning = "It never travels over plain http, where anybody on the way could read it."
        return Trait("Secure", "set", meaning, Verdict.ADVISED, source)
    meaning = (
        "It may travel over plain http. This server listens on the loopback without TLS, and "
        "not every browser takes a Secure cookie there. Over https Limen sets it always."
    )
    return Trait("Secure", "absent", meaning, Verdict.LOOPBACK, source)


def _http_only(http_only: bool) -> Trait:
    source = "RFC 6265bis, 4.1.2.6"
    if http_only:
        meaning = (
            "No script can read it. A script that was injected can still make requests with it."
        )
        return Trait("HttpOnly", "set", meaning, Verdict.ADVISED, source)
    meaning = "Every script of the page can read it and send it elsewhere."
    return Trait("HttpOnly", "absent", meaning, Verdict.MISSING, source)


_SAME_SITE: Final[Mapping[str, tuple[str, Verdict]]] = {
    "strict": ("Requests that another site causes never carry it.", Verdict.ADVISED),
    "lax": (
        (
            "A link from another site carries it, a form or a script of another site does not. "
            "Strict is advised and would greet whoever follows a link as a stranger; Limen checks "
            "the Origin of every unsafe request besides."
        ),
        Verdict.WEAKER,
    ),
    "none": ("Every site's requests carry it.", Verdict.MISSING),
}


def _same_site(stated: str | None) -> Trait:
    source = "RFC 6265bis, 4.1.2.7"
    if stated is None:
        meaning = "Each browser has a default of its own, most of them Lax."
        return Trait("SameSite", "absent", meaning, Verdict.MISSING, source)
    unknown = ("A browser takes this word for its default.", Verdict.MISSING)
    meaning, verdict = _SAME_SITE.get(stated.lower(), unknown)
    return Trait("SameSite", stated, meaning, verdict, source)


def _path(stated: str | None) -> Trait:
    source = "RFC 6265bis, 4.1.2.4"
    if stated == "/":
        meaning = (
            "Every path of the host gets it. A narrower path is no wall: scripts can step over it."
        )
        return Trait("Path", "/", meaning, Verdict.ADVISED, source)
    meaning = "Only part of the host gets it, which protects from nothing on the same host."
    return Trait("Path", stated or "absent", meaning, Verdict.WEAKER, source)


def _domain(stated: str | None) -> Trait:
    source = "RFC 6265bis, 4.1.2.3"
    if stated is None:
        meaning = "Only the host that set it gets it, and no subdomain."
        return Trait("Domain", "absent", meaning, Verdict.ADVISED, source)
    meaning = "Every subdomain gets it, also one that somebody else has taken over."
    return Trait("Domain", stated, meaning, Verdict.WEAKER, source)


def _lifetime(attributes: Mapping[str, str], at: int) -> Trait:
    source = "RFC 6265bis, 4.1.2.2"
    age = attributes.get("max-age")
    if age is not None and age.lstrip("-").isdecimal() and len(age) <= MAX_DIGITS:
        seconds = int(age)
        if seconds <= 0:
            meaning = "The browser drops its copy. Other copies stay what they are."
            return Trait("Max-Age", age, meaning, Verdict.FREE, source)
        ends = relative(at + seconds * 1000, at)
        meaning = f"The browser forgets it {ends}. The server goes by its own clock."
        return Trait("Max-Age", f"{age} s", meaning, Verdict.FREE, source)
    if "expires" in attributes:
        meaning = "The browser keeps it until then, by its own clock."
        return Trait("Expires", attributes["expires"], meaning, Verdict.FREE, source)
    meaning = "It goes when the browser closes, unless the browser restores its windows."
    return Trait("Max-Age", "absent", meaning, Verdict.FREE, source)
