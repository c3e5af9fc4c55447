"""From the rows of another library to an account that Limen can keep."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

from limen.account import (
    ACCOUNT_PREFIX,
    MAX_NAME,
    Account,
    Identity,
    Newcomer,
    checked_roles,
    is_email,
    normalised_email,
)
from limen.elsewhere.values import moment, roles_in, text, truth
from limen.foreign_hashes import marked
from limen.usernames import ANY_USERNAME, normalised_username

if TYPE_CHECKING:
    from limen.elsewhere.layouts import Layout

Row: TypeAlias = Mapping[str, Any]

# What stays an account's id, so that keys to it in other tables go on meaning it.
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,127}")
_OWN_ID_OCTETS: Final = 16
# How providers with one issuer for everybody name themselves; the others have none.
ISSUERS: Final[Mapping[str, str]] = {
    "apple": "https://appleid.apple.com",
    "google": "https://accounts.google.com",
    "google-oauth2": "https://accounts.google.com",
}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that is no account, and why."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Interpretation:
    """How rows are read. `roles` maps a flag or a role there to a role here.

    Nothing that grants a role is taken over unless it is named. `issuers` names the issuer of
    a provider that the rows do not name.
    """

    kind: str
    layout: Layout
    now: int
    roles: Mapping[str, str] = field(default_factory=dict)
    issuers: Mapping[str, str] = field(default_factory=dict)

    def read(
        self, user: Row, identities: Sequence[Row] = (), emails: Sequence[Row] = ()
    ) -> Newcomer | Unreadable:
        """Return the account of one user."""
        id_ = text(user.get("id"))
        email = normalised_email(text(user.get("email")))
        if not is_email(email):
            return Unreadable(id_, "it has no e-mail address that Limen can keep")
        if _ID.fullmatch(id_) is None:
            id_ = self._own_id(id_)
        created_at = moment(user.get("created_at")) or self.now
        shown = text(user.get("display_username")) or text(user.get("username"))
        username = normalised_username(text(user.get("username")))
        # Another name, such as one that is an e-mail address, is left out.
        named = ANY_USERNAME.refusal_of(username, shown) is None
        account = Account(
            id=id_,
            email=email,
            name=_name_of(user)[:MAX_NAME],
            created_at=created_at,
            updated_at=self.now,
            email_verified=_is_verified(user, email, emails),
            image=text(user.get("image")) or None,
            roles=self._roles_of(user),
            disabled=_is_disabled(user, self.now),
            username=username if named else None,
            display_username=shown if named else None,
        )
        others, password = self._split(id_, identities)
        stored = password or text(user.get("password"))
        return Newcomer(account, _hash_of(stored), others)

    def _own_id(self, id_: str) -> str:
        """Return the same new id for the same user each time, so that an import can go on."""
        digest = hashlib.sha256(f"{self.kind}\0{id_}".encode("utf-8", "surrogatepass")).digest()
        return ACCOUNT_PREFIX + base64.urlsafe_b64encode(digest[:_OWN_ID_OCTETS]).decode()[:22]

    def _roles_of(self, user: Row) -> frozenset[str]:
        held = roles_in(user.get("role"))
        return checked_roles(
            ours
            for theirs, ours in self.roles.items()
            if (truth(user[theirs]) if theirs in user else theirs in held)
        )

    def _split(self, id_: str, rows: Sequence[Row]) -> tuple[tuple[Identity, ...], str]:
        """Return the identities among the rows, and the password that stands among them."""
        identities, password = [], ""
        for row in rows:
            provider, subject = text(row.get("provider")), text(row.get("subject"))
            if provider == self.layout.password_provider:
                password = text(row.get("password"))
            elif provider and subject and row.get("kind") not in self.layout.no_identities:
                at = moment(row.get("created_at")) or self.now
                issuer = text(row.get("issuer")) or self._issuer_of(provider)
                identities.append(Identity("", id_, provider, issuer, subject, at, self.now))
        return tuple(identities), password

    def _issuer_of(self, provider: str) -> str:
        named = self.issuers.get(provider) or ISSUERS.get(provider)
        return named or f"local:oauth:{quote(provider, safe='')}"


def _name_of(user: Row) -> str:
    whole = f"{text(user.get('first_name'))} {text(user.get('last_name'))}"
    return text(user.get("name")) or whole.strip()


def _is_verified(user: Row, email: str, emails: Sequence[Row]) -> bool:
    return truth(user.get("email_verified")) or any(
        truth(row.get("verified")) and normalised_email(text(row.get("email"))) == email
        for row in emails
    )


def _is_disabled(user: Row, now: int) -> bool:
    if "active" in user and not truth(user["active"]):
        return True
    until = moment(user.get("disabled_until"))
    return truth(user.get("disabled")) and (until is None or until > now)


def _hash_of(stored: str) -> str | None:
    # Django's sign for "has no password" is an exclamation mark.
    return None if not stored or stored.startswith("!") else marked(stored)
