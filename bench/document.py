"""The figures in docs/performance.md: a marked block, written again by every full run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bench.table import figures

if TYPE_CHECKING:
    from pathlib import Path

    from bench.results import Results

_BLOCK: Final = re.compile(
    r"(<!-- figures of make bench -->\n).*?(<!-- end of figures -->)", re.DOTALL
)
PLOT: Final = "![What a check costs, and how fast a revocation is](../bench/results/latest.svg)"


def rewritten(text: str, results: Results) -> str:
    """Return a document with its block as the results say; raises `ValueError` without one."""
    block = f"{PLOT}\n\n{figures(results, level=3)}\n"
    text, found = _BLOCK.subn(lambda match: f"{match[1]}\n{block}\n{match[2]}", text)
    if found != 1:
        raise ValueError("the document has no block for the figures, or several")
    return text


def rewrite(path: Path, results: Results) -> None:
    """Write the block of a document again."""
    path.write_text(rewritten(path.read_text(), results))
