"""Work that takes longer than somebody waits for a page: how far it is, and what came of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final

from limen.clock import SystemClock
from limen.entropy import SystemEntropy, random_text

JOB_ID_OCTETS: Final = 9
MAX_JOBS: Final = 20


class Stopped(Exception):
    """Raised inside a job that somebody has stopped, at its next word."""


@unique
class State(StrEnum):
    """What can be said of a job."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class Job:
    """One piece of long work. `began` is in milliseconds; `result` is the address of what it made.

    The work runs in a thread and calls `say`; pages read `progress`.
    """

    title: str
    began: int
    id: str = field(default_factory=lambda: random_text(SystemEntropy(), JOB_ID_OCTETS))
    progress: str = "starting"
    state: State = State.RUNNING
    result: str | None = None
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)

    def say(self, progress: str) -> None:
        """Say what goes on now; raises `Stopped` if it is not wanted any more."""
        if self._stop.is_set():
            raise Stopped
        self.progress = progress

    def stop(self) -> None:
        """Ask the work to end; it does when it next says something."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether it goes on although it was asked to end."""
        return self.state is State.RUNNING and self._stop.is_set()

    def end(self, state: State, result: str | None = None) -> None:
        """Note how it ended, and where its result is."""
        self.state, self.result = state, result

    def as_json(self) -> dict[str, object]:
        """Return what a page needs to know, as JSON values."""
        return {"state": self.state.value, "progress": self.progress, "result": self.result}


class Jobs:
    """The newest jobs, in memory."""

    def __init__(self, capacity: int = MAX_JOBS) -> None:
        self._capacity = capacity
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def begin(self, title: str) -> Job:
        """Return a new job, and forget the oldest when there are too many."""
        job = Job(title, SystemClock().now())
        self._jobs[job.id] = job
        while len(self._jobs) > self._capacity:
            self._jobs.popitem(last=False)
        return job

    def find(self, job_id: str) -> Job | None:
        """Return a job, if it is still kept."""
        return self._jobs.get(job_id)

    def stop(self) -> None:
        """Ask every job to end, since the Lab does."""
        for job in self._jobs.values():
            job.stop()
