"""Where the revocation log is read: the database or the Redis of Limen, by its URL alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from limen.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from limen.effects import Effect
    from limen.ports import BlockingStore, Store

_REDIS: Final = frozenset({"redis", "rediss", "unix", "valkey", "valkeys"})
_REMEDY: Final = "Give the database or the Redis in which Limen keeps its revocation log."


def log_at(url: str) -> Store:
    """Return a store of which only the log is read; raises `ConfigurationError`."""
    try:
        if _is_redis(url):
            # Imported here so that whoever follows no feed needs no driver.
            from limen.stores.redis import RedisStore  # noqa: PLC0415

            return RedisStore(url, _NoHome())
        from limen.stores.sql import missing_file, open_store  # noqa: PLC0415 - as above

        _check_file(missing_file(url))
        return open_store(url)
    except (ConfigurationError, ModuleNotFoundError) as error:
        fault = _named(error, url)
    raise fault


def blocking_log_at(url: str) -> BlockingStore:
    """Return the same for code that does not await."""
    try:
        if _is_redis(url):
            from limen.stores.redis import BlockingRedisStore  # noqa: PLC0415 - as above

            return BlockingRedisStore(url, _BlockingNoHome())
        from limen.stores.sql import missing_file, open_blocking_store  # noqa: PLC0415 - as above

        _check_file(missing_file(url))
        return open_blocking_store(url)
    except (ConfigurationError, ModuleNotFoundError) as error:
        fault = _named(error, url)
    raise fault


def _check_file(missing: str | None) -> None:
    if missing is not None:
        raise ConfigurationError("feed", f"there is no such file: {missing}.", _REMEDY)


def _is_redis(url: str) -> bool:
    return url.partition(":")[0].lower() in _REDIS


def _named(error: ConfigurationError | ModuleNotFoundError, url: str) -> ConfigurationError:
    if isinstance(error, ConfigurationError):
        return ConfigurationError("feed", error.problem, error.remedy)
    extra = "redis" if _is_redis(url) else "postgresql] or limen[sqlite"
    return ConfigurationError(
        "feed", f"the package {error.name} is missing.", f"Install limen[{extra}]."
    )


def _unreconciled() -> NoReturn:
    raise StoreUnavailable(
        "this Redis was restarted, and Limen has yet to tell it again what was revoked"
    )


class _NoHome:
    """Stands where Limen has its database: a reader of the log has none and needs none.

    A Redis that came back from an older state is asked nothing until a Limen has told it what
    it may have forgotten.
    """

    async def perform(self, effect: Effect[Any]) -> NoReturn:
        """Raise `StoreUnavailable`."""
        del effect
        _unreconciled()

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


class _BlockingNoHome:
    """The same for code that does not await."""

    def perform(self, effect: Effect[Any]) -> NoReturn:
        """Raise `StoreUnavailable`."""
        del effect
        _unreconciled()

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
