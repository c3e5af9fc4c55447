"""Stores that fail when they are told to: before they did something, or after.

store = BlockingFaultyStore(MemoryStore().blocking)
limen = BlockingLimen("session", store=store, secret=SECRET)
limen.open()
store.fail(1, Failure.AFTER)      # the second question from now on
limen.sign_in(EMAIL, PASSWORD)    # raises StoreUnavailable; the session is there, nobody knows

The answer that is lost is the harder case: whoever asked cannot tell it from the other one.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any, Final, TypeVar

from limen.errors import StoreUnavailable

if TYPE_CHECKING:
    from limen.effects import Effect
    from limen.ports import BlockingStore, Store

A = TypeVar("A")
_DOWN: Final = "the store was told to fail"


@unique
class Failure(StrEnum):
    """When a store fails."""

    BEFORE = "before"  # and nothing was done
    AFTER = "after"  # it was done, and the answer never came


class _Told:
    """What a store was asked, and at which question it is to fail."""

    def __init__(self) -> None:
        self.asked: list[Effect[Any]] = []
        self._at = -1
        self._failure = Failure.BEFORE
        self._error: BaseException | None = None

    def fail(
        self, at: int, failure: Failure = Failure.BEFORE, error: BaseException | None = None
    ) -> None:
        """Fail once, at the question number `at` from now on, which begins at 0.

        With `StoreUnavailable` as a real store does, or with an `error` of your own, such as
        one that nobody foresaw, or the `CancelledError` of a client that went away.
        """
        self.asked.clear()
        self._at, self._failure, self._error = at, failure, error

    def heal(self) -> None:
        """Fail no more."""
        self.fail(-1)

    @property
    def has_failed(self) -> bool:
        """Whether the question came at which this was to fail."""
        return 0 <= self._at < len(self.asked)

    def _hear(self, effect: Effect[Any]) -> int:
        self.asked.append(effect)
        return len(self.asked) - 1

    def _fall(self, number: int, failure: Failure) -> None:
        if number == self._at and failure is self._failure:
            raise self._error or StoreUnavailable(_DOWN)


class FaultyStore(_Told):
    """A store that is awaited, with another inside.

    It shows nothing but the verbs, so that every question comes past here: no bell, no file
    beside the process.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    async def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, unless it is time to fail."""
        number = self._hear(effect)
        self._fall(number, Failure.BEFORE)
        answer = await self._store.perform(effect)
        self._fall(number, Failure.AFTER)
        return answer

    async def open(self) -> None:
        """Open the store inside."""
        await self._store.open()

    async def close(self) -> None:
        """Close the store inside."""
        await self._store.close()


class BlockingFaultyStore(_Told):
    """The same for code that does not await."""

    def __init__(self, store: BlockingStore) -> None:
        super().__init__()
        self._store = store

    def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, unless it is time to fail."""
        number = self._hear(effect)
        self._fall(number, Failure.BEFORE)
        answer = self._store.perform(effect)
        self._fall(number, Failure.AFTER)
        return answer

    def open(self) -> None:
        """Open the store inside."""
        self._store.open()

    def close(self) -> None:
        """Close the store inside."""
        self._store.close()
