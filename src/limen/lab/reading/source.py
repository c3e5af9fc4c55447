"""The lines that took a step, read from the installed package, so that they cannot drift."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from limen.lab.reading.lanes import Row
    from limen.trace.event import Source

PACKAGE: Final = Path(__file__).resolve().parents[2]
# Every function of the package is shorter; a trace that names more is not one of ours.
MAX_LINES: Final = 200


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a file of the package; `lines` begin at number `first`."""

    file: str
    first: int
    function: str
    lines: tuple[str, ...]

    @property
    def last(self) -> int:
        """Return the number of the last line."""
        return self.first + len(self.lines) - 1

    @property
    def id(self) -> str:
        """Return a word by which a page can point here."""
        return f"source-{self.file.removesuffix('.py').replace('/', '-')}-{self.first}"

    @property
    def place(self) -> str:
        """Return the file and its lines."""
        return f"{self.file}:{self.first}-{self.last}"


def excerpts_of(row: Row) -> tuple[Excerpt, ...]:
    """Return the lines that took a row, each once, in the order of the columns."""
    sources = [entry.event.source for cell in row.cells for entry in cell.entries]
    found = (excerpt(source) for source in dict.fromkeys(sources) if source is not None)
    return tuple(one for one in found if one is not None)


@lru_cache(maxsize=256)
def excerpt(source: Source) -> Excerpt | None:
    """Return the lines of a source, `None` for anything but Python files of this package."""
    path = (PACKAGE / source.file).resolve()
    if path.suffix != ".py" or not path.is_relative_to(PACKAGE) or not path.is_file():
        return None
    last = min(source.last_line, source.first_line + MAX_LINES - 1)
    lines = path.read_text("utf-8").splitlines()[max(source.first_line, 1) - 1 : last]
    return Excerpt(source.file, source.first_line, source.function, tuple(lines)) if lines else None
