"""What is bounded: what a flood leaves in memory, what of a credential survives where it should
not stand, and what outlives a Lab that is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from canaries import leaks

from limen.entropy import SystemEntropy, random_text
from limen.lab.journal import Inbox, Journal
from limen.lab.recording.exchange import MAX_TEXT, lines_of, plain
from limen.lab.recording.observation import CLIENT_HEADER, MAX_EXCHANGES, REQUEST_HEADER
from limen.lab.servers import storehouse
from limen.lab.servers.site import MAX_EVENTS, PROTECTED, Person, Premises, Site, site_under
from limen.lab.setups import SETUPS
from limen.session import REFRESH_PREFIX, SESSION_PREFIX
from limen.trace import TraceEvent
from limen.trace.redaction import Redaction

CANARY = random_text(SystemEntropy(), 32)
SIGNED = f"eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.{CANARY}"
BEYOND = 150
# Starts one node as a run does, says its process, and then does nothing more.
PARENT = """
import sys, time
from limen.lab.servers.node import Orders
from limen.lab.servers.nodes import Node
from limen.lab.setups import SETUPS
node = Node(Orders("node:A", SETUPS["session"], "run", None, 0, (), "{secret}", "{key}"), print)
node.wait_until_ready()
print(node.pid, flush=True)
time.sleep(600)
"""
MEASURED = """
import pathlib, sys, time
from limen.lab.measure.servers import Grounds
from limen.lab.measure.process import Process
from limen.lab.setups import SETUPS
from limen.stores.sql import migrate
file = pathlib.Path(sys.argv[1])
migrate(f"sqlite+aiosqlite:///{{file}}")
with Process(Grounds(SETUPS["session"], file, "{secret}").as_json()) as process:
    process.port()
    print(process._process.pid, flush=True)
    time.sleep(600)
"""


# -- a flood


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    premises = Premises.build(tmp_path, Person.generated())
    with site_under(SETUPS["session"], premises, "flood") as opened:
        yield opened


def test_a_flood_leaves_no_more_than_a_run_may_hold(site: Site) -> None:
    """Another program that found the port could ask for ever, with other tokens each time."""
    stated = {CLIENT_HEADER: "thief", REQUEST_HEADER: "r1"}
    with httpx.Client(base_url=site.url, trust_env=False) as client:
        for number in range(MAX_EXCHANGES + BEYOND):
            token = f"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.{number:043}"
            bearer = {**stated, "Authorization": f"Bearer {token}"}
            assert client.get(PROTECTED, headers=bearer).status_code == 401
            if number == MAX_EXCHANGES:
                kept = len(site.wire.tokens), len(site.wire.canaries)
    assert len(site.wire.exchanges) == MAX_EXCHANGES
    assert (len(site.wire.tokens), len(site.wire.canaries)) == kept
    assert len(site.events) <= MAX_EVENTS
    # The store is read when a simulated client is done, not when anybody asks.
    assert len(site.ledger.snapshots) == 1


class _Pouring(Inbox):
    """An application that makes an event whenever one is read."""

    def taken(self) -> Iterator[TraceEvent]:
        for event in super().taken():
            self.emit(event)
            yield event


def test_an_application_that_never_pauses_does_not_keep_a_page_waiting(site: Site) -> None:
    httpx.get(f"{site.url}{PROTECTED}", trust_env=False)
    inbox = _Pouring(capacity=8)
    for event in site.events[:2]:
        inbox.emit(event)
    assert len(Journal(inbox).events) == 2


# -- credentials where none should stand


@pytest.mark.parametrize(
    "credential",
    [f"{SESSION_PREFIX}{CANARY}", f"{REFRESH_PREFIX}{CANARY}", SIGNED],
    ids=["session", "refresh", "signed"],
)
def test_a_credential_in_an_odd_place_is_not_kept(site: Site, credential: str) -> None:
    stated = {
        CLIENT_HEADER: "thief",
        REQUEST_HEADER: "r1",
        "User-Agent": f"odd/1 ({credential})",
        "Accept": f"text/html;token={credential}",
        "Origin": f"http://{credential}.example",
        credential: "x",
    }
    odd = [
        f"/x/{credential}",
        f"/{'x' * (MAX_TEXT - 20)}/{credential}",
        f"{PROTECTED}?token={credential}",
    ]
    bodies = [
        {"renewWith": credential},
        {credential: 1},
        {"id": [[{"id": credential}]]},
        {"message": credential, "redirect": f"/x#{credential}"},
    ]
    with httpx.Client(base_url=site.url, trust_env=False) as client:
        for path in odd:
            client.get(path, headers=stated)
        for body in bodies:
            client.post(PROTECTED, headers=stated, json=body)
        twice = [*stated.items(), *(("Authorization", f"Bearer {credential}"),) * 2]
        client.get(PROTECTED, headers=twice)
    assert len(site.wire.exchanges) == len(odd) + len(bodies) + 1
    kept = repr([one.as_json() for one in site.wire.exchanges]) + repr(site.wire.exchanges)
    assert leaks([credential, CANARY], kept) == []
    assert CANARY[:8] not in kept
    assert leaks([credential, CANARY], repr([one.as_json() for one in site.events])) == []


def test_a_text_is_cut_after_what_is_secret_is_gone() -> None:
    for before in range(MAX_TEXT - 60, MAX_TEXT):
        assert CANARY[:4] not in plain("x" * before + f" {SESSION_PREFIX}{CANARY}")
    assert plain("eyJ and lms_ are no credentials") == "eyJ and lms_ are no credentials"


def test_two_lines_with_a_credential_are_both_labels() -> None:
    given = [(b"authorization", f"Bearer {CANARY}".encode()), (b"authorization", b"Bearer x" * 9)]
    kept = lines_of([*given, (b"set-cookie", b"session_token")], Redaction(b"k" * 32))
    assert [isinstance(one.pieces[-1], dict) for one in kept] == [True, True, False]
    assert kept[2].pieces == (None,)


def test_a_long_text_is_looked_through_in_one_pass() -> None:
    began = time.process_time()
    plain("eyJ" * 100_000)
    plain("eyJ " * 100_000)
    plain("lms_" * 100_000)
    # The square of these lengths would take minutes.
    assert time.process_time() - began < 5


# -- a Lab that is killed


def test_a_store_that_does_not_end_by_itself_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is stopped, so it does not notice that its input has ended."""
    monkeypatch.setattr(storehouse, "END_TIMEOUT_S", 0.2)
    store = storehouse.Storehouse(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    store.start()
    process = store._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    asyncio.run(store.close())
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("program", [PARENT, MEASURED], ids=["node", "measured"])
def test_no_server_outlives_a_lab_that_is_killed(program: str, tmp_path: Path) -> None:
    """Nobody is left to end them; each notices that its input has ended."""
    entropy = SystemEntropy()
    text = program.format(secret=random_text(entropy, 32), key=entropy.octets(32).hex())
    parent = subprocess.Popen(
        [sys.executable, "-c", text, str(tmp_path / "x.db")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
        try:
            assert _runs(child)
            parent.send_signal(signal.SIGKILL)
            parent.wait()
            until = time.monotonic() + 30
            while _runs(child) and time.monotonic() < until:
                time.sleep(0.05)
            assert not _runs(child)
        finally:
            parent.kill()
            if _runs(child):
                os.kill(child, signal.SIGKILL)


def _runs(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and that nobody asked about does not."""
    try:
        stated = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stated.rpartition(")")[2].split()[0] != "Z"
