"""What the engine needs from outside: a store, a revocation feed and a mailer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar, runtime_checkable

from limen.revocation import Revocation

if TYPE_CHECKING:
    from limen.effects import Effect
    from limen.guarantees import Guarantees
    from limen.letter import Letter
    from limen.revocation import RevocationView
    from limen.transports.base import HeaderLines
    from limen.verdict import Verdict

A = TypeVar("A")
Listener: TypeAlias = Callable[[Sequence[Revocation]], None]


class Store(Protocol):
    """Keeps what the server must remember. Each `StoreEffect` is one atomic verb.

    The conformance kit is `limen.testing.StoreSuite`; whatever passes it is a store.
    """

    async def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all; raises `StoreUnavailable`."""
        ...

    async def open(self) -> None:
        """Connect and check the tables; raises `MigrationNeeded` or `StoreUnavailable`."""
        ...

    async def close(self) -> None:
        """Release every connection."""
        ...


class BlockingStore(Protocol):
    """The same contract for code that does not await."""

    def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all; raises `StoreUnavailable`."""
        ...

    def open(self) -> None:
        """Connect and check the tables; raises `MigrationNeeded` or `StoreUnavailable`."""
        ...

    def close(self) -> None:
        """Release every connection."""
        ...


class Bell(Protocol):
    """Says that the log may have grown. Only a bell: the log is the truth.

    A ring that is lost costs time, until the next look; an entry is never lost with it.
    """

    async def open(self) -> None:
        """Begin to listen; raises `StoreUnavailable`."""
        ...

    async def wait(self, timeout_s: float) -> None:
        """Return when it has rung since the last call, or when the time is over.

        Raises `StoreUnavailable` when it can hear nothing any more; `open` it again.
        """
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...


@runtime_checkable
class Ringing(Protocol):
    """A store that can tell when its log grows, such as PostgreSQL."""

    def bell(self) -> Bell | None:
        """Return a new bell for one process; `None` if this store has none after all."""
        ...


@runtime_checkable
class Recovering(Protocol):
    """A store that may forget, and ends again by itself what it forgot that it had ended."""

    recovers: bool


Version: TypeAlias = tuple[int, int]


class Reader(Protocol):
    """What reads from a store without waiting. For any thread."""

    def version(self) -> Version:
        """Return what will never be returned again once anybody has committed anything.

        Raises `StoreUnavailable`.
        """
        ...

    def answer(self, effect: object) -> object:
        """Perform an effect that reads; `NotImplemented` if that cannot be done at once."""
        ...


@runtime_checkable
class Near(Protocol):
    """A store that is so near that a session is read without waiting, such as SQLite."""

    def reader(self) -> Reader | None:
        """Return what reads from it; `None` if this store has none after all."""
        ...


class Watch(Protocol):
    """A log that is so near that asking costs microseconds and needs no waiting."""

    def has_moved(self) -> bool:
        """Tell whether anything was written since the last call; raises `StoreUnavailable`."""
        ...

    def read(self, after: int, limit: int) -> tuple[Revocation, ...]:
        """Return what `ReadLog` does; raises `StoreUnavailable`."""
        ...

    def close(self) -> None:
        """Let go of the log."""
        ...


@runtime_checkable
class Watchable(Protocol):
    """A store whose log can be watched, such as SQLite."""

    def watch(self) -> Watch | None:
        """Return a new watch for one process; `None` if this store has none after all."""
        ...


class View(Protocol):
    """What one process knows of the revocation log, and whether that is recent enough.

    Asked on every check, so it reads memory only, or a file beside it.
    """

    max_lag: int

    @property
    def view(self) -> RevocationView:
        """The live entries, as far as they are known here."""
        ...

    def is_fresh(self) -> bool:
        """Tell whether the view is complete but for the last `max_lag` milliseconds at most.

        It may take in what is new first, so ask this before the view.
        """
        ...

    @property
    def went_back(self) -> bool:
        """Whether the log has lost an entry, as a restored backup has, and is not to be believed.

        Until everybody was signed out in it.
        """
        ...


class Feed(View, Protocol):
    """Keeps the view of one process up to date from outside."""

    async def start(self) -> None:
        """Read the whole live log, then keep following it until `stop`."""
        ...

    async def stop(self) -> None:
        """Stop following."""
        ...

    async def catch_up(self) -> None:
        """Read what is new right now; called after this process itself revoked something.

        Raises `StoreUnavailable`.
        """
        ...

    def tell(self, listener: Listener) -> None:
        """Call `listener` with every batch of new entries, on the event loop."""
        ...


class BlockingFeed(View, Protocol):
    """The same for code that does not await."""

    def catch_up(self) -> None:
        """Read what is new right now; raises `StoreUnavailable`."""
        ...

    def tell(self, listener: Listener) -> None:
        """Call `listener` with every batch of new entries, on the thread that read them."""
        ...

    def close(self) -> None:
        """Stop following."""
        ...


class Mailer(Protocol):
    """Sends letters. What it cannot send it may raise for; it will be asked again."""

    async def send(self, letter: Letter) -> None:
        """Send one letter; raises `LetterRejected` for one that will never be taken."""
        ...


class BlockingMailer(Protocol):
    """The same for code that does not await. Either kind serves `Limen` and `BlockingLimen`."""

    def send(self, letter: Letter) -> None:
        """Send one letter; raises `LetterRejected` for one that will never be taken."""
        ...


AnyMailer: TypeAlias = Mailer | BlockingMailer


class Elsewhere(Protocol):
    """Verifies what another server handed out, while a system moves from there to Limen.

    Asked only where a request carries nothing of Limen's own. `name` is the strategy of the
    principals it returns, `adopts` says whether their session is exchanged for one here, and
    `cookies` are the names that it reads.
    """

    name: str
    adopts: bool
    cookies: tuple[str, ...]

    @property
    def guarantees(self) -> Guarantees:
        """What may be relied on; Limen's own revocations are asked about besides."""
        ...

    async def open(self) -> None:
        """Connect to what it reads; raises `ConfigurationError` or `StoreUnavailable`."""
        ...

    async def close(self) -> None:
        """Release every connection."""
        ...

    async def authenticate(self, headers: HeaderLines, now: int) -> Verdict:
        """Say who a request acts for there; `now` is in milliseconds.

        Where there is an `Authorization` header it reads that alone, so that a cookie beside
        it never counts. Raises `StoreUnavailable`.
        """
        ...
