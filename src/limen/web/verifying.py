"""A Starlette or FastAPI service that only verifies: who a request acts for, by its token.

from limen.verify import Verifier
from limen.web.verifying import TokenPrincipal

verifier = Verifier(...)
app = FastAPI(lifespan=verifier.lifespan)
Caller = Annotated[Principal, Depends(TokenPrincipal(verifier))]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from limen.errors import ConfigurationError, StoreUnavailable
from limen.principal import Principal
from limen.transports import BearerTransport, Carrier, DpopTransport, OriginRule, Presented
from limen.transports.dpop import proof_in
from limen.verdict import Absent, Reason, Refused
from limen.web.proving import proof_about
from limen.web.refusal import STORE_DOWN, forbidden, refusal_of, taken_from
from limen.web.starlette import accepted, refused

if TYPE_CHECKING:
    from limen.freshness import Freshness
    from limen.settings import DpopMode
    from limen.verdict import Verdict
    from limen.verify import Verifier


class TokenPrincipal:
    """Depends on somebody with a valid token who holds every one of these roles.

    The token comes in `Authorization`, which no browser sends by itself: a cookie is not looked
    at, so no page of another site can act here. Answers 401, 403, or 503 while nobody can say.

    `Authorization: DPoP` is for tokens that are bound to a key, and then a proof must say
    `base_url`, the public address of this service; without that they are refused. With
    `bound_only` no others are taken.

    `fresh` asks besides how long ago and how strongly they signed in, and is answered with the
    challenge of RFC 9470.
    """

    def __init__(
        self,
        verifier: Verifier,
        *roles: str,
        base_url: str | None = None,
        bound_only: bool = False,
        fresh: Freshness | None = None,
    ) -> None:
        """Make it; raises `ConfigurationError` for a `base_url` that is none."""
        if bound_only and base_url is None:
            raise ConfigurationError(
                "base_url",
                "is not set, and nothing else says what a proof must be about.",
                "Set the public address of this service, such as https://api.example.",
            )
        self.verifier = verifier
        self.roles = roles
        self.fresh = fresh
        self._origin = OriginRule(base_url).own
        self._dpop: DpopMode = "off"
        self._headers = BearerTransport()
        if self._origin is not None:
            self._dpop = "require" if bound_only else "accept"
            self._headers = DpopTransport(required=bound_only)

    async def __call__(self, connection: HTTPConnection) -> Principal:
        """Return who a request acts for, or answer it."""
        try:
            verdict = await self._verdict(connection)
        except StoreUnavailable:
            verdict = None
        if verdict is None:
            raise refused(connection, STORE_DOWN)
        principal = accepted(connection, verdict, self._dpop)
        if not principal.roles.issuperset(self.roles):
            raise refused(connection, forbidden())
        if self.fresh is not None:
            stale = self.verifier.require_fresh(principal, self.fresh)
            if stale is not None:
                raise refused(
                    connection, refusal_of(stale, taken_from(principal, self._dpop), self.fresh)
                )
        return principal

    async def _verdict(self, connection: HTTPConnection) -> Verdict:
        scope = connection.scope
        carried = self._headers.read(scope["headers"])
        if not isinstance(carried, Presented) or carried.access is None:
            return carried if isinstance(carried, Refused) else Absent()
        access = carried.access.reveal()
        if carried.carrier is not Carrier.DPOP or self._origin is None:
            return await self.verifier.authenticate(access)
        text = proof_in(scope["headers"])
        if not isinstance(text, str):
            return text or Refused(Reason.UNPROVEN)
        return await self.verifier.authenticate(access, proof_about(scope, text, self._origin))
