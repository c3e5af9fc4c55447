"""A column as the text of a Mermaid sequence diagram, with a title and a description for all."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final

from limen.lab.reading.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from limen.lab.recording.exchange import Exchange
    from limen.lab.run import Column, Run
    from limen.trace import TraceEvent

SERVER, STORE = "server", "store"
_PLAIN: Final = re.compile(r"[^A-Za-z0-9 .,/()'_-]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f;#]+")


def mermaid(run: Run, column: Column) -> str:
    """Return the diagram of one column, in the order in which it happened."""
    ids = {client: f"c{number}" for number, client in enumerate(_clients(column), start=1)}
    titles = {step.name: step.title for step in run.plot.steps}
    lines = [
        f"accTitle: {_sentence(f'{run.plot.title}, under {column.name}')}",
        f"accDescr: {_sentence(_described(run, column))}",
        *(f"participant {ids[client]} as {_text(client)}" for client in ids),
        f"participant {SERVER} as server",
        f"participant {STORE} as store",
    ]
    step = None
    for text, alike in groupby(_requests(column, ids), key=lambda one: one):
        count = len(list(alike))
        if text[0] != step:
            step = text[0]
            whole = f"{next(iter(ids.values()), SERVER)},{STORE}"
            lines.append(f"Note over {whole}: {_text(titles.get(step, step))}")
        if count > 1:
            lines += [f"loop {count} requests alike", *(f"    {one}" for one in text[1:]), "end"]
        else:
            lines += text[1:]
    return "sequenceDiagram\n" + "".join(f"    {line}\n" for line in lines)


def _requests(column: Column, ids: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """Yield each request as its step and its lines."""
    exchanges = {one.request_id: one for one in column.exchanges}
    order: dict[str, list[TraceEvent]] = {}
    for event in column.events:
        order.setdefault(event.request_id, []).append(event)
    for request_id, events in order.items():
        step = column.step_of.get(request_id, "")
        lines = tuple(_lines(events, exchanges.get(request_id), ids))
        yield (step, *lines)


def _lines(
    events: Sequence[TraceEvent], exchange: Exchange | None, ids: dict[str, str]
) -> Iterator[str]:
    asked = answered = False
    for event in events:
        client = ids.get(event.client, SERVER)
        by_client = event.actor != SERVER
        attaches = by_client and event.phase.value == "client.attach"
        if exchange and not asked and not attaches:
            asked = True
            yield f"{client}->>{SERVER}: {_text(f'{exchange.method} {exchange.path}')}"
        if exchange and asked and by_client and not answered:
            answered = True
            yield f"{SERVER}-->>{client}: {exchange.status}"
        place = client if by_client else SERVER
        yield from _step(event, place)
    if exchange and asked and not answered:
        yield f"{SERVER}-->>{ids.get(exchange.client, SERVER)}: {exchange.status}"


def _step(event: TraceEvent, place: str) -> Iterator[str]:
    effects = [one.effect for one in event.operations if one.access in ("read", "write")]
    values = event.given if event.phase.value == "client.attach" else event.outcome
    labels = [shown(one) for one in values.values() if "label" in one]
    refused = [one.reason for one in event.checks if one.reason]
    told = ", ".join([event.phase.value, *labels, *([event.status] if refused else []), *refused])
    yield f"Note over {place}: {_text(told)}"
    if effects:
        yield f"{SERVER}->>{STORE}: {_text(', '.join(effects))}"


def _clients(column: Column) -> list[str]:
    found = dict.fromkeys(one.client for one in column.exchanges)
    found |= dict.fromkeys(one.client for one in column.events if one.client != "-")
    return list(found)


def _described(run: Run, column: Column) -> str:
    requests = len(column.exchanges)
    last = {column.step_of.get(one.request_id, "-"): one.status for one in column.exchanges}
    ends = ", ".join(f"{step} {status}" for step, status in last.items())
    clients = ", ".join(_clients(column))
    return f"{run.plot.story} {requests} requests by {clients}. The last answer of each: {ends}."


def _text(text: str) -> str:
    """Return a text with whatever could end it written as a character's number."""
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", text)


def _sentence(text: str) -> str:
    """Return a text for a line of its own, which Mermaid takes as it is."""
    return _CONTROL.sub(" ", text)
