"""The execution table as Markdown, with every cell made harmless to what renders it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from limen.lab.pages import moment
from limen.lab.reading import words
from limen.lab.reading.lanes import align
from limen.lab.reading.telling import outcome_word
from limen.lab.reading.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from limen.lab.exports.report import Report
    from limen.lab.reading.lanes import Cell, Row
    from limen.lab.run import Run
    from limen.trace.event import Recorded

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&-])")


def markdown(run: Run, report: Report) -> str:
    """Return the whole run as one document."""
    names = [column.name for column in run.columns]
    lines = [
        f"# {_text(run.plot.title.capitalize())}",
        "",
        _text(run.plot.story),
        "",
        f"Run {_text(run.id)}, {moment(run.at)}" + (", imported" if run.imported else ""),
        "",
    ]
    lines += [f"- {_text(name)}: {_text(value)}" for name, value in run.environment.items()]
    for section in align(run):
        lines += ["", f"## {_text(section.step.title)}", ""]
        lines.append(_line(["Step", "Action", "Actor", *names, "Notes"]))
        lines.append(_line(["---"] * (4 + len(names))))
        lines += [_line(_row(row)) for row in section.rows]
    lines += ["", "## Redaction report", ""]
    lines += [f"- {_text(what)}: {_text(count)}" for what, count in report.lines]
    return "\n".join(lines) + "\n"


def _row(row: Row) -> Iterator[str]:
    action, note = words.PHASES[row.phase]
    yield f"{row.number} {_text(row.phase.value)}"
    yield _text(action)
    yield _text(", ".join(row.actors))
    for cell in row.cells:
        yield _cell(cell)
    yield _text(f"{'same in all' if row.same else 'differs'}. {note}")


def _cell(cell: Cell) -> str:
    if cell.no_step:
        return _text(f"no step: {cell.no_step}")
    parts = []
    for entry in cell.entries:
        event = entry.event
        told = [outcome_word(event), *_values(event.given), *_values(event.outcome)]
        told += [
            f"{'ok' if check.ok else 'no'} {check.name}{f' ({check.reason})' * bool(check.reason)}"
            for check in event.checks
        ]
        if event.operations:
            told.append("store: " + ", ".join(one.effect for one in event.operations))
        times = f" ({entry.count} alike)" if entry.count > 1 else ""
        parts.append(_text("; ".join(told) + times))
    return "<br>".join(parts)


def _values(values: Mapping[str, Recorded]) -> Iterator[str]:
    return (f"{name} = {shown(value)}" for name, value in values.items())


def _line(cells: list[str] | Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """Return a text on one line that is nothing but text wherever Markdown is read."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
