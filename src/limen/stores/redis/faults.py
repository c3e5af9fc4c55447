"""What Redis may raise, and what of it may be shown."""

from __future__ import annotations

import re
from typing import Final

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from limen.errors import StoreUnavailable

FAULTS: Final = (RedisError, OSError, TimeoutError)
_CODE: Final = re.compile(r"[A-Z]{2,20}\b")


def unavailable(error: BaseException) -> StoreUnavailable:
    """Return what to raise instead of an error of Redis.

    An error that Redis answers may quote arguments, so only its code is shown, such as
    `OOM`, and of a connection that failed no host. Raise the answer outside the `except`
    block, or Python attaches the error.
    """
    return StoreUnavailable(f"Redis did not serve a request ({type(error).__name__}{_why(error)})")


def _why(error: BaseException) -> str:
    if isinstance(error, RedisConnectionError):
        system = error.__context__
        text = str(error) if not isinstance(system, OSError) else system.strerror or ""
        # A host has its port behind it, and a socket its path, after a colon.
        return f": {text[:200]}" if text and ":" not in text else ""
    code = _CODE.match(str(error)) if isinstance(error, ResponseError) else None
    return f" {code.group()}" if code else ""
