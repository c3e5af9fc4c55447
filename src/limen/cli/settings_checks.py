"""The doctor's checks of settings that are valid and may still be unwise.

Each check is a function of `Settings`; `SETTINGS_CHECKS` is all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.assurance import LONGEST
from limen.cli.findings import Finding, Severity
from limen.cli.output import span
from limen.throttle import Budget
from limen.transports.origin import is_loopback

if TYPE_CHECKING:
    from limen.settings import Settings

SettingsCheck: TypeAlias = "Callable[[Settings], Iterator[Finding]]"

LONG_ACCESS_S: Final = 900
SINGLE_FACTOR_MINIMUM: Final = 15  # NIST SP 800-63B-4 section 3.1.1.2


def base_url_is_set(settings: Settings) -> Iterator[Finding]:
    """Without it, the Host header of a request decides what this service is called."""
    if settings.base_url is None:
        yield Finding(
            Severity.WARNING,
            "base_url",
            "is not set, so each request itself says under which origin the service runs.",
            "Set LIMEN_BASE_URL to the public address, such as https://app.example.",
        )


def base_url_is_private(settings: Settings) -> Iterator[Finding]:
    """Plain http is for this machine only."""
    if settings.base_url is None or _is_https(settings) or is_loopback(settings.base_url):
        return
    yield Finding(
        Severity.ERROR,
        "base_url",
        "is plain http on another host than this one: passwords and credentials travel in the "
        "clear, and browsers drop Secure cookies.",
        "Put TLS in front and set LIMEN_BASE_URL to the https address.",
    )


def same_site_none_has_https(settings: Settings) -> Iterator[Finding]:
    """Browsers drop SameSite=None cookies that are not Secure."""
    if settings.cookies.same_site == "none" and not _is_https(settings):
        yield Finding(
            Severity.ERROR,
            "cookie_same_site",
            "is 'none' without an https base_url, and browsers drop such cookies.",
            "Set LIMEN_BASE_URL to an https address, or LIMEN_COOKIE_SAME_SITE to lax.",
        )


def trusted_origins_name_somebody(settings: Settings) -> Iterator[Finding]:
    """A pattern of stars alone trusts the whole web."""
    for entry in settings.trusted_origins:
        if "*" in entry and not entry.rpartition("://")[2].strip("*?.:/"):
            yield Finding(
                Severity.ERROR,
                "trusted_origins",
                f"has {entry!r}, so any page on the web may act for whoever visits it.",
                "Name the origins, or a pattern below your own domain: https://*.app.example.",
            )


def revocation_is_known(settings: Settings) -> Iterator[Finding]:
    """Say what a `jwt` cannot do, as plainly as what it can."""
    if settings.strategy != "jwt":
        return
    life = span(round(settings.access_lifetime * 1000))
    if settings.refresh is None:
        yield Finding(
            Severity.WARNING,
            "refresh",
            f"is off: nothing is kept, so there are no accounts and nothing can be revoked; "
            f"a copied token works until it expires, up to {life}.",
            "Set LIMEN_REFRESH to rotate and a LIMEN_DATABASE to have accounts and revocation.",
        )
    else:
        yield Finding(
            Severity.NOTE,
            "strategy",
            f"is 'jwt': a copied token works until it expires, up to {life} after a revoke.",
            "Use LIMEN_STRATEGY=hybrid if a revoke must count within "
            f"{span(round(settings.max_lag * 1000))}.",
        )


def copies_are_known(settings: Settings) -> Iterator[Finding]:
    """A front end that reads the cookie cache learns of a revocation late."""
    seconds = settings.better_auth.cookie_cache
    if seconds:
        yield Finding(
            Severity.NOTE,
            "cookie_cache",
            f"lets a front end show somebody as signed in up to {span(round(seconds * 1000))} "
            "after a revoke; this service itself never reads that cookie.",
            "Let pages that matter ask `get-session`, or set LIMEN_COOKIE_CACHE to 0.",
        )


def access_is_short(settings: Settings) -> Iterator[Finding]:
    """A long token is a long theft."""
    if settings.strategy != "session" and settings.access_lifetime > LONG_ACCESS_S:
        life = span(round(settings.access_lifetime * 1000))
        yield Finding(
            Severity.WARNING,
            "access_lifetime",
            f"is {life}; other services that verify tokens accept a stolen one that long.",
            f"Set LIMEN_ACCESS_LIFETIME to {LONG_ACCESS_S} or less; clients refresh by themselves.",
        )


def sign_ins_end(settings: Settings) -> Iterator[Finding]:
    """Longer than the lowest level of NIST SP 800-63B-4 has it, nobody should stay signed in."""
    longest = LONGEST["aal1"].absolute
    if settings.absolute > longest:
        yield Finding(
            Severity.WARNING,
            "absolute",
            f"is {span(round(settings.absolute * 1000))}, longer than NIST SP 800-63B-4 "
            "has it even at AAL1: a device that was left somewhere stays signed in.",
            f"Set LIMEN_ABSOLUTE to {longest} or less.",
        )


def passwords_suit_one_factor(settings: Settings) -> Iterator[Finding]:
    """Where a password is all there is, it should be long."""
    if settings.passwords.minimum < SINGLE_FACTOR_MINIMUM:
        yield Finding(
            Severity.NOTE,
            "password_minimum",
            f"is {settings.passwords.minimum}; NIST SP 800-63B-4 asks for "
            f"{SINGLE_FACTOR_MINIMUM} where a password is the only factor.",
            f"Set LIMEN_PASSWORD_MINIMUM to {SINGLE_FACTOR_MINIMUM} unless there is another.",
        )


def letters_are_sent(settings: Settings) -> Iterator[Finding]:
    """A public service without a mail server cannot help whoever forgot their password."""
    if not _is_https(settings) or settings.smtp is not None or settings.mailer is not None:
        return
    locked = settings.email.required
    yield Finding(
        Severity.ERROR if locked else Severity.WARNING,
        "smtp",
        "is not set, so no letter is sent: "
        + ("nobody new can ever sign in." if locked else "a forgotten password stays forgotten."),
        "Set LIMEN_SMTP and LIMEN_MAIL_FROM, unless the application gives a `mailer` of its own.",
    )


def limits_are_on(settings: Settings) -> Iterator[Finding]:
    """A limit that is off is somebody's decision, and worth knowing."""
    for name, says in _LIMITS.items():
        value = getattr(settings, name)
        if not (value.limit if isinstance(value, Budget) else value):
            yield Finding(
                Severity.NOTE,
                name,
                f"is 0: {says}",
                "Leave it out for the default; docs/throttling.md says what each is for.",
            )


_LIMITS: Final = {
    "account_budget": "strangers may try as many passwords on an account as they like.",
    "address_budget": "one address may try as fast as it can.",
    "device_budget": "a browser that is known, or a stolen cookie of it, may try without end.",
    "device_lifetime": "no browser is known, so strangers can keep the owner of an account out.",
    "consecutive_failures": "slow guessing on one account never ends.",
    "global_budget": "nothing slows down failures from many addresses on many accounts.",
    "spraying_budget": "one password may be tried on every account unseen.",
    "request_budget": "one address may ask for costly work as fast as it can.",
    "letter_budget": "one person may be sent letters without end.",
    "letter_address_budget": "one address may have letters sent without end.",
}


SETTINGS_CHECKS: Final[tuple[SettingsCheck, ...]] = (
    base_url_is_set,
    base_url_is_private,
    same_site_none_has_https,
    trusted_origins_name_somebody,
    revocation_is_known,
    copies_are_known,
    access_is_short,
    sign_ins_end,
    passwords_suit_one_factor,
    letters_are_sent,
    limits_are_on,
)


def _is_https(settings: Settings) -> bool:
    return (settings.base_url or "").lower().startswith("https://")
