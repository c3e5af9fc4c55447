"""What goes wrong in a run, each as a function of the scene; it returns when it is over."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from operations import Loss

if TYPE_CHECKING:
    from campaign import Scene

# The worker that is cut off, held up and slowed down; see `Scene`.
FAR: Final = 0
SLOW_S: Final = 0.02
HEARING_S: Final = 60
LONGER_THAN_A_WRITE_S: Final = 0.25
BETWEEN: Final = 800  # operations between a fault and what must follow later


def kill_worker(scene: Scene) -> None:
    """Kill -9 a worker in the middle of what it does, and put another in its place."""
    scene.workers[1].kill()
    scene.replace(1)


def kill_writer(scene: Scene) -> None:
    """Kill -9 a worker that is in the middle of a write to SQLite, as its lock shows."""
    until = time.monotonic() + HEARING_S
    worker = scene.workers[1]
    while True:
        worker.send_signal(signal.SIGSTOP)
        # The others go on, and let go of the lock much sooner.
        if scene.backend.is_locked(LONGER_THAN_A_WRITE_S):
            break
        worker.send_signal(signal.SIGCONT)
        assert time.monotonic() < until, "it never writes"
        time.sleep(0.002)
    worker.kill()
    scene.replace(1)


def freeze_worker(scene: Scene) -> None:
    """Stop a process for longer than the feed's lease, as a paused virtual machine is."""
    scene.workers[1].send_signal(signal.SIGSTOP)
    time.sleep(1.6 * scene.max_lag)
    scene.workers[1].send_signal(signal.SIGCONT)


def step_clock_back(scene: Scene) -> None:
    """Let one worker's time of day jump into the past, and start another with such a clock."""
    scene.workers[2].send_signal(signal.SIGUSR1)
    time.sleep(scene.max_lag)
    scene.workers[2].kill()
    scene.replace(2, behind=True)


def revoke_key(scene: Scene) -> None:
    """Let one worker end the key that signs."""
    scene.workers[2].send_signal(signal.SIGUSR2)


def lock_store(scene: Scene) -> None:
    """Keep SQLite's write lock: nobody can revoke, everybody can read."""
    with scene.backend.locked():
        time.sleep(2 * scene.max_lag)


def cut(scene: Scene) -> None:
    """Break the far worker's connections, and every one that it makes anew."""
    scene.backend.proxy.cut()
    time.sleep(2 * scene.max_lag)
    scene.backend.proxy.restore()


def stall(scene: Scene) -> None:
    """Let the far worker's connections stand and nothing arrive."""
    scene.backend.proxy.stall()
    time.sleep(2 * scene.max_lag)
    scene.backend.proxy.restore()


def slow(scene: Scene) -> None:
    """Let whatever the far worker sends and is sent arrive late."""
    scene.backend.proxy.delay(SLOW_S)
    time.sleep(2 * scene.max_lag)
    scene.backend.proxy.delay(0)


def dumb(scene: Scene) -> None:
    """Hold up only the connection on which the far worker's feed is woken."""
    until = time.monotonic() + HEARING_S
    while scene.backend.proxy.stall(only=scene.backend.MARK) != 1:
        assert time.monotonic() < until, "the feed has no connection of its own"
        scene.backend.proxy.restore()  # it is making a new one
        time.sleep(0.05)
    time.sleep(2 * scene.max_lag)
    scene.backend.proxy.restore()


def kill_store(scene: Scene) -> None:
    """Kill -9 the server, leave everybody without it for longer than the lease, start it."""
    since = time.monotonic_ns()
    scene.backend.kill()
    time.sleep(1.2 * scene.max_lag)
    scene.backend.start()
    if scene.backend.forgets:
        scene.losses.append(Loss(since, time.monotonic_ns()))


def flush_store(scene: Scene) -> None:
    """Delete everything that Redis has."""
    scene.more_operations(BETWEEN)
    since = time.monotonic_ns()
    scene.backend.flush()
    scene.losses.append(Loss(since, time.monotonic_ns()))


def roll_store_back(scene: Scene) -> None:
    """Kill -9 Redis and start it from how it was a while ago, with what was revoked since."""
    scene.more_operations(BETWEEN)
    scene.backend.snapshot()
    scene.more_operations(BETWEEN)
    kill_store(scene)


Fault = Callable[["Scene"], None]
ANYWHERE: Final[tuple[Fault, ...]] = (kill_worker, freeze_worker, step_clock_back, revoke_key)
SERVED: Final[tuple[Fault, ...]] = (cut, stall, slow, dumb, kill_store)
_OF_STORE: Final[dict[str, tuple[Fault, ...]]] = {
    "sqlite": (*ANYWHERE, kill_writer, lock_store),
    "postgresql": (*ANYWHERE, *SERVED),
    "redis": (*ANYWHERE, *SERVED, flush_store, roll_store_back),
}


def faults_of(store: str, *, signed: bool, fed: bool) -> tuple[Fault, ...]:
    """Return what can go wrong with a store and a strategy."""
    without = {fault for fault, there in ((revoke_key, signed), (dumb, fed)) if not there}
    return tuple(fault for fault in _OF_STORE[store] if fault not in without)
