"""Sessions, limits and the revocation log in Redis or Valkey, over a home for the accounts."""

from limen.errors import ConfigurationError

try:
    from limen.stores.redis.bell import RedisBell
    from limen.stores.redis.store import BlockingRedisStore, RedisStore
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "redis":
        raise
    raise ConfigurationError(
        "redis", "the client redis is missing.", "Install limen[redis]."
    ) from error

__all__ = ["BlockingRedisStore", "RedisBell", "RedisStore"]
