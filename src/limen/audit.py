"""What the audit log says: one typed event for each thing that matters to security.

An event holds no free text and has no room for a secret. What a stranger wrote, such as a user
agent, is cut, loses its control characters, and what looks like a credential in it is masked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum, unique
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Any

    from limen.principal import Client
    from limen.verdict import Reason

Detail: TypeAlias = str | int | bool


@unique
class AuditKind(StrEnum):
    """What an event tells. `KINDS` says what each means and what it may tell besides."""

    SIGN_IN_ACCEPTED = "sign_in.accepted"
    SIGN_IN_REFUSED = "sign_in.refused"
    SIGN_UP_REFUSED = "sign_up.refused"
    SIGN_OUT = "sign_out"
    REAUTHENTICATED = "reauthenticated"
    REAUTHENTICATION_REFUSED = "reauthentication.refused"
    SESSION_ENDED = "session.ended"
    SESSION_EVICTED = "session.evicted"
    REVOKED = "revoked"
    REFRESH_REPLAYED = "refresh.replayed"
    TOKENS_EXCHANGED = "tokens.exchanged"
    DEVICE_NEW = "device.new"
    # accounts, and what they can sign in with
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_ENABLED = "account.enabled"
    ACCOUNT_DELETED = "account.deleted"
    ROLES_CHANGED = "account.roles_changed"
    PASSWORD_CHANGED = "password.changed"
    PASSWORD_RESET = "password.reset"
    PASSWORD_LOCKED = "password.locked"
    PASSWORD_UNLOCKED = "password.unlocked"
    EMAIL_CHANGED = "email.changed"
    EMAIL_VERIFIED = "email.verified"
    USERNAME_CHANGED = "username.changed"
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    LETTER_REQUESTED = "letter.requested"
    LINK_REFUSED = "link.refused"
    # keys
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_RETIRED = "key.retired"
    KEY_REMOVED = "key.removed"
    # what may be an attack
    BUDGET_SPENT = "budget.spent"
    SPRAYING_SUSPECTED = "spraying.suspected"
    CREDENTIAL_REFUSED = "credential.refused"
    SESSION_UNREADABLE = "session.unreadable"
    ORIGIN_REFUSED = "origin.refused"
    ACCESS_DENIED = "access.denied"
    PROOF_REFUSED = "proof.refused"


@dataclass(frozen=True, slots=True)
class Told:
    """What one kind of event means, and the names of the details that it may have.

    A `flood` is what strangers can cause without end: it is kept so many times a minute and
    address, see `AuditPolicy.per_minute`, and then only counted.
    """

    meaning: str
    details: tuple[str, ...] = ()
    flood: bool = False


# Every detail there is, with its type. A text is a name of our own or of the configuration.
DETAILS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "methods": str,  # RFC 8176, joined by spaces
        "acr": str,
        "strategy": str,
        "provider": str,
        "target": str,  # of a revocation: session, user, tokens, key, all
        "key_id": str,
        "roles": str,  # joined by spaces
        "errand": str,  # of a letter
        "budget": str,
        "credential": str,  # its kind, never itself
        "sessions": int,  # how many ended
        "accounts": int,  # how many were tried
        "retry_after": int,  # seconds
        "verified": bool,
        "left_out": int,  # events of this kind and address that were only counted before it
    }
)

KINDS: Final[Mapping[AuditKind, Told]] = MappingProxyType(
    {
        AuditKind.SIGN_IN_ACCEPTED: Told(
            "Somebody proved who they are, and a session began.", ("methods", "acr", "strategy")
        ),
        AuditKind.SIGN_IN_REFUSED: Told("A sign-in was refused.", ("methods", "provider")),
        AuditKind.SIGN_UP_REFUSED: Told("An account was not opened.", ("provider",)),
        AuditKind.SIGN_OUT: Told("Whoever holds a session ended it.", ("sessions",)),
        AuditKind.REAUTHENTICATED: Told(
            "Somebody who is signed in proved again who they are.", ("methods", "acr", "strategy")
        ),
        AuditKind.REAUTHENTICATION_REFUSED: Told(
            "Somebody who is signed in failed to prove again who they are.", ("methods", "acr")
        ),
        AuditKind.SESSION_ENDED: Told("One session was ended from elsewhere.", ("sessions",)),
        AuditKind.SESSION_EVICTED: Told(
            "A session ended because its account may not have more.", ("sessions",)
        ),
        AuditKind.REVOKED: Told(
            "Sessions or tokens of a user, a key or everybody were revoked.",
            ("target", "sessions", "key_id"),
        ),
        AuditKind.REFRESH_REPLAYED: Told(
            "A refresh token came a second time, so its session was ended.", ("sessions",)
        ),
        AuditKind.TOKENS_EXCHANGED: Told(
            "A session was given a credential of another strategy.", ("strategy",)
        ),
        AuditKind.DEVICE_NEW: Told("An account was used from a device not seen before."),
        AuditKind.ACCOUNT_CREATED: Told("An account was opened.", ("provider", "verified")),
        AuditKind.ACCOUNT_DISABLED: Told("An account was disabled, and its sessions ended."),
        AuditKind.ACCOUNT_ENABLED: Told("A disabled account was enabled."),
        AuditKind.ACCOUNT_DELETED: Told("An account was deleted, and its sessions ended."),
        AuditKind.ROLES_CHANGED: Told("The roles of an account were set.", ("roles",)),
        AuditKind.PASSWORD_CHANGED: Told("A password was changed."),
        AuditKind.PASSWORD_RESET: Told("A password was set by a mailed link."),
        AuditKind.PASSWORD_LOCKED: Told(
            "A password failed so often in a row that only known devices may use it."
        ),
        AuditKind.PASSWORD_UNLOCKED: Told("Somebody let everybody try a password again."),
        AuditKind.EMAIL_CHANGED: Told("An account got another address.", ("verified",)),
        AuditKind.EMAIL_VERIFIED: Told("The address of an account was verified."),
        AuditKind.USERNAME_CHANGED: Told("An account got another username."),
        AuditKind.IDENTITY_LINKED: Told(
            "An account can sign in at a provider from now on.", ("provider",)
        ),
        AuditKind.IDENTITY_UNLINKED: Told("A way to sign in was taken from an account."),
        AuditKind.LETTER_REQUESTED: Told(
            "A letter with a link was asked for; without a subject it went to nobody.", ("errand",)
        ),
        AuditKind.LINK_REFUSED: Told(
            "A mailed link did not work (any more).", ("errand",), flood=True
        ),
        AuditKind.KEY_CREATED: Told("A signing key was made.", ("key_id",)),
        AuditKind.KEY_ROTATED: Told("Another key signs from now on.", ("key_id",)),
        AuditKind.KEY_RETIRED: Told("A key verifies nothing any more.", ("key_id",)),
        AuditKind.KEY_REMOVED: Told("A retired key was deleted.", ("key_id",)),
        AuditKind.BUDGET_SPENT: Told(
            "Somebody tried too often and has to wait.", ("budget", "retry_after"), flood=True
        ),
        AuditKind.SPRAYING_SUSPECTED: Told(
            "Many accounts were tried with few passwords.", ("accounts", "budget"), flood=True
        ),
        AuditKind.CREDENTIAL_REFUSED: Told(
            "A credential was presented that was never handed out so.", ("credential",), flood=True
        ),
        AuditKind.SESSION_UNREADABLE: Told(
            "The row of a session holds what Limen does not write: somebody changed it.", flood=True
        ),
        AuditKind.ORIGIN_REFUSED: Told(
            "A page of another site wanted to act with somebody's cookies.", flood=True
        ),
        AuditKind.ACCESS_DENIED: Told(
            "Somebody who is signed in wanted what they may not have.", ("roles", "acr"), flood=True
        ),
        AuditKind.PROOF_REFUSED: Told(
            "A credential came without the proof that it is its owner's.", flood=True
        ),
    }
)

MAX_TEXT: Final = 128  # characters of a name or id
MAX_USER_AGENT: Final = 256
_UNREADABLE: Final = "\N{REPLACEMENT CHARACTER}"
# What we hand out, and any signed token: a client may send one where it does not belong.
_CREDENTIAL: Final = re.compile(
    r"lm[a-z]_[A-Za-z0-9_-]{16,}|eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,4}"
)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event: what (`kind`, `reason`, `details`), when, whose, by whom, from where.

    `at` is in milliseconds. `subject` is the account that it is about, `actor` who did it: an
    account, a name such as `command line`, or the empty text for somebody unknown. `seq` is
    the place in the log, 0 before it was kept; `id` names the event elsewhere too. `kind` and
    `reason` are those of this version, or the names that a newer one gave. Made by `of`; what
    is missing then is filled in by whoever runs the flow.
    """

    kind: str
    subject: str | None = None
    session_id: str | None = None
    reason: str | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)
    at: int = 0
    actor: str = ""
    address: str = ""
    user_agent: str = ""
    request_id: str = ""
    id: str = ""
    seq: int = 0

    @classmethod
    def of(
        cls,
        kind: AuditKind,
        *,
        subject: str | None = None,
        session_id: str | None = None,
        reason: Reason | None = None,
        actor: str = "",
        client: Client | None = None,
        **details: Detail,
    ) -> AuditEvent:
        """Return an event; raises `TypeError` for a detail that its kind does not have."""
        allowed = KINDS[kind].details
        for name, value in details.items():
            if name not in allowed or type(value) is not DETAILS[name]:
                raise TypeError(f"{kind} has no detail {name} of type {type(value).__name__}")
        return cls(
            kind,
            None if subject is None else legible(subject, MAX_TEXT),
            None if session_id is None else legible(session_id, MAX_TEXT),
            reason,
            {
                name: legible(value, MAX_TEXT) if isinstance(value, str) else value
                for name, value in details.items()
            },
            actor=legible(actor, MAX_TEXT),
            address="" if client is None else legible(client.address, MAX_TEXT),
            user_agent="" if client is None else legible(client.user_agent, MAX_USER_AGENT),
        )

    def as_line(self) -> str:
        """Return the event as one line of JSON, whatever its texts hold."""
        return json.dumps(self.members(), separators=(",", ":"))

    def members(self) -> dict[str, Any]:
        """Return what JSON says of the event; what it does not have is left out."""
        at = datetime.fromtimestamp(self.at / 1000, UTC).isoformat(timespec="milliseconds")
        told = {
            "seq": self.seq,
            "id": self.id,
            "at": at.replace("+00:00", "Z"),
            "kind": str(self.kind),
            "reason": None if self.reason is None else str(self.reason),
            "subject": self.subject,
            "session": self.session_id,
            "actor": self.actor,
            "address": self.address,
            "user_agent": self.user_agent,
            "request_id": self.request_id,
            **self.details,
        }
        return {name: value for name, value in told.items() if value not in (None, "")}


def legible(text: str, most: int) -> str:
    """Return a text that somebody else wrote as it may stand in a log.

    Cut to `most` characters, without control characters and line ends, and with what looks
    like a credential masked.
    """
    masked = _CREDENTIAL.sub("[credential]", text[: 8 * most])
    return "".join(one if one.isprintable() else _UNREADABLE for one in masked[:most])


AuditHook: TypeAlias = Callable[[AuditEvent], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class AuditPolicy:
    """How long the audit log is kept, and who hears of it besides.

    `retention` is in seconds. `per_minute` is how often one process keeps an event of one kind
    that one address may cause without end; the next one that is kept says how many were left
    out. With `log` each event is a line of JSON on the logger `limen.audit` too. Each of the
    `hooks` is called with every event after it was kept; it may be a coroutine function.
    """

    retention: float = 90 * 86_400
    per_minute: int = 20
    log: bool = False
    hooks: Sequence[AuditHook] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Raise `ConfigurationError` for what makes no sense."""
        if not self.retention > 0:
            raise ConfigurationError("audit_retention", "is not positive.", "Give it in seconds.")
        if self.per_minute < 1:
            raise ConfigurationError(
                "audit_per_minute", "is less than 1.", "Give a number of events; 20 is the default."
            )
