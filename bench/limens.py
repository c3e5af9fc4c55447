"""A Limen for each setting that is measured. Runs in the environment of the bench only."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bench.systems import SETTINGS
from limen import Authentication, Budget, Limen
from limen.stores.sql import migrate

if TYPE_CHECKING:
    from limen.verdict import Issued

SECRET: Final = "T2s8-bench-kQw7vR4mXz9LpEyHn3JdUoBf"
# The measurement signs in more often than anybody may; the budgets are still asked for.
GENEROUS: Final = 1 << 40
WINDOW: Final = 600_000


@dataclass(frozen=True)
class Addresses:
    """Where the stores of one Limen are; SQLite lies in a file that is given."""

    sqlite: str
    postgresql: str | None = None
    redis: str | None = None


def limen_of(name: str, addresses: Addresses, **options: Any) -> Limen:
    """Return a Limen in one of the settings, with the defaults for everything else.

    Its tables are made if they are not there. Raises `ConfigurationError` or `TypeError`
    for a setting that this Limen does not have.
    """
    setting = SETTINGS[name]
    chosen: dict[str, Any] = {
        "secret": SECRET,
        "account_budget": Budget("bench:account", GENEROUS, WINDOW),
        "address_budget": Budget("bench:address", GENEROUS, WINDOW),
    }
    if setting.reads:
        chosen["remembered"] = 0
    if setting.check is not None:
        chosen["check"] = setting.check
    if setting.store == "none":
        return Limen("jwt", **(chosen | {"refresh": None} | options))
    if setting.store == "postgresql":
        assert addresses.postgresql is not None, "this setting needs --database"
        chosen["database"] = addresses.postgresql
    else:
        chosen["database"] = f"sqlite+aiosqlite:///{addresses.sqlite}"
    if setting.store == "redis":
        assert addresses.redis is not None, "this setting needs --redis"
        chosen["redis"] = addresses.redis
    made = Limen(setting.strategy, **(chosen | options))  # type: ignore[arg-type]  # by name
    migrate(chosen["database"])
    return made


def somebody(number: int = 0) -> Authentication:
    """Return the proof of a person whose account is kept elsewhere."""
    return Authentication(f"somebody-{number}-{secrets.token_hex(4)}", time.time_ns() // 1_000_000)


async def credential_of(auth: Limen) -> Issued:
    """Remember somebody and return what they hold from now on."""
    signed_in = await auth.remember(somebody())
    issued: Issued = signed_in.issued  # type: ignore[union-attr]  # nobody refuses a stranger
    return issued
