"""Whether letters leave: `limen doctor` and `limen mail test`, with a real mail server."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from sink import Sink, free_port
from terminal import Terminal

SENDER, TO = "no-reply@app.example", "ada@example.org"


def settings(url: str) -> dict[str, str | None]:
    return {
        "LIMEN_SMTP": url,
        "LIMEN_MAIL_FROM": SENDER,
        "LIMEN_BASE_URL": "http://localhost:8000",
    }


def test_a_letter_is_sent_and_the_server_is_said_to_have_taken_it(terminal: Terminal) -> None:
    with Sink() as sink:
        said = terminal.ok("mail", "test", TO, **settings(sink.url))
        assert said == f"The mail server took the letter to {TO}.\n"
        assert sink.subjects(TO) == ["A letter from Limen"]
        sink.refuse = ["550 no"]
        refused = terminal.run("mail", "test", TO, **settings(sink.url))
    assert refused.returncode == 1
    assert "was not sent: LetterRejected" in refused.stderr


def test_without_a_server_or_an_address_nothing_is_sent(terminal: Terminal) -> None:
    nowhere = terminal.run("mail", "test", TO)
    assert nowhere.returncode == 1
    assert "Set LIMEN_SMTP" in nowhere.stderr
    url = f"smtp://app:hunter2@127.0.0.1:{free_port()}"
    down = terminal.run("mail", "test", TO, **settings(url))
    assert down.returncode == 1
    assert "hunter2" not in down.stdout + down.stderr
    assert terminal.run("mail", "test", "nobody", **settings(url)).returncode == 2
    unnamed = terminal.run("mail", "test", TO, **{**settings(url), "LIMEN_MAIL_FROM": None})
    assert unnamed.returncode == 3
    assert "LIMEN_MAIL_FROM" in unnamed.stderr


@pytest.mark.parametrize("up", [True, False])
def test_the_doctor_looks_whether_the_mail_server_can_be_used(ready: Terminal, up: bool) -> None:
    with Sink() as sink:
        url = sink.url if up else f"smtp://127.0.0.1:{free_port()}"
        done = ready.run("doctor", **settings(url))
        assert sink.envelopes == []
    assert ("smtp: cannot be used" in done.stdout) is not up
    assert ("limen mail test ADDRESS" in done.stdout) is up
    assert (f"{urlsplit(url).netloc} refuses the connection" in done.stdout) is not up
    assert done.returncode == (0 if up else 1)


def test_a_mail_server_whose_name_nobody_knows_is_named(ready: Terminal) -> None:
    given = settings("smtp://app:hunter2@mail.invalid:587")  # RFC 6761: never a name
    said = ready.run("doctor", **given).stdout + ready.run("mail", "test", TO, **given).stderr
    assert said.count("nobody knows the name of mail.invalid:587") == 2
    assert "hunter2" not in said


def test_settings_show_no_password_of_a_mail_server(terminal: Terminal) -> None:
    shown = terminal.ok("settings", **settings("smtp://app:hunter2@mail.example:587"))
    assert "smtp://***@mail.example:587" in shown
    assert "hunter2" not in shown
