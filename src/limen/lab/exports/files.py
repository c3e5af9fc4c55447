"""Every file that a run can be taken away as, by name; each is searched before it is given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from limen.lab.exports.curl import curl_script
from limen.lab.exports.markdown import markdown
from limen.lab.exports.mermaid import mermaid
from limen.lab.exports.otlp import otlp_json
from limen.lab.exports.programs import application_file, scenario_file
from limen.lab.exports.single_page import single_page
from limen.lab.exports.trace_json import report_of, sha256_of, trace_json
from limen.lab.pages import page
from limen.lab.views.compare import run_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from limen.lab.run import Column, Run

_IMPORTED = '<p class="taken-away"><strong class="mark">imported, not run here</strong></p>'
JSON, PYTHON = "application/json", "text/x-python"


class Leak(RuntimeError):
    """A file would hold a secret of its run. It is a fault of the Lab, and nothing is given."""


@dataclass(frozen=True, slots=True)
class File:
    """One file: its name, what it is good for, and its text."""

    name: str
    purpose: str
    media_type: str
    text: str

    @property
    def octets(self) -> int:
        """Return its size."""
        return len(self.text.encode())

    @property
    def sha256(self) -> str:
        """Return what `sha256sum` prints for it."""
        return sha256_of(self.text)


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that can be made."""

    name: str
    purpose: str
    media_type: str
    make: Callable[[], str]

    def file(self, run: Run) -> File:
        """Make it; raises `Leak` rather than give a secret of the run away."""
        text = self.make()
        if run.canaries.found_in(text):
            raise Leak(self.name)
        return File(self.name, self.purpose, self.media_type, text)


def files_of(run: Run) -> tuple[File, ...]:
    """Return every file of a run; raises `Leak`."""
    return tuple(offer.file(run) for offer in offers(run))


def file_of(run: Run, name: str) -> File | None:
    """Return the file of this name, if there is one; raises `Leak`."""
    return next((offer.file(run) for offer in offers(run) if offer.name == name), None)


def offers(run: Run) -> Iterator[Offer]:
    """Yield what a run can be taken away as: first the whole, then each column."""
    yield Offer("trace.json", "the whole run, for programs", JSON, partial(trace_json, run))
    yield Offer(
        "trace.html",
        "the page Compare as one file: opens from a disk, needs no network, prints",
        "text/html",
        partial(_compare_file, run),
    )
    yield Offer(
        "table.md", "the execution table, for a document", "text/markdown", partial(_table, run)
    )
    yield Offer("otlp.json", "the steps as spans, for a viewer", JSON, partial(otlp_json, run))
    scenario = scenario_file(run)
    if scenario is not None:
        yield Offer("scenario.py", "carries the same scenario out again", PYTHON, lambda: scenario)
    for column in run.columns:
        yield from _offers_of(run, column)


def _offers_of(run: Run, column: Column) -> Iterator[Offer]:
    name = column.name
    yield Offer(
        f"{name}.mmd",
        "what happened, as a Mermaid sequence diagram",
        "text/plain",
        partial(mermaid, run, column),
    )
    yield Offer(
        f"{name}.sh",
        "the requests as curl commands, with placeholders for credentials",
        "text/x-shellscript",
        partial(curl_script, run, column),
    )
    yield Offer(
        f"{name}.app.py",
        "an application with these settings",
        PYTHON,
        partial(application_file, column),
    )


def _compare_file(run: Run) -> str:
    notes = page("file_notes.html", run=run, report=report_of(run))
    return single_page(run_page(run), f"/runs/{run.id}", notes, _IMPORTED * run.imported)


def _table(run: Run) -> str:
    return markdown(run, report_of(run))
