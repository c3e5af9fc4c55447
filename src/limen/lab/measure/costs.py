"""What one request costs besides time: octets on the wire, and reads and writes of the store.

These are counted, not timed, so one run says all: its trace has every operation and its wire
every header line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.lab.playing.clients import REFRESH, REFRESH_PATH
from limen.lab.playing.stage import carried_out
from limen.lab.run import Plot, Step
from limen.lab.scenarios import LOGIN, LOGOUT, SIGN_IN, SIGN_OUT
from limen.lab.servers.site import PROTECTED

if TYPE_CHECKING:
    from limen.guarantees import Guarantees
    from limen.lab.playing.stage import Stage
    from limen.lab.recording.exchange import Exchange
    from limen.lab.run import Column, Run
    from limen.lab.servers.site import Person, StoreFor
    from limen.lab.setups import Setup

FIRST: Final = Step("first request", "Read: a credential that this process has not seen before")
AGAIN: Final = Step("request", "Read: the same credential once more")
RENEWAL: Final = Step("refresh", "Refresh: the refresh token is traded for the next one")
STEPS: Final = (LOGIN, FIRST, AGAIN, RENEWAL, LOGOUT)
PLOT: Final = Plot("costs", "costs", "Alice signs in, reads, renews and signs out.", STEPS)
_CARRIERS: Final = frozenset({"cookie", "authorization"})


@dataclass(frozen=True, slots=True)
class Accesses:
    """How often the store was read and written for one request."""

    reads: int
    writes: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What was counted under one setup.

    `accesses` is by the name of the step, `None` where there is nothing to ask for. Octets:
    `line` is the header line that carries the credential, on every request, with its name and
    line end; `handed_out` all that the answer to the sign-in spends on handing it out.
    """

    guarantees: Guarantees
    accesses: dict[str, Accesses | None]
    http: str
    line: int
    handed_out: int
    cookies: int

    @property
    def kept(self) -> bool:
        """Whether a request of a known credential asks the store as often as promised."""
        seen = self.accesses[AGAIN.name]
        return seen is not None and seen.reads <= self.guarantees.store_reads_per_request

    def as_json(self) -> dict[str, object]:
        """Return the costs as JSON values."""
        return {
            "promised_store_reads_per_request": self.guarantees.store_reads_per_request,
            "store": {
                step: None if one is None else {"reads": one.reads, "writes": one.writes}
                for step, one in self.accesses.items()
            },
            "http_version": self.http,
            "credential_bytes_per_request": self.line,
            "credential_bytes_of_sign_in": self.handed_out,
            "cookies": self.cookies,
        }


def counted(
    setups: tuple[Setup, ...], person: Person, store_for: StoreFor | None
) -> tuple[Costs, ...]:
    """Carry the requests out once under each setup and count. Blocks."""
    run: Run = carried_out(PLOT, _script, person, setups=setups, store_for=store_for)
    return tuple(_costs(column) for column in run.columns)


def _script(stage: Stage) -> None:
    owner = stage.owner()
    with stage.step(LOGIN):
        owner.sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)
    for step in (FIRST, AGAIN):
        with stage.step(step):
            owner.read(PROTECTED)
    if owner.credential(REFRESH) is not None:
        with stage.step(RENEWAL):
            owner.send("POST", REFRESH_PATH, json={})
    with stage.step(LOGOUT):
        owner.sign_out(SIGN_OUT)


def _costs(column: Column) -> Costs:
    login = next(one for one in column.exchanges if _step(column, one) == LOGIN.name)
    again = next(one for one in column.exchanges if _step(column, one) == AGAIN.name)
    handed = [one for one in login.answer.lines if one.name.lower() == "set-cookie"]
    return Costs(
        column.guarantees,
        {step.name: _accesses(column, step) for step in STEPS},
        again.request.start.rpartition(" ")[2],
        sum(one.octets for one in again.request.lines if one.name.lower() in _CARRIERS),
        sum(one.octets for one in handed),
        len(handed),
    )


def _step(column: Column, exchange: Exchange) -> str | None:
    return column.step_of.get(exchange.request_id)


def _accesses(column: Column, step: Step) -> Accesses | None:
    events = [one for one in column.in_step(step.name) if one.actor == "server"]
    if not events:
        return None
    return Accesses(sum(one.reads for one in events), sum(one.writes for one in events))
