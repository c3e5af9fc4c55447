"""The Lab beside an application in development: it follows its trace, and does nothing else.

    from limen.lab import Lab

    auth.use(Lab(environment="dev"))

It is a server of its own, on a free port of the loopback, while the application's Limen is
open. It has no attacks and no settings, and no way to ask the application for anything.
"""

from __future__ import annotations

import socket
import sys
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import uvicorn

from limen.errors import ConfigurationError
from limen.lab.journal import Inbox, Journal
from limen.lab.views.attached import attached_app
from limen.trace.sink import DEFAULT_CAPACITY
from limen.web.development import production_stated_in

if TYPE_CHECKING:
    from limen.trace import Sink, Traced

LOOPBACK: Final = "127.0.0.1"
ENVIRONMENTS: Final = ("dev", "development", "test", "local")
_AT_HOME: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_REMEDY: Final = "Take auth.use(...) out where the application runs for others."
_STOP_WITHIN_S: Final = 5.0


class Lab:
    """Follows one application, in one process, in development.

    `environment` is what the application calls where it runs, and has no default on
    purpose. `port` 0 is any free one. `capacity` is how many steps are kept; memory is
    bounded by it.
    """

    def __init__(
        self, *, environment: str, port: int = 0, capacity: int = DEFAULT_CAPACITY
    ) -> None:
        """Raise `ConfigurationError` unless this is a place for development."""
        if environment not in ENVIRONMENTS:
            raise _refused(
                f"the Lab follows applications in {', '.join(ENVIRONMENTS)} only, "
                f"and this is {environment!r}."
            )
        stated_in = production_stated_in()
        if stated_in is not None:
            raise _refused(f"the variable {stated_in} says that this is no development.")
        self._port = port
        self._inbox = Inbox(capacity)
        self._traced: Traced | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.launch_url: str | None = None

    def sink_for(self, traced: Traced) -> Sink:
        """Return where the events go; raises `ConfigurationError` for what others can reach."""
        if self._traced is not None:
            raise ConfigurationError("lab", "follows an application already.", "Make another Lab.")
        for origin in traced.origins:
            parts = urlsplit(origin)
            if parts.scheme != "http" or parts.hostname not in _AT_HOME:
                raise _refused(f"the application is reached at {origin}, by others too.")
        if traced.shows_personal:
            raise ConfigurationError(
                "sink", "asks for personal values, which a Lab must not get.", "Use another sink."
            )
        self._traced = traced
        return self._inbox

    def start(self) -> None:
        """Listen on the loopback, in a thread, and print the address that opens it once."""
        if self._traced is None or self._thread is not None:
            return
        listening = self._listening()
        app, self.launch_url = attached_app(
            listening.getsockname()[1], self._traced, Journal(self._inbox)
        )
        config = uvicorn.Config(
            app, log_level="warning", log_config=None, access_log=False, ws="none", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        # It ends with the process even if nobody closes the Limen.
        self._thread = threading.Thread(
            target=self._serve, args=(listening,), name="limen-lab-attached", daemon=True
        )
        self._thread.start()
        sys.stderr.write(f"Limen Lab, attached and read-only: {self.launch_url}\n")
        sys.stderr.flush()

    def stop(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        thread, self._thread = self._thread, None
        if server is not None and thread is not None:
            server.should_exit = True
            thread.join(_STOP_WITHIN_S)

    def _serve(self, listening: socket.socket) -> None:
        with listening:
            if self._server is not None:
                self._server.run([listening])

    def _listening(self) -> socket.socket:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, self._port))
            listening.listen()
        except OSError as error:
            listening.close()
            raise ConfigurationError(
                "lab",
                f"cannot listen on port {self._port} ({error.strerror or error}).",
                "Leave `port` out for any free one; each process needs its own.",
            ) from None
        return listening


def _refused(problem: str) -> ConfigurationError:
    return ConfigurationError("lab", problem, _REMEDY)
