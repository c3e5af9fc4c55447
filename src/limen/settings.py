"""Every setting of Limen, with its default, checked once at start.

People write seconds; inside, times are milliseconds. A setting that is missing, unsafe or
contradicts another raises `ConfigurationError`, which names it and the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from limen.assurance import Level
from limen.audit import AuditPolicy
from limen.claims import TokenPolicy
from limen.dpop import ProofPolicy
from limen.errors import ConfigurationError
from limen.guarantees import RevocationCheck
from limen.keyring import Algorithm
from limen.letter import EmailPolicy
from limen.passwords import OWASP_2025, Argon2Parameters, PasswordPolicy
from limen.provider import LinkPolicy, Provider, checked_providers
from limen.sealing import Secrets
from limen.session import (
    DEFAULT_MAX_SESSIONS,
    Lifetimes,
    OnLimit,
    SessionLimit,
    check_declared,
    check_limit,
)
from limen.setting_names import NESTED
from limen.setting_rules import (
    check_authjs,
    check_elsewhere,
    check_letters,
    check_throttles,
    check_times,
)
from limen.throttle import (
    ACCOUNT_BUDGET,
    ADDRESS_BUDGET,
    DEVICE_BUDGET,
    FAILURES_IN_A_ROW,
    GLOBAL_BUDGET,
    LETTER_ADDRESS_BUDGET,
    LETTER_BUDGET,
    REQUEST_BUDGET,
    SPRAYING_BUDGET,
    Budget,
)
from limen.transports.authjs import AuthjsSettings
from limen.transports.better_auth import BetterAuthSettings
from limen.transports.browser import BrowserSettings
from limen.transports.cookie import CookieSettings
from limen.transports.origin import OriginRule, origin_of
from limen.usernames import UsernamePolicy

if TYPE_CHECKING:
    from limen.ports import AnyMailer, Elsewhere
    from limen.session import FieldKind
    from limen.trace.sink import Sink

DpopMode: TypeAlias = Literal["off", "accept", "require"]
DPOP_MODES: tuple[DpopMode, ...] = ("off", "accept", "require")
StrategyName: TypeAlias = Literal["jwt", "session", "hybrid"]
STRATEGY_NAMES: tuple[StrategyName, ...] = ("jwt", "session", "hybrid")
CHECKS: dict[str, tuple[RevocationCheck, ...]] = {
    # the first is the preset, the others may be chosen with `check=`
    "jwt": (RevocationCheck.EXPIRY,),
    "session": (RevocationCheck.STORE, RevocationCheck.FEED),
    "hybrid": (RevocationCheck.FEED, RevocationCheck.STORE),
}


# Settings that are records of their own.
RECORDS: dict[str, type] = {
    "passwords": PasswordPolicy,
    "argon2": Argon2Parameters,
    "cookies": CookieSettings,
    "browser": BrowserSettings,
    "linking": LinkPolicy,
    "better_auth": BetterAuthSettings,
    "authjs": AuthjsSettings,
    "account_budget": Budget,
    "address_budget": Budget,
    "device_budget": Budget,
    "global_budget": Budget,
    "spraying_budget": Budget,
    "request_budget": Budget,
    "email": EmailPolicy,
    "letter_budget": Budget,
    "letter_address_budget": Budget,
    "usernames": UsernamePolicy,
    "audit": AuditPolicy,
    "proofs": ProofPolicy,
}


def in_python(name: str) -> str:
    """Return how a setting is written in Python that is called `name` as text."""
    field, part = NESTED.get(name, (name, None))
    return f"{field}=..." if part is None else f"{field}={RECORDS[field].__name__}({part}=...)"


class Options(TypedDict, total=False):
    """What `Limen(...)` takes by keyword besides the strategy; see `Settings`."""

    secret: str | Sequence[str] | None
    database: str | None
    redis: str | None
    accept: Sequence[StrategyName]
    check: Literal["expiry", "feed", "store"] | None
    refresh: Literal["rotate"] | None
    base_url: str | None
    base_path: str
    trusted_origins: Sequence[str]
    issuer: str | None
    audience: str | None
    algorithm: str
    access_lifetime: float
    idle: float
    absolute: float
    grace: float
    max_lag: float
    feed_interval: float
    remembered: int
    passwords: PasswordPolicy
    argon2: Argon2Parameters
    hashing_workers: int | None
    cookies: CookieSettings
    browser: BrowserSettings
    providers: Sequence[Provider]
    linking: LinkPolicy
    better_auth: BetterAuthSettings
    authjs: AuthjsSettings
    elsewhere: Sequence[Elsewhere]
    account_budget: Budget
    address_budget: Budget
    device_budget: Budget
    device_lifetime: float
    global_budget: Budget
    spraying_budget: Budget
    consecutive_failures: int
    request_budget: Budget
    mailer: AnyMailer | None
    smtp: str | None
    mail_from: str | None
    email: EmailPolicy
    letter_budget: Budget
    letter_address_budget: Budget
    fresh: float
    usernames: UsernamePolicy
    session_fields: Mapping[str, FieldKind]
    audit: AuditPolicy
    dpop: DpopMode
    proofs: ProofPolicy
    max_sessions: int
    on_limit: OnLimit
    assurance: Level | None
    fresh_to_revoke: bool
    sink: Sink | None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one Limen.

    `strategy` and `check` are the two choices: what the credential is and what is asked on
    each request. `accept` names strategies whose credentials are taken too while a system
    moves from one to another. `refresh=None` gives a signed strategy no refresh token;
    then `jwt` needs no store at all.

    Seconds: `access_lifetime` of a signed token, `idle` and `absolute` end of a sign-in,
    `grace` in which a repeated refresh gets the same successor, `max_lag` after which the
    revocation feed counts as cut, `feed_interval` between two looks at the log where nothing
    announces what is new.

    `database` keeps accounts and sessions; with a `redis` besides, sessions and limits are
    kept there.
    `remembered` is how many verified credentials a process remembers, at some 800 bytes each,
    so that it need not verify them again; 0 is none. What is remembered is believed only
    as long as the feed knows nothing against it.

    The budgets, `consecutive_failures` and `device_lifetime` (seconds for which a browser that
    signed in counts as known) are explained in docs/throttling.md.

    Letters go through `mailer`, or to the mail server `smtp` in the name of `mail_from`; with
    neither they are printed. `fresh` is for how many seconds after a sign-in a person may
    change their address, unlink an identity or delete their account; with `fresh_to_revoke`
    also for how long they may end other sessions than the one they are in. `session_fields` names
    what a client may keep with its session, each a `string`, `number` or `boolean`.

    `max_sessions` is how many sessions one person may have at once, 0 is any number. At the
    limit `on_limit="end_oldest"` ends the one that was not used for the longest time, and
    `"refuse"` lets nobody in.

    With `assurance`, such as `"aal2"`, sign-ins that would last longer than NIST SP 800-63B-4
    allows at that level are refused as a mistake.

    With `dpop="accept"` a client that proves to hold a key gets credentials that nobody can use
    without it; with `"require"` the `Authorization` header takes no others. `proofs` says how
    old such a proof may be.
    """

    strategy: StrategyName = "hybrid"
    secret: str | Sequence[str] | None = field(default=None, repr=False)
    database: str | None = field(default=None, repr=False)  # may hold a password
    redis: str | None = field(default=None, repr=False)  # may hold a password
    accept: Sequence[StrategyName] = ()
    check: Literal["expiry", "feed", "store"] | None = None
    refresh: Literal["rotate"] | None = "rotate"
    base_url: str | None = None
    base_path: str = "/api/auth"
    trusted_origins: Sequence[str] = ()
    issuer: str | None = None
    audience: str | None = None
    algorithm: str = "EdDSA"
    access_lifetime: float = 300
    idle: float = 7 * 86_400
    absolute: float = 30 * 86_400
    grace: float = 10
    max_lag: float = 2
    feed_interval: float = 0.1
    remembered: int = 20_000
    passwords: PasswordPolicy = field(default_factory=PasswordPolicy)
    argon2: Argon2Parameters = OWASP_2025
    hashing_workers: int | None = None
    cookies: CookieSettings = field(default_factory=CookieSettings)
    browser: BrowserSettings = field(default_factory=BrowserSettings)
    providers: Sequence[Provider] = ()
    linking: LinkPolicy = field(default_factory=LinkPolicy)
    better_auth: BetterAuthSettings = field(default_factory=BetterAuthSettings)
    authjs: AuthjsSettings = field(default_factory=AuthjsSettings)
    elsewhere: Sequence[Elsewhere] = field(default=(), repr=False)
    account_budget: Budget = ACCOUNT_BUDGET
    address_budget: Budget = ADDRESS_BUDGET
    device_budget: Budget = DEVICE_BUDGET
    device_lifetime: float = 180 * 86_400
    global_budget: Budget = GLOBAL_BUDGET
    spraying_budget: Budget = SPRAYING_BUDGET
    consecutive_failures: int = FAILURES_IN_A_ROW
    request_budget: Budget = REQUEST_BUDGET
    mailer: AnyMailer | None = field(default=None, repr=False)
    smtp: str | None = field(default=None, repr=False)  # may hold a password
    mail_from: str | None = None
    email: EmailPolicy = field(default_factory=EmailPolicy)
    letter_budget: Budget = LETTER_BUDGET
    letter_address_budget: Budget = LETTER_ADDRESS_BUDGET
    fresh: float = 3_600
    usernames: UsernamePolicy = field(default_factory=UsernamePolicy)
    session_fields: Mapping[str, FieldKind] = field(default_factory=dict)
    audit: AuditPolicy = field(default_factory=AuditPolicy)
    dpop: DpopMode = "off"
    proofs: ProofPolicy = field(default_factory=ProofPolicy)
    max_sessions: int = DEFAULT_MAX_SESSIONS
    on_limit: OnLimit = "end_oldest"
    assurance: Level | None = None
    fresh_to_revoke: bool = False
    sink: Sink | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check each setting and what they mean together."""
        for listed in ("accept", "trusted_origins"):
            if isinstance(getattr(self, listed), str):
                raise ConfigurationError(listed, "is one text.", "Write it as a list of texts.")
        self._check_records()
        checked_providers(self.providers)
        OriginRule(self.base_url, self.trusted_origins)  # raises for what is no origin
        for name in (self.strategy, *self.accept):
            if name not in STRATEGY_NAMES:
                raise ConfigurationError(
                    "strategy" if name == self.strategy else "accept",
                    f"there is no strategy {name!r}.",
                    "Choose 'jwt', 'session' or 'hybrid'.",
                )
        if self.redis is not None and self.database is None:
            raise ConfigurationError(
                "redis",
                "keeps sessions and no accounts.",
                "Give a database as well; accounts, keys and what was revoked are kept there.",
            )
        self._check_axes()
        check_times(self)
        self._check_cookies()
        check_letters(self)
        check_declared(self.session_fields)
        check_limit(self.max_sessions, self.on_limit)
        check_elsewhere(self, STRATEGY_NAMES)
        check_throttles(self)
        if not self.base_path.startswith("/") or self.base_path.endswith("/"):
            raise ConfigurationError(
                "base_path", f"{self.base_path!r} is not a path.", "Write it as /api/auth."
            )
        check_authjs(self)
        if self.dpop not in DPOP_MODES:
            raise ConfigurationError(
                "dpop", f"{self.dpop!r} is unknown.", "Choose 'off', 'accept' or 'require'."
            )
        if self.algorithm not in set(Algorithm):
            raise ConfigurationError(
                "algorithm",
                f"{self.algorithm!r} is not offered.",
                f"Choose one of {', '.join(Algorithm)}.",
            )

    def _check_records(self) -> None:
        for name, record in RECORDS.items():
            if not isinstance(getattr(self, name), record):
                kind = record.__name__
                raise ConfigurationError(name, f"is no {kind}.", f"Write {name}={kind}(...).")

    def _check_axes(self) -> None:
        allowed = CHECKS[self.strategy]
        if self.check is not None and self.check not in {one.value for one in allowed}:
            raise ConfigurationError(
                "check",
                f"strategy={self.strategy!r} cannot be checked by {self.check!r}.",
                f"Leave it out, or choose {' or '.join(repr(one.value) for one in allowed)}.",
            )
        if self.refresh not in ("rotate", None):
            raise ConfigurationError(
                "refresh", f"{self.refresh!r} is unknown.", "Use 'rotate', or None with 'jwt'."
            )
        if self.refresh is None and self.strategy != "jwt":
            raise ConfigurationError(
                "refresh",
                f"strategy={self.strategy!r} always has a session to renew from.",
                "Leave it out, or use strategy='jwt'.",
            )

    def _check_cookies(self) -> None:
        if self.better_auth.multi_session and not self.needs_store:
            raise ConfigurationError(
                "multi_session",
                f"strategy={self.strategy!r} with refresh=None keeps no session to return to.",
                "Leave it out, or use a strategy that keeps them.",
            )

    @property
    def needs_store(self) -> bool:
        """Whether any strategy in use keeps something."""
        return self.refresh is not None or any(name != "jwt" for name in self.accept)

    @property
    def revocation_check(self) -> RevocationCheck:
        """What is asked on each request."""
        return CHECKS[self.strategy][0] if self.check is None else RevocationCheck(self.check)

    @property
    def verify_link(self) -> str | None:
        """Where the service's own links to verify an address lead, with `{token}` in it."""
        origin = None if self.base_url is None else origin_of(self.base_url)
        return None if origin is None else f"{origin}{self.base_path}/verify-email?token={{token}}"

    def check_store(self, *, present: bool) -> None:
        """Raise `ConfigurationError` if a store is needed and none is configured."""
        if self.needs_store and not present:
            raise ConfigurationError(
                "database",
                f"strategy={self.strategy!r} keeps sessions and needs a database.",
                "Give one such as sqlite+aiosqlite:///app.db, or use strategy='jwt' with "
                "refresh=None, which keeps nothing and can revoke nothing.",
            )

    def secrets(self) -> Secrets:
        """Return the application's secrets, newest first; raises `ConfigurationError`."""
        return Secrets.of(self.secret)

    def lifetimes(self) -> Lifetimes:
        """Return how long sign-ins last."""
        absolute = _milliseconds(self.absolute)
        forgotten = min(Lifetimes().forgotten, absolute)
        return Lifetimes(_milliseconds(self.idle), absolute, forgotten)

    def session_limit(self) -> SessionLimit | None:
        """Return how many sessions one person may have at once, `None` for any number."""
        if not self.max_sessions:
            return None
        return SessionLimit(self.max_sessions, evicts=self.on_limit == "end_oldest")

    def token_policy(self) -> TokenPolicy:
        """Return what signed tokens say and must say."""
        issuer = self.issuer or self.base_url or "limen"
        return TokenPolicy(
            issuer=issuer,
            audience=self.audience or issuer,
            lifetime=_milliseconds(self.access_lifetime),
        )


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
