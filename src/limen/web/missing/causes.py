"""The causes: each with its test, its one sentence and what to do.

In this order, because a later one only matters once the earlier ones are gone: whether it is
Limen that answers, what the service refuses, what the page may not read, what the browser does
not keep, what it does not send, and what was never given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from limen.transports.cookie import MAX_COOKIE_OCTETS
from limen.transports.origin import is_loopback
from limen.web.missing.sites import host_of, is_address, is_public_suffix, site_of
from limen.web.missing.situation import SignedIn, Situation


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a cookie is missing. `name` is stable; `sentence` is for people, as `remedy` is."""

    name: str
    sentence: str
    remedy: str


Rule = Callable[[Situation], Cause | None]


def causes_of(situation: Situation) -> tuple[Cause, ...]:
    """Return what explains that the cookie is missing, the first to be mended first."""
    return tuple(_found(situation))


def _found(situation: Situation) -> Iterator[Cause]:
    for rule in CAUSES:
        # A cookie that came back was kept and sent, whatever one would expect of it.
        cause = None if situation.kept and rule in _OF_THE_BROWSER else rule(situation)
        if cause is not None:
            yield cause


# -- who answers, and what the service refuses


def not_limen(at: Situation) -> Cause | None:
    """Something else answers there, so nothing is known of the service."""
    if at.stranger is None:
        return None
    return Cause(
        "not-limen",
        f"Nothing at {at.stranger.address} speaks Limen's protocol ({at.stranger.status}).",
        "Is it mounted under another base_path? Then name that path as well, as in --api "
        f"{at.api}/auth.",
    )


def other_base_url(at: Situation) -> Cause | None:
    """The page asks its own origin, or stands on another port, and base_url names another."""
    base_url = at.base_url
    if at.trusted is not False or base_url is None or base_url == at.api:
        return None
    if at.page != at.api and not _only_the_port_differs(at.page, base_url):
        return None
    return Cause(
        "base-url",
        f"The service's base_url is {base_url}, the page is {at.page}, so it holds the page for a "
        "stranger and refuses the sign-in.",
        f"Open the page as {base_url}; or set {_base_url(at.page)}; or trust both: "
        f"{_trusting(at.page)}.",
    )


def _only_the_port_differs(one: str, other: str) -> bool:
    return (urlsplit(one).scheme, host_of(one)) == (urlsplit(other).scheme, host_of(other))


def proxy_address(at: Situation) -> Cause | None:
    """Compare where the browser thinks it is with where the service thinks it is."""
    if at.trusted is not False or at.page != at.api or at.seen == at.api:
        return None
    if at.base_url is not None:
        return None  # the service goes by that, whatever a proxy says
    if at.seen is not None and at.seen.partition("://")[0] != at.api.partition("://")[0]:
        return Cause(
            "proxy-scheme",
            f"The browser asks {at.api}, but the proxy in front tells the service {at.seen}, so "
            "the service holds its own page for a stranger and refuses the sign-in.",
            f"Set {_base_url(at.api)}; or let the proxy send X-Forwarded-Proto and the "
            "server believe it (uvicorn: --proxy-headers --forwarded-allow-ips).",
        )
    told = (
        "base_url or a proxy in front names the service otherwise"
        if at.seen is None
        else f"the proxy in front tells the service {at.seen}"
    )
    return Cause(
        "proxy-host",
        f"The browser asks {at.api}, but {told}, so the "
        "service holds its own page for a stranger and refuses the sign-in.",
        f"Set {_base_url(at.api)}; or let the proxy pass Host on as it came "
        "(nginx: proxy_set_header Host $http_host).",
    )


def untrusted_origin(at: Situation) -> Cause | None:
    """A page that is not listed may not sign anybody in."""
    if at.trusted is not False or other_base_url(at) or proxy_address(at):
        return None
    return Cause(
        "untrusted-origin",
        f"The service refuses sign-ins from {at.page}, because that is neither its base_url nor "
        "in trusted_origins.",
        f"Trust it: {_trusting(at.page)}.",
    )


def _base_url(origin: str) -> str:
    return f'base_url="{origin}" in Limen(...), or LIMEN_BASE_URL={origin} with `limen serve`'


def _trusting(page: str) -> str:
    return (
        f'trusted_origins=["{page}"] in Limen(...), or {page} in LIMEN_TRUSTED_ORIGINS with '
        "`limen serve`"
    )


# -- what the page may not read


