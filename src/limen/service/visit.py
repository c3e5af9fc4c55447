"""One request to a wire: who asks, what they carry, and whether that is still meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limen.audit import AuditKind
from limen.effects import record
from limen.evidence import Check, Evidence
from limen.phase import Phase
from limen.transports import Carrier, Presented
from limen.verdict import Authenticated, Reason, Refused

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.guarantees import Guarantees
    from limen.principal import Client, Principal
    from limen.session import Session
    from limen.web.request import RequestAuth

# Refusals that pass by themselves: another tab has the newer cookie, or a clock or a key set
# is late. To forget the cookies would sign the person out.
_PASSING = frozenset({Reason.SUPERSEDED, Reason.NOT_YET_VALID, Reason.UNKNOWN_KEY})


@dataclass(slots=True)
class Visit:
    """One request, whatever the wire."""

    auth: Limen
    request_auth: RequestAuth

    @property
    def client(self) -> Client:
        """What the device list will say of this client."""
        return self.request_auth.client

    @property
    def keeps_no_cookies(self) -> bool:
        """Whether the client keeps its credentials itself."""
        return False

    @property
    def now(self) -> int:
        """The time in milliseconds."""
        return self.auth.assembly.clock.now()

    def header(self, name: bytes) -> str:
        """Return the first header of a name, the empty text if there is none."""
        for key, value in self.request_auth.headers:
            if key == name:
                return value.decode("latin-1")
        return ""

    def carried(self) -> Presented | None:
        """Return what the request carries, unless that is ambiguous."""
        found = self.request_auth.presented()
        return found if isinstance(found, Presented) else None

    @property
    def strategy(self) -> str:
        """The strategy that issues, for the trace."""
        return self.auth.assembly.parts.primary.name

    def record(self, phase: Phase, **outcome: Evidence) -> None:
        """Tell the trace what this edge did."""
        self.auth.assembly.tracer.record(self.strategy, phase, outcome=outcome)

    async def record_foreign(self) -> None:
        """Tell that the page which asks is not trusted, which nothing else would."""
        check = Check("origin", False, Reason.CROSS_ORIGIN)
        self.auth.assembly.tracer.record(self.strategy, Phase.CSRF_CHECK, checks=(check,))
        await self.auth.run(record(AuditKind.ORIGIN_REFUSED, reason=Reason.CROSS_ORIGIN))

    def guarantees_of(self, principal: Principal) -> Guarantees:
        """Return what is promised of the credential of a principal."""
        for other in self.auth.settings.elsewhere:
            if other.name == principal.strategy:
                return other.guarantees
        strategies = self.auth.assembly.parts.strategies
        return next(one.guarantees for one in strategies if one.name == principal.strategy)

    def is_kept(self, principal: Principal) -> bool:
        """Tell whether there must be a stored session behind a principal."""
        if self.auth.assembly.keys.inherits(principal.key_id):
            return False  # of a time without a store
        return self.guarantees_of(principal).needs_store

    async def living_session(self, principal: Principal) -> Session | None:
        """Return the stored session of a principal if it is still meant."""
        session = await self.auth.session(principal.session_id)
        if session is None or session.subject != principal.subject or session.ends_at <= self.now:
            return None
        return session

    async def signed_in(self) -> Principal | None:
        """Return who acts, `None` unless the session itself still stands.

        A signed token may outlive its session by a moment (`hybrid`) or to its end (`jwt`).
        It opens none of the endpoints about the account: here the store is asked.
        """
        verdict = await self.request_auth.verdict()
        if not isinstance(verdict, Authenticated):
            self.forget(verdict)
            return None
        window = self.guarantees_of(verdict.principal).revocation_window
        if window > 0 and self.is_kept(verdict.principal):
            session = await self.living_session(verdict.principal)
            if session is None:
                self.forget(Refused(Reason.REVOKED))
                return None
        return verdict.principal

    def forget(self, verdict: object) -> None:
        """Make the browser forget cookies that will never be accepted again."""
        carried = self.carried()
        if carried is None or carried.carrier is not Carrier.COOKIE:
            return
        if not isinstance(verdict, Refused) or verdict.reason in _PASSING:
            return
        if (
            self.request_auth.is_safe
            and carried.refresh is not None
            and verdict.reason is Reason.UNKNOWN_SESSION
        ):
            # Another tab may have traded this refresh token a moment ago, and its answer
            # with the newer cookies must not be undone. Only a POST finds out.
            return
        self.request_auth.withdraw(ended=False)
