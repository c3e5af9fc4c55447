"""The results as one picture: what a check costs, and how fast a revocation is everywhere.

The colours are Okabe and Ito's, which people who see colours differently tell apart, and
Limen's is darker than the others, so that the picture also reads in grey. The dashed line is
what Limen is to reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

from bench.systems import LIMEN

if TYPE_CHECKING:
    from pathlib import Path

    from bench.results import Results, Row

OURS: Final = "#0072B2"
THEIRS: Final = "#E69F00"
RAW: Final = "#999999"
REACH: Final = "#D55E00"
LINES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")
WIDTH: Final = 9  # inches, as the heights
BAR_HEIGHT: Final = 0.2
LEAST: Final = 4  # bars' worth of height
ROWS_HEIGHT: Final = 12
STYLES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
SETTINGS: Final[dict[str, object]] = {
    "svg.fonttype": "none",  # text stays text: small, and it can be searched
    "svg.hashsalt": "limen",  # the same results give the same file
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # one name, not a dozen, on every text
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
}


def plot(results: Results, path: Path) -> None:
    """Draw what there is; a measure without rows leaves an empty place that says so."""
    ratios = [
        row
        for row in results.of("protected_over_open")
        if row.system != LIMEN or row.framework == "fastapi"
    ]
    checks = [row for row in results.of("warm_check_us") if row.framework is None]
    verifies = results.of("cold_verify_us")
    storms = results.of("storm_open_p99_over_idle")
    lags = [row for row in results.of("revocation_lag_ms") if row.unit == "ms, p99"]
    by_rows = results.of("check_cost_by_rows")
    heights = [len(ratios), len(checks), len(verifies), len(storms), len(lags), ROWS_HEIGHT]
    heights = [max(LEAST, height) for height in heights]
    with mpl.rc_context(SETTINGS):
        figure, places = plt.subplots(
            len(heights),
            figsize=(WIDTH, sum(heights) * BAR_HEIGHT + len(heights)),
            height_ratios=heights,
            layout="constrained",
        )
        _bars(places[0], "Protected ÷ open: Limen on FastAPI, and peers", ratios, reach=0.9)
        _bars(places[1], "Check of a known credential, µs of CPU (log)", checks, reach=10, log=True)
        _cold(places[2], verifies)
        _bars(places[3], "Open route in a storm of sign-ins: p99 ÷ idle p99", storms, reach=2)
        _bars(places[4], "Accepted after revoke had returned: p99, ms", lags, reach=10)
        _by_rows(places[5], by_rows)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)


def _name(row: Row) -> str:
    words = [row.strategy, None if row.store == "none" else row.store]
    return f"{row.system}: " + ", ".join(word for word in words if word)


def _bars(
    axes: Any, title: str, rows: list[Row], *, reach: float | None = None, log: bool = False
) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    if not rows:
        _empty(axes)
        return
    ordered = sorted(rows, key=lambda row: row.system != LIMEN)[::-1]
    ours = [row.system == LIMEN for row in ordered]
    values = [row.value for row in ordered]
    bars = axes.barh(
        range(len(ordered)),
        values,
        color=[OURS if own else THEIRS for own in ours],
    )
    axes.bar_label(bars, [f"{value:.3g}" for value in values], padding=3, fontsize=8)
    axes.set_yticks(range(len(ordered)), [_name(row) for row in ordered], fontsize=8)
    axes.margins(x=0.12)
    if log:
        axes.set_xscale("log")
    if reach is not None:
        axes.axvline(reach, color=REACH, linestyle="--", linewidth=1)


def _cold(axes: Any, rows: list[Row]) -> None:
    axes.set_title("First check of a token, µs of CPU (log)", loc="left", fontsize=10)
    if not rows:
        _empty(axes)
        return
    systems = list(dict.fromkeys(row.system for row in rows))
    algorithms = list(dict.fromkeys(row.strategy for row in rows))
    colours = {LIMEN: OURS, "raw": RAW}
    spare = iter((THEIRS, LINES[2], LINES[3]))
    height = 0.8 / len(systems)
    for place, system in enumerate(systems):
        own = {row.strategy: row.value for row in rows if row.system == system}
        at = [-index - place * height for index in range(len(algorithms))]
        bars = axes.barh(
            at,
            [own[one] for one in algorithms],
            height,
            label=system,
            color=colours.get(system) or next(spare),
        )
        axes.bar_label(bars, [f"{own[one]:.3g}" for one in algorithms], padding=3, fontsize=7)
    axes.set_yticks([-index - 0.3 for index in range(len(algorithms))], algorithms)
    axes.set_xscale("log")
    axes.margins(x=0.12)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))


def _by_rows(axes: Any, rows: list[Row]) -> None:
    axes.set_title("A check by the number of sessions, µs of CPU (log)", loc="left", fontsize=10)
    if not rows:
        _empty(axes)
        return
    series: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        store, _, size = (row.store or "").partition(", 10^")
        power = int(size.partition(" ")[0])
        series.setdefault(f"{row.strategy}, {store}", []).append((10**power, row.value))
    looks = zip(LINES, STYLES, strict=True)
    for (name, points), (colour, style) in zip(series.items(), looks, strict=False):
        line = {"color": colour, "linestyle": style, "marker": "o", "label": name}
        axes.plot(*zip(*points, strict=True), **line)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))


def _empty(axes: Any) -> None:
    axes.text(0.5, 0.5, "not measured in this run", ha="center", va="center")
    axes.set_axis_off()