def cors(at: Situation) -> Cause | None:
    """Judge the two headers that an answer to another origin needs."""
    if at.cors is None or not at.is_cross_origin:
        return None
    allowed, with_cookies = at.cors.origin, at.cors.credentials == "true"
    allow = f'allow_origins=["{at.page}"], allow_credentials=True'
    remedy = (
        f'Add CORSMiddleware with {allow}, allow_methods=["GET", "POST"], '
        'allow_headers=["content-type"], or serve both under one origin by a rewrite.'
    )
    if allowed == "*":
        return Cause(
            "cors-wildcard",
            "The API answers Access-Control-Allow-Origin: *, and with that browsers take no "
            "cookie and show the page nothing.",
            f"Name the origin instead: {allow}.",
        )
    if allowed == "":
        return Cause(
            "cors-missing",
            f"The API answers without Access-Control-Allow-Origin, so the browser lets no page "
            f"of {at.page} sign in there with cookies.",
            remedy,
        )
    if allowed is not None and allowed != at.page:
        return Cause(
            "cors-other-origin",
            f"The API allows pages of {allowed}, and this one is of {at.page}.",
            f"Name this origin: {allow}.",
        )
    if allowed is None or not with_cookies:
        return Cause(
            "cors-no-credentials",
            "The API allows this page but not its cookies: Access-Control-Allow-Credentials: true "
            "is missing, or the origin is *.",
            f"Set both: {allow}.",
        )
    return None


# -- what the browser does not keep


def too_large(at: Situation) -> Cause | None:
    """Browsers drop a cookie whose name and value are too long together."""
    cookie = at.first(one for one in at.cookies if one.size > MAX_COOKIE_OCTETS)
    if cookie is None:
        return None
    return Cause(
        "too-large",
        f"The cookie {cookie.name} has {cookie.size} octets, and browsers drop what has more than "
        f"{MAX_COOKIE_OCTETS}.",
        'Give accounts fewer or shorter roles, use Limen("session") (LIMEN_STRATEGY with `limen '
        "serve`), or find what makes it longer on the way.",
    )


def host_prefix(at: Situation) -> Cause | None:
    """`__Host-` promises Secure, no Domain and the whole path (RFC 6265bis section 4.1.3.2)."""
    for cookie in at.cookies:
        if not cookie.name.lower().startswith("__host-"):
            continue
        wrong = [
            *(["it has a Domain"] if cookie.domain else []),
            *(["its Path is not /"] if cookie.path != "/" else []),
            *(["it is not Secure"] if not cookie.secure else []),
        ]
        if wrong:
            return Cause(
                "host-prefix",
                f"Browsers drop {cookie.name}, because {' and '.join(wrong)}, and __Host- forbids "
                "that.",
                "Find the proxy that changes Set-Cookie (nginx: proxy_cookie_domain, "
                "proxy_cookie_path, proxy_cookie_flags); or set "
                "cookies=CookieSettings(host_prefix=False) in Limen(...), or "
                "LIMEN_COOKIE_HOST_PREFIX=false with `limen serve`.",
            )
    return None


def secure_prefix(at: Situation) -> Cause | None:
    """`__Secure-` promises Secure."""
    named = (one for one in at.cookies if one.name.lower().startswith("__secure-"))
    cookie = at.first(one for one in named if not one.secure)
    if cookie is None:
        return None
    return Cause(
        "secure-prefix",
        f"Browsers drop {cookie.name}, because __Secure- demands the attribute Secure and it has "
        "none.",
        "Find the proxy that takes Secure out of Set-Cookie (nginx: proxy_cookie_flags).",
    )


def none_without_secure(at: Situation) -> Cause | None:
    """SameSite=None is for https only."""
    cookie = at.first(one for one in at.cookies if one.same_site == "none" and not one.secure)
    if cookie is None:
        return None
    return Cause(
        "none-without-secure",
        f"Browsers drop {cookie.name}, because it says SameSite=None and is not Secure.",
        "Serve the API over https and let nothing take Secure out of Set-Cookie.",
    )


def secure_on_http(at: Situation) -> Cause | None:
    """A Secure cookie does not come over plain http."""
    cookie = at.first(one for one in at.cookies if one.secure)
    # On this machine Chromium and Firefox keep it all the same.
    if cookie is None or not at.api.startswith("http://") or is_loopback(at.api):
        return None
    return Cause(
        "secure-on-http",
        f"Browsers drop {cookie.name}, because it is Secure and the API is asked over plain http "
        f"at {at.api}.",
        "Serve the API over https; or, on this machine, ask it as http://localhost.",
    )


