"""From settings to the objects that they describe; shared by both faces of Limen."""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from limen.authenticators.guard import Guard, Limits
from limen.authenticators.password import PasswordAuthenticator
from limen.authenticators.proof import ProofAuthenticator
from limen.clock import Clock, SystemClock
from limen.devices import Devices
from limen.effects import PasswordAnswer
from limen.entropy import Entropy, SystemEntropy
from limen.errors import ConfigurationError
from limen.guarantees import RevocationCheck
from limen.keyring import DERIVABLE, Algorithm, Keyring, derived_keyring
from limen.near import NearSessions
from limen.nonces import Nonces
from limen.operations import Operations, Parts
from limen.passwords import PasswordHasher, words_of_hosts
from limen.ports import Near
from limen.setting_names import NESTED
from limen.settings import CHECKS, Settings, in_python
from limen.strategies.hybrid import HybridStrategy
from limen.strategies.jwt import JwtStrategy
from limen.strategies.session import SessionStrategy
from limen.trace.recorder import Tracer
from limen.trace.redaction import Redaction
from limen.trace.viewer import Traced
from limen.verified import VerifiedCredentials

if TYPE_CHECKING:
    from limen.claims import TokenPolicy
    from limen.passwords import PasswordPolicy
    from limen.ports import View
    from limen.sealing import Secrets
    from limen.secret import Secret
    from limen.settings import Options, StrategyName
    from limen.strategies.base import Strategy
    from limen.trace.viewer import Viewer

_log = logging.getLogger("limen")
RUN_KEY_OCTETS = 32
# An unknown key id may make a process read the keys again this often, in milliseconds.
KEY_COOLDOWN = 1_000


class HeldKeys:
    """The keyring of this process. Empty until it was loaded from the store.

    `inherited` keys verify besides, whatever the store holds: those of a time without one.
    """

    __slots__ = ("_inherited", "_keyring")

    def __init__(self, keyring: Keyring, inherited: Keyring | None = None) -> None:
        self._keyring = keyring
        self._inherited = inherited

    def inherits(self, key_id: str | None) -> bool:
        """Tell whether a key is from a time without a store."""
        return self._inherited is not None and key_id in self._inherited.key_ids

    @property
    def keyring(self) -> Keyring:
        """The keys of this moment."""
        return self._keyring

    @keyring.setter
    def keyring(self, keyring: Keyring) -> None:
        inherited = self._inherited
        joined = keyring if inherited is None else keyring.with_verifying(inherited)
        # The same object while nothing has changed: what was verified with it stays so.
        if joined != self._keyring:
            self._keyring = joined


def settings_from(
    strategy: StrategyName | Strategy, settings: Settings | None, options: Options
) -> Settings:
    """Return the settings that were given in one of two ways.

    Raises `ConfigurationError` if they were given in both: one would be ignored.
    """
    if settings is None:
        name: StrategyName = strategy if isinstance(strategy, str) else "session"
        _check_names(options)
        return Settings(strategy=name, **options)
    also = list(options)
    if isinstance(strategy, str) and strategy not in ("hybrid", settings.strategy):
        also.insert(0, "strategy")
    if also:
        raise ConfigurationError(
            "settings", f"are given, and so is {', '.join(also)}.", "Put it into the settings."
        )
    return settings


def _check_names(options: Options) -> None:
    names = [one.name for one in fields(Settings)]
    for name in options:
        if name in NESTED:
            raise ConfigurationError(
                name, "is how this is called as text.", f"In Python: {in_python(name)}."
            )
        if name not in names:
            meant = get_close_matches(name, names, n=1, cutoff=0.5)
            raise ConfigurationError(
                name,
                "is no setting.",
                f"Did you mean {meant[0]}?" if meant else "See docs/reference/settings.md.",
            )


def check_face(store: object, *, awaits: bool) -> None:
    """Raise `ConfigurationError` for a blocking store where one must be awaited, or the reverse."""
    perform = getattr(store, "perform", None)
    if perform is None or inspect.iscoroutinefunction(perform) is not awaits:
        wanted = "awaited" if awaits else "not awaited"
        raise ConfigurationError(
            "store",
            f"{type(store).__name__} is no store whose verbs are {wanted}.",
            "Limen takes MemoryStore or SqlStore, BlockingLimen takes BlockingMemoryStore or "
            "BlockingSqlStore.",
        )


