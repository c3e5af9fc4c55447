"""What an operator asks about a Redis before anything relies on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from limen.stores.redis.connections import TIMEOUT_MS, connection_maker
from limen.stores.redis.faults import FAULTS, unavailable

# Ranges that leave out their ends, in the stream of the log.
OLDEST: Final = (6, 2)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a Redis is. `policy` is what it does when its memory is full, such as `noeviction`.

    `appends` tells whether it writes each change down, as opposed to a snapshot now and then.
    """

    version: tuple[int, ...]
    master: bool
    appends: bool
    policy: str


def examine(url: str) -> Condition:
    """Look at a Redis without changing anything.

    Raises `ConfigurationError` for the URL and `StoreUnavailable`.
    """
    connection = connection_maker(url, TIMEOUT_MS, awaits=False)()
    try:
        connection.connect()
        said = {
            **_told(connection, "server"),
            **_told(connection, "replication"),
            **_told(connection, "persistence"),
            **_told(connection, "memory"),
        }
    except FAULTS as error:
        fault = unavailable(error)
    else:
        return Condition(
            version=tuple(int(part) for part in said["redis_version"].split(".")[:3]),
            master=said["role"] == "master",
            appends=said["aof_enabled"] == "1",
            policy=said["maxmemory_policy"],
        )
    finally:
        connection.disconnect()
    raise fault


def _told(connection: Any, section: str) -> dict[str, str]:
    connection.send_command("INFO", section)
    lines = connection.read_response().decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)
