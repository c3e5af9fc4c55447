"""T1 and T2: from which row on something exists, which row ends it, and who holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.quiz.item import Draft, Option
from limen.lab.quiz.phrases import one_of, row_named
from limen.lab.quiz.sheet import Part, Reading
from limen.lab.reading.holders import Holder
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.quiz.sheet import Sheet
    from limen.lab.run import Column

_ACCESS: Final = frozenset({"token", "session"})
_PEOPLE: Final = {
    Holder.SCRIPT: "a script of her page",
    Holder.JAR: "her browser",
    Holder.LOGIN: "the sign-in request",
    Holder.REQUEST: "a request",
    Holder.SERVER: "the server process",
    Holder.STORE: "the store",
    Holder.PHONE: "her phone",
    Holder.STRANGER: "a stranger",
    Holder.ADMIN: "the administrator",
    Holder.THIEF: "the thief",
}
Holders = frozenset[Holder]


def issue_of(column: Column) -> tuple[str, str] | None:
    """Return the step and the label of the first access credential of a column."""
    for event in column.events:
        step = column.step_of.get(event.request_id)
        if event.phase is Phase.CREDENTIAL_ISSUE and step is not None:
            for value in event.outcome.values():
                if value.get("kind") in _ACCESS and "label" in value:
                    return step, str(value["label"])
    return None


def beginnings(sheet: Sheet) -> Iterator[Draft[int]]:
    """T1: ask for the row from which on a credential exists, and for the one that ends it."""
    for column in sheet.columns:
        issued = issue_of(column)
        if issued is not None:
            yield _beginning(sheet, column, *issued)
        revoking = [
            one
            for one in column.events
            if one.phase is Phase.CREDENTIAL_REVOKE and one.client != "admin"
        ]
        if revoking:
            yield _ending(sheet, column, column.step_of.get(revoking[0].request_id, ""))


def _beginning(sheet: Sheet, column: Column, step: str, label: str) -> Draft[int]:
    def holds(row: int) -> bool:
        """The row makes it, and no row before it names it."""
        makes = any(
            event.phase is Phase.CREDENTIAL_ISSUE and _names(event.outcome, label)
            for event in sheet.events(row, column.name)
        )
        earlier = [one for one in sheet.rows if one < row]
        known = any(
            _names({**event.given, **event.outcome}, label)
            for one in earlier
            for event in sheet.events(one, column.name)
        )
        return makes and not known

    return Draft(
        f"T1.begins.{column.name}",
        f"Column `{column.name}`: from which row on is there something that opens Alice's "
        "account without her passphrase?",
        _rows(sheet, column, step),
        holds,
    )


def _ending(sheet: Sheet, column: Column, step: str) -> Draft[int]:
    def holds(row: int) -> bool:
        """The row writes a revocation."""
        return any(
            event.phase is Phase.CREDENTIAL_REVOKE and event.status == "ok" and event.changes
            for event in sheet.events(row, column.name)
        )

    return Draft(
        f"T1.ends.{column.name}",
        f"Column `{column.name}`, step “{step}”: which row ends the sign-in at the server?",
        _rows(sheet, column, step),
        holds,
    )


def _rows(sheet: Sheet, column: Column, step: str) -> tuple[Option[int], ...]:
    return tuple(
        Option(row, row_named(sheet, row), sheet.quote(row, column.name))
        for row in sheet.rows_of(step, column.name)
    )


def _names(values: object, label: str) -> bool:
    return isinstance(values, dict) and any(one.get("label") == label for one in values.values())


def holdings_asked(sheet: Sheet) -> Iterator[Draft[Holders]]:
    """T2: ask who holds a credential in clear when a step is over."""
    for column in sheet.columns:
        issued = issue_of(column)
        if issued is None:
            continue
        for step in sheet.run.plot.steps:
            rows = sheet.rows_of(step.name)
            if rows and step.name != issued[0]:
                yield _holding(sheet, column, rows[-1], issued[1])


def _holding(sheet: Sheet, column: Column, row: int, label: str) -> Draft[Holders]:
    def holding(row: int) -> Holders:
        hands = sheet.held[column.name].get(row, {})
        return frozenset(who for who, held in hands.items() if label in {o.text for o in held})

    now = holding(row)
    ever = frozenset().union(*(holding(one) for one in sheet.rows if one <= row))
    # Whoever had it, has it or might be thought to have it.
    thought = sorted(ever | {Holder.STORE, Holder.THIEF}, key=list(Holder).index)
    sets = [now, *(now ^ {one} for one in thought), ever, Holders()]
    step = sheet.step_at[row].name

    def option(value: Holders) -> Option[Holders]:
        wrongly = sorted(value ^ now, key=list(Holder).index) or sorted(now) or [Holder.STORE]
        return Option(
            value,
            one_of([_PEOPLE[one] for one in Holder if one in value], "nobody"),
            sheet.hands(row, column.name, wrongly[0])
            if value != now
            else _all_hands(sheet, row, column.name, wrongly),
        )

    return Draft(
        f"T2.{step}.{column.name}",
        f"Column `{column.name}`, after row {row}, when the step “{step}” is over: who holds "
        f"`{label}` in clear?",
        tuple(option(value) for value in dict.fromkeys(sets)),
        lambda value: value == holding(row),
    )


def _all_hands(sheet: Sheet, row: int, column: str, holders: list[Holder]) -> Reading:
    says = [said for one in holders for said in sheet.hands(row, column, one).says]
    return Reading(row, column, tuple(says), Part.HOLDERS)
