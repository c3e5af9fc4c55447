"""What must hold of every answer, log line and trace event, whatever the attack."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from limen.service.better_auth import wire
from limen.verdict import Reason, Refused
from limen.web.refusal import refusal_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

    from limen.audit import AuditEvent
    from limen.trace import RingSink

API = "/api/auth"
REFUSALS = frozenset({400, 401, 403, 409, 413, 415, 422, 429})
# What routes say, whatever the reason: to sign in, to go away, or to wait.
_OF_ROUTES = {
    "Not signed in",
    "The credential is not valid",
    refusal_of(Refused(Reason.CROSS_ORIGIN)).detail,  # a long one, for developers
    "Not allowed",
    "Too many attempts",
}
_SAID = _OF_ROUTES | {one.message for one in vars(wire).values() if isinstance(one, wire.Problem)}
# Texts that repeat what kind of thing a body was, never what it held.
_BEGINNINGS = ("[body", "Content-Type ", "Invalid callbackURL", "Invalid redirectURL")
# What every cookie of ours says, of whatever kind it is.
_ATTRIBUTES = {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"}
# Everything of ours, and of others what somebody may have turned on in production.
_LEVELS = {"": logging.INFO, "limen": logging.DEBUG}
# Longer than any name, shorter than any credential.
_SHORTEST_SECRET = 24


class Watch:
    """Hears every credential that is handed out or presented, and looks for it afterwards."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._lines: list[str] = []
        self._handler = _Lines(self._lines)

    def begin(self) -> None:
        logging.getLogger().addHandler(self._handler)
        for name, level in _LEVELS.items():
            logging.getLogger(name).setLevel(level)

    def end(self) -> None:
        logging.getLogger().removeHandler(self._handler)
        for name in _LEVELS:
            logging.getLogger(name).setLevel(logging.NOTSET if name else logging.WARNING)

    def keep(self, *secrets: str) -> None:
        """Remember what nobody may write down; the names of accounts and sessions may be."""
        secret = (one for one in secrets if not one.startswith(("usr_", "ses_")))
        self._secrets.update(one for one in secret if len(one) >= _SHORTEST_SECRET)

    def judge(self, answer: httpx.Response) -> None:
        """Take in what an answer hands out, and judge it if it refuses."""
        self.keep(*_handed_out(answer))
        where = f"{answer.request.method} {answer.request.url.raw_path!r}: {answer.status_code}"
        assert answer.status_code < 500, f"{where} {answer.text}"
        for line in answer.headers.get_list("set-cookie"):
            assert set(line.split("; ")[1:]) >= _ATTRIBUTES, f"{where} {line.partition('=')[0]}"
            assert answer.headers.get("cache-control") == "no-store", where
        if answer.status_code not in REFUSALS:
            return
        assert answer.headers.get("cache-control") == "no-store", where
        said = answer.json()
        assert set(said) <= {"message", "code", "detail"}, f"{where} {said}"
        text = said.get("message", said.get("detail"))
        assert text in _SAID or text.startswith(_BEGINNINGS), f"{where} {said}"
        if answer.status_code == 401:
            assert "www-authenticate" in answer.headers, where
        self._assert_absent(answer.text, where)

    def judge_records(self, sink: RingSink, events: Iterable[AuditEvent]) -> None:
        """Find no credential in what was logged, traced or told to the audit log."""
        self._assert_absent(repr(list(events)), "the audit log")
        self._assert_absent("\n".join(self._lines), "the log")
        self._assert_absent(json.dumps([one.as_json() for one in sink.events]), "the trace")

    def _assert_absent(self, text: str, where: str) -> None:
        assert not [one for one in self._secrets if one in text], f"{where} tells a credential"


class _Lines(logging.Handler):
    """Keeps what is logged. The clients of the test log what they ask, which is not ours."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] not in ("httpx", "httpcore"):
            self._lines.append(self.format(record))


def _handed_out(answer: httpx.Response) -> list[str]:
    lines = answer.headers.get_list("set-cookie")
    found = [line.partition("=")[2].partition(";")[0] for line in lines if "_token=" in line]
    if answer.headers.get("content-type") == "application/json" and answer.content:
        body = answer.json()
        if isinstance(body, dict):
            named = (body.get("token"), body.get("refreshToken"))
            found += [one for one in named if isinstance(one, str)]
    return found
