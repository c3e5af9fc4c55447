"""The columns that can stand side by side: settings of Limen, by the switches that matter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from limen.settings import Options, StrategyName


@unique
class Storage(StrEnum):
    """Where a client keeps its credential, which decides what a script on the page can take."""

    JAR = "HttpOnly cookie jar"
    LOCAL = "localStorage"
    MEMORY = "memory of the page"


@dataclass(frozen=True, slots=True)
class Setup:
    """One column: what the credential is and what is asked on each request, and who carries it.

    `name` is short enough for the head of a column and stands in addresses. `check=None` is
    the preset of the strategy; without `refresh` a signed strategy keeps nothing at all.
    With `memory` the server keeps everything in its own process, and shares it with nobody.
    Pages of `trusted_origins` may act with the cookies, as those of the application may.
    """

    name: str
    strategy: StrategyName
    check: Literal["feed", "store"] | None = None
    refresh: bool = True
    storage: Storage = Storage.JAR
    memory: bool = False
    trusted_origins: tuple[str, ...] = ()

    @property
    def by_cookie(self) -> bool:
        """Whether the browser attaches the credential by itself."""
        return self.storage is Storage.JAR

    @property
    def carrier(self) -> str:
        """How the credential travels."""
        return "cookie" if self.by_cookie else "Authorization header"

    @property
    def options(self) -> Options:
        """What `Limen(strategy, ...)` takes besides the strategy."""
        options: Options = {}
        if self.check is not None:
            options["check"] = self.check
        if not self.refresh:
            options["refresh"] = None
        if self.trusted_origins:
            options["trusted_origins"] = list(self.trusted_origins)
        return options

    @property
    def code(self) -> str:
        """How an application writes these settings."""
        stated = "".join(f", {name}={value!r}" for name, value in self.options.items())
        kept = ", store=MemoryStore()" if self.memory else ""
        return f'Limen("{self.strategy}"{stated}{kept}, ...)'

    def kept_in(self, storage: Storage) -> Setup:
        """Return the same settings with another place to keep the credential in."""
        return replace(self, storage=storage)


# No setup keeps the cookie of a known device: it is beside the credential, whatever the strategy.
SAME_FOR_ALL: Final[Options] = {"device_lifetime": 0}

SETUPS: Final = {
    one.name: one
    for one in (
        Setup("jwt-only", "jwt", refresh=False),
        Setup("jwt", "jwt"),
        Setup("hybrid", "hybrid"),
        Setup("hybrid-store", "hybrid", check="store"),
        Setup("session", "session"),
        Setup("session-feed", "session", check="feed"),
    )
}
# Not offered by itself: with one process nobody can tell it from `session`.
IN_MEMORY: Final = Setup("session-memory", "session", memory=True)
# What a run compares unless told otherwise, and what every attack is tried against.
USUAL: Final = tuple(SETUPS[name] for name in ("jwt", "session", "hybrid"))
ATTACKED: Final = tuple(SETUPS[name] for name in ("jwt-only", "jwt", "session", "hybrid"))