def not_open(name: str) -> ConfigurationError:
    """Return what is raised when something is asked of a Limen that is not open."""
    return ConfigurationError(
        name, "is not open.", f"Use it as a context manager, or call open() of {name} first."
    )


@dataclass(frozen=True, slots=True)
class Assembly:
    """The objects that one set of settings describes, none of which does any I/O."""

    settings: Settings
    clock: Clock
    entropy: Entropy
    secrets: Secrets
    keys: HeldKeys
    parts: Parts
    operations: Operations
    hasher: PasswordHasher
    tracer: Tracer
    viewers: list[Viewer] = field(default_factory=list)

    def use(self, viewer: Viewer) -> None:
        """Let a viewer follow the trace; raises `ConfigurationError` if it refuses."""
        base_url = self.settings.base_url
        traced = Traced(
            strategy=self.parts.primary.name,
            guarantees=self.parts.primary.guarantees,
            origins=(*((base_url,) if base_url else ()), *self.settings.trusted_origins),
            shows_personal=getattr(self.settings.sink, "shows_personal", False),
        )
        self.tracer.tell(viewer.sink_for(traced))
        self.viewers.append(viewer)

    @property
    def traced(self) -> bool:
        """Whether anybody listens to the trace."""
        return self.tracer.listening

    def judge(self, password: Secret, against: str | None) -> PasswordAnswer:
        """Verify a password. It takes as long as a hash does, so not on an event loop."""
        try:
            return PasswordAnswer(*self.hasher.verify(password, against))
        except ConfigurationError as fault:
            # To the client it is a wrong password: an error would say that the account exists.
            _log.error("somebody cannot sign in: %s", fault)
            return PasswordAnswer(False)

    def verified(self, feed: View | None) -> VerifiedCredentials:
        """Return an empty cache of verdicts that rest on a feed."""
        return VerifiedCredentials(self.keys, self.clock, feed, self.settings.remembered)

    def near(self, store: object) -> NearSessions | None:
        """Return what judges session ids without a flow; `None` where a flow is needed.

        Only where strategy and store are our own: a class derived from them may have rules
        that the short way would pass by.
        """
        # By the class: something that stands before a store and passes names on is another.
        own = hasattr(type(store), "reader")
        reader = store.reader() if own and isinstance(store, Near) else None
        if reader is None:
            return None
        for one in self.parts.strategies:
            if type(one) is SessionStrategy and not one.asks_feed:
                return NearSessions(reader, one, self.clock, self.settings.remembered)
            if type(one) not in (JwtStrategy, HybridStrategy):
                break
        return None

    @property
    def follows_feed(self) -> bool:
        """Whether any strategy in use asks the revocation feed."""
        checks = {one.guarantees.check for one in self.parts.strategies}
        return RevocationCheck.FEED in checks


def assemble(
    settings: Settings,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    *,
    keeps: bool | None = None,
    primary: Strategy | None = None,
) -> Assembly:
    """Build the parts; raises `ConfigurationError`, so a mistake is found at start.

    `keeps` says that a store was passed as an object, without a `database` setting, and
    `primary` is a strategy that was.
    """
    clock = clock or SystemClock()
    entropy = entropy or SystemEntropy()
    secrets = settings.secrets()
    keeps = settings.database is not None if keeps is None else keeps
    settings.check_store(present=keeps)
    algorithm = Algorithm(settings.algorithm)
    keys = _held_keys(settings, secrets, algorithm, keeps=keeps)
    policy = settings.token_policy()

    parts = Parts(
        primary=primary or _strategy_named(settings.strategy, settings, keys, policy),
        accepted=tuple(
            _strategy_named(name, settings, keys, policy)
            for name in settings.accept
            if name != settings.strategy
        ),
        passwords=PasswordAuthenticator(_in_context(settings), _guard(settings, secrets)),
        keys=keys,
        secrets=secrets,
        algorithm=algorithm,
        policy=policy,
        clock=clock,
        entropy=entropy,
        keeps=keeps,
        email=settings.email,
        usernames=settings.usernames,
        letter_budget=settings.letter_budget,
        fresh=round(settings.fresh * 1000),
        verify_link=settings.verify_link,
        session_fields=settings.session_fields,
        elsewhere=_elsewhere(settings) if keeps else 0,
        audit_retention=round(settings.audit.retention * 1000),
        proofs=_proofs(settings, secrets, keeps=keeps),
    )
    redaction = Redaction(
        getattr(settings.sink, "run_key", None) or entropy.octets(RUN_KEY_OCTETS),
        show_personal=getattr(settings.sink, "shows_personal", False),
    )
    return Assembly(
        settings=settings,
        clock=clock,
        entropy=entropy,
        secrets=secrets,
        keys=keys,
        parts=parts,
        operations=Operations(parts),
        hasher=PasswordHasher(settings.argon2),
        tracer=Tracer(settings.sink, clock, redaction),
    )


