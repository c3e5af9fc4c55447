"""The Lab: one scenario, run for real under every strategy, shown side by side.

It drives Limen as an application would and reads nothing but the trace. It is a program of
its own (`limen lab`), with keys and a database that live as long as one run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limen.lab.attach import Lab as Lab


__all__ = ["Lab"]


def __getattr__(name: str) -> object:
    # Its processes start with this package, and few of them need an application's viewer.
    if name == "Lab":
        from limen.lab.attach import Lab  # noqa: PLC0415 - see above

        return Lab
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
