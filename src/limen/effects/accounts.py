"""Questions about accounts and what they can sign in with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, unique

from limen.account import Account, Found, Identity
from limen.effects.asking import Reading, Writing
from limen.effects.log import Ended


@dataclass(frozen=True, slots=True)
class FindAccount(Reading[Found | None]):
    """Find an account by normalised e-mail, id, username or identity; exactly one is given.

    `identity` is an issuer and a subject. Of a disabled account it is found as well.
    """

    email: str | None = None
    id: str | None = None
    username: str | None = None
    identity: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ListAccounts(Reading[tuple[Account, ...]]):
    """Return up to `limit` accounts in the order of their ids, after `after`."""

    limit: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class AddAccount(Writing[bool]):
    """Keep a new account, with a password, an identity, both or neither.

    False, and nothing written, if its e-mail, its username or the identity is taken.
    """

    account: Account
    password_hash: str | None = field(repr=False)
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class UpdateAccount(Writing[Account | None]):
    """Change the given fields of an account and return it; `None` if there is none.

    New roles move the revision: a sign-in in flight has read the old ones. Signed tokens that
    carry the old ones are refused from the same transaction on, if `horizon` is given.
    """

    id: str
    now: int
    name: str | None = None
    image: str | None = None
    clear_image: bool = False
    roles: frozenset[str] | None = None
    horizon: int = 0


@dataclass(frozen=True, slots=True)
class SetPassword(Writing[bool]):
    """Replace a password hash if the account's revision is still `revision`.

    `moves_on` is true for a new password, which moves the revision, and false for a rehash
    of the same one. With `revoke` every session of the account but `keep` ends, with its
    log entry, in the same transaction. With `sole` it is the account's only way to sign in from
    then on, and the address is verified: whoever reads the mailbox chose it, and somebody else
    may have opened the account. False, and nothing written, if the revision has moved.
    """

    id: str
    password_hash: str = field(repr=False)
    revision: int
    now: int
    moves_on: bool
    revoke: bool = False
    keep: str | None = None
    horizon: int = 0
    sole: bool = False


@dataclass(frozen=True, slots=True)
class SetDisabled(Writing[int | None]):
    """Disable an account and end its sessions in one transaction, or enable it again.

    Return how many sessions ended, `None` if there is no such account.
    """

    id: str
    disabled: bool
    now: int
    horizon: int = 0


@dataclass(frozen=True, slots=True)
class SetEmail(Writing[bool]):
    """Give an account the address `email` in place of `replacing`, and say whether it is verified.

    Another address moves the revision, so that whatever was mailed to the old one is void.
    False, and nothing written, if the account's address is no longer `replacing` or another
    account has the new one.
    """

    id: str
    email: str
    replacing: str
    verified: bool
    now: int


@dataclass(frozen=True, slots=True)
class SetUsername(Writing[bool]):
    """Give an account a username; false, and nothing written, if it is taken or nobody has `id`.

    `username` is in the form in which it is compared, `display_username` as it was typed.
    """

    id: str
    username: str
    display_username: str
    now: int


@dataclass(frozen=True, slots=True)
class RemoveAccount(Writing[Ended | None]):
    """Delete an account with all that it can sign in with, and end its sessions as `Revoke` does.

    One transaction. `None` if there is no such account.
    """

    id: str
    now: int
    horizon: int = 0


# -- what an account can sign in with besides a password


@dataclass(frozen=True, slots=True)
class ListIdentities(Reading[tuple[Identity, ...]]):
    """Return what an account can sign in with, its password included, oldest first."""

    account_id: str


@dataclass(frozen=True, slots=True)
class AddIdentity(Writing[bool]):
    """Let an account sign in by an identity as well.

    False, and nothing written, if that identity belongs to an account already, there is no
    such account, or its revision is not `revision`. The store numbers it; `Identity.id` is
    ignored.
    """

    identity: Identity
    revision: int


@dataclass(frozen=True, slots=True)
class UpdateIdentity(Writing[bool]):
    """Keep newer scopes and tokens of an identity; false if there is none."""

    issuer: str
    subject: str
    scopes: tuple[str, ...]
    sealed_tokens: bytes | None = field(repr=False)
    now: int


@unique
class Removal(StrEnum):
    """What became of a way to sign in that was to be removed."""

    REMOVED = "removed"
    UNKNOWN = "unknown"
    LAST = "last"  # and so it stays: nobody may lock themselves out


@dataclass(frozen=True, slots=True)
class RemoveIdentity(Writing[Removal]):
    """Remove one way to sign in, unless it is the account's last; that moves the revision."""

    account_id: str
    identity_id: str
    now: int
