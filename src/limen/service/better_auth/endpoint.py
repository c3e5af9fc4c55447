"""One endpoint as a record, and one call of it as its handler sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from limen.service.better_auth.wire import JSON_TYPE
from limen.service.visit import Visit
from limen.transports import Carrier, Presented

if TYPE_CHECKING:
    from limen.principal import Principal
    from limen.secret import Secret
    from limen.service.better_auth.bodies import Body
    from limen.service.better_auth.wire import Answer, Problem

# The client asks for its credentials in the body and keeps them itself.
CARRIER_HEADER = b"x-limen-carrier"

Handler: TypeAlias = Callable[["Call"], Awaitable["Answer"]]
Schema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is answered under one method and path, and how it is documented.

    `session` asks for somebody signed in before the handler runs. `limited` draws on the
    budget of the client's address, `opens` applies the form rule of a sign-in. With
    `needs_store` it does not exist where there is none.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    success: Schema
    body: Body | None = None
    problems: tuple[Problem, ...] = ()
    session: bool = False
    limited: bool = False
    opens: bool = False
    needs_store: bool = True
    media_type: str = JSON_TYPE
    headers: tuple[str, ...] = ()  # request headers that it reads
    query: tuple[str, ...] = ()  # query parameters that it reads


@dataclass(frozen=True, slots=True)
class Description:
    """A session and its user as the wire tells them, and until when both may be believed.

    `ends_at` is in milliseconds; `remembered` says whether the browser keeps them when it closes.
    """

    members: Mapping[str, Any]
    ends_at: int
    remembered: bool


@dataclass(slots=True)
class Call(Visit):
    """One request that passed every rule of its endpoint."""

    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    principal: Principal | None = None
    described: Description | None = None  # whom the answer tells of
    shown: Secret | None = None  # the access credential, if the body hands it over

    @property
    def actor(self) -> Principal:
        """Who acts; only for endpoints with `session`."""
        if self.principal is None:
            raise TypeError("this endpoint asks for no session")
        return self.principal

    def credentials(self) -> tuple[str, ...]:
        """Return what a new sign-in ends: what the client holds (ASVS 7.2.4).

        Nothing where a browser may hold several accounts: which one gives way is known only
        when it is known who signs in.
        """
        several = self.auth.settings.better_auth.multi_session > 0
        return () if several and not self.by_bearer else self.held()

    def held(self) -> tuple[str, ...]:
        """Return the credentials that the client acts with, as text."""
        found = self.carried()
        parts: tuple[Secret | None, ...] = () if found is None else (found.access, found.refresh)
        return tuple(part.reveal() for part in parts if part is not None)

    @property
    def by_bearer(self) -> bool:
        """Whether the client keeps its credentials itself and wants no cookies."""
        found = self.request_auth.presented()
        if isinstance(found, Presented) and found.carrier is Carrier.BEARER:
            return True
        return self.header(CARRIER_HEADER).strip().lower() == Carrier.BEARER.value

    @property
    def by_browser(self) -> bool:
        """Whether a page may read the answer: browsers send one of these with every POST."""
        return bool(self.header(b"origin") or self.header(b"sec-fetch-mode"))
