"""What a fork of the process would break in the child.

A lock that another thread holds is never released there. And SQLite's library believes in the
child that it holds what the parent holds of a file, takes no lock of its own, and reads on from
files that the parent deletes when it closes. So whoever has either is told before and after.
"""

from __future__ import annotations

import os
from weakref import WeakSet


class Forkable:
    """Something that has to prepare for a fork, once `tell` knows it."""

    def before_fork(self) -> None:
        """Let go of what a child must not inherit."""

    def after_fork(self, *, child: bool) -> None:
        """Go on in the parent, or begin anew in the child."""


class _Forks:
    def __init__(self) -> None:
        self.depth = 0
        self._told: WeakSet[Forkable] = WeakSet()
        os.register_at_fork(
            before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child
        )

    def tell(self, one: Forkable) -> None:
        self._told.add(one)

    def _before(self) -> None:
        for one in list(self._told):
            one.before_fork()

    def _in_parent(self) -> None:
        for one in list(self._told):
            one.after_fork(child=False)

    def _in_child(self) -> None:
        self.depth += 1
        for one in list(self._told):
            one.after_fork(child=True)


_forks = _Forks()
tell = _forks.tell


def depth() -> int:
    """Return how many forks lie between this process and the one that was started."""
    return _forks.depth