def domain(at: Situation) -> Cause | None:
    """A cookie may name its own host or a domain above it."""
    for cookie in at.cookies:
        stated, host = cookie.domain, at.api_host
        if stated is None or stated == host:
            continue
        above = host.endswith(f".{stated}") and not is_address(host)
        if above and not is_public_suffix(stated):
            continue
        why = "anybody may have a name below that" if above else f"the API is asked as {host}"
        return Cause(
            "domain",
            f"Browsers drop {cookie.name}, because it is for the domain {stated} and {why}.",
            "Leave the domain out (of CookieSettings in Limen(...), or LIMEN_COOKIE_DOMAIN with "
            f"`limen serve`), or set it to {host} or a domain of yours above it.",
        )
    return None


# -- what it does not send


def same_site(at: Situation) -> Cause | None:
    """Lax and Strict cookies stay within one site."""
    cookie = at.first(one for one in at.cookies if one.same_site != "none")
    if cookie is None or not at.is_cross_site:
        return None
    page, api = site_of(at.page), site_of(at.api)
    return Cause(
        "same-site",
        f"The page is of the site {page} and the API of the site {api}, and between sites browsers "
        f"neither keep nor send a cookie with SameSite={cookie.same_site.capitalize()}.",
        _one_site(at),
    )


def _one_site(at: Situation) -> str:
    if is_loopback(at.page) and is_loopback(at.api):
        return (
            f"Use one name for this machine: open the page and ask the API as {host_of(at.page)}; "
            "ports do not matter."
        )
    return (
        "Serve the API below the page's own domain, or under its own origin by a rewrite; only if "
        'neither can be, set cookies=CookieSettings(same_site="none") in Limen(...), or '
        "LIMEN_COOKIE_SAME_SITE=none with `limen serve`, over https, which some browsers block."
    )


def dropped_on_the_way(at: Situation) -> Cause | None:
    """What the service sets must arrive; for a page that it refuses it sets nothing."""
    if at.trusted is False:
        return None
    unexplained = at.kept is False and _nothing_else(at, across_sites=False)
    if at.delivered is not False and not unexplained:
        return None
    return Cause(
        "set-cookie-dropped",
        "The service sets the cookie, and something between it and the browser takes the "
        "Set-Cookie header away or changes it.",
        "Look at the proxy, the CDN or the code of your own that hands the answer on"
        + ("." if at.kept is None else f"; {_doctor(at)} shows what arrives."),
    )


def _doctor(at: Situation) -> str:
    return f"`limen doctor --origin {at.page} --api {at.api}`"


def third_party(at: Situation) -> Cause | None:
    """Where everything is right, the browser itself may block other sites."""
    if at.kept is not False or at.delivered is False:
        return None
    if not _nothing_else(at, across_sites=True):
        return None
    return Cause(
        "third-party-blocked",
        f"The cookie is right for other sites, and this browser blocks the cookies of "
        f"{site_of(at.api)} in pages of {site_of(at.page)} as third-party cookies.",
        "Serve the API below the page's own domain, or under its own origin by a rewrite.",
    )


def _nothing_else(at: Situation, *, across_sites: bool) -> bool:
    if any(rule(at) for rule in _OF_THE_BROWSER):
        return False
    return at.is_cross_site is across_sites


# -- what was never given to it


def without_credentials(at: Situation) -> Cause | None:
    """A fetch of another origin takes and sends cookies only if it says so."""
    if at.kept is not True or at.signed_in is not SignedIn.BY_THIS_PAGE:
        return None
    return Cause(
        "fetch-without-credentials",
        "This page signed in and the browser would have kept the cookie, but the request was made "
        "without credentials, so its Set-Cookie was ignored.",
        'Pass credentials: "include" to fetch (better-auth: fetchOptions: { credentials: '
        '"include" }; axios: withCredentials: true), for the sign-in and every other request.',
    )


def server_component(at: Situation) -> Cause | None:
    """What a server is given, no browser has."""
    if at.kept is not True or at.signed_in is not SignedIn.BY_A_SERVER:
        return None
    return Cause(
        "server-component",
        "The last sign-in was made by a server and not by a browser, so that server got the "
        "Set-Cookie and this browser never saw it.",
        "Sign in from the page by a rewrite, or copy each Set-Cookie into your own answer: in "
        "Next.js by cookies().set in a server action or route handler, which a server component "
        "cannot.",
    )


_OF_THE_BROWSER: Final[tuple[Rule, ...]] = (
    too_large,
    host_prefix,
    secure_prefix,
    none_without_secure,
    secure_on_http,
    domain,
    same_site,
)
CAUSES: Final[tuple[Rule, ...]] = (
    not_limen,
    other_base_url,
    proxy_address,
    untrusted_origin,
    cors,
    *_OF_THE_BROWSER,
    dropped_on_the_way,
    third_party,
    without_credentials,
    server_component,
)
