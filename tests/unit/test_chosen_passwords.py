"""A new password says something new, and nobody has lost it elsewhere."""

from __future__ import annotations

import hashlib
import http.server
import logging
import queue
import threading
from collections.abc import Iterator

import pytest
from limens import QUICK, blocking

from limen import (
    BlockingLimen,
    ConfigurationError,
    EmailPolicy,
    Letter,
    Limen,
    PasswordPolicy,
    Reason,
    Refused,
    Secret,
)
from limen.breaches import BreachRange
from limen.errors import StoreUnavailable
from limen.mailers import post
from limen.passwords import words_of_hosts
from limen.stores.memory import BlockingMemoryStore, MemoryStore

EMAIL, LEAKED, GOOD = "ada.lovelace@example.org", "seven golden teapots", "nine silver kettles"
DIGEST = hashlib.sha1(LEAKED.encode(), usedforsecurity=False).hexdigest().upper()
POLICY = PasswordPolicy(context_words=("acme", "Umbrella"))
COMMON = Refused(Reason.PASSWORD_TOO_COMMON)
BREACHED = Refused(Reason.PASSWORD_BREACHED)


@pytest.mark.proves("asvs:6.2.11")
@pytest.mark.parametrize(
    "chosen",
    [
        "acme-2026-acme-2026",
        "ACME!!!2026",
        "umbrella_acme",
        "\uff35mbrella1",
        "lovelace2026",
        "Ada.Lovelace",
        "ada-lovelace-99",
        "countess1815",
    ],
)
def test_words_of_the_context_alone_are_no_password(chosen: str) -> None:
    refused = POLICY.refusal_of(Secret(chosen), EMAIL, "countess")
    assert refused is Reason.PASSWORD_TOO_COMMON


@pytest.mark.proves("asvs:6.2.11", "nist:11")
@pytest.mark.parametrize(
    "chosen",
    ["acme sells no teapots", "acme82736491", "my umbrella is green", "20262026!", "2026-11-26"],
)
def test_a_password_may_hold_such_a_word(chosen: str) -> None:
    assert POLICY.refusal_of(Secret(chosen), EMAIL, "countess") is None


def test_without_the_blocklist_no_word_is_looked_for() -> None:
    lax = PasswordPolicy(blocklist=False, context_words=("acme",))
    assert lax.refusal_of(Secret("acme-2026-acme"), EMAIL) is None


@pytest.mark.parametrize("words", ["acme", ("abc",), ("",)])
def test_words_that_stand_in_good_passwords_are_refused(words: object) -> None:
    with pytest.raises(ConfigurationError, match="context_words"):
        PasswordPolicy(context_words=words)  # type: ignore[arg-type]


@pytest.mark.proves("asvs:6.1.2")
def test_the_words_of_issuer_and_address_are_among_them() -> None:
    assert words_of_hosts("https://sign-in.teapot.example:8443/x", None, "limen") == (
        "sign",
        "teapot",
        "example",
        "limen",
    )
    assert words_of_hosts("https://127.0.0.1:8000", "https://[::1]") == ()
    auth = blocking(base_url="https://app.teapots.example", issuer="https://kettles.example")
    with auth:
        assert auth.sign_up(EMAIL, "teapots-2026") == COMMON
        assert auth.sign_up(EMAIL, "kettles!kettles") == COMMON
        assert not isinstance(auth.sign_up(EMAIL, GOOD), Refused)


def known(prefix: str) -> set[str]:
    assert prefix == DIGEST[:5]
    return {DIGEST[5:], "0" * 35}


async def known_later(prefix: str) -> set[str]:
    return known(prefix)


def asked_of(prefix: str) -> set[str]:
    return {DIGEST[5:]} if prefix == DIGEST[:5] else set()


@pytest.mark.proves("asvs:6.2.12", "nist:11")
@pytest.mark.parametrize("hook", [known, known_later])
def test_a_breached_password_is_refused_wherever_one_is_chosen(hook) -> None:
    options = QUICK | {"passwords": PasswordPolicy(breached=hook)}
    with BlockingLimen("session", store=BlockingMemoryStore(), **options) as auth:
        assert auth.sign_up(EMAIL, LEAKED) == BREACHED
        assert auth.add_account(EMAIL, LEAKED) == BREACHED


