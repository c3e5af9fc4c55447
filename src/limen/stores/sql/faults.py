"""What a database may raise, and what of it may be shown."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from limen.errors import StoreUnavailable

# asyncpg and the operating system also raise their own while a connection is made, and
# SQLite's driver raises OverflowError for a number of more than 64 bits.
FAULTS: Final = (DBAPIError, PoolTimeout, TimeoutError, OSError, OverflowError)


def unavailable(error: BaseException) -> StoreUnavailable:
    """Return what to raise instead of a database's error.

    The cause is kept only where it cannot quote a row: a violated constraint and a value
    that cannot be converted are reported by the databases with the values themselves. Raise
    the answer outside the `except` block, or Python attaches the error all the same.
    """
    kind = type(error).__name__
    fault = StoreUnavailable(f"the database did not serve a request ({kind}{_why(error)})")
    if _says_nothing_of_rows(error):
        fault.__cause__ = error
    return fault


def _why(error: BaseException) -> str:
    """Return what the driver says of a connection that could not be made; no row is near it."""
    if isinstance(error, DBAPIError) and error.statement is None and error.orig is not None:
        return _first_line(error.orig)
    return _first_line(error) if isinstance(error, OSError) else ""


def _first_line(error: BaseException) -> str:
    return f": {str(error).splitlines()[0][:200]}" if str(error) else ""


def _says_nothing_of_rows(error: BaseException) -> bool:
    if not isinstance(error, DBAPIError):
        return True
    return isinstance(error, OperationalError) or error.connection_invalidated
