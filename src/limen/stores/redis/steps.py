"""What a verb asks for, one step after the other, so that it is written once for both faces.

A verb is a generator: it yields `Run`, `Home` or `Reconcile` and is sent the answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

from limen.errors import StoreUnavailable

if TYPE_CHECKING:
    from limen.effects import Effect
    from limen.stores.redis.scripts import Script

A = TypeVar("A")
R = TypeVar("R")
Argument: TypeAlias = str | bytes | int | bool | None

# How often one verb may begin anew because something moved under it. Each time somebody else
# got on, and a refresh token, the most often moved, has three states.
ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class Run:
    """Run a script: one atomic step in Redis."""

    script: Script
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Home:
    """Ask the store that is home to the accounts."""

    effect: Effect[Any]


@dataclass(frozen=True, slots=True)
class Reconcile:
    """End again in Redis what it may have forgotten; see `reconcile`."""


Step: TypeAlias = Run | Home | Reconcile
Steps: TypeAlias = Generator[Step, Any, R]
Reply: TypeAlias = list[Any]


def run(script: Script, *arguments: Argument) -> Steps[Reply]:
    """Run a script on a Redis that knows what was revoked."""
    for _ in range(ATTEMPTS):
        reply = cast("Reply", (yield Run(script, arguments)))
        if reply[0] == b"taken":
            raise StoreUnavailable("the store refused an id or a digest that it has already")
        if reply[0] != b"unreconciled":
            return reply
        yield Reconcile()
    raise restless()


def home(effect: Effect[A]) -> Steps[A]:
    """Ask the store that is home to the accounts."""
    return cast("A", (yield Home(effect)))


def restless() -> StoreUnavailable:
    """Return what to raise when something moved at each attempt."""
    return StoreUnavailable("Redis changed under a request each time that it was tried")