@pytest.mark.proves("asvs:6.2.12")
def test_so_it_is_when_one_is_changed_or_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "SETTLE_S", 0)
    letters: queue.Queue[Letter] = queue.Queue()

    class Keeps:
        def send(self, letter: Letter) -> None:
            letters.put(letter)

    policy = EmailPolicy(notices=False)
    options = {"passwords": PasswordPolicy(breached=asked_of), "mailer": Keeps(), "email": policy}
    with blocking("session", base_url="https://app.example", **options) as auth:
        signed = auth.sign_up(EMAIL, GOOD)
        assert not isinstance(signed, Refused)
        assert auth.change_password(signed.issued.principal, GOOD, LEAKED) == BREACHED
        auth.request_password_reset(EMAIL, link="https://app.example/new?token={token}")
        token = letters.get(timeout=60).link.partition("=")[2]
        assert auth.reset_password(token, LEAKED) == BREACHED
        assert not isinstance(auth.reset_password(token, "eleven copper pans"), Refused)


async def _awaited() -> None:
    options = QUICK | {"passwords": PasswordPolicy(breached=known_later)}
    async with Limen("session", store=MemoryStore(), **options) as auth:
        assert await auth.sign_up(EMAIL, LEAKED) == BREACHED


def test_an_awaited_application_asks_as_well() -> None:
    import asyncio

    asyncio.run(_awaited())


def test_nobody_is_asked_about_what_is_refused_anyway() -> None:
    def never(prefix: str) -> set[str]:
        raise AssertionError(prefix)

    options = QUICK | {"passwords": PasswordPolicy(breached=never, breached_required=True)}
    with BlockingLimen("session", store=BlockingMemoryStore(), **options) as auth:
        assert auth.sign_up(EMAIL, "short") == Refused(Reason.PASSWORD_TOO_SHORT)
        assert auth.sign_up(EMAIL, "password") == COMMON


@pytest.mark.proves("asvs:6.2.12")
def test_a_hook_that_fails_stops_nobody_unless_it_must(caplog: pytest.LogCaptureFixture) -> None:
    def broken(prefix: str) -> set[str]:
        raise OSError(f"no answer about {prefix}")

    with blocking("session", passwords=PasswordPolicy(breached=broken)) as auth:
        assert not isinstance(auth.sign_up(EMAIL, LEAKED), Refused)
    (told,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert told.getMessage() == "nobody could say whether a password is breached: OSError"
    required = PasswordPolicy(breached=broken, breached_required=True)
    with blocking("session", passwords=required) as auth, pytest.raises(StoreUnavailable):
        auth.sign_up(EMAIL, LEAKED)


class Ranges(http.server.BaseHTTPRequestHandler):
    """A service as Pwned Passwords is; `asked` is all that it ever learns."""

    asked: list[str] = []  # noqa: RUF012
    status = 200

    def do_GET(self) -> None:
        self.asked.append(self.requestline + str(self.headers))
        body = f"{DIGEST[5:]}:42\r\n{'A' * 35}:0\r\nnonsense\r\n".encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    Ranges.asked, Ranges.status = [], 200
    with http.server.HTTPServer(("127.0.0.1", 0), Ranges) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/range/"
        server.shutdown()


@pytest.mark.proves("asvs:6.2.12", "asvs:13.2.4")
def test_five_digits_leave_the_process_and_nothing_else(service: str) -> None:
    with blocking("session", passwords=PasswordPolicy(breached=BreachRange(service))) as auth:
        assert auth.sign_up(EMAIL, LEAKED) == BREACHED
        assert not isinstance(auth.sign_up(EMAIL, GOOD), Refused)
    said = "".join(Ranges.asked)
    assert f"GET /range/{DIGEST[:5]} HTTP" in said
    for secret in (DIGEST[5:12], DIGEST[:6], LEAKED, EMAIL):
        assert secret.casefold() not in said.casefold()
    assert BreachRange(service)("AAAAA") == {DIGEST[5:]}  # a padded line counts as none


def test_a_service_that_answers_something_else_is_a_fault(service: str) -> None:
    Ranges.status = 503
    required = PasswordPolicy(breached=BreachRange(service), breached_required=True)
    with blocking("session", passwords=required) as auth, pytest.raises(StoreUnavailable):
        auth.sign_up(EMAIL, GOOD)
    with pytest.raises(ConfigurationError, match="breached"):
        BreachRange("http://ranges.example/range/")
