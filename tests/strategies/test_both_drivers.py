"""The driver that awaits and the one that does not run one and the same thing."""

import asyncio

import pytest
from limens import QUICK, STRATEGIES, blocking

from limen import Absent, Authenticated, Issued, Limen, LimenError, Receipt, Refused, Target
from limen.stores.memory import BlockingMemoryStore, MemoryStore
from limen.testing import FrozenClock, SeededEntropy
from limen.trace import RingSink


def script(clock):
    """Yield what is asked of a Limen, as a method and its arguments, and take the answer."""
    account = (yield "add_account", "ada@example.org", "correct horse battery").id
    assert isinstance((yield "sign_in", "ada@example.org", "wrong horse"), Refused)
    assert isinstance((yield "sign_in", "nobody@example.org", "wrong horse"), Refused)
    first = (yield "sign_in", "ada@example.org", "correct horse battery").issued
    assert (yield "authenticate", None) == Absent()
    assert isinstance((yield "authenticate", first.access.reveal()), Authenticated)
    assert isinstance((yield "authenticate", "nonsense"), Refused)
    clock.advance(60_000)
    held = first.refresh or first.access
    renewed = yield "refresh", held.reveal()
    assert isinstance(renewed, Issued)
    yield "refresh", held.reveal()
    yield "recall", (renewed.refresh or renewed.access).reveal()
    yield "sessions", account
    yield "set_roles", account, ("admin",)
    clock.advance(1)
    second = (yield "sign_in", "ada@example.org", "correct horse battery").issued
    verdict = yield "authenticate", second.access.reveal()
    assert verdict.principal.roles == {"admin"}
    changed = yield (
        "change_password",
        verdict.principal,
        "correct horse battery",
        "another long passphrase",
    )
    clock.advance(10_000)
    yield "refresh", held.reveal()
    yield "authenticate", second.access.reveal()
    yield "authenticate", changed.issued.access.reveal()
    yield "service_token", verdict.principal
    yield ("rotate_keys",)
    assert sum(one.live for one in (yield ("credential_counts",))) >= 1
    assert isinstance((yield "revoke", Target.user(account)), Receipt)
    yield "authenticate", changed.issued.access.reveal()
    yield "disable", account
    yield "sign_in", "ada@example.org", "another long passphrase"
    assert isinstance((yield "delete_account", account), Receipt)
    assert (yield "delete_account", account) is None
    clock.advance(40 * 86_400_000)
    yield ("purge",)


def parts():
    clock, sink = FrozenClock(), RingSink()
    return clock, sink, {"clock": clock, "entropy": SeededEntropy("both"), "sink": sink}


def play_blocking(strategy):
    clock, sink, made_of = parts()
    answers, scene, answer = [], script(clock), None
    with blocking(strategy, store=BlockingMemoryStore(), **made_of) as limen:
        while (asked := next_of(scene, answer)) is not None:
            method, *arguments = asked
            try:
                got = getattr(limen, method)(*arguments)
            except LimenError as fault:  # an answer to compare
                got = fault
            answer = answered(answers, got)
    return answers, sink.events


def play_awaiting(strategy):
    clock, sink, made_of = parts()
    answers, scene = [], script(clock)

    async def play():
        answer = None
        async with Limen(strategy, store=MemoryStore(), **(QUICK | made_of)) as limen:
            while (asked := next_of(scene, answer)) is not None:
                method, *arguments = asked
                try:
                    got = await getattr(limen, method)(*arguments)
                except LimenError as fault:  # an answer to compare
                    got = fault
                answer = answered(answers, got)

    asyncio.run(play())
    return answers, sink.events


def next_of(scene, answer):
    try:
        return scene.send(answer)
    except StopIteration:
        return None


def answered(answers, answer):
    answers.append(repr(answer) if isinstance(answer, LimenError) else answer)
    return answer


def seen(event):
    """What a run decides, without how long it took."""
    said = event.as_json()
    del said["dur_ns"]
    said["store"]["ops"] = [(op["effect"], op["access"]) for op in said["store"]["ops"]]
    return said


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_both_drivers_give_the_same_verdicts_and_the_same_trace(strategy):
    blocking_answers, blocking_events = play_blocking(strategy)
    answers, events = play_awaiting(strategy)
    assert len(answers) == 28
    for one, other in zip(answers, blocking_answers, strict=True):
        if repr(one).startswith("<Keyring"):
            assert repr(one) == repr(other)
        else:
            assert one == other
    assert len(events) > 30
    assert [seen(event) for event in events] == [seen(event) for event in blocking_events]
