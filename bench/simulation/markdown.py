"""Tables and numbers as Markdown, and the marks between which a document has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

WHOLE_MS = 10  # from here on a time is written without tenths
_BLOCK = re.compile(r"<!-- simulated: ([a-z ]+) -->\n(.*?)<!-- end -->\n", re.DOTALL)
Cells = Sequence[object]


def table(head: Cells, rows: Iterable[Cells]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def number(value: float) -> str:
    """Write a number with three figures and thousands apart."""
    if value == 0:
        return "0"
    text = f"{float(f'{value:.3g}'):,.10f}"
    return text.rstrip("0").rstrip(".")


def span(low: float, high: float) -> str:
    """Write a range."""
    return f"{number(low)} to {number(high)}"


def ms(value: float) -> str:
    """Write a time: tenths below ten milliseconds."""
    return f"{value:.1f}" if value < WHOLE_MS else f"{value:,.0f}"


def share(value: float) -> str:
    """Write a share with two figures."""
    return "0" if value == 0 else f"{number(float(f'{value * 100:.2g}'))} %"


def power(users: int) -> str:
    """Write a power of ten."""
    return f"10^{len(str(users)) - 1}"


def blocks(text: str) -> dict[str, str]:
    """Return what stands between the marks of a document, by name."""
    return dict(_BLOCK.findall(text))


def filled(text: str, made: Mapping[str, str]) -> str:
    """Return a document with its blocks replaced; raises `ValueError` if they are not these."""
    if set(blocks(text)) != set(made):
        raise ValueError(f"the document must have the blocks {', '.join(sorted(made))}")
    return _BLOCK.sub(
        lambda found: f"<!-- simulated: {found[1]} -->\n{made[found[1]]}<!-- end -->\n", text
    )
