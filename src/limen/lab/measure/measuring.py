"""Takes every measurement in turn, and says meanwhile what it is doing."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from limen.clock import SystemClock
from limen.entropy import SystemEntropy, random_text
from limen.lab.measure.costs import counted
from limen.lab.measure.endings import windows
from limen.lab.measure.growth import growth
from limen.lab.measure.latency import checks, requests
from limen.lab.measure.machine import is_busy, machine
from limen.lab.measure.outage import outage
from limen.lab.measure.result import Latency, Measured, Measurement, Sample
from limen.lab.measure.servers import Grounds
from limen.lab.measure.sizes import FULL, Sizes
from limen.lab.playing.stage import RUN_ID_OCTETS
from limen.lab.servers.site import Person, Premises
from limen.lab.setups import USUAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from limen.lab.servers.site import StoreFor
    from limen.lab.setups import Setup

Say: TypeAlias = "Callable[[str], object]"


def measure(
    setups: tuple[Setup, ...] = USUAL,
    sizes: Sizes = FULL,
    *,
    say: Say = lambda _: None,
    store_for: StoreFor | None = None,
) -> Measurement:
    """Measure these setups on this machine; takes as long as their tokens live. Blocks.

    `say` is told what goes on; what it raises ends the measurement.
    """
    began = SystemClock().now()
    with tempfile.TemporaryDirectory(prefix="limen-lab-") as folder:
        premises = Premises.build(Path(folder), Person.generated())
        work = _Work(premises, setups, sizes, say, store_for)
        return work.carried_out(began)


@dataclass(frozen=True, slots=True)
class _Work:
    premises: Premises
    setups: tuple[Setup, ...]
    sizes: Sizes
    say: Say
    store_for: StoreFor | None

    def carried_out(self, began: int) -> Measurement:
        person, sizes = self.premises.person, self.sizes
        before, busy = machine(apart=self.store_for is None), is_busy()
        self.say("counting octets, reads and writes")
        costs = counted(self.setups, person, self.store_for)
        self.say("timing checks in process, the columns in turn")
        timed = checks(self._grounds(), person, sizes)
        self.say("timing requests over the loopback, the columns in turn")
        asked, unprotected = requests(self._grounds(), person, sizes)
        columns = []
        for number, setup in enumerate(self.setups):
            by_default = float(costs[number].guarantees.revocation_window)
            short = self._ground(setup, sizes.access_lifetime)
            say = partial(self._say_of, number)
            revoked, demoted = windows(short, by_default, sizes.endings, say)
            gone = None
            if sizes.outage:
                say("the store is killed and started again while somebody asks")
                gone = outage(self._ground(setup), person, sizes.outage)
            say("counting what the store grows by")
            grown = growth(self._ground(setup), person, sizes.sign_ins)
            latency = Latency(
                Sample(tuple(timed.warm[number])), Sample(tuple(timed.first[number])), asked[number]
            )
            columns.append(Measured(setup, latency, revoked, demoted, gone, costs[number], grown))
        return Measurement(
            random_text(SystemEntropy(), RUN_ID_OCTETS),
            began,
            sizes,
            before,
            busy,
            unprotected,
            timed.collections,
            tuple(columns),
        )

    def _say_of(self, number: int, what: str) -> None:
        name, count = self.setups[number].name, len(self.setups)
        self.say(f"column {number + 1} of {count}, {name}: {what}")

    def _grounds(self) -> list[Grounds]:
        return [self._ground(setup) for setup in self.setups]

    def _ground(self, setup: Setup, access_lifetime: float | None = None) -> Grounds:
        """Return the setup over a fresh copy of the database."""
        file = self.premises.copy_for(setup)
        return Grounds(setup, file, self.premises.secret, access_lifetime, self.store_for)
