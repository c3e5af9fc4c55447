"""How records become arguments of scripts, and replies records again."""

from __future__ import annotations

import contextlib
import functools
import json
from typing import TYPE_CHECKING, Any, Final

from limen.errors import StoreUnavailable, UnreadableSession
from limen.principal import Client
from limen.revocation import Kind, Revocation
from limen.session import NO_FIELDS, Session, Standing, as_written

if TYPE_CHECKING:
    from limen.stores.redis.steps import Argument, Reply

# Lua computes with doubles, which are exact up to here.
_GREATEST: Final = 1 << 53
# Of the reply `standing`: a word, the session's id and eight fields, then the account's state.
STANDING: Final = 13


def encoded(argument: Argument) -> bytes:
    """Return an argument as octets; `None` is empty. Any text can be written."""
    if isinstance(argument, bytes):
        return argument
    if argument is None:
        return b""
    if isinstance(argument, bool):
        return b"1" if argument else b"0"
    if isinstance(argument, int):
        if abs(argument) > _GREATEST:
            raise StoreUnavailable("the store refused a number that is too large")
        return str(argument).encode()
    return argument.encode("utf-8", "surrogatepass")


def text_of(octets: bytes) -> str:
    """Return the text that `encoded` wrote."""
    return octets.decode("utf-8", "surrogatepass")


def names(values: frozenset[str]) -> str:
    """Return names as a JSON array, sorted."""
    return json.dumps(sorted(values))


def body_of(session: Session) -> str:
    """Return, as JSON, what no script looks at.

    Only a bound session has a last part: a process of the version before, which would take its
    credentials from anybody, cannot read it.
    """
    body: list[object] = [
        session.authenticated_at,
        session.methods,
        session.client.address,
        session.client.user_agent,
        session.remembered,
        sorted(session.roles),
    ]
    return json.dumps(body if session.bound_to is None else [*body, session.bound_to])


def fields_of(session: Session) -> str | None:
    """Return what the application keeps with a session, `None` if that is nothing."""
    return None if session.fields == NO_FIELDS else session.fields


@functools.lru_cache(maxsize=1_024)
def _set(text: bytes) -> frozenset[str]:
    with contextlib.suppress(ValueError, RecursionError):
        read = json.loads(text)
        if isinstance(read, list) and all(isinstance(one, str) for one in read):
            return frozenset(read)
    raise StoreUnavailable("the copy of an account in Redis holds what Limen does not write")


def session_of(row: list[bytes]) -> Session:
    """Return the session of a row: its id, then the fields in the order of the scripts.

    Raises `UnreadableSession`.
    """
    try:
        session = _session_of(row)
    except (ValueError, TypeError, RecursionError):
        session = None
    if session is None:
        raise UnreadableSession(row[0].decode("utf-8", "replace"))
    return as_written(session)


def _session_of(row: list[bytes]) -> Session:
    id_, subject, strategy, created, used, expires, idle, body, fields = row
    authenticated_at, methods, address, user_agent, remembered, roles, *bound = json.loads(body)
    return Session(
        id=text_of(id_),
        subject=text_of(subject),
        strategy=text_of(strategy),
        authenticated_at=authenticated_at,
        created_at=int(created),
        used_at=int(used),
        expires_at=int(expires),
        idle=int(idle),
        methods=tuple(methods),
        client=Client(address, user_agent),
        remembered=remembered,
        roles=frozenset(roles),
        fields=text_of(fields) or NO_FIELDS,  # as of a session from before there were fields
        bound_to=bound[0] if bound else None,
    )


def standing_of(reply: Reply) -> Standing:
    """Return what the function `standing` of the scripts answered."""
    session = session_of(reply[1:10])
    exists, disabled, roles = reply[10:STANDING]
    if exists != b"1":
        return Standing(session, session.roles, disabled=False)
    return Standing(session, _set(roles), disabled=disabled == b"1")


def entry_of(row: Any) -> Revocation:
    """Return the entry of the log that one record of the stream is."""
    number, (_, kind, _, subject, _, before, _, expires) = row
    return Revocation(
        seq=int(number.partition(b"-")[0]),
        kind=Kind(kind.decode()),
        subject=text_of(subject),
        not_before=int(before),
        expires_at=int(expires),
    )
