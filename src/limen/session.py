"""The record of one sign-in, and when it is over."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final, Literal, TypeAlias, TypeVar, get_args

from limen.errors import ConfigurationError, UnreadableSession
from limen.principal import Client
from limen.verdict import Reason

R = TypeVar("R")

# 32 bytes are 256 bits, as 43 characters of base64url; ASVS 7.2.3 asks for 128 bits.
CREDENTIAL_OCTETS = 32
SESSION_PREFIX = "lms_"
REFRESH_PREFIX = "lmr_"
# The handle names a session in lists, claims and logs. It opens nothing.
HANDLE_PREFIX = "ses_"
HANDLE_OCTETS = 16
CREDENTIAL_LENGTH = len(SESSION_PREFIX) + 43

OnLimit: TypeAlias = Literal["end_oldest", "refuse"]
# A person has some ten devices, and a script that signs in every night leaves thirty sessions
# behind in thirty days. More are a fault or an attack, which then costs a bounded number of rows.
DEFAULT_MAX_SESSIONS: Final = 100

FieldKind: TypeAlias = Literal["string", "number", "boolean"]
MAX_FIELDS_OCTETS: Final = 4_096  # of all that an application keeps with one session, as JSON
# What a session says of itself on the wire; an application's own members have other names.
OWN_MEMBERS: Final = frozenset(
    {
        "id",
        "token",
        "userId",
        "expiresAt",
        "createdAt",
        "updatedAt",
        "ipAddress",
        "userAgent",
    }
)
_FIELD_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long sign-ins last, in milliseconds.

    `idle` ends a session that nobody uses, `absolute` ends it however busy it is (ASVS
    7.3.1, 7.3.2). The defaults are 7 and 30 days: NIST SP 800-63B-4 allows 30 days at AAL1.
    `forgotten` is the absolute end for people who asked not to be remembered.
    """

    idle: int = 7 * 86_400_000
    absolute: int = 30 * 86_400_000
    forgotten: int = 86_400_000

    @property
    def touch_every(self) -> int:
        """Return how stale `used_at` may become before a use is written down.

        A sixtieth of the idle time and at most a minute: one write a minute instead of
        one a request, at the price of ending an idle session that much too early.
        """
        return min(60_000, self.idle // 60)


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in, as the server keeps it. All times are in milliseconds.

    `created_at` is the moment that revocations compare with: a store never lets it be
    earlier than the subject's last "sign out everywhere". `expires_at` is the absolute end.
    `roles` are those of the sign-in; they count only while Limen does not keep the account.
    `fields` is what the application keeps with the session, a JSON object as text: it is not
    read on the way to a principal. `bound_to` is the thumbprint of the key that whoever uses
    its credentials must prove to hold, from the first to the last; `None` if there is no such key.
    """

    id: str
    subject: str
    strategy: str
    authenticated_at: int
    created_at: int
    used_at: int
    expires_at: int
    idle: int
    methods: tuple[str, ...] = ("pwd",)
    client: Client = field(default_factory=Client)
    remembered: bool = True
    roles: frozenset[str] = frozenset()
    fields: str = "{}"
    bound_to: str | None = None

    @property
    def ends_at(self) -> int:
        """Return when the session ends if nobody uses it again."""
        return min(self.used_at + self.idle, self.expires_at)


# The last millisecond of the year 9999, beyond which no calendar of ours goes.
_LAST_MOMENT: Final = 253_402_300_799_999
NO_FIELDS: Final = "{}"
_TYPES: Final = (str, str, str, int, int, int, int, int, str, str, bool, str)


def as_written(session: Session) -> Session:
    """Return a session that was read from a store, if Limen can have written it.

    Raises `UnreadableSession` if not: whoever changed a row elsewhere decides nothing here.
    """
    one, client = session, session.client
    # Written out, as each row that is read passes here: a loop would take three times as long.
    types = (
        *(type(one.id), type(one.subject), type(one.strategy), type(one.authenticated_at)),
        *(type(one.created_at), type(one.used_at), type(one.expires_at), type(one.idle)),
        *(type(client.address), type(client.user_agent), type(one.remembered), type(one.fields)),
    )
    if (
        types == _TYPES
        and 0 <= one.authenticated_at <= _LAST_MOMENT
        and 0 <= one.created_at <= _LAST_MOMENT
        and 0 <= one.used_at <= _LAST_MOMENT
        and 0 <= one.expires_at <= _LAST_MOMENT
        and 0 <= one.idle <= _LAST_MOMENT
        and (one.fields == NO_FIELDS or _is_object(one.fields))
        and (one.bound_to is None or type(one.bound_to) is str)
        and _are_texts(one.methods)
        and _are_texts(one.roles)
    ):
        return session
    raise UnreadableSession(str(session.id))


def moment(value: object) -> int:
    """Return a moment that a row holds, 0 for what Limen cannot have written.

    For the last use of what ends: a spoilt row must neither keep itself nor others from ending,
    nor put an entry of the log so far ahead that nobody signs in again.
    """
    return value if type(value) is int and 0 <= value <= _LAST_MOMENT else 0


def _are_texts(values: Iterable[object]) -> bool:
    for value in values:  # noqa: SIM110 - a generator costs more than what it looks at
        if type(value) is not str:
            return False
    return True


def readable(read: Callable[[R], Session], rows: Iterable[R]) -> Iterator[Session]:
    """Yield the sessions of rows, without those that Limen cannot have written.

    One spoilt row must not keep somebody from seeing their other devices.
    """
    for row in rows:
        with contextlib.suppress(UnreadableSession):
            yield read(row)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


@dataclass(frozen=True, slots=True)
class SessionLimit:
    """How many live sessions one subject may have at once (ASVS 7.1.2).

    Above it the session whose last use is the longest ago ends; or, unless `evicts`, no other
    one begins.
    """

    most: int
    evicts: bool = True


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that has begun, and the handles of those that ended so that it could."""

    session: Session
    ended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a store knows about a session and its account, from one read.

    `roles` and `disabled` are the account's at this moment, not at sign-in; for a subject
    whose account Limen does not keep, the roles are those of the session.
    """

    session: Session
    roles: frozenset[str]
    disabled: bool


@unique
class Held(StrEnum):
    """What is counted: sessions, or what their clients hold of them."""

    SESSION = "session"
    REFERENCE = "reference"  # a session id
    REFRESH = "refresh"  # a refresh token that was not used yet


@dataclass(frozen=True, slots=True)
class CredentialCount:
    """How many live sessions one strategy has, or how many credentials of a kind these have.

    `strategy` is the one that gave the session its newest credential; an exchange moves it.
    `recent` of them belong to sessions that may have a signed token out there, and `unused`
    to sessions that were not used for a while. The last one ends at `ends_at` if nobody
    uses one again, and at `expires_at` at the latest; both in milliseconds.
    """

    strategy: str
    kind: Held
    live: int
    recent: int
    unused: int
    ends_at: int
    expires_at: int


def refusal_of(standing: Standing | None, now: int) -> Reason | None:
    """Return why this session may not be used at `now`, or `None` if it may."""
    if standing is None:
        return Reason.UNKNOWN_SESSION
    session = standing.session
    if now >= session.expires_at:
        return Reason.ENDED
    if now >= session.used_at + session.idle:
        return Reason.IDLE
    if standing.disabled:
        return Reason.ACCOUNT_DISABLED
    return None


def looks_like(text: str, prefix: str) -> bool:
    """Tell whether a text has the shape of an opaque credential, before any look-up."""
    return (
        len(text) == CREDENTIAL_LENGTH
        and text.startswith(prefix)
        and text.isascii()
        and text[len(prefix) :].replace("-", "a").replace("_", "a").isalnum()
    )


def check_declared(fields: Mapping[str, str]) -> None:
    """Raise `ConfigurationError` for a session field that cannot be one."""
    for name, kind in fields.items():
        if not _FIELD_NAME.fullmatch(name) or name in OWN_MEMBERS:
            raise ConfigurationError(
                "session_fields",
                f"{name!r} cannot be the name of one.",
                "Use letters, digits and '_', and no name that a session has already.",
            )
        if kind not in get_args(FieldKind):
            raise ConfigurationError(
                "session_fields",
                f"{name!r} is a {kind!r}, which is no kind of value.",
                f"Use {', '.join(get_args(FieldKind))}.",
            )


def check_limit(most: int, on_limit: str) -> None:
    """Raise `ConfigurationError` for a number of sessions that nobody could keep to."""
    if type(most) is not int or most < 0:
        raise ConfigurationError(
            "max_sessions", "is no number of sessions.", "Give a whole one; 0 is any number."
        )
    if on_limit not in get_args(OnLimit):
        raise ConfigurationError(
            "on_limit", f"{on_limit!r} is unknown.", "Choose 'end_oldest' or 'refuse'."
        )
