"""How records become rows, and rows records again."""

from __future__ import annotations

import contextlib
import functools
import json
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy.dialects import postgresql, sqlite

from limen.account import Account, Identity
from limen.errors import StoreUnavailable, UnreadableSession
from limen.principal import Client
from limen.session import Session, Standing, as_written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row, Table

Values = dict[str, Any]


def insert_for(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert with `ON CONFLICT`, which both databases spell alike."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def names(values: Iterable[str]) -> str:
    """Return names as a JSON array, in the given order."""
    return json.dumps(list(values))


# Few texts stand in many rows, and these are read on every request.
@functools.lru_cache(maxsize=1_024)
def _listed(text: str) -> tuple[str, ...]:
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        read = json.loads(text)
        if isinstance(read, list) and all(isinstance(one, str) for one in read):
            return tuple(read)
    raise StoreUnavailable("a row of the database holds what Limen does not write")


@functools.lru_cache(maxsize=1_024)
def _set(text: str) -> frozenset[str]:
    return frozenset(_listed(text))


def account_values(account: Account) -> Values:
    """Return the columns of an account."""
    return {
        "id": account.id,
        "email": account.email,
        "email_verified": account.email_verified,
        "name": account.name,
        "image": account.image,
        "roles": names(sorted(account.roles)),
        "disabled": account.disabled,
        "revision": account.revision,
        "created_at": account.created_at,
        "updated_at": account.updated_at,
        "username": account.username,
        "display_username": account.display_username,
    }


def account_of(row: Row[Any]) -> Account:
    """Return the account of a row."""
    kept = row._mapping
    return Account(
        id=kept["id"],
        email=kept["email"],
        name=kept["name"],
        created_at=kept["created_at"],
        updated_at=kept["updated_at"],
        email_verified=kept["email_verified"],
        image=kept["image"],
        roles=_set(kept["roles"]),
        disabled=kept["disabled"],
        revision=kept["revision"],
        username=kept["username"],
        display_username=kept["display_username"],
    )


def identity_values(identity: Identity) -> Values:
    """Return the columns of an identity, but for the number that the database gives it."""
    return {
        "account_id": identity.account_id,
        "provider": identity.provider,
        "issuer": identity.issuer,
        "account_key": identity.subject,
        "created_at": identity.created_at,
        "updated_at": identity.updated_at,
        "scopes": names(identity.scopes),
        "sealed_tokens": identity.sealed_tokens,
    }


def identity_of(row: Row[Any]) -> Identity:
    """Return the identity of a row of credentials."""
    kept = row._mapping
    return Identity(
        id=str(kept["id"]),
        account_id=kept["account_id"],
        provider=kept["provider"],
        issuer=kept["issuer"],
        subject=kept["account_key"],
        created_at=kept["created_at"],
        updated_at=kept["updated_at"],
        scopes=_listed(kept["scopes"]),
        sealed_tokens=kept["sealed_tokens"],
    )


def session_values(session: Session) -> Values:
    """Return the columns of a session."""
    return {
        "id": session.id,
        "subject": session.subject,
        "strategy": session.strategy,
        "authenticated_at": session.authenticated_at,
        "created_at": session.created_at,
        "used_at": session.used_at,
        "expires_at": session.expires_at,
        "idle": session.idle,
        "methods": names(session.methods),
        "address": session.client.address,
        "user_agent": session.client.user_agent,
        "remembered": session.remembered,
        "roles": names(sorted(session.roles)),
        "fields": session.fields,
        "bound_to": session.bound_to,
    }


class Columns(Protocol):
    """A row by the names of its columns: SQLAlchemy's mapping, or that of SQLite's driver."""

    def __getitem__(self, name: str, /) -> Any:
        """Return one column."""
        ...


def session_of(kept: Columns) -> Session:
    """Return the session of a row; raises `UnreadableSession`."""
    try:
        session = _session_of(kept)
    except StoreUnavailable:
        session = None
    if session is None:
        raise UnreadableSession(str(kept["id"]))
    return as_written(session)


def _session_of(kept: Columns) -> Session:
    return Session(
        id=kept["id"],
        subject=kept["subject"],
        strategy=kept["strategy"],
        authenticated_at=kept["authenticated_at"],
        created_at=kept["created_at"],
        used_at=kept["used_at"],
        expires_at=kept["expires_at"],
        idle=kept["idle"],
        methods=_listed(kept["methods"]),
        client=Client(kept["address"], kept["user_agent"]),
        remembered=bool(kept["remembered"]),
        roles=_set(kept["roles"]),
        fields=kept["fields"],
        bound_to=kept["bound_to"],
    )


def standing_of(kept: Columns) -> Standing:
    """Return the standing of a row that has a session and its account's columns, if any."""
    session = session_of(kept)
    roles = kept["account_roles"]
    return Standing(
        session,
        session.roles if roles is None else _set(roles),
        disabled=bool(kept["account_disabled"]),
    )
