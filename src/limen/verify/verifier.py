"""`Verifier`: who a token of a Limen elsewhere stands for, without its database or secret."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final, Self

from limen.dpop import ProofPolicy
from limen.driver import drive
from limen.effects import AskFeed, FindRevocation, Increment, RefreshKeys, Remember
from limen.errors import ConfigurationError
from limen.feeds import coverage, feed_for
from limen.guarantees import DEFAULT_MAX_LAG
from limen.secret import octets_of
from limen.verdict import Absent, Reason, Refused
from limen.verified import VerifiedCredentials
from limen.verify.logs import log_at
from limen.verify.parts import assemble, policy_of
from limen.verify.remote_keys import KeyLimits

if TYPE_CHECKING:
    import ssl

    from limen.clock import Clock
    from limen.dpop import Proof
    from limen.effects import AnyEffect
    from limen.freshness import Freshness
    from limen.guarantees import Guarantees
    from limen.keyring import Keyring
    from limen.ports import Feed, Store
    from limen.principal import Principal
    from limen.verdict import Authenticated, Verdict

_log = logging.getLogger("limen.verify")
DEFAULT_LIMITS: Final = KeyLimits()
DEFAULT_PROOFS: Final = ProofPolicy()
REMEMBERED: Final = 20_000


class Verifier:
    """Verifies tokens that a Limen has signed, by the key set that it publishes.

    `issuer` and `audience` are those of that Limen. `feed` is the URL of the database or the
    Redis in which it keeps its revocation log, or a store; then a token is refused within
    `max_lag` of its revocation, as under `hybrid`. Without one it works until it expires;
    `guarantees` says which. The log is only read.

    Seconds: `lifetime` is the longest that a token may have, `leeway` excuses a clock that
    is behind, `feed_interval` lies between two looks at a log that announces nothing. `tls`
    is for an issuer whose certificate a private authority signed. For one event loop.

    A token that is bound to a key is accepted with a proof only. `proofs` says how old that may
    be, and `replays` is a store, such as a `RedisStore`, in which all processes see which were
    used; without one each process knows its own.
    """

    def __init__(
        self,
        jwks_url: str,
        *,
        issuer: str,
        audience: str,
        feed: str | Store | None = None,
        lifetime: float = 300,
        leeway: float = 5,
        max_lag: float = DEFAULT_MAX_LAG / 1000,
        feed_interval: float = 0.1,
        remembered: int = REMEMBERED,
        limits: KeyLimits = DEFAULT_LIMITS,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        proofs: ProofPolicy = DEFAULT_PROOFS,
        replays: Store | None = None,
    ) -> None:
        """Check every setting; raises `ConfigurationError`. Nothing is opened or read yet."""
        self._parts = assemble(
            jwks_url,
            policy_of(issuer, audience, lifetime, leeway),
            follows=feed is not None,
            max_lag=max_lag,
            feed_interval=feed_interval,
            limits=limits,
            tls=tls,
            clock=clock,
            proofs=proofs,
        )
        self._replays = replays
        self._keys = self._parts.keys
        self._log: Store | None = log_at(feed) if isinstance(feed, str) else feed
        self._feed: Feed | None = None
        if self._log is not None:
            self._feed = feed_for(
                self._log,
                self._parts.clock,
                max_lag=self._parts.max_lag,
                interval=self._parts.interval,
            )
            self._feed.tell(self._parts.hear)
        self._verified = VerifiedCredentials(self._keys, self._parts.clock, self._feed, remembered)
        self._following = False

    @property
    def guarantees(self) -> Guarantees:
        """What is promised: `revocation_window` is in milliseconds after a `revoke`."""
        return self._parts.guarantees

    async def open(self) -> None:
        """Read the keys and the log, and start to follow it; raises `StoreUnavailable`.

        An issuer that does not answer yet stops nobody from starting: until it does, every
        check raises `StoreUnavailable`.
        """
        if self._feed is not None and not self._following:
            try:
                await self._feed.start()
            except BaseException:
                await self._feed.stop()
                raise
            self._following = True
        await self._newest_keys()
        if not len(self._keys.keyring):
            _log.warning("the issuer's key set could not be read; nothing is accepted until it is")

    async def close(self) -> None:
        """Stop following, and let go of the log."""
        self._following = False
        if self._feed is not None:
            await self._feed.stop()
        if self._log is not None:
            await self._log.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @contextlib.asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Open and close with an application: `FastAPI(lifespan=verifier.lifespan)`."""
        del app
        async with self:
            yield

    def require_fresh(self, principal: Principal, wanted: Freshness) -> Refused | None:
        """Say whether a sensitive action must wait for a new sign-in (RFC 9470); `None` if not.

        Judged by what the token says of its sign-in: `auth_time`, `acr` and `amr`.
        """
        return self._parts.require_fresh(principal, wanted)

    def recognise(self, presented: bytes) -> Authenticated | None:
        """Return the verdict on a token that was verified before and still stands.

        Waits for nothing. `None` says nothing, `authenticate` decides.
        """
        self._keys.keep_up()
        return self._verified.recognise(presented)

    def _known(self, token: str, *, bound: bool) -> Authenticated | None:
        self._keys.keep_up()
        return self._verified.recognise(octets_of(token), bound=bound)

    async def authenticate(self, token: str | None, proof: Proof | None = None) -> Verdict:
        """Say who a token stands for; the rules are those of Limen itself.

        One that is bound to a key needs a `proof`, about this very request and token.

        Raises `StoreUnavailable` while the keys are too old, or the log was not heard of for
        `max_lag` and cannot be asked either: answer 503, and accept nothing.
        """
        if not isinstance(token, str):
            return Absent() if token is None else Refused(Reason.MALFORMED)
        if self._feed is not None and not self._following:
            raise ConfigurationError(
                "Verifier",
                "follows a feed and is not open.",
                "Use it as a context manager, or pass verifier.lifespan to the application.",
            )
        known = self._known(token, bound=proof is not None)
        if known is not None and proof is None:
            return known
        verdict = await drive(self._parts.judged(token, proof, known), self, None)
        self._parts.mismatches.notice(token, verdict)
        return verdict

    async def answer(self, effect: AnyEffect) -> Any:
        """Answer one effect of a flow; called by the driver."""
        match effect:
            case RefreshKeys():
                return await self._required_keys()
            case AskFeed():
                return coverage(self._feed, effect)
            case Remember():
                return self._verified.keep(effect)
            case FindRevocation() if self._log is not None:
                return await self._log.perform(effect)
            case Increment() if self._replays is not None:
                return await self._replays.perform(effect)
            case Increment():
                return self._parts.seen_proofs.count(effect)
            case _:
                raise TypeError(f"a verifier is not asked for {type(effect).__name__}")

    async def _required_keys(self) -> Keyring:
        await self._newest_keys()
        return self._keys.required()

    async def _newest_keys(self) -> None:
        flight = self._keys.fetch()
        if flight is not None:
            # Waits no longer than a fetch may take, and ends none that others wait for.
            await asyncio.wait([asyncio.wrap_future(flight)], timeout=self._keys.limits.seconds)
