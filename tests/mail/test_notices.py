"""Whose account gets another way in, another address or another password is told by mail."""

from __future__ import annotations

import queue

import pytest
from limens import blocking

from limen import BlockingLimen, EmailPolicy, Letter, Refused
from limen.mailers import post
from limen.operations import ProvenIdentity

ADA, PASSWORD, OTHER = "ada@example.org", "correct horse battery", "another good battery"
LINK = "https://app.example/open?t={token}"


class Outbox:
    """A mailer whose letters can be waited for."""

    def __init__(self) -> None:
        self.letters: queue.Queue[Letter] = queue.Queue()

    def send(self, letter: Letter) -> None:
        self.letters.put(letter)

    def next(self) -> Letter:
        return self.letters.get(timeout=60)


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    monkeypatch.setattr(post, "SETTLE_S", 0)
    return Outbox()


def opened(outbox: Outbox, **email: bool) -> BlockingLimen:
    return blocking(
        "session", base_url="https://app.example", mailer=outbox, email=EmailPolicy(**email)
    )


@pytest.mark.proves("asvs:6.3.7", "nist:15")
def test_another_way_to_sign_in_is_told_by_mail(outbox: Outbox) -> None:
    with opened(outbox) as auth:
        ada = auth.sign_up(ADA, PASSWORD)
        assert not isinstance(ada, Refused)
        shown = ProvenIdentity("google", "https://accounts.google.com", "1", ADA, True, "Ada")
        assert not isinstance(auth.link_identity(ada.issued.principal, shown), Refused)
        letter = outbox.next()
        assert (letter.to, letter.purpose, letter.link) == (ADA, "identity-added", "")
        # The same identity again is nothing new.
        auth.link_identity(ada.issued.principal, shown)
        assert not isinstance(auth.change_password(ada.issued.principal, PASSWORD, OTHER), Refused)
        assert outbox.next().purpose == "password-changed"


@pytest.mark.proves("asvs:6.3.7", "asvs:6.3.6", "asvs:6.4.3")
def test_a_new_password_is_told_and_signs_nobody_in(outbox: Outbox) -> None:
    with opened(outbox) as auth:
        auth.sign_up(ADA, PASSWORD)
        auth.request_password_reset(ADA, link=LINK)
        token = outbox.next().link.partition("=")[2]
        account = auth.reset_password(token, OTHER)
        assert not isinstance(account, Refused)
        assert auth.sessions(account.id) == ()
        assert (outbox.next().purpose, EmailPolicy().signs_in) == ("password-changed", False)


def test_who_wants_no_notices_gets_none(outbox: Outbox) -> None:
    with opened(outbox, notices=False) as auth:
        ada = auth.sign_up(ADA, PASSWORD)
        assert not isinstance(ada, Refused)
        auth.change_password(ada.issued.principal, PASSWORD, OTHER)
        auth.request_password_reset(ADA, link=LINK)
        assert outbox.next().purpose == "reset-password"
