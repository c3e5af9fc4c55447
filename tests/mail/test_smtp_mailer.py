"""Letters to a real mail server: encrypted, signed in, and without a smuggled header."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from certificates import server_context
from sink import Sink, free_port, link_in

from limen import ConfigurationError, Letter, LetterRejected
from limen.mailers.smtp import MailServer, SmtpMailer, Tls, mail_server

TO, SENDER = "ada@example.org", "Ada & Söhne <no-reply@app.example>"
LINK = "https://app.example/api/auth/reset-password/lmp_" + "x" * 43 + "?callbackURL=%2Fchoose"
LETTER = Letter(TO, "reset-password", "Choose a new password", f"Öffne\n\n{LINK}\n", LINK)
USER, PASSWORD = "app", "p@ss:word/1"


def send(url: str, letter: Letter = LETTER, **options: Any) -> None:
    asyncio.run(SmtpMailer(url, SENDER, **options).send(letter))


def judged(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=good)


def test_a_letter_arrives_as_it_was_written() -> None:
    with Sink() as sink:
        send(sink.url, replace(LETTER, html=f'<a href="{LINK}">Öffne</a>'))
        (letter,) = sink.letters(TO)
        assert letter["From"] == SENDER
        assert letter["To"] == TO
        assert letter["Subject"] == LETTER.subject
        assert letter["Auto-Submitted"] == "auto-generated"
        assert letter["Date"]
        assert letter["Message-ID"].endswith("@app.example>")
        assert link_in(letter) == LINK
        html = letter.get_body(("html",))
        assert html is not None
        assert LINK in html.get_content()
        assert sink.envelopes[0].mail_from == "no-reply@app.example"


@pytest.mark.proves("asvs:12.3.2")
@pytest.mark.parametrize("kind", [Tls.STARTTLS, Tls.IMPLICIT])
def test_a_connection_is_encrypted_and_its_certificate_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Tls
) -> None:
    context, trusted = server_context(tmp_path)
    implicit = kind is Tls.IMPLICIT
    options = {} if implicit else {"tls_context": context, "require_starttls": True}
    with Sink(context if implicit else None, **options) as sink:
        scheme = "smtps" if implicit else "smtp"
        url = f"{scheme}://127.0.0.1:{sink.port}?tls={kind}"
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            _raising(url)
        assert sink.envelopes == []
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        send(url)
        assert sink.subjects(TO) == [LETTER.subject]
        assert sink.sessions[0].ssl or implicit


def _raising(url: str) -> None:
    """Send, and raise what lies under the library's own error."""
    try:
        send(url)
    except Exception as fault:  # noqa: BLE001 - the library has its own
        raise OSError(f"{fault} {fault.__cause__}") from None


def test_where_starttls_is_asked_for_nothing_is_said_without_it() -> None:
    with Sink(auth_require_tls=False, authenticator=judged) as sink:
        url = f"smtp://{USER}:p%40ss%3Aword%2F1@127.0.0.1:{sink.port}?tls=starttls"
        with pytest.raises(Exception, match="STARTTLS"):
            send(url)
        assert sink.envelopes == []


def test_user_and_password_come_from_the_url() -> None:
    with Sink(auth_require_tls=False, authenticator=judged) as sink:
        place = f"127.0.0.1:{sink.port}"
        send(f"smtp://{USER}:p%40ss%3Aword%2F1@{place}")
        assert sink.sessions[0].authenticated
        with pytest.raises(LetterRejected, match="535"):
            send(f"smtp://{USER}:wrong@{place}")
        assert len(sink.envelopes) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "ada@example.org\r\nBcc: eve@example.org"},
        {"to": "ada@example.org, eve@example.org"},
        {"to": "Ada <ada@example.org>"},
        {"to": "nobody"},
        {"to": ""},
        {"subject": "Hello\r\nBcc: eve@example.org"},
        {"subject": "Hello\nthere"},
        {"subject": "Hello\0"},
    ],
)
def test_what_would_be_another_header_or_reader_is_refused(changed: dict[str, str]) -> None:
    with Sink() as sink:
        with pytest.raises(LetterRejected) as caught:
            send(sink.url, replace(LETTER, **changed))
        assert sink.envelopes == []
        assert "eve" not in str(caught.value)


def test_a_line_with_one_dot_and_what_looks_like_a_header_stay_text() -> None:
    text = "a\r\n.\r\nBcc: eve@example.org\r\n\r\n.\r\nQUIT\r\n"
    with Sink() as sink:
        send(sink.url, replace(LETTER, text=text))
        (letter,) = sink.letters(TO)
        assert letter["Bcc"] is None
        assert letter.get_content().replace("\r\n", "\n") == text.replace("\r\n", "\n")


def test_a_refusal_for_good_is_told_from_one_for_now() -> None:
    with Sink() as sink:
        sink.refuse = ["550 no such mailbox", "451 try later"]
        with pytest.raises(LetterRejected, match="550") as caught:
            send(sink.url)
        assert TO not in str(caught.value)
        with pytest.raises(Exception, match="451") as later:
            send(sink.url)
        assert not isinstance(later.value, LetterRejected)
        send(sink.url)
        assert len(sink.envelopes) == 1


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Exception, match=r"(?i)time") as caught:
            send(f"smtp://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        assert not isinstance(caught.value, LetterRejected)


def test_a_server_that_is_not_there_is_a_fault_and_no_refusal() -> None:
    with pytest.raises(OSError, match=r"(?i)connect") as caught:
        send(f"smtp://127.0.0.1:{free_port()}")
    assert not isinstance(caught.value, LetterRejected)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, Tls.STARTTLS)),
        ("smtp://mail.example:25", MailServer("mail.example", 25, Tls.STARTTLS)),
        ("smtps://mail.example", MailServer("mail.example", 465, Tls.IMPLICIT)),
        ("smtp://localhost:1025", MailServer("localhost", 1025, Tls.NONE)),
        ("smtp://[::1]:1025", MailServer("::1", 1025, Tls.NONE)),
        ("smtp://127.0.0.9", MailServer("127.0.0.9", 25, Tls.NONE)),
        ("smtp://127.0.0.1?tls=starttls", MailServer("127.0.0.1", 587, Tls.STARTTLS)),
        ("smtp://relay:25?tls=none", MailServer("relay", 25, Tls.NONE)),
        ("smtp://a%40b:c%3Ad@m.example", MailServer("m.example", 587, Tls.STARTTLS, "a@b", "c:d")),
    ],
)
def test_what_a_url_means(url: str, server: MailServer) -> None:
    assert mail_server(url) == server
    assert "c:d" not in repr(mail_server(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "https://mail.example",
        "smtp://",
        "smtp://user:hunter2@mail.example:port",
        "smtp://user:hunter2@mail.example/folder",
        "smtp://user:hunter2@mail.example?tls=maybe",
        "smtp://user:hunter2@mail.example?verify=no",
        "smtp://user:hunter2@mail.example#x",
        "smtp://hunter2@mail.example",
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SmtpMailer(url, SENDER)
    assert caught.value.setting == "smtp"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "sender", [None, "", "App", "App <app>", "a@app.example\r\nBcc: eve@example.org", "a@b@c.de"]
)
def test_letters_need_somebody_in_whose_name_they_go_out(sender: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SmtpMailer("smtp://127.0.0.1", sender)
    assert caught.value.setting == "mail_from"
