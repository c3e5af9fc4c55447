"""The measures, each in a module of its own, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bench.measures import (
    cold_verify,
    memory,
    revocation_lag,
    session_rows,
    sign_in,
    storm,
    throughput,
    warm_check,
)

if TYPE_CHECKING:
    from bench.run import Run

# What each module measures; a module runs if any of its measures was asked for.
IN_ORDER: Final[tuple[tuple[tuple[str, ...], Callable[[Run], None]], ...]] = (
    (throughput.MEASURES, throughput.measure),
    (warm_check.MEASURES, warm_check.measure),
    (cold_verify.MEASURES, cold_verify.measure),
    (sign_in.MEASURES, sign_in.measure),
    (storm.MEASURES, storm.measure),
    (revocation_lag.MEASURES, revocation_lag.measure),
    (revocation_lag.CUT_MEASURES, revocation_lag.measure_cut),
    (memory.MEASURES, memory.measure),
    (session_rows.MEASURES, session_rows.measure),
)
