"""One real run for all tests that only read, and a real server for the Lab itself."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import uvicorn
from labs import HOSTILE_NAME, PASSPHRASE, Recorded, Serve, Served
from live import bound
from seeds import FORGETTING, SETUPS

from limen.lab.app import create_app
from limen.lab.measure import FULL, Sizes
from limen.lab.playing.clients import ACCESS, REFRESH, Owner, SimulatedClient
from limen.lab.run import Plot, Run
from limen.lab.scenarios import LOGOUT_REPLAY, SCENARIOS
from limen.lab.servers.site import Person
from limen.lab.setups import Storage


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        # The client of the tests' scenario logs what it sends; that is not a log of Limen.
        if not record.name.startswith(("httpcore", "httpx")):
            self._lines.append(f"{record.levelname} {record.getMessage()} {record.__dict__}")


@contextmanager
def everything_noted() -> Iterator[tuple[list[str], list[str]]]:
    """Note every secret that is used inside, and every line that is logged."""
    secrets, lines = [PASSPHRASE], list[str]()
    handler, root = _Lines(lines), logging.getLogger()
    send, sign_in = SimulatedClient.send, Owner.sign_in

    def sent(self: SimulatedClient, *stated: Any, **more: Any) -> Any:
        answer = send(self, *stated, **more)
        in_jar = [one.value or "" for one in self.copy_of_jar(ACCESS, REFRESH)]
        for value in (*in_jar, *self.kept_by_script.values()):
            secrets.extend({value, value.rsplit(".", 1)[-1]})
        return answer

    def signed_in(self: Owner, *stated: str) -> None:
        secrets.append(stated[-1])
        sign_in(self, *stated)

    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SimulatedClient, "send", sent)
        patched.setattr(Owner, "sign_in", signed_in)
        yield secrets, lines
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session")
def recorded() -> Recorded:
    """Carry the scenario out once, and note what must not be seen anywhere."""
    with everything_noted() as (secrets, lines):
        run = LOGOUT_REPLAY(Person(name=HOSTILE_NAME, passphrase=PASSPHRASE))
    return Recorded(run, secrets, lines)


@pytest.fixture(scope="session")
def played() -> Callable[[str], Recorded]:
    """Give a function that carries a scenario out, once for all tests of this process."""

    @cache
    def play(name: str) -> Recorded:
        with everything_noted() as (secrets, lines):
            run = SCENARIOS[name]()
        return Recorded(run, secrets, lines)

    return play


@pytest.fixture(scope="session")
def noted() -> Callable[[Callable[[], Run]], Recorded]:
    """Give a function that carries out anything, and notes what must not be seen anywhere."""

    def carry_out(scenario: Callable[[], Run]) -> Recorded:
        with everything_noted() as (secrets, lines):
            run = scenario()
        return Recorded(run, secrets, lines)

    return carry_out


@pytest.fixture(scope="session")
def lesson(noted: Callable[[Callable[[], Run]], Recorded]) -> Recorded:
    """The lesson's story: login, read, logout, replay, under four setups."""
    return noted(lambda: LOGOUT_REPLAY(setups=SETUPS))


@pytest.fixture(scope="session")
def told(lesson: Recorded) -> Run:
    """Give the lesson's run alone."""
    return lesson.run


@pytest.fixture(scope="session")
def forgotten() -> Run:
    """The lesson's other story: a copy is deleted and nobody is told."""
    return FORGETTING(setups=SETUPS)


@pytest.fixture(scope="session")
def by_header() -> Run:
    """The story with the credential kept by a script and sent as a header."""
    return LOGOUT_REPLAY(setups=tuple(each.kept_in(Storage.LOCAL) for each in SETUPS))


@pytest.fixture(scope="session")
def run(recorded: Recorded) -> Run:
    """Give the run alone."""
    return recorded.run


@dataclass(frozen=True)
class Known:
    """A scenario whose run was made already."""

    plot: Plot
    run: Callable[[], Run]

    def __call__(self, **_: object) -> Run:
        """Give the run."""
        return self.run()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a function that starts a Lab on a free port; all of them are stopped afterwards."""
    started: list[tuple[uvicorn.Server, threading.Thread, socket.socket]] = []

    def start(logout: Callable[[], Run] | None = None, sizes: Sizes = FULL) -> Served:
        listening = bound()
        port = listening.getsockname()[1]
        known = LOGOUT_REPLAY if logout is None else Known(LOGOUT_REPLAY.plot, logout)
        lab = create_app(port, SCENARIOS | {"logout": known}, sizes)
        config = uvicorn.Config(lab.app, log_level="warning", access_log=False, ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        started.append((server, thread, listening))
        while not server.started:
            time.sleep(0.005)
        return Served(f"http://127.0.0.1:{port}", lab.launch_url)

    yield start
    for server, thread, listening in started:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def served(serve: Serve, run: Run) -> Served:
    """Give a Lab whose button shows the run that was made already."""
    return serve(lambda: run)
