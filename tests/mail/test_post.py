"""The post office: after the answer, again if need be, never without end, and discreet."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from limen import ConfigurationError, Letter, LetterRejected, Limen
from limen.mailers import BlockingPost, Post, post
from limen.mailers.console import ConsoleMailer
from limen.stores.memory import MemoryStore

PATIENCE_S = 30
LINK = "https://app.example/reset?t=lmp_secret"
LETTER = Letter("ada@example.org", "reset-password", "Hello", f"Open {LINK}", LINK)
NOBODY = Letter("", "reset-password", "Hello", f"Open {LINK}", LINK)
SECRET = "k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq"


@dataclass
class Outbox:
    """Takes letters, after it has raised what it was given."""

    faults: list[Exception] = field(default_factory=list)
    kept: list[Letter] = field(default_factory=list)
    tries: int = 0

    async def send(self, letter: Letter) -> None:
        self.tries += 1
        if self.faults:
            raise self.faults.pop(0)
        self.kept.append(letter)


class PlainOutbox(Outbox):
    """The same, not awaited."""

    def send(self, letter: Letter) -> None:  # type: ignore[override]  # the other face
        self.tries += 1
        self.kept.append(letter)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "SETTLE_S", 0.01)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("limen", "limen.mail"):
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
    caplog.set_level(logging.DEBUG, logger="limen.mail")
    return lambda: "\n".join(one.getMessage() for one in caplog.records if "limen" in one.name)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - other threads set it
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("kind", [Outbox, PlainOutbox])
def test_a_letter_is_taken_at_once_and_sent_afterwards(kind: type[Outbox]) -> None:
    outbox = kind()

    async def work() -> None:
        office = Post(outbox)
        office.accept(LETTER)
        assert outbox.kept == []
        await until(lambda: outbox.kept == [LETTER])
        await office.close()

    asyncio.run(work())


def test_a_letter_to_nobody_goes_nowhere() -> None:
    outbox = Outbox()

    async def work() -> None:
        office = Post(outbox)
        office.accept(NOBODY)
        office.accept(LETTER)
        await office.close()

    asyncio.run(work())
    assert (outbox.kept, outbox.tries) == ([LETTER], 1)


def test_a_letter_that_cannot_be_sent_is_tried_again(said: Any) -> None:
    outbox = Outbox([OSError("ada@example.org: no route"), TimeoutError(LINK)])

    async def work() -> None:
        office = Post(outbox, retry_after=(0.01, 0.01))
        office.accept(LETTER)
        await until(lambda: outbox.kept == [LETTER])
        await office.close()

    asyncio.run(work())
    assert outbox.tries == 3
    assert "try 1 of 3: OSError" in said()
    assert [text for text in ("ada@", "lmp_") if text in said()] == []


def test_after_the_last_try_it_is_given_up_and_nothing_else_suffers(said: Any) -> None:
    outbox = Outbox([OSError("ada@example.org")] * 3)

    async def work() -> None:
        office = Post(outbox, retry_after=(0.01, 0.01))
        office.accept(LETTER)
        await until(lambda: "given up" in said())
        office.accept(LETTER)
        await until(lambda: outbox.kept == [LETTER])
        await office.close()

    asyncio.run(work())
    assert outbox.tries == 4
    assert "ada@" not in said()


def test_a_letter_that_is_refused_for_good_is_not_tried_again(said: Any) -> None:
    outbox = Outbox([LetterRejected("the mail server said 550")])

    async def work() -> None:
        office = Post(outbox, retry_after=(0.01,))
        office.accept(LETTER)
        await office.close()

    asyncio.run(work())
    assert outbox.tries == 1
    assert "was refused: the mail server said 550" in said()


def test_no_more_wait_than_there_is_room_for(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "MOST_WAITING", 2)
    outbox = Outbox()

    async def work() -> None:
        office = Post(outbox)
        for _ in range(3):
            office.accept(LETTER)
        await office.close()

    asyncio.run(work())
    assert len(outbox.kept) == 2
    assert "too many wait already" in said()


def test_the_end_waits_for_no_retry_and_for_no_mailer_that_hangs(
    said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "CLOSE_S", 0.2)

    class Hanging(Outbox):
        async def send(self, letter: Letter) -> None:
            del letter
            await asyncio.sleep(3_600)

    async def work() -> float:
        failing = Post(Outbox([OSError(), OSError()]), retry_after=(3_600,))
        failing.accept(LETTER)
        await until(lambda: "try 1 of 2" in said())
        hanging = Post(Hanging())
        hanging.accept(LETTER)
        began = time.monotonic()
        await failing.close()
        await hanging.close()
        return time.monotonic() - began

    assert asyncio.run(work()) < PATIENCE_S
    assert "1 letters were not sent before the end" in said()
    assert "given up" in said()


def test_code_that_does_not_await_has_a_thread_that_sends() -> None:
    outbox = Outbox()
    office = BlockingPost(outbox)
    office.close()  # nothing was begun
    for _ in range(2):
        office.accept(LETTER)
        office.close()
    assert outbox.kept == [LETTER, LETTER]


def test_a_child_of_a_fork_sends_its_own_letters() -> None:
    outbox = Outbox()
    office = BlockingPost(outbox)
    office.accept(LETTER)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE_S)  # a child that waits for ever must not outlive the test
        outbox.kept.clear()
        office.accept(NOBODY)
        office.accept(LETTER)
        office.close()
        os.write(writing, str(len(outbox.kept)).encode())
        os._exit(0)
    os.close(writing)
    assert os.read(reading, 8) == b"1"
    os.close(reading)
    os.waitpid(child, 0)
    office.close()
    assert outbox.kept == [LETTER]


def test_the_console_shows_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleMailer().send(LETTER)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [text for text in (LETTER.to, LETTER.subject, LINK) if text not in shown.err] == []


@pytest.mark.proves("asvs:13.4.2")
def test_a_public_service_prints_no_link(capsys: pytest.CaptureFixture[str], said: Any) -> None:
    async def work() -> None:
        options: Any = {"secret": SECRET, "store": MemoryStore(), "base_url": "https://app.example"}
        async with Limen("session", **options) as auth:
            account = await auth.add_account(LETTER.to, "correct horse battery")
            assert not hasattr(account, "reason")
            await auth.request_password_reset(LETTER.to, link="https://app.example/?t={token}")

    asyncio.run(work())
    assert "lmp_" not in capsys.readouterr().err + said()
    assert "was not sent, for no mailer is set" in said()


def test_what_is_no_mailer_is_refused_at_start() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Limen("session", secret=SECRET, store=MemoryStore(), base_url="https://a.example", mailer=3)  # type: ignore[arg-type]  # on purpose
    assert caught.value.setting == "mailer"


@pytest.mark.parametrize("options", [{"smtp": "smtp://127.0.0.1"}, {"mailer": Outbox()}])
def test_links_need_an_address_that_no_request_decides(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Limen("session", secret=SECRET, store=MemoryStore(), mail_from="a@app.example", **options)
    assert caught.value.setting == "base_url"
