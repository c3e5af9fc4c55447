"""What a person reads (tables, sentences) and what a script reads (JSON).

Text that people chose themselves, such as names, may hold control characters that a
terminal obeys; none reaches it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from limen.guarantees import Receipt

# Columns of a table that goes to a file or a pipe, where nothing has to fit a window.
UNBOUNDED_WIDTH = 1_000
DAY_MS = 86_400_000
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def say(text: str, style: str = "") -> None:
    """Print a line."""
    _console().print(Text(printable(text), style=style), soft_wrap=True)


def complain(text: str) -> None:
    """Print a line on stderr, with the program's name before it."""
    line = Text.assemble(("limen: ", "bold red"), printable(text))
    Console(stderr=True, highlight=False).print(line, soft_wrap=True)


def emit(value: Any) -> None:
    """Print JSON, with every character beyond ASCII escaped."""
    emit_line(json.dumps(value, indent=2))


def emit_line(text: str) -> None:
    """Print a text as it is, for a script or `$(...)`."""
    typer.echo(text)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings; in a pipe each row is one line of plain columns."""
    console = _console()
    table = table_of(columns, rows, wrap=console.is_terminal)
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        emit_line(line.rstrip())


def table_of(columns: Sequence[str], rows: Iterable[Sequence[str]], *, wrap: bool = True) -> Table:
    """Return rows under headings, for a terminal that wraps long cells or for a pipe."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=not wrap)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def printable(text: str) -> str:
    """Return the text with everything that is not printable replaced."""
    return "".join(one if one.isprintable() else _REPLACEMENT for one in text)


def moment(at: int) -> str:
    """Return a time in milliseconds as `2026-11-23 12:00:02Z`."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%SZ}"


def iso(at: int) -> str:
    """Return a time in milliseconds as ISO 8601, for JSON."""
    text = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def span(milliseconds: int) -> str:
    """Return a span as `2.0 s`, `5 min`, `3 h` or `12 d`, cut to what matters."""
    seconds = milliseconds / 1000
    if seconds < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{seconds:.1f} s"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"
    raise AssertionError("every span of a minute or more has a unit")


def receipt_text(receipt: Receipt, now: int) -> str:
    """Say what a revocation achieved and by when; `now` is in milliseconds."""
    match receipt.sessions_ended:
        case None:
            ended = "nobody can know how many copies are out there"
        case 1:
            ended = "1 session ended"
        case count:
            ended = f"{count} sessions ended"
    wait = receipt.effective_at - now
    if wait <= 0:
        return f"{ended}; no copy works any more."
    # Rounded up: the moment that is shown is never too early.
    at = moment(-(-receipt.effective_at // 1000) * 1000)
    shown = at if wait >= DAY_MS else at[11:]
    return f"{ended}; no copy works after {shown} (in {span(wait)})."


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt for scripts."""
    return {"sessions_ended": receipt.sessions_ended, "effective_at": iso(receipt.effective_at)}


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=UNBOUNDED_WIDTH)
