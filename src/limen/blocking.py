"""`BlockingLimen`: the same operations for code that does not await (Django, Flask, scripts).

It shares every flow with `Limen`; only the driver differs.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from limen.assembly import KEY_COOLDOWN, Assembly, assemble, check_face, not_open, settings_from
from limen.audit_hooks import BlockingHooks
from limen.auditing import SYSTEM, Auditing, audited_as
from limen.driver import drive_blocking
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
from limen.errors import StoreUnavailable, UnreadableSession
from limen.feeds import blocking_feed_for, coverage, position
from limen.mailers import BlockingPost, mailer_for
from limen.operations import Operations
from limen.passwords import SALT_OCTETS
from limen.searching import search_blocking
from limen.secret import octets_of
from limen.settings import Options, Settings, StrategyName
from limen.stores.none import BlockingNoStore

if TYPE_CHECKING:
    from typing import Unpack

    from limen.clock import Clock
    from limen.dpop import Proof
    from limen.effects import AnyEffect
    from limen.entropy import Entropy
    from limen.ports import BlockingFeed, BlockingStore
    from limen.principal import Principal
    from limen.strategies.base import Strategy
    from limen.trace.viewer import Viewer
    from limen.verdict import Authenticated, Verdict

P = ParamSpec("P")
R = TypeVar("R")

# There is no task in the background, so keys older than this, in milliseconds, are read again
# by the next call. It is shorter than a withdrawn key's entry in the log, which then expires.
KEY_REFRESH = 60_000


def _called(
    flow: Callable[Concatenate[Operations, P], Flow[R]],
) -> Callable[Concatenate[BlockingLimen, P], R]:
    """Make a method that runs one operation, with its signature and docstring."""

    @functools.wraps(flow)
    def method(self: BlockingLimen, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if not self._opened:
            raise not_open("BlockingLimen")
        return self.run(flow(self._operations, *args, **kwargs))

    return method


class BlockingLimen:
    """Sign-in for one application that does not await. Otherwise as `Limen`."""

    def __init__(
        self,
        strategy: StrategyName | Strategy = "hybrid",
        *,
        settings: Settings | None = None,
        store: BlockingStore | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Check every setting and build the parts; raises `ConfigurationError`."""
        own = None if isinstance(strategy, str) else strategy
        self.settings = settings_from(strategy, settings, options)
        has_store = store is not None or self.settings.database is not None
        self._assembly: Assembly = assemble(
            self.settings, clock, entropy, keeps=has_store, primary=own
        )
        self._operations = self._assembly.operations
        if store is not None:
            check_face(store, awaits=False)
        self._store = store or _store_named(self.settings)
        self._post = BlockingPost(mailer_for(self.settings))
        self._hooks = BlockingHooks(self.settings.audit.hooks)
        self._auditing = Auditing(self.settings.audit, self._assembly.clock, self._hooks.accept)
        self._feed: BlockingFeed | None = None
        if self._assembly.follows_feed:
            self._feed = blocking_feed_for(
                self._store,
                self._assembly.clock,
                max_lag=round(self.settings.max_lag * 1000),
                interval=round(self.settings.feed_interval * 1000),
            )
        self._verified = self._assembly.verified(self._feed)
        self._near = self._assembly.near(self._store)
        self._keys_read_at = self._kept_up_at = 0
        self._opened = False

    def use(self, viewer: Viewer) -> None:
        """Let a viewer follow the trace while this is open, such as the Lab in development.

        Raises `ConfigurationError` if the viewer refuses these settings.
        """
        self._assembly.use(viewer)
        if self._opened:
            viewer.start()

    def open(self) -> None:
        """Open the store and read the keys; raises what `Limen.open` does."""
        if self._opened:
            return
        with contextlib.ExitStack() as begun:
            begun.callback(self._store.close)
            self._store.open()
            if self._assembly.parts.keeps:
                self._kept_up_at = self._assembly.clock.now()
                with audited_as(SYSTEM):
                    self.run(self._operations.load_keys())
            for viewer in self._assembly.viewers:
                begun.callback(viewer.stop)
                viewer.start()
            self._opened = True
            begun.pop_all()

    def close(self) -> None:
        """Close the feed, send waiting letters and close the store."""
        for viewer in self._assembly.viewers:
            viewer.stop()
        self._opened = False
        if self._feed is not None:
            self._feed.close()
        self._post.close()
        self._hooks.close()
        self._store.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def run(self, flow: Flow[R]) -> R:
        """Run a flow; public so that your own flows can use the same store and trace."""
        self._keep_up()
        recorder = self._assembly.tracer.begin(self._assembly.parts.primary.name)
        return drive_blocking(flow, self, recorder)

    def _keep_up(self) -> None:
        """Read the keys again now and then; if that fails, those that are known serve on."""
        now = self._assembly.clock.now()
        if self._assembly.parts.keeps and now - self._kept_up_at >= KEY_REFRESH:
            self._kept_up_at = now
            with contextlib.suppress(StoreUnavailable), audited_as(SYSTEM):
                self.run(self._operations.load_keys())

    def authenticate(self, presented: str | None, proof: Proof | None = None) -> Verdict:
        """Say who a credential stands for, as `Limen.authenticate` does."""
        if not self._opened:
            raise not_open("BlockingLimen")
        self._keep_up()
        if not isinstance(presented, str):
            return self.run(self._operations.authenticate(presented))
        if proof is not None:
            bound = self._verified.recognise(octets_of(presented), bound=True)
            return self.run(self._operations.authenticate(presented, proof, bound))
        known = self._known(octets_of(presented))
        if known is None:
            return self.run(self._operations.authenticate(presented))
        if self._assembly.traced:
            self.run(self._operations.recognised(presented, known))
        return known

    def _known(self, presented: bytes) -> Authenticated | None:
        # A row is read without a trace, so whoever listens hears of it from the flow.
        if self._near is not None and not self._assembly.traced:
            known = self._near.recognise(presented)
            if known is not None:
                return known
        return self._verified.recognise(presented)

    def answer(self, effect: AnyEffect) -> Any:
        """Answer one effect of a flow; called by the driver."""
        match effect:
            case AskFeed():
                return coverage(self._feed, effect)
            case AskPosition():
                return position(self._feed)
            case Remember():
                return self._verified.keep(effect)
            case VerifyPassword(password, against):
                return self._assembly.judge(password, against)
            case HashPassword(password):
                salt = self._assembly.entropy.octets(SALT_OCTETS)
                return self._assembly.hasher.hash(password, salt)
            case RefreshKeys():
                return self._newer_keys()
            case SearchBreaches(prefix):
                return search_blocking(self._assembly.parts.passwords.policy, prefix)
            case SendLetter(letter):
                return self._post.accept(letter)
            case _:
                return self._perform(effect)

    def _perform(self, effect: AnyEffect) -> Any:
        told = self._auditing.prepared(effect)
        if told is None:
            return None
        if isinstance(told, AppendAudit) and not self._assembly.parts.keeps:
            return self._auditing.kept(told, None)
        try:
            answer = self._store.perform(told)
        except UnreadableSession as fault:
            answer = self._perform(self._auditing.unreadable(told, fault))
        except StoreUnavailable:
            if not self._auditing.stands_without(told):
                raise
            return None
        if may_have_revoked(told, answer) and self._feed is not None:
            # The revocation is committed; the feed's lease covers a failed look.
            with contextlib.suppress(StoreUnavailable):
                self._feed.catch_up()
        self._auditing.kept(told, answer)
        return answer

    def _newer_keys(self) -> object:
        now = self._assembly.clock.now()
        if self._assembly.parts.keeps and now - self._keys_read_at >= KEY_COOLDOWN:
            self._keys_read_at = now
            self.run(self._operations.load_keys())
        return self._assembly.keys.keyring

    # -- what an application asks for; the signatures and docstrings are those of Operations

    sign_up = _called(Operations.sign_up)
    add_account = _called(Operations.add_account)
    import_account = _called(Operations.import_account)
    admit = _called(Operations.admit)
    adopt = _called(Operations.adopt)
    dismiss = _called(Operations.dismiss)
    sign_in = _called(Operations.sign_in)
    sign_in_with_username = _called(Operations.sign_in_with_username)
    remember = _called(Operations.remember)
    know_device = _called(Operations.know_device)
    unlock = _called(Operations.unlock)
    recall = _called(Operations.recall)
    reissue = _called(Operations.reissue)
    refresh = _called(Operations.refresh)
    exchange = _called(Operations.exchange)
    sign_out = _called(Operations.sign_out)
    revoke = _called(Operations.revoke)
    sessions = _called(Operations.sessions)
    session = _called(Operations.session)
    account = _called(Operations.account)
    account_by_email = _called(Operations.account_by_email)
    accounts = _called(Operations.accounts)
    update_account = _called(Operations.update_account)
    set_roles = _called(Operations.set_roles)
    set_email = _called(Operations.set_email)
    sign_in_by_identity = _called(Operations.sign_in_by_identity)
    link_identity = _called(Operations.link_identity)
    unlink_identity = _called(Operations.unlink_identity)
    identities = _called(Operations.identities)
    keep_provider_tokens = _called(Operations.keep_provider_tokens)
    change_password = _called(Operations.change_password)
    verify_password = _called(Operations.verify_password)
    reauthenticate = _called(Operations.reauthenticate)
    renew = _called(Operations.renew)
    require_fresh = _called(Operations.require_fresh)
    request_password_reset = _called(Operations.request_password_reset)
    is_reset_link = _called(Operations.is_reset_link)
    reset_password = _called(Operations.reset_password)
    send_verification = _called(Operations.send_verification)
    verify_email = _called(Operations.verify_email)
    change_email = _called(Operations.change_email)
    is_username_available = _called(Operations.is_username_available)
    set_username = _called(Operations.set_username)
    set_session_fields = _called(Operations.set_session_fields)
    delete_own_account = _called(Operations.delete_own_account)
    request_deletion = _called(Operations.request_deletion)
    delete_by_link = _called(Operations.delete_by_link)
    disable = _called(Operations.disable)
    enable = _called(Operations.enable)
    delete_account = _called(Operations.delete_account)
    spend = _called(Operations.spend)
    purge = _called(Operations.purge)
    credential_counts = _called(Operations.credential_counts)
    audit = _called(Operations.audit)
    keys = _called(Operations.keys)
    rotate_keys = _called(Operations.rotate_keys)
    remove_key = _called(Operations.remove_key)
    service_token = _called(Operations.service_token)
    prove = _called(Operations.prove)

    # -- what an edge needs besides

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


def _store_named(settings: Settings) -> BlockingStore:
    if settings.database is None:
        return BlockingNoStore()
    # Imported here so that `import limen` loads no database driver.
    from limen.stores.sql import open_blocking_store  # noqa: PLC0415

    home = open_blocking_store(settings.database)
    if settings.redis is None:
        return home
    from limen.stores.redis import BlockingRedisStore  # noqa: PLC0415 - as above

    return BlockingRedisStore(settings.redis, home)
