"""The doctor's answer to "why is this cookie missing?", for one page and one API.

The running service is asked what a browser would ask, and nothing of it is changed: a
preflight, a sign-in of nobody with a wrong password, and a sign-out of nobody, whose answer
sets the very cookies that a sign-in sets, only empty. What does not answer is judged by the
settings alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from limen.cli.findings import Finding, Severity, Unchecked
from limen.errors import ConfigurationError
from limen.transports import CookieTransport, OriginRule
from limen.transports.origin import is_loopback, origin_of
from limen.verify.fetching import FetchFailed, Response, exchange
from limen.web.missing import Cors, SetCookie, Situation, causes_of
from limen.web.missing.sites import host_of, site_of

if TYPE_CHECKING:
    import ssl

    from limen.settings import Settings

SECONDS: Final = 5
OCTETS: Final = 65_536
_BASE_PATH: Final = "/api/auth"
_JSON: Final = {"Content-Type": "application/json"}
# Nobody has an address like that (RFC 2606), so no account's budget is spent.
_NOBODY: Final = json.dumps({"email": "doctor@limen.invalid", "password": "wrong, on purpose"})


def look(
    page: str, api: str, settings: Settings | None, tls: ssl.SSLContext | None = None
) -> Iterator[Finding | Unchecked]:
    """Say what keeps a cookie of the API from a page; raises `ConfigurationError`."""
    page_origin, api_origin = _origin(page, "--origin"), _origin(api, "--api")
    situation = Situation(page=page_origin, api=api_origin)
    path = urlsplit(api).path.rstrip("/") or (settings.base_path if settings else _BASE_PATH)
    try:
        situation = _asked(situation, api_origin + path, tls)
    except FetchFailed as fault:
        yield Unchecked("api", f"{api_origin} was not asked: {fault}.")
        if situation.is_cross_origin:
            yield Unchecked("cors", "what the API lets pages of other origins read is unknown.")
        situation = _by_settings(situation, settings)
    causes = causes_of(situation)
    for cause in causes:
        yield Finding(Severity.ERROR, cause.name, cause.sentence, cause.remedy)
    if not causes:
        yield Finding(
            Severity.NOTE,
            "cookie",
            f"Nothing that is seen from here keeps the cookie from a page of {page_origin}.",
            _ask_in_the_page(api_origin + path),
        )
    yield from _unknowable(situation)


def _origin(url: str, option: str) -> str:
    origin = origin_of(url)
    if origin is None or not origin.startswith(("http://", "https://")):
        raise ConfigurationError(option, "is not an origin.", "Write it as https://app.example.")
    return origin


def _asked(situation: Situation, base: str, tls: ssl.SSLContext | None) -> Situation:
    """Ask the running service; raises `FetchFailed` if it does not answer."""
    cors = None
    if situation.is_cross_origin:
        wanted = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        cors = _cors_of(_ask("OPTIONS", f"{base}/sign-in/email", situation, tls, wanted))
    signed_in = _ask("POST", f"{base}/sign-in/email", situation, tls, _JSON, _NOBODY)
    if cors is not None and cors.origin and cors.credentials:
        cors = _cors_of(signed_in)  # both have to say so
    signed_out = _ask("POST", f"{base}/sign-out", situation, tls, _JSON, "{}")
    lines = signed_out.lines("set-cookie")
    return replace(
        situation,
        cors=cors,
        trusted=_is_trusted(signed_in),
        cookies=tuple(map(SetCookie.of, lines)),
        delivered=bool(lines) if signed_out.status == HTTPStatus.OK else None,
    )


def _ask(
    method: str,
    url: str,
    situation: Situation,
    tls: ssl.SSLContext | None,
    headers: dict[str, str],
    body: str | None = None,
) -> Response:
    return exchange(
        url,
        method=method,
        headers={"Origin": situation.page, "User-Agent": "limen doctor", **headers},
        body=None if body is None else body.encode(),
        octets=OCTETS,
        seconds=SECONDS,
        tls=tls,
    )


def _cors_of(answer: Response) -> Cors:
    return Cors(
        answer.header("access-control-allow-origin"),
        answer.header("access-control-allow-credentials"),
    )


def _is_trusted(signed_in: Response) -> bool | None:
    """Tell from a refused sign-in whether the page or the password was refused."""
    if signed_in.status == HTTPStatus.UNAUTHORIZED:
        return True
    if signed_in.status == HTTPStatus.FORBIDDEN and b"INVALID_ORIGIN" in signed_in.body:
        return False
    return None


def _by_settings(situation: Situation, settings: Settings | None) -> Situation:
    """Return what the settings say of the cookies and of the page."""
    if settings is None:
        return situation
    address = settings.base_url or situation.api
    secure = address.startswith("https://") or not (settings.base_url or is_loopback(address))
    lines = CookieTransport(settings.cookies, secure=secure).withdraw()
    rule = OriginRule(settings.base_url, settings.trusted_origins)
    return replace(
        situation,
        seen=origin_of(address),
        trusted=rule.trusts(situation.page, situation.api),
        cookies=tuple(SetCookie.of(value.decode("latin-1")) for _, value in lines),
    )


def _ask_in_the_page(base: str) -> str:
    return (
        "If it is missing all the same, sign in there and run this in the console of that page "
        "(in development): document.head.append(Object.assign(document.createElement("
        f'"script"), {{ src: "{base}/why.js" }}))'
    )


def _unknowable(situation: Situation) -> Iterator[Unchecked]:
    """Say what nobody can tell from here."""
    page, api = host_of(situation.page), host_of(situation.api)
    if page != api and not situation.is_cross_site:
        yield Unchecked(
            "site",
            f"{page} and {api} are one site unless anybody may register a name below "
            f"{site_of(situation.api).domain}; the list of such domains is not consulted whole.",
        )
    if situation.is_cross_site and any(one.same_site == "none" for one in situation.cookies):
        yield Unchecked(
            "third-party cookies", "whether a browser blocks them is its own and its user's choice."
        )
    secure = any(one.secure for one in situation.cookies)
    if secure and is_loopback(situation.api) and situation.api.startswith("http://"):
        yield Unchecked("safari", "it drops Secure cookies of http://localhost; others keep them.")
