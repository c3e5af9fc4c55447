"""Hooks hear of each event after it was kept, and can harm nobody."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from limens import QUICK, blocking

from limen import AuditEvent, AuditPolicy, Authentication, BlockingLimen, Limen
from limen.audit_hooks import MOST_WAITING, Hooks
from limen.stores.memory import BlockingMemoryStore, MemoryStore

PATIENCE_S = 20


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_every_hook_hears_of_every_event_in_order() -> None:
    plain: list[AuditEvent] = []
    awaited: list[AuditEvent] = []

    async def hear(event: AuditEvent) -> None:
        await asyncio.sleep(0)
        awaited.append(event)

    async def scene() -> tuple[AuditEvent, ...]:
        policy = AuditPolicy(hooks=[plain.append, hear])
        async with Limen("session", store=MemoryStore(), audit=policy, **QUICK) as limen:
            await limen.sign_up("ada@example.org", "correct horse battery")
            await limen.sign_in("ada@example.org", "wrong horse")
            return await limen.audit(forward=True)

    kept = asyncio.run(scene())
    assert [one.id for one in plain] == [one.id for one in awaited] == [one.id for one in kept]


def test_hooks_are_called_where_nothing_awaits_too() -> None:
    heard: list[AuditEvent] = []

    async def hear(event: AuditEvent) -> None:
        heard.append(event)

    with blocking("session", audit=AuditPolicy(hooks=[hear])) as limen:
        limen.sign_up("ada@example.org", "correct horse battery")
        kept = limen.audit(forward=True)
        until(lambda: len(heard) == len(kept))
    assert [one.id for one in heard] == [one.id for one in kept]


def test_a_hook_hears_only_of_what_is_in_the_log() -> None:
    missing: list[str] = []
    limen: BlockingLimen

    def look(event: AuditEvent) -> None:
        if event.id not in {one.id for one in limen.audit(limit=1_000)}:
            missing.append(event.kind)

    limen = blocking("session", audit=AuditPolicy(hooks=[look]))
    with limen:
        for number in range(5):
            limen.sign_up(f"{number}@example.org", "correct horse battery")
    assert missing == []


def test_a_hook_that_fails_or_hangs_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[AuditEvent] = []

    def fail(event: AuditEvent) -> None:
        raise RuntimeError(f"secret words of a hook {event.kind}")

    async def hang(event: AuditEvent) -> None:
        del event
        await asyncio.sleep(3_600)

    async def scene() -> None:
        hooks = Hooks([fail, hang, heard.append], longest_s=0.05)
        for kind in ("one", "two"):
            hooks.accept(AuditEvent(kind))
        await hooks.close()

    asyncio.run(scene())
    assert [one.kind for one in heard] == ["one", "two"]
    assert caplog.text.count("RuntimeError") == caplog.text.count("TimeoutError") == 2
    assert "secret words" not in caplog.text


def test_a_request_does_not_wait_for_a_hook() -> None:
    let_go = threading.Event()
    with blocking("session", audit=AuditPolicy(hooks=[lambda _: let_go.wait(PATIENCE_S)])) as limen:
        limen.sign_up("ada@example.org", "correct horse battery")
        assert not let_go.is_set()
        let_go.set()


def test_more_than_may_wait_are_left_out_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[AuditEvent] = []

    async def hear(event: AuditEvent) -> None:
        heard.append(event)

    async def scene() -> None:
        hooks = Hooks([])
        hooks.accept(AuditEvent("nobody hears"))
        hooks = Hooks([hear])
        hooks._waiting.extend([AuditEvent("waits")] * MOST_WAITING)
        hooks.accept(AuditEvent("too many"))
        hooks._waiting.clear()
        hooks.accept(AuditEvent("one more"))
        await hooks.close()

    asyncio.run(scene())
    assert [one.kind for one in heard] == ["one more"]
    assert "1 events were left out" in caplog.text


def test_without_a_store_hooks_and_lines_are_all_there_is(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[AuditEvent] = []
    options: dict[str, Any] = QUICK | {"refresh": None}
    policy = AuditPolicy(hooks=[heard.append], log=True)
    with (
        caplog.at_level(logging.INFO, "limen.audit"),
        BlockingLimen("jwt", audit=policy, **options) as limen,
    ):
        signed_in = limen.remember(Authentication("usr_ada", 1, ("otp",)))
        limen.authenticate("forged")
        until(lambda: len(heard) == 2)
    accepted, refused = heard
    assert (accepted.kind, accepted.subject) == ("sign_in.accepted", "usr_ada")
    assert accepted.session_id == signed_in.issued.principal.session_id  # type: ignore[union-attr]
    assert accepted.details == {"methods": "otp", "strategy": "jwt"}
    assert refused.kind == "credential.refused"
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [line["kind"] for line in lines] == ["sign_in.accepted", "credential.refused"]


def test_nothing_is_logged_unless_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG, "limen.audit"),
        blocking("session", store=BlockingMemoryStore()) as limen,
    ):
        limen.sign_up("ada@example.org", "correct horse battery")
    assert caplog.records == []
