"""No store at all, for `jwt` with `refresh=None`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from limen.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Any

    from limen.effects import Effect


def _nothing(effect: Effect[Any]) -> NoReturn:
    raise ConfigurationError(
        "database",
        f"{type(effect).__name__} needs a store, and there is none.",
        "Give Limen a database, or do not call what needs one.",
    )


class NoStore:
    """Refuses every effect, so that nothing is silently forgotten."""

    async def perform(self, effect: Effect[Any]) -> NoReturn:
        """Raise `ConfigurationError`: there is nothing to ask."""
        _nothing(effect)

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


class BlockingNoStore:
    """The same for code that does not await."""

    def perform(self, effect: Effect[Any]) -> NoReturn:
        """Raise `ConfigurationError`: there is nothing to ask."""
        _nothing(effect)

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
