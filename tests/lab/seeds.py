"""What the tests of the lesson's statements share: its story as runs, and how to read them."""

from __future__ import annotations

from collections.abc import Iterator

from limen.lab.playing.stage import Stage
from limen.lab.run import Column, Plot, Run, Step
from limen.lab.scenarios import LOGIN, READ, REPLAY, Scenario
from limen.lab.servers.site import PROTECTED
from limen.lab.setups import ATTACKED
from limen.phase import Phase
from limen.trace import TraceEvent

SETUPS = ATTACKED
NAMES = [one.name for one in SETUPS]
SIGNED, ROWS = ("jwt-only", "jwt", "hybrid"), ("jwt", "session", "hybrid")

FORGET = Step("forget", "Forget: she deletes her copy and tells nobody", (Phase.CLIENT_FORGET,))
AGAIN = Step("ask again", "Again: her browser asks without it", (Phase.RESOURCE_RESPOND,))


def _forgetting(stage: Stage) -> None:
    victim, thief = stage.owner(), stage.thief()
    with stage.step(LOGIN):
        victim.sign_in("/api/auth/sign-in/email", stage.person.email, stage.person.passphrase)
    with stage.step(READ):
        thief.steal(victim, "session_token", "refresh_token")
        victim.read(PROTECTED)
    with stage.step(FORGET):
        victim.forget("session_token", "refresh_token")
    with stage.step(AGAIN):
        victim.ask(PROTECTED)
    with stage.step(REPLAY):
        thief.ask(PROTECTED)


FORGETTING = Scenario(
    Plot(
        "forgetting",
        "deleting one copy",
        "Alice deletes what her browser holds and tells nobody. A thief has a copy.",
        (LOGIN, READ, FORGET, AGAIN, REPLAY),
    ),
    _forgetting,
)


def column(run: Run, name: str) -> Column:
    """Return the column of this name, which must be there."""
    found = run.column(name)
    assert found is not None
    return found


def events(column: Column, step: str, phase: Phase | None = None) -> list[TraceEvent]:
    """Return the events of one step of the scenario, of one phase if it is named."""
    return [one for one in column.in_step(step) if phase is None or one.phase is phase]


def one(column: Column, step: str, phase: Phase) -> TraceEvent:
    """Return the only event of a phase in a step, or the last where an edge repeats it."""
    found = events(column, step, phase)
    assert found, (column.name, step, phase)
    return found[-1]


def statuses(column: Column, step: str) -> list[int]:
    """Return what was answered in a step, in order."""
    return [
        int(one.outcome["status"]["v"])
        for one in column.in_step(step)
        if "as sent" in one.badges and "status" in one.outcome
    ]


def checks(event: TraceEvent) -> dict[str, bool]:
    """Return the checks of an event by name."""
    return {check.name: check.ok for check in event.checks}


def labels(event: TraceEvent) -> set[str]:
    """Return the credentials that an event names, given or brought about."""
    values = [*event.given.values(), *event.outcome.values()]
    return {str(one["label"]) for one in values if "label" in one}


def rows(column: Column, table: str, after: str) -> dict[str, dict[str, object]]:
    """Return the rows of a table after a request; `-` is before the first."""
    snapshot = next(one for one in column.ledger if one.request_id == after)
    found = next(one for one in snapshot.tables if one.name == table)
    return {
        key: {name: cell.get("v", cell.get("label")) for name, cell in cells.items()}
        for key, cells in found.rows.items()
    }


def last_request(column: Column, step: str) -> str:
    """Return the id of the last request that a step made."""
    made = [one.request_id for one in column.exchanges if column.step_of[one.request_id] == step]
    return made[-1]


def columns(run: Run) -> Iterator[Column]:
    """Yield the columns."""
    yield from run.columns
