"""The nine views by name: those of the whole Lab, and those of one run."""

from __future__ import annotations

from typing import Final

OF_THE_LAB: Final = (
    ("Start", "/"),
    ("Attack", "/attack"),
    ("Measure", "/measure"),
    ("Decide", "/decide"),
)
OF_A_RUN: Final = (
    ("Compare", ""),
    ("Wire", "/wire"),
    ("Store", "/store"),
    ("Quiz", "/quiz"),
    ("Take away", "/export"),
)
