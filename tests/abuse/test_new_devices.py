"""What is told of a sign-in from a browser that an account was never used from."""

from __future__ import annotations

import asyncio

import pytest
from sieges import ADA, PASSWORD, Mailbox, Place, Play

from limen import EmailPolicy
from limen.audit import AuditKind
from limen.operations.wording import new_device
from limen.principal import Client

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.proves("asvs:6.3.5")
def test_a_browser_that_was_never_seen_is_told_of_once(play_everywhere: Play) -> None:
    async def scene(place: Place) -> None:
        owner = await place.sign_up()
        assert (await place.try_at(owner, PASSWORD)).status_code == 200
        assert await place.told(AuditKind.DEVICE_NEW) == []  # the first of all, and known
        other = place.browser("203.0.113.9", **{"User-Agent": FIREFOX})
        for _ in range(2):
            assert (await place.try_at(other, PASSWORD)).status_code == 200
        account = await place.auth.account_by_email(ADA)
        assert account is not None
        (event,) = await place.told(AuditKind.DEVICE_NEW)
        assert (event.subject, event.address) == (account.id, "203.0.113.9")
        assert event.user_agent == FIREFOX
        assert PASSWORD not in event.as_line()
        # A browser whose proof is void was seen all the same.
        change = {"currentPassword": PASSWORD, "newPassword": "another good battery"}
        assert (await owner.post("/change-password", json=change)).status_code == 200
        assert (await place.try_at(other, "another good battery")).status_code == 200
        assert len(await place.told(AuditKind.DEVICE_NEW)) == 1

    play_everywhere(scene)


@pytest.mark.proves("asvs:6.3.5")
def test_the_owner_gets_a_letter_that_does_nothing(play: Play) -> None:
    mailbox = Mailbox()

    async def scene(place: Place) -> None:
        await place.sign_up()
        hostile = f"{FIREFOX} https://evil.example/ call 555-0100"
        for _ in range(5):  # each a new one; letters of one kind have a budget
            other = place.browser("203.0.113.9", **{"User-Agent": hostile})
            assert (await place.try_at(other, PASSWORD)).status_code == 200
        letter = await asyncio.wait_for(mailbox.one("new-device"), 30)
        assert (letter.to, letter.link) == (ADA, "")
        for said in ("2027-01-15 08:00 UTC", "203.0.113.9", "Firefox on Windows"):
            assert said in letter.text
        assert "evil" not in letter.text
        assert "555" not in letter.text
        assert len(await place.told(AuditKind.DEVICE_NEW)) == 5

    play(scene, mailer=mailbox, email=EmailPolicy(new_device=True))
    assert [one.purpose for one in mailbox.letters] == ["new-device"] * 3


def test_no_letter_unless_it_is_asked_for(play: Play) -> None:
    mailbox = Mailbox()

    async def scene(place: Place) -> None:
        await place.sign_up()
        assert (await place.try_at(place.browser(), PASSWORD)).status_code == 200

    play(scene, mailer=mailbox)
    assert mailbox.letters == []


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (Client("2001:db8::1", "curl/8.5"), ("2001:db8::1", "with   curl\n")),
        (Client("<b>", "Totally fine"), ("an unknown address", "an unknown program")),
        (Client("", "Thing (X11; Linux x86_64)"), ("an unknown address", "a program on Linux")),
        (Client("192.0.2.1", "x Edg/140 Chrome/140 Android"), ("192.0.2.1", "Edge on Android")),
    ],
)
def test_what_the_letter_repeats(client: Client, said: tuple[str, ...]) -> None:
    text = new_device(ADA, 0, client).text
    assert all(one in text for one in said)
    assert "Totally" not in text
    assert "<b>" not in text
