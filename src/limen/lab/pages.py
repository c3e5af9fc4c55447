"""The pages of the Lab: templates with escaping on, and no script at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from limen.lab import words
from limen.lab.answers import answers_of
from limen.lab.findings import finding_of
from limen.lab.lanes import align
from limen.lab.values import is_label, milliseconds, seconds, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.lab.run import Plot, Run
    from limen.trace import TraceEvent
    from limen.trace.event import Source

HERE = Path(__file__).parent


def moment(at: int) -> str:
    """Return a time in milliseconds as people read it, in UTC."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def outcome_word(event: TraceEvent) -> str:
    """Return how a step came out in one word; a client only knows what it was answered."""
    if event.status != "ok":
        return event.status
    accepted = [check.ok for check in event.checks if check.name == "accepted"]
    if accepted:
        return "accepted" if all(accepted) else "refused"
    return "ok"


def place(source: Source) -> str:
    """Return where the lines of a step are, within the installed package."""
    return f"{source.file}:{source.first_line}-{source.last_line}"


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals.update(words=words)
_templates.filters.update(
    shown=shown,
    seconds=seconds,
    milliseconds=milliseconds,
    moment=moment,
    outcome_word=outcome_word,
    place=place,
)
_templates.tests.update(label=is_label)


def start_page(plots: Iterable[Plot], runs: Iterable[Run], csrf: str) -> str:
    """Return the page with a button for each scenario, and the runs there are."""
    return _templates.get_template("start.html").render(
        plots=list(plots), runs=list(runs), csrf=csrf
    )


def run_page(run: Run) -> str:
    """Return the execution table of a run."""
    return _templates.get_template("run.html").render(
        run=run,
        sections=align(run),
        answers=answers_of(run),
        findings=[finding_of(column) for column in run.columns] if run.plot.ending else [],
    )


def notice_page(title: str, text: str) -> str:
    """Return a page that says one thing."""
    return _templates.get_template("notice.html").render(title=title, text=text)
