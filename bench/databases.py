"""The PostgreSQL and the Redis of a run: private, started when first needed, gone afterwards."""

from __future__ import annotations

import sys
from typing import Any

from bench.systems import ROOT

sys.path.insert(0, str(ROOT / "tests"))

import servers


class Databases:
    """Gives each server and each probe a database that nobody used before."""

    def __init__(self) -> None:
        self._postgresql: servers.PostgresServer | None = None
        self._redis: Any = None

    def postgresql(self) -> str:
        """Return the URL of a new database with Limen's tables."""
        if self._postgresql is None:
            self._postgresql = servers.PostgresServer()
        return self._postgresql.database()

    def redis(self) -> str:
        """Return the URL of a server that holds nothing."""
        self._stop_redis()
        self._redis = servers.RedisServer()
        return str(self._redis.url)

    def _stop_redis(self) -> None:
        if self._redis is not None:
            self._redis.remove()
            self._redis = None

    def close(self) -> None:
        """Stop everything and delete it."""
        self._stop_redis()
        if self._postgresql is not None:
            self._postgresql.remove()
            self._postgresql = None
