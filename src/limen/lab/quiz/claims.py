"""T9: what lessons say about signing out and about passwords, and what this run shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.quiz.item import Draft, Option
from limen.lab.quiz.phrases import one_of
from limen.lab.quiz.replies import THIEF, VICTIM, client_of, replied
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.quiz.sheet import Sheet
    from limen.lab.run import Column
    from limen.trace import TraceEvent

Ended = tuple[bool, bool]
Steps = frozenset[str]

# By what the server did and what the copy got: each run is one of the four.
_AFTER_FORGETTING: Final = {
    (True, True): "The server wrote the end down, and the thief's copy was let in all the same.",
    (True, False): "The server ended the sign-in, and that is why the thief's copy was refused.",
    (False, True): "One copy was dropped, nothing was ended, and the thief's copy was let in.",
    (False, False): "Nothing was ended at the server, and yet the thief's copy was refused.",
}
_ROWS: Final = {
    "first": "The server deleted the row, and the browser dropped its cookie afterwards.",
    "second": "The browser dropped its cookie, and the server deleted the row afterwards.",
    "stays": "The browser dropped its cookie, and the row is still there.",
    "never": "There was no row that could have been deleted.",
}


def forgotten_copies(sheet: Sheet) -> Iterator[Draft[Ended]]:
    """Ask what dropping a copy achieved: nothing, for the other copies."""
    for column in sheet.columns:
        dropped = _forgetting(column)
        if dropped is None:
            continue
        later = [
            step.name
            for step in sheet.run.plot.steps
            if client_of(column, step.name) == THIEF
            and any(one.seq > dropped.seq for one in column.in_step(step.name))
            and _same_credential(column, dropped, step.name)
        ]
        if later:
            yield _forgotten(sheet, column, dropped, later[0])


def _forgotten(sheet: Sheet, column: Column, dropped: TraceEvent, step: str) -> Draft[Ended]:
    def happened() -> Ended:
        ended = any(event.changes for event in column.events if _revokes(event))
        answer = sheet.answer(column, step)
        return ended, answer is not None and answer.accepted

    now = happened()
    row = _row_of(sheet, column, _revoking(column) or dropped)

    def option(value: Ended, text: str) -> Option[Ended]:
        wrong_end = value[0] != now[0]
        shown = sheet.quote(row, column.name) if wrong_end else replied(sheet, column, step)
        return Option(value, text, shown)

    return Draft(
        f"T9.copies.{column.name}",
        "A lesson says: a token becomes invalid when the client deletes it. What happened in "
        f"column `{column.name}`?",
        tuple(option(value, text) for value, text in _AFTER_FORGETTING.items()),
        lambda value: value == happened(),
    )


def deleted_rows(sheet: Sheet) -> Iterator[Draft[str]]:
    """Ask what deleted the session: not the deleting of a cookie."""
    for column in sheet.columns:
        dropped = _forgetting(column)
        if dropped is not None and column.ledger:
            yield _deleted_row(sheet, column, _revoking(column) or dropped, _making(column))


def _deleted_row(
    sheet: Sheet, column: Column, ending: TraceEvent, making: TraceEvent | None
) -> Draft[str]:
    ended = sheet.quote(_row_of(sheet, column, ending), column.name)
    made = sheet.stored(_row_of(sheet, column, making or ending), column.name)
    never = _fate_of_the_row(column) == "never"
    return Draft(
        f"T9.rows.{column.name}",
        "A lesson says: when the client deletes its cookie, the session at the server is "
        f"destroyed. What happened in column `{column.name}`?",
        tuple(
            Option(name, text, made if never or name == "never" else ended)
            for name, text in _ROWS.items()
        ),
        lambda value: value == _fate_of_the_row(column),
    )


def _fate_of_the_row(column: Column) -> str:
    dropped, revoked = _forgetting(column), _revoking(column)
    sessions = [
        len(table.rows)
        for snapshot in column.ledger
        for table in snapshot.tables
        if table.name == "sessions"
    ]
    if not any(sessions):
        return "never"
    if sessions[-1] >= max(sessions) or revoked is None or dropped is None:
        return "stays"
    return "first" if revoked.seq < dropped.seq else "second"


def kept_passwords(sheet: Sheet) -> Iterator[Draft[Steps]]:
    """Ask in which steps the password is anywhere: where somebody types it, and nowhere else."""
    for column in sheet.columns:
        typed = _typed(column)
        if typed:
            yield _kept_password(sheet, column, _row_of(sheet, column, typed[0]))


def _kept_password(sheet: Sheet, column: Column, row: int) -> Draft[Steps]:
    def typed() -> Steps:
        return frozenset(column.step_of.get(one.request_id, "") for one in _typed(column))

    now = typed()
    served = [step.name for step in sheet.run.plot.steps if sheet.answer(column, step.name)]
    later = [one for one in served if one not in now]
    sets = [now, now | {*later[:1]}, now | {*later}, now | {*later[-1:]}, Steps()]

    def option(value: Steps) -> Option[Steps]:
        wrongly = next((one for one in later if one in value), None)
        text = one_of([f"“{one}”" for one in served if one in value], "in none")
        if wrongly is not None:
            return Option(value, text, replied(sheet, column, wrongly))
        return Option(value, text, sheet.pointed(row, column.name, "password never recorded"))

    return Draft(
        f"T9.password.{column.name}",
        "A lesson keeps the password as a variable to the end. In which steps does it reach the "
        f"server in column `{column.name}`?",
        tuple(option(value) for value in dict.fromkeys(sets)),
        lambda value: value == typed(),
    )


def _typed(column: Column) -> list[TraceEvent]:
    return [
        event
        for event in column.events
        if any(value.get("kind") == "password" for value in event.given.values())
    ]


def _revokes(event: TraceEvent) -> bool:
    return event.phase is Phase.CREDENTIAL_REVOKE and event.status == "ok"


def _revoking(column: Column) -> TraceEvent | None:
    return next((one for one in column.events if _revokes(one) and one.changes), None)


def _making(column: Column) -> TraceEvent | None:
    made = (one for one in column.events if one.phase is Phase.CREDENTIAL_ISSUE)
    return next(made, None)


def _forgetting(column: Column) -> TraceEvent | None:
    """Return the event in which the victim's browser drops all that it has."""
    return next(
        (
            event
            for event in column.events
            if event.phase is Phase.CLIENT_FORGET
            and event.client == VICTIM
            and event.outcome.get("left", {}).get("v") == 0
        ),
        None,
    )


def _same_credential(column: Column, dropped: TraceEvent, step: str) -> bool:
    labels = {value.get("label") for value in dropped.given.values()}
    attached = [one for one in column.in_step(step) if one.phase is Phase.CLIENT_ATTACH]
    return any(value.get("label") in labels for one in attached for value in one.given.values())


def _row_of(sheet: Sheet, column: Column, event: TraceEvent) -> int:
    return sheet.row_of_event(column, event) or 0
