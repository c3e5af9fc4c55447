"""The stored person or machine, and what it can sign in with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from limen.errors import ConfigurationError

ACCOUNT_OCTETS = 16
ACCOUNT_PREFIX = "usr_"
MAX_EMAIL = 254  # octets; RFC 5321 section 4.5.3.1
MAX_NAME = 256  # characters
MAX_ROLES = 32
# Of all roles together as they stand in a token, which must fit into a cookie of 4096 octets
# with everything else and grows by a third when it is encoded.
MAX_ROLES_OCTETS = 2_048

PASSWORD_PROVIDER = "credential"  # noqa: S105 - a name
PASSWORD_ISSUER = "local:credential"  # noqa: S105 - a name

# One plain address: no list, no quotes, no control character.
_EMAIL = re.compile(
    r"(?!\.)(?!.*\.\.)[A-Za-z0-9_'+\-.]*[A-Za-z0-9_+\-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}"
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who may sign in. Times are in milliseconds.

    `email` is normalised (see `normalised_email`) and unique, and so is `username` where there
    is one; `display_username` is how its owner wrote it. `revision` moves whenever something
    happens that must stop a sign-in in flight and void what was mailed: a new password or address,
    other roles, a way to sign in that was removed, a disable.
    """

    id: str
    email: str
    name: str
    created_at: int
    updated_at: int
    email_verified: bool = False
    image: str | None = None
    roles: frozenset[str] = frozenset()
    disabled: bool = False
    revision: int = 0
    username: str | None = None
    display_username: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """One thing that an account can sign in with: somebody at an identity provider.

    `issuer` and `subject` name it and are unique together (OpenID Connect Core section 2);
    `provider` is what the application calls the issuer. `sealed_tokens` are what the provider
    handed over, sealed. A password stands in the same list, with `PASSWORD_PROVIDER`,
    `PASSWORD_ISSUER` and the account's id as its subject.
    """

    id: str
    account_id: str
    provider: str
    issuer: str
    subject: str
    created_at: int
    updated_at: int
    scopes: tuple[str, ...] = ()
    sealed_tokens: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """An account with the hash of its password, `None` if it has no password."""

    account: Account
    password_hash: str | None = field(repr=False)


def normalised_email(text: str) -> str:
    """Return the form under which an address is stored and looked up: lower case."""
    return text.strip().lower()


def is_email(text: str) -> bool:
    """Tell whether a text is one plain address."""
    return len(text) <= MAX_EMAIL and _EMAIL.fullmatch(text) is not None


def checked_roles(roles: Iterable[str]) -> frozenset[str]:
    """Return roles that fit into a token; raises `ConfigurationError` for any others."""
    if isinstance(roles, str):
        raise ConfigurationError("roles", "is one text.", f"Write it as a list: [{roles!r}].")
    checked = frozenset(roles)
    octets = len(json.dumps(sorted(checked)))
    if len(checked) > MAX_ROLES or octets > MAX_ROLES_OCTETS or "" in checked:
        raise ConfigurationError(
            "roles",
            f"an account has at most {MAX_ROLES} roles with names, and all of them together "
            f"{MAX_ROLES_OCTETS} octets.",
            "Use fewer and shorter ones, and keep finer permissions in your own tables.",
        )
    return checked


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody from another system, with the hash that it kept and what they sign in with there.

    The hash may be any that `limen.passwords` verifies; see `limen.foreign_hashes`.
    """

    account: Account
    password_hash: str | None = field(default=None, repr=False)
    identities: tuple[Identity, ...] = ()
