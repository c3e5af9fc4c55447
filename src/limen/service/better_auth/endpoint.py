"""One endpoint as a record, and one call of it as its handler sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

from limen.errors import ConfigurationError
from limen.principal import Client, Principal
from limen.service.better_auth.wire import (
    JSON_TYPE,
    Answer,
    session_of,
    session_of_principal,
    user_of,
)
from limen.service.visit import Visit
from limen.transports import Carrier, Presented
from limen.transports.origin import origin_of
from limen.web.request import is_loopback, last_line

if TYPE_CHECKING:
    from limen.account import Account
    from limen.secret import Secret
    from limen.service.better_auth.bodies import Body
    from limen.service.better_auth.wire import Problem
    from limen.session import Session

# The client asks for its credentials in the body and keeps them itself.
CARRIER_HEADER = b"x-limen-carrier"
PROOF_HEADER = "dpop"
# What an endpoint reads that may hand credentials to a client which keeps them itself.
CARRIERS = (CARRIER_HEADER.decode(), PROOF_HEADER)

Handler: TypeAlias = Callable[["Call"], Awaitable["Answer"]]
Schema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is answered under one method and path, and how it is documented.

    A path may end in one `{name}`, which stands for one segment. With `redirects` the browser
    may be sent on; `success` is `None` where it always is. `session` asks for somebody signed
    in before the handler runs. `limited` draws on the budget of the client's address, `costs` on
    its wider one for what costs work and proves nothing; `opens` applies the form rule of a
    sign-in. With `needs_store` it does not exist where there is none.
    `anywhere` takes a form from a page of any site, so its handler must neither change nor tell
    anything. `repeatable` does nothing more when it is done again.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    success: Schema | None
    body: Body | None = None
    problems: tuple[Problem, ...] = ()
    session: bool = False
    limited: bool = False
    costs: bool = False
    opens: bool = False
    needs_store: bool = True
    anywhere: bool = False
    repeatable: bool = False
    media_type: str = JSON_TYPE
    headers: tuple[str, ...] = ()  # request headers that it reads
    query: tuple[str, ...] = ()  # query parameters that it reads
    needed: frozenset[str] = frozenset()  # those of them without which it answers 400
    redirects: bool = False

    @property
    def proves(self) -> bool:
        """Whether a client proves here which key it holds, with nothing that is bound to it yet."""
        return PROOF_HEADER in self.headers

    @property
    def hands_over(self) -> bool:
        """Whether credentials may be in the body of its answer."""
        return set(CARRIERS) <= set(self.headers)


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
    segment: str = ""  # what stands in the place of `{name}`
    principal: Principal | None = None
    described: Description | None = None  # whom the answer tells of
    shown: Secret | None = None  # the access credential, if the body hands it over
    proven_key: str | None = None  # to which what this client is given will be bound

    @property
    def client(self) -> Client:
        """What the device list will say of this client, and the key that it has proved."""
        return replace(self.request_auth.client, proven_key=self.proven_key)

    @property
    def actor(self) -> Principal:
        """Who acts; only for endpoints with `session`."""
        if self.principal is None:
            raise TypeError("this endpoint asks for no session")
        return self.principal

    def asked(self, name: str) -> str:
        """Return a query parameter, the empty text if there is none or several."""
        value = self.query.get(name)
        return value if isinstance(value, str) else ""

    def user(self, account: Account) -> dict[str, Any]:
        """Return the `user` object of an account, as this configuration shows it."""
        return user_of(account, usernames=self.auth.settings.usernames.enabled)

    def session_object(self, session: Session | Principal) -> dict[str, Any]:
        """Return a `session` object, as this configuration shows it."""
        declared = tuple(self.auth.settings.session_fields)
        if isinstance(session, Principal):
            return session_of_principal(session, declared)
        return session_of(session, declared)

    def link(self, path: str, callback: str) -> str:
        """Return the address of an endpoint of ours for a letter; `{token}` in it is kept.

        Raises `ConfigurationError` if nothing but the request says what this service is called:
        whoever writes a Host header must not get somebody else's link.
        """
        origin = self.own_origin
        named = last_line(self.request_auth.scope, b"host")
        if self.auth.settings.base_url is None and not is_loopback(named):
            raise ConfigurationError(
                "base_url",
                "is not set, so nobody knows where the link in a letter leads.",
                "Set the public address, such as https://app.example.",
            )
        joint = "&" if "?" in path else "?"
        query = urlencode({"callbackURL": callback})
        return f"{origin}{self.auth.settings.base_path}{path}{joint}{query}"

    @property
    def own_origin(self) -> str:
        """The origin of this service."""
        base_url = self.auth.settings.base_url
        return (base_url and origin_of(base_url)) or self.request_auth.own_origin

    def sent_on(self, target: str, **query: str) -> Answer:
        """Send the browser on to a trusted target, which the caller has judged.

        The address may hold a token, so no page learns it as a referrer (ASVS 3.4.5).
        """
        place = f"{self.own_origin}{target}" if target.startswith("/") else target
        place, mark, fragment = place.partition("#")
        if query:
            place += ("&" if "?" in place else "?") + urlencode(query)
        headers = (("Location", f"{place}{mark}{fragment}"), ("Referrer-Policy", "no-referrer"))
        return Answer(302, b"", JSON_TYPE, headers)

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
    def keeps_no_cookies(self) -> bool:
        """Whether the client keeps its credentials itself."""
        return self.by_bearer

    @property
    def by_bearer(self) -> bool:
        """Whether the client keeps its credentials itself and wants no cookies.

        Whoever has proved a key does: a page cannot prove anything about a cookie that its
        script may not read.
        """
        found = self.request_auth.presented()
        if isinstance(found, Presented) and found.carrier is not Carrier.COOKIE:
            return True
        return self.wants_bearer or self.proven_key is not None

    @property
    def wants_bearer(self) -> bool:
        """Whether the client says by a header that it keeps its credentials itself."""
        return self.header(CARRIER_HEADER).strip().lower() == Carrier.BEARER.value

    @property
    def by_browser(self) -> bool:
        """Whether a page may read the answer: browsers send one of these with every POST."""
        return bool(self.header(b"origin") or self.header(b"sec-fetch-mode"))
