"""Runs flows: the only place where a question of a flow meets the world.

Two drivers, one awaiting and one not, share every flow. What they were asked is the trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from limen.clock import elapsed_ns
from limen.effects import Effect

if TYPE_CHECKING:
    from limen.effects import AnyEffect, Flow
    from limen.trace.recorder import Recorder

R = TypeVar("R")


class World(Protocol):
    """Answers effects by awaiting."""

    async def answer(self, effect: AnyEffect) -> Any:
        """Answer one effect."""
        ...


class BlockingWorld(Protocol):
    """Answers effects at once."""

    def answer(self, effect: AnyEffect) -> Any:
        """Answer one effect."""
        ...


async def drive(flow: Flow[R], world: World, recorder: Recorder | None) -> R:
    """Run a flow to its end and return its value; faults of the world pass through."""
    answer: Any = None
    failed = True
    try:
        while True:
            step = flow.send(answer)
            if not isinstance(step, Effect):
                answer = None
                if recorder is not None:
                    recorder.observe(step, flow)
            elif recorder is None:
                answer = await world.answer(step)
            else:
                started_ns = elapsed_ns()
                answer = await world.answer(step)
                recorder.asked(step, started_ns)
    except StopIteration as stop:
        failed = False
        result: R = stop.value
        return result
    finally:
        flow.close()
        if recorder is not None:
            recorder.close(failed=failed)


def drive_blocking(flow: Flow[R], world: BlockingWorld, recorder: Recorder | None) -> R:
    """Run a flow to its end without awaiting; otherwise the same as `drive`."""
    answer: Any = None
    failed = True
    try:
        while True:
            step = flow.send(answer)
            if not isinstance(step, Effect):
                answer = None
                if recorder is not None:
                    recorder.observe(step, flow)
            elif recorder is None:
                answer = world.answer(step)
            else:
                started_ns = elapsed_ns()
                answer = world.answer(step)
                recorder.asked(step, started_ns)
    except StopIteration as stop:
        failed = False
        result: R = stop.value
        return result
    finally:
        flow.close()
        if recorder is not None:
            recorder.close(failed=failed)
