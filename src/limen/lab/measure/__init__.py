"""Measures what each setup costs, and how long a stolen credential outlives its sign-in."""

from limen.lab.measure.measuring import measure
from limen.lab.measure.result import Measurement
from limen.lab.measure.sizes import BRIEF, FULL, Sizes

__all__ = ["BRIEF", "FULL", "Measurement", "Sizes", "measure"]
