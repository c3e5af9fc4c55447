"""A scenario: what it is about, and the script that plays it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from limen.lab.playing.stage import carried_out, silent
from limen.lab.servers.site import Person
from limen.lab.setups import USUAL

if TYPE_CHECKING:
    from limen.lab.playing.stage import Saying, Script
    from limen.lab.run import Plot, Run
    from limen.lab.servers.site import StoreFor
    from limen.lab.setups import Setup


@dataclass(frozen=True, slots=True)
class Scenario:
    """A plot and the script that plays it. Calling it carries it out; that takes seconds.

    `roles` are those that Alice has when it begins; with `staff` there is an administrator.
    With `nodes` the servers are so many child processes behind one address, with `store_apart`
    the store is one. `besides` are columns that it always has, beside those that were chosen.
    """

    plot: Plot
    script: Script = field(repr=False)
    roles: tuple[str, ...] = ()
    staff: bool = False
    nodes: int = 0
    store_apart: bool = False
    besides: tuple[Setup, ...] = ()

    def __call__(
        self,
        person: Person | None = None,
        *,
        setups: tuple[Setup, ...] = USUAL,
        store_for: StoreFor | None = None,
        say: Saying = silent,
    ) -> Run:
        """Carry it out; without a `person`, with one that is made for it.

        `say` is told what goes on.
        """
        alice = replace(person or Person.generated(), roles=self.roles)
        return carried_out(
            self.plot,
            self.script,
            alice,
            setups=(*setups, *self.besides),
            store_for=store_for,
            staff=Person.of_staff() if self.staff else None,
            nodes=self.nodes,
            store_apart=self.store_apart,
            say=say,
        )
