"""What the tests of the Lab share: a recorded run, and a Lab that listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from limen.lab.run import Run

PASSPHRASE = "correct-horse-battery-staple-9f31c7"
HOSTILE_NAME = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@dataclass
class Recorded:
    """A run, the secrets that were used in it, and every line that was logged meanwhile."""

    run: Run
    secrets: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


@dataclass
class Served:
    """A Lab that listens."""

    url: str
    launch_url: str

    def client(self) -> httpx.Client:
        """Return a client that is not admitted."""
        return httpx.Client(base_url=self.url, trust_env=False)

    @contextmanager
    def admitted(self) -> Iterator[httpx.Client]:
        """Give a client that has used the launch code."""
        with self.client() as client:
            client.get(self.launch_url)
            yield client


Serve = Callable[..., Served]
