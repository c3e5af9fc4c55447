"""A store in a process of its own, so that it can be killed.

The server and its store speak over the pipes of a child process: nobody else can, nothing
has to be installed, and when the process dies the server finds out as it would of a database
elsewhere, by an answer that does not come.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle  # nosec B403
import struct
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar, cast

from limen.errors import StoreUnavailable
from limen.lab.servers.children import command, ended_by
from limen.stores.sql import open_blocking_store

if TYPE_CHECKING:
    from limen.effects import Effect

A = TypeVar("A")
# As for the other processes of the Lab: nothing that it started outlives a run.
END_TIMEOUT_S: Final = 10.0
_LENGTH = struct.Struct(">I")


class Storehouse:
    """A store whose work a child process does. Only what it started itself does it end."""

    def __init__(self, url: str) -> None:
        """Keep the address of the database; the process starts when the store is opened."""
        self._url = url
        self._process: subprocess.Popen[bytes] | None = None
        self._speaking = threading.Lock()
        self.killed_by: str | None = None

    async def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all; raises `StoreUnavailable`."""
        return cast("A", await asyncio.to_thread(self._ask, effect))

    async def open(self) -> None:
        """Start the process, unless it runs."""
        await asyncio.to_thread(self.start)

    async def close(self) -> None:
        """Let the process end by itself, since its input does."""
        await asyncio.to_thread(self._hang_up)

    def start(self) -> None:
        """Start the process; nothing is asked of it yet."""
        with self._speaking:
            if self._process is None:
                self._process = subprocess.Popen(  # noqa: S603 - our own module in our own interpreter
                    command("limen.lab.servers.storehouse"),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
                _write(self._process.stdin, self._url)

    def kill(self) -> None:
        """End the process at once, with no chance to finish anything (SIGKILL)."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            self.killed_by = ended_by(process.wait())
            _close(process)

    def _hang_up(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _close(process)
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _ask(self, effect: object) -> object:
        with self._speaking:
            done, answer = _answer_of(self._process, effect)
        if not done:
            raise StoreUnavailable(answer)
        return answer


def _answer_of(process: subprocess.Popen[bytes] | None, effect: object) -> tuple[bool, Any]:
    if process is not None:
        # A pipe that was closed meanwhile is a ValueError.
        with contextlib.suppress(EOFError, OSError, ValueError):
            _write(process.stdin, effect)
            return cast("tuple[bool, Any]", _read(process.stdout))
    return False, "the process of the store is gone"


def _write(pipe: IO[bytes] | None, value: object) -> None:
    assert pipe is not None  # noqa: S101 - for the type checker: both ends are pipes
    octets = pickle.dumps(value)
    pipe.write(_LENGTH.pack(len(octets)) + octets)
    pipe.flush()


def _read(pipe: IO[bytes] | None) -> Any:
    assert pipe is not None  # noqa: S101 - as above
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    octets = pipe.read(length)
    if len(octets) < length:
        raise EOFError
    return pickle.loads(octets)  # noqa: S301 - our own child, over its own pipe  # nosec B301


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def main() -> None:
    """Answer one effect after another until the input ends."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever else prints has no place among the answers
    store = open_blocking_store(_read(asked))
    store.open()
    while True:
        try:
            effect = _read(asked)
        except EOFError:
            return store.close()
        try:
            answer = (True, store.perform(effect))
        except StoreUnavailable as fault:
            answer = (False, str(fault))
        _write(answers, answer)
