"""How every strategy begins a session: a record under a new handle, and room for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.effects import OpenSession, ask, check, note
from limen.entropy import random_text
from limen.evidence import Count
from limen.principal import Client
from limen.session import HANDLE_OCTETS, HANDLE_PREFIX, Session
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.effects import Flow
    from limen.entropy import Entropy
    from limen.principal import Authentication
    from limen.session import Lifetimes, SessionLimit

_RULES: Final = {
    Reason.ACCOUNT_CHANGED: "account unchanged",
    Reason.UNKNOWN_SESSION: "session to continue exists",
    Reason.TOO_MANY_SESSIONS: "room for a session",
}


def new_session(
    strategy: str,
    lifetimes: Lifetimes,
    authentication: Authentication,
    client: Client,
    now: int,
    entropy: Entropy,
    *,
    remembered: bool,
) -> Session:
    """Return the record of a new sign-in under a new handle."""
    return Session(
        id=HANDLE_PREFIX + random_text(entropy, HANDLE_OCTETS),
        subject=authentication.subject,
        strategy=strategy,
        authenticated_at=authentication.at,
        created_at=now,
        used_at=now,
        expires_at=now + (lifetimes.absolute if remembered else lifetimes.forgotten),
        idle=lifetimes.idle,
        methods=authentication.methods,
        client=Client(client.address, client.user_agent),
        remembered=remembered,
        roles=authentication.roles,
        bound_to=client.proven_key,
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms sessions begin: how many there may be, and for how long their ends are logged.

    `horizon` is in milliseconds.
    """

    limit: SessionLimit | None = None
    horizon: int = 0


def opened(
    session: Session,
    authentication: Authentication,
    terms: Terms,
    *,
    replaces: str | None,
    reference: bytes | None = None,
    refresh: bytes | None = None,
) -> Flow[Session | Refused]:
    """Keep a new session, in place of another if one is named; refused as `OpenSession` says."""
    answer = yield from ask(
        OpenSession(
            session,
            authentication.revision,
            reference=reference,
            refresh=refresh,
            replaces=replaces,
            limit=terms.limit,
            horizon=terms.horizon,
        )
    )
    if isinstance(answer, Reason):
        yield from check(_RULES[answer], False, answer)
        return Refused(answer)
    if answer.ended:
        yield from note("ended for it", Count(len(answer.ended)))
    return answer.session
