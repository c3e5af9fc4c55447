"""The doctor's answer to "why is this cookie missing?", for one page and one API.

The running service is asked what a browser would ask, and nothing of it is changed: whether
it is Limen at all, a preflight, a sign-in of nobody with a wrong password, and a sign-out of
nobody, whose answer sets the very cookies that a sign-in sets, only empty. What does not answer
is judged by the settings alone, if there are any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from limen.cli.findings import Finding, Severity, Unchecked
from limen.errors import ConfigurationError
from limen.transports import CookieTransport, OriginRule
from limen.transports.origin import is_loopback, origin_of
from limen.verify.fetching import FetchFailed, Response, exchange
from limen.web.development import is_development
from limen.web.missing import Cors, SetCookie, Situation, Stranger, causes_of, without_value
from limen.web.missing.sites import host_of, site_of

if TYPE_CHECKING:
    import ssl

    from limen.settings import Settings

SECONDS: Final = 5
OCTETS: Final = 1_048_576  # whatever answers there, its page of an error has less
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
    answered = _Answered(situation)
    try:
        answered = _asked(situation, api_origin + path, tls)
    except FetchFailed as fault:
        yield Unchecked("api", f"not asked: nothing answers at {api_origin}: {fault}.")
        if situation.is_cross_origin:
            yield Unchecked("cors", "what the API lets pages of other origins read is unknown.")
        if settings is None:
            yield _nothing_is_known(api_origin)
            return
        answered = _Answered(
            _by_settings(situation, settings), diagnoses=_diagnoses(api_origin, settings)
        )
    yield from _judged(answered, api_origin + path)
    yield from _unknowable(answered.situation)


def _judged(answered: _Answered, base: str) -> Iterator[Finding]:
    causes = causes_of(answered.situation)
    for cause in causes:
        yield Finding(Severity.ERROR, cause.name, cause.sentence, cause.remedy)
    if answered.lines:
        received = " / ".join(map(without_value, answered.lines))
        yield Finding(
            Severity.NOTE,
            "set-cookie",
            f"What arrives, without values: {received}.",
            "Compare it with what the browser shows below the answer to a sign-in.",
        )
    if not causes:
        yield Finding(
            Severity.NOTE,
            "cookie",
            "Nothing that is seen from here keeps the cookie from a page of "
            f"{answered.situation.page}.",
            _ask_in_the_page(base) if answered.diagnoses else _LOOK_IN_THE_BROWSER,
        )


def _diagnoses(api: str, settings: Settings) -> bool:
    """Tell whether the service would answer the page's own question, were it there."""
    return is_loopback(api) and is_development(settings)


def _nothing_is_known(api: str) -> Finding:
    return Finding(
        Severity.ERROR,
        "api",
        f"Nothing answers at {api} and no settings are known here, so nothing is known of the "
        "cookie.",
        "Start the service and ask again, or ask in the folder of its settings.",
    )


def _origin(url: str, option: str) -> str:
    origin = origin_of(url)
    if origin is None or not origin.startswith(("http://", "https://")):
        raise ConfigurationError(option, "is not an origin.", "Write it as https://app.example.")
    return origin


@dataclass(frozen=True, slots=True)
class _Answered:
    """What is known of the service; `lines` are the `Set-Cookie` lines that arrived."""

    situation: Situation
    lines: tuple[str, ...] = ()
    diagnoses: bool = False  # whether it serves the diagnostic of development


def _asked(situation: Situation, base: str, tls: ssl.SSLContext | None) -> _Answered:
    """Ask the running service; raises `FetchFailed` if it does not answer."""
    stranger = _stranger(situation, base, tls)
    if stranger is not None:
        return _Answered(replace(situation, stranger=stranger))
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
    lines = tuple(signed_out.lines("set-cookie"))
    itself = _of_itself(_ask("GET", f"{base}/why", situation, tls, {}))
    told = itself or {}
    trusted = _is_trusted(signed_in)
    if trusted is None:  # without a store there is no sign-in to refuse
        trusted = told.get("trusted")
    found = replace(
        situation,
        cors=cors,
        trusted=trusted,
        cookies=tuple(map(SetCookie.of, lines)),
        # A page that is not trusted is given none to sign out with, so that shows nothing.
        delivered=bool(lines) if trusted and signed_out.status == HTTPStatus.OK else None,
        base_url=told.get("baseUrl"),
        seen=told.get("seen"),
    )
    return _Answered(found, lines, diagnoses=itself is not None)


def _stranger(situation: Situation, base: str, tls: ssl.SSLContext | None) -> Stranger | None:
    """Return what answers there if that is nothing of Limen."""
    up = _ask("GET", f"{base}/ok", situation, tls, {})
    if up.status != HTTPStatus.OK or _json_of(up) != {"ok": True}:
        return Stranger(base, up.status)
    session = _ask("GET", f"{base}/get-session", situation, tls, {})
    if session.status != HTTPStatus.OK or not isinstance(_json_of(session), dict | None):
        return Stranger(base, session.status)
    return None


def _json_of(answer: Response) -> object:
    """Return what an answer says as JSON; the empty text, which is no JSON, if it says none."""
    try:
        return json.loads(answer.body)
    except ValueError:
        return ""


def _of_itself(why: Response) -> dict[str, Any] | None:
    """Return what the diagnostic of development tells of the service, `None` without one."""
    told = _json_of(why) if why.status == HTTPStatus.OK else None
    if not isinstance(told, dict) or "baseUrl" not in told:
        return None
    kinds = {"baseUrl": str, "seen": str, "trusted": bool}
    return {name: told[name] for name, kind in kinds.items() if isinstance(told.get(name), kind)}


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


def _by_settings(situation: Situation, settings: Settings) -> Situation:
    """Return what the settings say of the cookies and of the page."""
    address = settings.base_url or situation.api
    secure = address.startswith("https://") or not (settings.base_url or is_loopback(address))
    lines = CookieTransport(settings.cookies, secure=secure).withdraw()
    rule = OriginRule(settings.base_url, settings.trusted_origins)
    return replace(
        situation,
        base_url=origin_of(settings.base_url or ""),
        seen=situation.api,
        trusted=rule.trusts(situation.page, situation.api),
        cookies=tuple(SetCookie.of(value.decode("latin-1")) for _, value in lines),
    )


_LOOK_IN_THE_BROWSER: Final = (
    "If it is missing all the same, sign in there and look at Set-Cookie below that answer in the "
    "browser's developer tools: a browser that drops a cookie says why beside it."
)


def _ask_in_the_page(base: str) -> str:
    return (
        "If it is missing all the same, sign in there and run this in the console of that page, "
        "with the src where the page asks: document.head.append(Object.assign("
        f'document.createElement("script"), {{ src: "{base}/why.js" }}))'
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
