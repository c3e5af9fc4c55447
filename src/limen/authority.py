"""`Limen`: everything an application asks for, as plain methods that are awaited.

The composition root: it turns settings into a store, a feed and operations, and runs the
flows. It needs no web framework.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Self, TypeVar

from limen.assembly import KEY_COOLDOWN, Assembly, assemble, check_face, not_open, settings_from
from limen.audit_hooks import Hooks
from limen.auditing import SYSTEM, Auditing, audited_as
from limen.awaited import AwaitedVerbs
from limen.connections import Connection, Connections
from limen.driver import drive
from limen.effects import (
    AppendAudit,
    AskFeed,
    AskPosition,
    Flow,
    HashPassword,
    RefreshKeys,
    Remember,
    SearchBreaches,
    SendLetter,
    VerifyPassword,
    may_have_revoked,
)
from limen.errors import LimenError, StoreUnavailable, UnreadableSession
from limen.feeds import coverage, feed_for, position
from limen.hashing import HashingPool
from limen.mailers import Post, mailer_for
from limen.passwords import SALT_OCTETS
from limen.searching import search
from limen.secret import octets_of
from limen.settings import Options, Settings, StrategyName
from limen.stores.none import NoStore

if TYPE_CHECKING:
    from typing import Unpack

    from limen.clock import Clock
    from limen.dpop import Proof
    from limen.effects import AnyEffect
    from limen.entropy import Entropy
    from limen.ports import Feed, Store
    from limen.principal import Principal
    from limen.strategies.base import Strategy
    from limen.trace.viewer import Viewer
    from limen.verdict import Authenticated, Verdict

R = TypeVar("R")

_log = logging.getLogger("limen")
KEY_REFRESH_S = 60
PURGE_EVERY_S = 600


class Limen(AwaitedVerbs):
    """Sign-in for one application.

    `Limen("hybrid", database="sqlite+aiosqlite:///app.db", secret=...)` is the easy door.
    The full one takes objects: a `strategy` of your own, a `store` of your own, or all
    `settings` at once. Use it as a context manager, or let an adapter in `limen.web` open
    and close it with the application.
    """

    def __init__(
        self,
        strategy: StrategyName | Strategy = "hybrid",
        *,
        settings: Settings | None = None,
        store: Store | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Check every setting and build the parts; raises `ConfigurationError`.

        Nothing is opened yet and nothing is read.
        """
        own = None if isinstance(strategy, str) else strategy
        self.settings = settings_from(strategy, settings, options)
        has_store = store is not None or self.settings.database is not None
        self._assembly: Assembly = assemble(
            self.settings, clock, entropy, keeps=has_store, primary=own
        )
        self._operations = self._assembly.operations
        if store is not None:
            check_face(store, awaits=True)
        self._store = store or _store_named(self.settings)
        self._hashing = HashingPool(self.settings.hashing_workers)
        self._post = Post(mailer_for(self.settings))
        self._hooks = Hooks(self.settings.audit.hooks)
        self._auditing = Auditing(self.settings.audit, self._assembly.clock, self._hooks.accept)
        self._feed: Feed | None = self._build_feed() if self._assembly.follows_feed else None
        self._connections = self._build_connections()
        self._watching = False
        self._verified = self._assembly.verified(self._feed)
        self._near = self._assembly.near(self._store)
        self._is_plain = type(self).authenticate is Limen.authenticate
        self._keys_read_at = 0
        self._upkeep: asyncio.Task[None] | None = None
        self._opened = False
        self._opening = asyncio.Lock()

    def _build_feed(self) -> Feed:
        return feed_for(
            self._store,
            self._assembly.clock,
            max_lag=round(self.settings.max_lag * 1000),
            interval=round(self.settings.feed_interval * 1000),
            on_key=lambda: self.run(self._operations.load_keys()),
        )

    def _build_connections(self) -> Connections:
        strategies = self._assembly.parts.strategies
        return Connections(
            lambda principal: self.run(self._operations.still_stands(principal)),
            self._assembly.clock,
            round(self.settings.max_lag * 1000),
            logged=all(one.horizon for one in strategies if one.guarantees.needs_store),
        )

    # -- opening and closing

    def use(self, viewer: Viewer) -> None:
        """Let a viewer follow the trace while this is open, such as the Lab in development.

        Raises `ConfigurationError` if the viewer refuses these settings.
        """
        self._assembly.use(viewer)
        if self._opened:
            viewer.start()

    async def open(self) -> None:
        """Open the store, read the keys and the revocation log, and start following it.

        Raises `MigrationNeeded` or another `ConfigurationError` with the remedy, or
        `StoreUnavailable`; then nothing is left open, and it may be tried again.
        """
        async with self._opening, contextlib.AsyncExitStack() as begun:
            if not self._opened:
                await self._open(begun)
                self._opened = True
            begun.pop_all()

    async def _open(self, begun: contextlib.AsyncExitStack) -> None:
        # Before each is opened: one that fails half way has something to close as well.
        for other in self.settings.elsewhere:
            begun.push_async_callback(other.close)
            await other.open()
        begun.push_async_callback(self._store.close)
        await self._store.open()
        begun.push_async_callback(self._stop_following)
        if self._assembly.parts.keeps:
            with audited_as(SYSTEM):
                await self.run(self._operations.load_keys())
            self._upkeep = asyncio.create_task(self._keep_up(), name="limen-upkeep")
        else:
            _log.warning(
                "strategy='jwt' with refresh=None keeps nothing: there are no accounts, no "
                "device list and no refresh, and a token works until it expires whatever happens"
            )
        if self._feed is not None:
            await self._feed.start()
        for viewer in self._assembly.viewers:
            begun.callback(viewer.stop)
            viewer.start()

    async def close(self) -> None:
        """Stop following, let running hashes finish, send waiting letters and close the store."""
        for viewer in self._assembly.viewers:
            viewer.stop()
        await self._connections.close()
        await self._stop_following()
        for other in self.settings.elsewhere:
            await other.close()
        self._hashing.close()
        await self._post.close()
        await self._hooks.close()
        await self._store.close()
        self._opened = False

    async def _stop_following(self) -> None:
        if self._feed is not None:
            await self._feed.stop()
        upkeep, self._upkeep = self._upkeep, None
        if upkeep is not None:
            upkeep.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await upkeep

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @contextlib.asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Open and close with an application: `FastAPI(lifespan=auth.lifespan)`."""
        del app
        async with self:
            yield

    async def _keep_up(self) -> None:
        """Read the keys now and then, and delete what time has ended."""
        for turn in range(1, 1 << 62):
            await asyncio.sleep(KEY_REFRESH_S)
            try:
                with audited_as(SYSTEM):
                    await self.run(self._operations.load_keys())
                    if turn % (PURGE_EVERY_S // KEY_REFRESH_S) == 0:
                        await self.run(self._operations.purge())
            except LimenError as fault:
                _log.warning("housekeeping failed and will be tried again: %s", fault)
            except Exception:  # noqa: BLE001 - the task must outlive a fault that nobody foresaw
                _log.exception("housekeeping failed and will be tried again")

    # -- running flows

    async def run(self, flow: Flow[R]) -> R:
        """Run a flow; public so that your own flows can use the same store and trace."""
        recorder = self._assembly.tracer.begin(self._assembly.parts.primary.name)
        return await drive(flow, self, recorder)

    def recognise(self, presented: bytes) -> Authenticated | None:
        """Return the verdict on a credential if that takes no flow and nothing is awaited.

        It was verified before, or its session lies beside the process. `None` says nothing,
        `authenticate` decides; and that it is always while anybody follows the trace, and
        where a derived class has an `authenticate` of its own.
        """
        if not self._opened or not self._is_plain or self._assembly.tracer.listening:
            return None
        return self._known(presented)

    def _known(self, presented: bytes) -> Authenticated | None:
        # A row is read without a trace, so whoever listens hears of it from the flow.
        if self._near is not None and not self._assembly.tracer.listening:
            known = self._near.recognise(presented)
            if known is not None:
                return known
        return self._verified.recognise(presented)

    async def authenticate(self, presented: str | None, proof: Proof | None = None) -> Verdict:
        """Say who a credential stands for.

        One that `recognise` knows needs no flow. One that is bound to a key needs a `proof`
        each time, and the store to say that it is a new one. Raises `StoreUnavailable` when the
        store must be asked and cannot answer.
        """
        if not self._opened:
            raise not_open("Limen")
        if not isinstance(presented, str):
            return await self.run(self._operations.authenticate(presented))
        if proof is not None:
            bound = self._verified.recognise(octets_of(presented), bound=True)
            return await self.run(self._operations.authenticate(presented, proof, bound))
        known = self._known(octets_of(presented))
        if known is None:
            return await self.run(self._operations.authenticate(presented))
        if self._assembly.traced:
            await self.run(self._operations.recognised(presented, known))
        return known

    async def answer(self, effect: AnyEffect) -> Any:
        """Answer one effect of a flow; called by the driver."""
        match effect:
            case AskFeed():
                return coverage(self._feed, effect)
            case AskPosition():
                return position(self._feed)
            case Remember():
                return self._verified.keep(effect)
            case VerifyPassword(password, against):
                judge = functools.partial(self._assembly.judge, password, against)
                return await self._hashing.run(judge)
            case HashPassword(password):
                salt = self._assembly.entropy.octets(SALT_OCTETS)
                make = functools.partial(self._assembly.hasher.hash, password, salt)
                return await self._hashing.run(make)
            case RefreshKeys():
                return await self._newer_keys()
            case SearchBreaches(prefix):
                return await search(self._assembly.parts.passwords.policy, prefix)
            case SendLetter(letter):
                return self._post.accept(letter)
            case _:
                return await self._perform(effect)

    async def _perform(self, effect: AnyEffect) -> Any:
        told = self._auditing.prepared(effect)
        if told is None:
            return None
        if isinstance(told, AppendAudit) and not self._assembly.parts.keeps:
            return self._auditing.kept(told, None)
        try:
            answer = await self._store.perform(told)
        except UnreadableSession as fault:
            answer = await self._perform(self._auditing.unreadable(told, fault))
        except StoreUnavailable:
            if not self._auditing.stands_without(told):
                raise
            return None
        if may_have_revoked(told, answer):
            await self._look_at_log()
        self._auditing.kept(told, answer)
        return answer

    async def _newer_keys(self) -> object:
        now = self._assembly.clock.now()
        if self._assembly.parts.keeps and now - self._keys_read_at >= KEY_COOLDOWN:
            self._keys_read_at = now
            await self.run(self._operations.load_keys())
        return self._assembly.keys.keyring

    async def _look_at_log(self) -> None:
        if self._feed is not None:
            # The revocation is committed; if the look fails, the feed's lease covers it.
            with contextlib.suppress(StoreUnavailable):
                await self._feed.catch_up()

    # -- open connections

    async def watch(self, principal: Principal) -> Connection:
        """Watch over an open connection, such as a stream, until its sign-in ends.

        `with await auth.watch(principal) as connection:`, and in it `await
        connection.ended()` or a look at `connection.ending`. Within `max_lag` of a revocation
        of its session, user or key the connection has ended, and also if nobody could tell
        for so long. The first one makes this process follow the log, whatever the strategy.
        Raises `StoreUnavailable` if the store cannot say whether the sign-in stands.
        """
        if not self._opened:
            raise not_open("Limen")
        if not self._watching:
            await self._begin_to_watch()
        return await self._connections.open(principal)

    async def _begin_to_watch(self) -> None:
        async with self._opening:
            if self._watching:
                return
            if self._feed is None and self._assembly.parts.keeps:
                feed = self._build_feed()
                try:
                    await feed.start()
                except BaseException:
                    await feed.stop()
                    raise
                self._feed = feed
            if self._feed is not None:
                self._feed.tell(self._connections.hear)
                self._connections.feed = self._feed
            self._watching = True

    # -- what an edge needs besides

    @property
    def is_open(self) -> bool:
        """Whether `open` has succeeded and `close` was not called since."""
        return self._opened

    def is_outdated(self, principal: Principal) -> bool:
        """Tell whether a credential should be exchanged for one of the primary strategy."""
        return self._operations.is_outdated(principal)

    @property
    def assembly(self) -> Assembly:
        """The parts that the settings describe."""
        return self._assembly

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public key set (RFC 7517 section 5)."""
        return self._assembly.keys.keyring.jwks()


def _store_named(settings: Settings) -> Store:
    if settings.database is None:
        return NoStore()
    # Imported here so that `import limen` loads no database driver.
    from limen.stores.sql import open_store  # noqa: PLC0415

    home = open_store(settings.database)
    if settings.redis is None:
        return home
    from limen.stores.redis import RedisStore  # noqa: PLC0415 - as above

    return RedisStore(settings.redis, home)
