"""No secret reaches the audit log, its hooks or its lines, whatever a client sends."""

import json
import logging
from typing import Any

import pytest
from limens import STRATEGIES, blocking
from spelled import spellings

from limen import AuditEvent, AuditKind, AuditPolicy, Client, Reason, Refused
from limen.audit import MAX_USER_AGENT, legible
from limen.auditing import audited_as
from limen.letter import Letter
from limen.testing import FrozenClock

PASSWORD, NEW, WRONG = "Canary+Pässword/7 wholly", "Another+Canary/8 wholly", "Wrong+Canary/9"
HOSTILE = "a\nINFO admin signed in\r\n{}\0\x1b[2J\u2028\ud800"


class Box:
    """Keeps letters."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def send(self, letter: Letter) -> None:
        self.letters.append(letter)


@pytest.mark.proves("asvs:16.2.5")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_secret_is_in_the_log_the_hooks_or_the_lines(
    strategy: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock, heard, box = FrozenClock(), [], Box()
    policy = AuditPolicy(log=True, hooks=[heard.append])
    with (
        caplog.at_level(logging.DEBUG, "limen.audit"),
        blocking(
            strategy, clock=clock, audit=policy, mailer=box, base_url="https://app.example"
        ) as limen,
    ):
        first = limen.sign_up("ada@example.org", PASSWORD, "Ada").issued
        assert isinstance(limen.sign_in("ada@example.org", WRONG), Refused)
        # A password in the wrong field, and one in the field of the name.
        assert isinstance(limen.sign_in(PASSWORD, WRONG), Refused)
        held = first.refresh or first.access
        newer = limen.refresh(held.reveal())
        limen.authenticate(first.access.reveal()[:-2] + "xx")
        # A client that sends what it holds where it does not belong.
        with audited_as(client=Client("192.0.2.7", f"app/1 {held.reveal()}")):
            limen.sign_in("ada@example.org", WRONG)
            limen.sign_in("ada@example.org", WRONG, client=Client("", first.access.reveal()))
        changed = limen.change_password(first.principal, PASSWORD, NEW)
        limen.request_password_reset("ada@example.org", link="https://app.example/?t={token}")
        limen.reset_password("lmp_" + "A" * 43, NEW)
        limen.sign_out(changed.issued.access.reveal())
        clock.advance(60_000)
        limen.refresh(held.reveal())
        kept = limen.audit(limit=1_000)
    links = [one.link.partition("t=")[2] for one in box.letters if one.link]
    assert len(links) == 1
    assert len(kept) > 12
    assert len(heard) == len(kept) == len(caplog.records)
    planted = [PASSWORD, NEW, WRONG, "ada@example.org", first.access.reveal(), *links]
    planted += [held.reveal(), (newer.refresh or newer.access).reveal()]
    planted.append(changed.issued.access.reveal())
    seen = caplog.text + repr(kept) + repr(heard)
    seen += "".join(one.as_line() + json.dumps(one.members(), ensure_ascii=False) for one in kept)
    for value in planted:
        for form in spellings(value):
            assert form not in seen, (value, form)


@pytest.mark.proves("asvs:16.4.1")
def test_an_event_is_one_line_whatever_a_client_sends(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.INFO, "limen.audit"),
        blocking("session", audit=AuditPolicy(log=True)) as limen,
    ):
        caplog.clear()
        client = Client(HOSTILE, HOSTILE)
        limen.sign_in("a\nINFO admin login", "wrong horse", client=client)
        limen.sign_in("ada@example.org", "wrong", client=Client("192.0.2.7", "x" * 5_000))
        with audited_as(HOSTILE, request_id=HOSTILE):
            limen.disable("a\nINFO admin login")
            limen.sign_in("ada@example.org", "wrong")
        kept = limen.audit(forward=True, kinds=[AuditKind.SIGN_IN_REFUSED])
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == len(kept) == 3
    for line, event in zip(lines, kept, strict=True):
        assert line.isascii()
        assert line.isprintable()
        assert json.loads(line)["id"] == event.id
        for text in (event.address, event.user_agent, event.actor, event.request_id):
            assert text.isprintable() or not text
            assert len(text) <= MAX_USER_AGENT


def test_what_looks_like_a_credential_is_masked_also_where_it_is_cut() -> None:
    token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1c3JfYWRhIn0.c2lnbmF0dXJl"
    assert legible(f"app {token} end", 100) == "app [credential] end"
    assert legible("lms_" + "A" * 43, 100) == "[credential]"
    for most in range(1, 80):
        assert "eyJzdWIi" not in legible(f"app {token}", most)
    assert legible("ses_3q2-7wEBAgMEBQYHCAkKCw", 100) == "ses_3q2-7wEBAgMEBQYHCAkKCw"


def test_only_what_is_typed_can_be_told() -> None:
    wrong: Any = b"octets"
    with pytest.raises(TypeError):
        AuditEvent.of(AuditKind.SIGN_IN_REFUSED, methods=wrong)
    with pytest.raises(TypeError):
        AuditEvent.of(AuditKind.SIGN_IN_REFUSED, password="correct horse")
    assert AuditEvent.of(AuditKind.SIGN_IN_REFUSED, reason=Reason.THROTTLED).reason == "throttled"
