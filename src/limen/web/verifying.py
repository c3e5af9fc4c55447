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

from limen.errors import StoreUnavailable
from limen.principal import Principal
from limen.transports import BearerTransport, Presented
from limen.verdict import Absent
from limen.web.refusal import STORE_DOWN, forbidden
from limen.web.starlette import accepted, refused

if TYPE_CHECKING:
    from limen.verdict import Verdict
    from limen.verify import Verifier

_BEARER = BearerTransport()


class TokenPrincipal:
    """Depends on somebody with a valid token who holds every one of these roles.

    The token comes in `Authorization: Bearer`, which no browser sends by itself: a cookie
    is not looked at, so no page of another site can act here. Answers 401, 403, or 503 while
    nobody can say.
    """

    def __init__(self, verifier: Verifier, *roles: str) -> None:
        self.verifier = verifier
        self.roles = roles

    async def __call__(self, connection: HTTPConnection) -> Principal:
        """Return who a request acts for, or answer it."""
        try:
            verdict = await self._verdict(connection)
        except StoreUnavailable:
            verdict = None
        if verdict is None:
            raise refused(connection, STORE_DOWN)
        principal = accepted(connection, verdict)
        if not principal.roles.issuperset(self.roles):
            raise refused(connection, forbidden())
        return principal

    async def _verdict(self, connection: HTTPConnection) -> Verdict:
        carried = _BEARER.read(connection.scope["headers"])
        if isinstance(carried, Presented) and carried.access is not None:
            return await self.verifier.authenticate(carried.access.reveal())
        return Absent() if carried is None or isinstance(carried, Presented) else carried