def _proofs(settings: Settings, secrets: Secrets, *, keeps: bool) -> ProofAuthenticator:
    policy = settings.proofs
    if settings.dpop != "off" and not keeps:
        raise ConfigurationError(
            "dpop",
            "needs a store, in which all workers see which proofs were used.",
            "Give a database; strategy='jwt' with refresh=None may have one as well.",
        )
    lifetime = round(policy.nonce_lifetime * 1000)
    return ProofAuthenticator(policy, Nonces(secrets, lifetime) if policy.nonce else None)


def _strategy_named(
    name: StrategyName, settings: Settings, keys: HeldKeys, policy: TokenPolicy
) -> Strategy:
    lifetimes, grace = settings.lifetimes(), round(settings.grace * 1000)
    # Tokens for other services (`/token`) exist under every strategy with a store, so
    # the log gets an entry even where this service itself would not need one.
    horizon = max(policy.lifetime + policy.leeway, _elsewhere(settings))
    # `check` is about the strategy that issues; an accepted one keeps its preset.
    check = settings.revocation_check if name == settings.strategy else CHECKS[name][0]
    max_lag, limit = round(settings.max_lag * 1000), settings.session_limit()
    if name == "session":
        return SessionStrategy(
            lifetimes, log_horizon=horizon, max_lag=max_lag, revocation_check=check, limit=limit
        )
    if name == "jwt":
        refresh = settings.refresh is not None
        return JwtStrategy(
            keys, policy, lifetimes, refresh=refresh, grace=grace, log_horizon=horizon, limit=limit
        )
    return HybridStrategy(
        keys,
        policy,
        lifetimes,
        grace=grace,
        log_horizon=horizon,
        max_lag=max_lag,
        revocation_check=check,
        limit=limit,
    )


def _in_context(settings: Settings) -> PasswordPolicy:
    """Return the policy with the words of the issuer and of the service's own address."""
    policy = settings.passwords
    own = words_of_hosts(settings.base_url, settings.issuer or "limen")
    return replace(policy, context_words=(*dict.fromkeys((*policy.context_words, *own)),))


def _guard(settings: Settings, secrets: Secrets) -> Guard:
    limits = Limits(
        settings.account_budget,
        settings.device_budget,
        settings.global_budget,
        settings.spraying_budget,
        settings.consecutive_failures,
    )
    devices = Devices.of(secrets, round(settings.device_lifetime * 1000))
    return Guard.of(limits, devices, secrets)


def _elsewhere(settings: Settings) -> int:
    """Return how long a session of another server counts here: no longer than one of ours."""
    return settings.lifetimes().absolute if settings.elsewhere else 0


def _held_keys(
    settings: Settings, secrets: Secrets, algorithm: Algorithm, *, keeps: bool
) -> HeldKeys:
    if not keeps:
        return HeldKeys(derived_keyring(secrets, algorithm))
    # Tokens of `jwt` with `refresh=None` were signed with keys that come from the secret.
    moving = "jwt" in settings.accept and algorithm in DERIVABLE
    return HeldKeys(Keyring(), derived_keyring(secrets, algorithm) if moving else None)
