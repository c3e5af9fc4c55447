"""What each setup promises, asked of Limen itself: the traits by which rules choose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from limen.assembly import assemble
from limen.entropy import SystemEntropy, random_text
from limen.lab.setups import SETUPS
from limen.settings import Options, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.lab.setups import Setup

SECRET_OCTETS: Final = 32
# Never opened: a strategy knows what it promises before it has a store.
_DATABASE: Final = "sqlite+aiosqlite:///unopened.db"


@dataclass(frozen=True, slots=True)
class Traits:
    """One option by what it promises. `window_ms` is how long a revoked copy may work."""

    name: str
    format: str
    check: str
    reads: int
    window_ms: int
    idle: bool
    renewed: bool
    needs_store: bool


@cache
def options() -> Mapping[str, Traits]:
    """Return the traits of every setup."""
    return {one.name: _traits(one) for one in SETUPS.values()}


def _traits(setup: Setup) -> Traits:
    chosen = setup.options | Options(secret=random_text(SystemEntropy(), SECRET_OCTETS))
    if setup.refresh:
        chosen["database"] = _DATABASE
    promised = assemble(Settings(setup.strategy, **chosen)).parts.primary.guarantees
    return Traits(
        setup.name,
        promised.format.value,
        promised.check.value,
        promised.store_reads_per_request,
        promised.revocation_window,
        promised.idle is not None,
        setup.strategy != "session" and setup.refresh,
        promised.needs_store,
    )
