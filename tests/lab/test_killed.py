"""The processes that the Lab starts and kills: real ones, its own ones, and no others."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from labs import Recorded

from limen.effects import LoadKeys
from limen.errors import StoreUnavailable
from limen.lab.playing.clients import Owner, request_numbers
from limen.lab.run import Column
from limen.lab.scenarios import SIGN_IN
from limen.lab.scenarios import nodes as node_steps
from limen.lab.servers.children import command
from limen.lab.servers.cluster import NODE_A, NODE_B, site_of_nodes
from limen.lab.servers.site import PROTECTED, Person, Premises, Site, url_of
from limen.lab.servers.storehouse import Storehouse
from limen.lab.setups import IN_MEMORY, SETUPS, Setup
from limen.phase import Phase
from limen.stores.sql import migrate

Played: TypeAlias = Callable[[str], Recorded]


@contextmanager
def running(setup: Setup, person: Person | None = None) -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as folder:
        premises = Premises.build(Path(folder), person or Person.generated())
        with site_of_nodes(setup, premises, "run", 2) as site:
            yield site


def column(played: Played, name: str) -> Column:
    found = played("node-fault").run.column(name)
    assert found is not None
    return found


def test_a_node_takes_over_and_says_that_it_did(played: Played) -> None:
    hybrid = column(played, "hybrid")
    validating = {
        step.name: {
            one.actor for one in hybrid.in_step(step.name) if one.phase is Phase.CREDENTIAL_VALIDATE
        }
        for step in (node_steps.READ, node_steps.ANOTHER_NODE, node_steps.NODE_KILLED)
    }
    assert validating == {
        "read": {NODE_A},
        "read on node B": {NODE_B},
        "read after the kill": {NODE_B},
    }


def test_a_credential_has_one_label_on_every_node_and_at_the_client(played: Played) -> None:
    seen_by: dict[str, set[str]] = {}
    for event in column(played, "session").events:
        for value in (*event.given.values(), *event.outcome.values()):
            if "label" in value:
                seen_by.setdefault(str(value["label"]), set()).add(event.actor)
    assert seen_by["sid#1"] == {NODE_A, NODE_B, "client"}


def test_what_is_the_first_credential_of_two_nodes_has_two_labels() -> None:
    person, numbers = Person.generated(), request_numbers()
    with running(SETUPS["session"], person) as site:
        assert site.nodes is not None
        for node, name in ((NODE_A, "victim"), (NODE_B, "phone")):
            site.nodes.prefer(node)
            with Owner(name, site, numbers) as owner:
                owner.sign_in(SIGN_IN, person.email, person.passphrase)
                owner.read(PROTECTED)
        labels = {
            (event.actor, value["fp"], value["label"])
            for event in site.events
            for value in (*event.given.values(), *event.outcome.values())
            if "label" in value
        }
    assert {(actor, label) for actor, _, label in labels} == {
        (NODE_A, "sid#1"),
        (NODE_B, "sid#2"),
        ("client", "sid#1"),
        ("client", "sid#2"),
    }
    assert len({fingerprint for _, fingerprint, _ in labels}) == 2


def test_the_merged_events_are_in_order(played: Played) -> None:
    for one in played("node-fault").run.columns:
        assert [event.seq for event in one.events] == list(range(1, len(one.events) + 1))
        for request in {event.request_id for event in one.events}:
            phases = [event.phase for event in one.events if event.request_id == request]
            if Phase.CREDENTIAL_EXTRACT in phases:
                answered = phases.index(Phase.RESOURCE_RESPOND)
                assert phases.index(Phase.CREDENTIAL_EXTRACT) < answered
                assert Phase.AUTHZ_DECIDE not in phases[answered:]


def test_a_store_in_memory_leaves_nothing_to_read(played: Played) -> None:
    assert column(played, "session-memory").ledger == ()
    assert column(played, "session").ledger


def test_no_secret_of_a_node_is_in_its_arguments_or_environment() -> None:
    with running(SETUPS["session"]) as site:
        assert site.nodes is not None
        secret = site.limen.settings.secret
        assert isinstance(secret, str)
        for name in (NODE_A, NODE_B):
            process = Path(f"/proc/{site.nodes[name].pid}")
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            assert b"limen.lab.servers.node" in told
            assert secret.encode() not in told


def test_a_killed_node_is_gone_and_the_other_one_is_not() -> None:
    with running(IN_MEMORY) as site:
        assert site.nodes is not None
        a, b = site.nodes[NODE_A], site.nodes[NODE_B]
        site.nodes.kill(NODE_A)
        assert (a.exit_code, b.exit_code) == (-9, None)
    assert b.exit_code == 0


def test_a_node_ends_when_nobody_is_left_to_tell_it_anything() -> None:
    node = subprocess.run(
        command("limen.lab.servers.node"),
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert node.returncode != 0
    assert node.stdout == ""


def test_a_store_that_was_killed_says_so_and_works_again_once_it_is_back(tmp_path: Path) -> None:
    url = url_of(tmp_path / "store.db")
    migrate(url)

    async def lived() -> list[str]:
        store, told = Storehouse(url), []
        await store.open()
        for act in ("ask", "kill", "ask", "start", "ask"):
            if act != "ask":
                getattr(store, act)()
                continue
            try:
                told.append(str(await store.perform(LoadKeys())))
            except StoreUnavailable as fault:
                told.append(str(fault))
        await store.close()
        return told

    assert asyncio.run(lived()) == ["()", "the process of the store is gone", "()"]
