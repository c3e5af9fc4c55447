"""Sessions that a better-auth server keeps in Redis, its secondary storage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from limen.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S: Final = 5


class SecondaryRows:
    """Finds a session under its token: JSON with the session and its user."""

    def __init__(self, url: str) -> None:
        """Check the URL; raises `ConfigurationError`."""
        try:
            self._redis = Redis.from_url(
                url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            )
        except ValueError:
            raise ConfigurationError(
                "redis", "is not a Redis URL.", "Write it as redis://host:6379/0."
            ) from None

    async def open(self) -> None:
        """See that it answers; raises `StoreUnavailable`."""
        await self.find("")

    async def close(self) -> None:
        """Release every connection."""
        await self._redis.aclose()

    async def find(self, token: str) -> Mapping[str, Any] | None:
        """Return a session and its user under the names of `BETTER_AUTH_SESSIONS`."""
        try:
            kept = await self._redis.get(token)
        except (RedisError, OSError) as fault:
            raise StoreUnavailable(
                f"the Redis of another server does not answer ({type(fault).__name__})"
            ) from None
        try:
            value = json.loads(kept) if kept else None
            session, user = (value["session"], value["user"]) if value else ({}, {})
            if session.get("token") != token or session.get("userId") != user.get("id"):
                return None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None  # some other value under a key that somebody guessed
        return {
            "user_id": session["userId"],
            "expires_at": session.get("expiresAt"),
            "created_at": session.get("createdAt"),
            "impersonated_by": session.get("impersonatedBy"),
            "disabled": user.get("banned"),
            "disabled_until": user.get("banExpires"),
        }
