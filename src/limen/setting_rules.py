"""What settings must be besides their type: numbers of sense, and no two that contradict."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from limen.assurance import LONGEST
from limen.errors import ConfigurationError
from limen.transports.cookie import MAX_AGE_S, CookieTransport

if TYPE_CHECKING:
    from limen.settings import Settings
    from limen.throttle import Budget

_BUDGETS = (
    "account_budget",
    "device_budget",
    "global_budget",
    "spraying_budget",
    "address_budget",
    "request_budget",
    "letter_budget",
    "letter_address_budget",
)


def check_times(settings: Settings) -> None:
    """Raise `ConfigurationError` for a time that is none, or longer than what holds it."""
    for name in ("access_lifetime", "idle", "absolute", "max_lag", "feed_interval", "fresh"):
        if not 0 < getattr(settings, name) < math.inf:
            raise ConfigurationError(name, "is not positive, or endless.", "Give it in seconds.")
    if settings.grace < 0:
        raise ConfigurationError("grace", "is negative.", "Give it in seconds; 0 is none.")
    if settings.absolute > MAX_AGE_S:
        raise ConfigurationError(
            "absolute",
            "is longer than the 400 days for which browsers keep a cookie.",
            f"Use at most {MAX_AGE_S} s; NIST SP 800-63B-4 asks for 30 days at most.",
        )
    if settings.idle > settings.absolute:
        raise ConfigurationError(
            "idle", "is longer than `absolute`.", "Make it shorter, or `absolute` longer."
        )
    _check_level(settings)
    if settings.access_lifetime > settings.idle:
        raise ConfigurationError(
            "access_lifetime",
            "is longer than `idle`, so an idle sign-in would outlive its end.",
            "Make it shorter; 300 s is the default.",
        )
    if settings.remembered < 0:
        raise ConfigurationError(
            "remembered", "is negative.", "Give a number of credentials; 0 is none."
        )
    if settings.feed_interval * 2 > settings.max_lag:
        raise ConfigurationError(
            "feed_interval",
            "leaves no room within `max_lag` for one look that fails.",
            "Make it less than half of `max_lag`.",
        )


def _check_level(settings: Settings) -> None:
    if settings.assurance is None:
        return
    if settings.assurance not in LONGEST:
        raise ConfigurationError(
            "assurance", f"{settings.assurance!r} is no level.", f"Use {', '.join(LONGEST)}."
        )
    longest = LONGEST[settings.assurance]
    for name, limit in (("absolute", longest.absolute), ("idle", longest.idle)):
        if limit is not None and getattr(settings, name) > limit:
            raise ConfigurationError(
                name,
                f"is longer than the {limit} s of {settings.assurance} (NIST SP 800-63B-4).",
                f"Use at most {limit}, or another `assurance`.",
            )


def check_letters(settings: Settings) -> None:
    """Raise `ConfigurationError` if letters have two ways out, or links that lead nowhere."""
    if settings.smtp is not None and settings.mailer is not None:
        raise ConfigurationError(
            "smtp", "is given, and so is a mailer; one would be ignored.", "Keep one of them."
        )
    if (settings.smtp is not None or settings.mailer is not None) and settings.base_url is None:
        raise ConfigurationError(
            "base_url",
            "is not set, and the links in letters lead there; a request's Host header, "
            "which anybody can write, must not decide it.",
            "Set the public address, such as https://app.example.",
        )


def check_elsewhere(settings: Settings, strategies: tuple[str, ...]) -> None:
    """Raise `ConfigurationError` for other servers that cannot be told apart, or from Limen."""
    names = [one.name for one in settings.elsewhere]
    if len(set(names)) < len(names) or set(names) & set(strategies):
        raise ConfigurationError(
            "elsewhere",
            "has two of one name, or one that is called like a strategy of Limen.",
            "Give each a `name` of its own.",
        )
    ours = CookieTransport(settings.cookies, secure=True)
    own = {ours.access_name, ours.refresh_name}
    if not (settings.base_url or "").startswith("https://"):
        own |= {re.sub(r"^__[A-Za-z]+-", "", name) for name in own}
    for one in settings.elsewhere:
        if one.adopts and own & {*one.cookies}:
            raise ConfigurationError(
                "elsewhere",
                f"{one.name} has a cookie of the same name as Limen, which would overwrite it.",
                "Set cookies=CookieSettings(prefix=...) to another prefix.",
            )


def check_authjs(settings: Settings) -> None:
    """Two mounts have paths and secrets of their own."""
    served, path = settings.authjs.version is not None, settings.authjs.path
    if served and (
        f"{path}/".startswith(f"{settings.base_path}/")
        or f"{settings.base_path}/".startswith(f"{path}/")
    ):
        raise ConfigurationError(
            "authjs.path",
            f"{path!r} and base_path {settings.base_path!r} lie within each other.",
            "Give each a path of its own, such as /api/authjs and /api/auth.",
        )
    own = (settings.secret,) if isinstance(settings.secret, str) else tuple(settings.secret or ())
    if set(own) & set(settings.authjs.secrets):
        raise ConfigurationError(
            "authjs.secret",
            "is Limen's own secret, with which a front end could sign as Limen.",
            "Make another one with `limen secret`.",
        )


def check_throttles(settings: Settings) -> None:
    """Budgets allow a number of attempts in some time, and no device is known for ever."""
    for name in _BUDGETS:
        budget: Budget = getattr(settings, name)
        if budget.limit < 0 or (budget.limit and budget.window <= 0):
            raise ConfigurationError(
                name, "is no number of attempts in some time.", "Give both; limit=0 is no limit."
            )
    if settings.consecutive_failures < 0:
        raise ConfigurationError(
            "consecutive_failures", "is negative.", "Use 100, or 0 for no such limit."
        )
    if not 0 <= settings.device_lifetime <= MAX_AGE_S:
        raise ConfigurationError(
            "device_lifetime",
            "is not within the 400 days for which browsers keep a cookie.",
            f"Use at most {MAX_AGE_S} s; 0 knows no device.",
        )
