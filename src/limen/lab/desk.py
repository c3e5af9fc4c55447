"""What every view works with: what is kept, and who may start something that takes time."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import Response

from limen.lab.job import Job, Jobs, State, Stopped
from limen.lab.measure.sizes import FULL
from limen.lab.notices import missing, notice
from limen.lab.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from limen.lab.admission import Admission
    from limen.lab.measure import Measurement, Sizes
    from limen.lab.run import Run
    from limen.lab.scenarios import Scenario

# A form of the Lab holds a token, names from its own lists, and a few numbers.
MAX_FORM_OCTETS = 2_048
# Whoever waits this long is shown how far it is.
SOON_S = 0.5

_log = logging.getLogger("limen.lab")


class Desk:
    """One Lab: its door, its scenarios, its shelf of runs, and what goes on right now."""

    def __init__(
        self, admission: Admission, scenarios: Mapping[str, Scenario], sizes: Sizes = FULL
    ) -> None:
        """Open a Lab; `sizes` says how much a measurement measures."""
        self.admission = admission
        self.scenarios = scenarios
        self.sizes = sizes
        self.shelf: Shelf[Run] = Shelf()
        self.measurements: Shelf[Measurement] = Shelf()
        self.jobs = Jobs()
        self._running = asyncio.Lock()
        self._working: asyncio.Task[None] | None = None

    def run_of(self, request: Request) -> Run | None:
        """Return the run that an address names, if it is still kept."""
        return self.shelf.find(request.path_params["run_id"])

    def own_run_of(self, request: Request) -> Run | Response:
        """Return a run whose settings may be used again; nothing of a file is carried out."""
        run = self.run_of(request)
        if run is None:
            return missing()
        return _only_shown() if run.imported else run

    async def form(self, request: Request) -> dict[str, list[str]] | Response:
        """Return the fields of a form of this start of the Lab, or the refusal of another."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_OCTETS:
                body = b""
                break
        fields = parse_qs(body.decode("latin-1"))
        tokens = fields.get("csrf", [])
        if len(tokens) != 1 or not self.admission.has_token(tokens[0]):
            return notice("Not from here", "This form is not from this start of the Lab.", 403)
        return fields

    async def alone(self, work: Callable[[], Run]) -> Run | Response:
        """Do one piece of work in a thread, or refuse it while another goes on; keep its run."""
        if self._running.locked():
            return _busy()
        async with self._running:
            run = await asyncio.to_thread(work)
        self.shelf.keep(run)
        return run

    async def begin(self, title: str, work: Callable[[Job], str]) -> Job | Response:
        """Begin one piece of work in a thread, or refuse it while another goes on.

        `work` says how far it is by `job.say`, keeps what it makes, and returns its address.
        """
        if self._running.locked():
            return _busy()
        await self._running.acquire()
        job = self.jobs.begin(title)
        self._working = asyncio.create_task(self._carried_out(job, work))
        return job

    async def soon(self, job: Job) -> Job:
        """Wait for the end of a job that has just begun, but not for long."""
        if self._working is not None:
            await asyncio.wait((self._working,), timeout=SOON_S)
        return job

    async def _carried_out(self, job: Job, work: Callable[[Job], str]) -> None:
        try:
            job.end(State.DONE, await asyncio.to_thread(work, job))
        except Stopped:
            job.end(State.STOPPED)
        except Exception:  # noqa: BLE001 - whatever the work raises is the end of it alone
            _log.exception("the Lab could not finish: %s", job.title)
            job.end(State.FAILED)
        finally:
            self._running.release()

    async def close(self) -> None:
        """Let what goes on end at its next word, and wait for that."""
        self.jobs.stop()
        if self._working is not None:
            await self._working


def _busy() -> Response:
    text = "Something is going on already. Go back and try again when it has ended."
    return notice("One at a time", text, 409)


def _only_shown() -> Response:
    text = "This run was read from a file. It is shown, and nothing of it is carried out."
    return notice("Only shown", text, 409)
