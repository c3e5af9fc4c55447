"""A run from a file: somebody else's trace, read as data and shown as what it is.

Whatever the file says is held against the schema before; each event is read as strictly as
it is written. Nothing of it is carried out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import QueryParams

from limen.entropy import SystemEntropy, random_text
from limen.guarantees import Format, Guarantees, RevocationCheck
from limen.lab.exports.schema import NotATrace, read_file
from limen.lab.playing.stage import RUN_ID_OCTETS
from limen.lab.recording.exchange import Body, Exchange, Line, Message, Token, Unsent
from limen.lab.recording.ledger import Snapshot, Table
from limen.lab.run import Column, Plot, Run, Step
from limen.lab.setups import Setup, Storage
from limen.lab.views.compare import run_page
from limen.lab.views.quiz import quiz_page
from limen.lab.views.store import store_page
from limen.lab.views.take_away import export_page
from limen.lab.views.wire import wire_page
from limen.phase import Phase
from limen.trace import TraceEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# A method and a path. Commands are made of both, and an address before something that does
# not begin with a slash could be that of another host.
_ASKED: Final = re.compile(r"[A-Z]{1,20} /\S* ")
# The pages of a run that read more of it than the schema can promise.
_VIEWS: Final[Mapping[str, Callable[[Run], str]]] = {
    "Compare": run_page,
    "Wire": lambda run: wire_page(run, ""),
    "Store": lambda run: store_page(run, ""),
    "Quiz": lambda run: quiz_page(run, QueryParams()),
    "Take away": export_page,
}


def opened(path: Path) -> Run:
    """Return the run that a file holds, under an id of this Lab; raises `NotATrace`."""
    run = run_from(read_file(path))
    for name, shown in _VIEWS.items():
        try:
            shown(run)
        except Exception:  # noqa: BLE001 - a trace that fits may still lack what a page shows
            raise NotATrace(f"it lacks what the page {name} shows") from None
    return run


def run_from(told: dict[str, Any]) -> Run:
    """Return the run that a checked document tells of; raises `NotATrace`."""
    try:
        columns = tuple(_column(one) for one in told["columns"])
    except ValueError as error:
        raise NotATrace(str(error)) from None
    if len({column.name for column in columns}) != len(columns):
        raise NotATrace("two of its columns have one name")
    run_id = random_text(SystemEntropy(), RUN_ID_OCTETS)
    # Last, so that no file can say otherwise of itself.
    environment = told["environment"] | {"imported": f"run {told['run']}, not carried out here"}
    return Run(run_id, told["at"], _plot(told["plot"]), environment, columns, imported=True)


def _plot(told: dict[str, Any]) -> Plot:
    steps = tuple(
        Step(one["name"], one["title"], tuple(Phase(phase) for phase in one["home"]))
        for one in told["steps"]
    )
    return Plot(told["id"], told["title"], told["story"], steps, told["ending"])


def _column(told: dict[str, Any]) -> Column:
    stated = told["setup"]
    return Column(
        Setup(
            told["name"],
            stated["strategy"],
            stated["check"],
            stated["refresh"],
            Storage(told["storage"]),
            stated["memory"],
            tuple(stated["trusted_origins"]),
        ),
        _guarantees(told["guarantees"]),
        tuple(TraceEvent.from_json(one) for one in told["events"]),
        told["steps"],
        tuple(_exchange(one) for one in told["exchanges"]),
        {label: _token(one) for label, one in told["tokens"].items()},
        tuple(_snapshot(one) for one in told["store"]),
    )


def _guarantees(told: dict[str, Any]) -> Guarantees:
    return Guarantees(
        format=Format(told["format"]),
        check=RevocationCheck(told["check"]),
        store_reads_per_request=told["store_reads_per_request"],
        revocation_window=told["revocation_window_ms"],
        idle=told["idle_ms"],
        absolute=told["absolute_ms"],
        needs_store=told["needs_store"],
    )


def _exchange(told: dict[str, Any]) -> Exchange:
    request, answer = _message(told["request"]), _message(told["answer"])
    first, last = request.start.split(" "), answer.start.split(" ")
    asked = _ASKED.match(request.start)
    if asked is None or len(last) < 2 or not last[1].isdecimal():  # noqa: PLR2004 - as HTTP has them
        raise ValueError("an exchange does not begin as HTTP does")
    return Exchange(
        told["request_id"],
        told["client"],
        told["at"],
        first[0],
        first[1].removesuffix("?…"),
        int(last[1]),
        request,
        answer,
        tuple(Unsent(one["cookie"], one["value"], one["reason"]) for one in told["not_sent"]),
    )


def _message(told: dict[str, Any]) -> Message:
    body = told["body"]
    return Message(
        told["start"],
        told["start_bytes"],
        tuple(Line(one["name"], tuple(one["value"]), one["bytes"]) for one in told["headers"]),
        body and Body(body["type"], body["bytes"], body["rounded"], body["members"]),
    )


def _token(told: dict[str, Any]) -> Token:
    return Token(told["header"], told["claims"], told["bytes"])


def _snapshot(told: dict[str, Any]) -> Snapshot:
    tables = []
    for name, table in told["tables"].items():
        columns = dict.fromkeys(column for row in table["rows"].values() for column in row)
        tables.append(Table(name, tuple(columns), table["rows"], table["more"]))
    return Snapshot(told["after"], tuple(tables))
