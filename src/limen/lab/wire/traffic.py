"""What crossed the wire in a run, by step of the scenario and by column, ready to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.lab.reading.lanes import align
from limen.lab.wire.as_code import as_curl, as_httpx
from limen.lab.wire.cookies import card_of
from limen.lab.wire.tokens import cards_of, verification_of
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.recording.exchange import Exchange, Line, Message
    from limen.lab.run import Column, Run, Step
    from limen.lab.wire.cookies import CookieCard
    from limen.lab.wire.tokens import TokenCard, Verification

_ANSWERING: Final = frozenset({Phase.LOGIN_RESPOND, Phase.RESOURCE_RESPOND})
_NUMBERING: Final = "x-lab-request"
_CARRYING: Final = frozenset({"cookie", "authorization", "set-cookie"})
Alike: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One exchange, read; `others` came right after it and differ in nothing but the time."""

    exchange: Exchange
    others: tuple[str, ...]
    cookies: tuple[CookieCard, ...]
    tokens: tuple[TokenCard, ...]
    verification: Verification
    curl: str
    httpx: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The exchanges of one column in one step."""

    column: Column
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """One step of the scenario; `row` is the row of Compare that tells of its answer."""

    step: Step
    row: int | None
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one kind of line cost: how many octets on one message, and on all of them."""

    column: str
    direction: str
    line: str
    labels: tuple[str, ...]
    least: int
    most: int
    count: int
    total: int


def traffic_of(run: Run) -> tuple[Scene, ...]:
    """Return the exchanges of a run by step and column."""
    rows = {section.step.name: section.rows for section in align(run)}
    scenes = []
    for step in run.plot.steps:
        answering = [one.number for one in rows[step.name] if one.phase in _ANSWERING]
        lanes = tuple(Lane(column, tuple(_sheets(column, step))) for column in run.columns)
        scenes.append(Scene(step, answering[0] if answering else None, lanes))
    return tuple(scenes)


def costs_of(run: Run) -> tuple[Cost, ...]:
    """Return what the lines that carry credentials cost, by column."""
    return tuple(cost for column in run.columns for cost in _costs(column))


def _sheets(column: Column, step: Step) -> Iterator[Sheet]:
    groups: list[list[Exchange]] = []
    for one in column.exchanges:
        if column.step_of.get(one.request_id) != step.name:
            continue
        if groups and _alike(groups[-1][0]) == _alike(one):
            groups[-1].append(one)
        else:
            groups.append([one])
    return (_sheet(column, first, others) for first, *others in groups)


def _sheet(column: Column, exchange: Exchange, others: list[Exchange]) -> Sheet:
    set_cookies = [one for one in exchange.answer.lines if one.name.lower() == "set-cookie"]
    return Sheet(
        exchange,
        tuple(one.request_id for one in others),
        tuple(card_of(line, exchange.at) for line in set_cookies),
        cards_of(column, exchange),
        verification_of(column, exchange.request_id),
        as_curl(exchange),
        as_httpx(exchange),
    )


def _alike(exchange: Exchange) -> Alike:
    """Return what two requests must have in common to be shown as one."""
    return (
        exchange.client,
        exchange.request.start,
        exchange.status,
        tuple(_content(line) for line in exchange.request.lines if line.name != _NUMBERING),
        tuple(_content(line) for line in exchange.answer.lines),
        len(exchange.unsent),
    )


def _content(line: Line) -> Alike:
    return (line.name, *(str(piece) for piece in line.pieces))


def _costs(column: Column) -> Iterator[Cost]:
    found: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
    for exchange in column.exchanges:
        for direction, message in (("request", exchange.request), ("answer", exchange.answer)):
            for line in _carrying(message):
                labels = tuple(str(one["label"]) for one in line.pieces if isinstance(one, Mapping))
                if labels:
                    found.setdefault((direction, line.name.lower(), labels), []).append(line.octets)
    for (direction, name, labels), sizes in found.items():
        yield Cost(
            column.name, direction, name, labels, min(sizes), max(sizes), len(sizes), sum(sizes)
        )


def _carrying(message: Message) -> list[Line]:
    return [line for line in message.lines if line.name.lower() in _CARRYING]
