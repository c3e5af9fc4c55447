"""From evidence to what may be kept: a credential becomes a label, a password nothing."""

from __future__ import annotations

import hmac
import threading
from typing import TYPE_CHECKING, assert_never

from limen.evidence import Count, Duration, Evidence, Hidden, Personal, Public, Size

if TYPE_CHECKING:
    from limen.trace.event import Recorded

_LABELS = {"token": "tok", "session": "sid", "refresh": "ref"}
# Labels are handed out in order of first sight, so a long run must not grow without end: of
# more credentials the first are forgotten, and would get another label. Two never share one.
MAX_LABELS = 10_000
MAX_NUMBER = 999_999  # as many digits as the schema of an event has


class Redaction:
    """Turns evidence into recorded values, for one run.

    A credential is shown as a label such as `tok#1` and a fingerprint: the first 8 hex
    digits of an HMAC-SHA-256 under a key that lives only as long as this object. Equal
    credentials get equal labels, and nothing leads back to the credential.
    """

    def __init__(self, run_key: bytes, *, show_personal: bool = False) -> None:
        """Make the redaction; `run_key` is 32 random bytes and is never recorded."""
        self._run_key = run_key
        self._show_personal = show_personal
        self._labels: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._numbering = threading.Lock()

    def __call__(self, evidence: Evidence) -> Recorded:
        """Return what may be recorded of a value; an unknown kind is an `AssertionError`."""
        match evidence:
            case Public(value):
                return {"k": "public", "v": value}
            case Hidden(secret, kind):
                if kind == "password":
                    return {"k": "secret", "kind": "password"}
                return {"k": "secret", "kind": kind, **self._label(secret.digest(), _LABELS[kind])}
            case Personal(value):
                return {"k": "pii", "v": value} if self._show_personal else {"k": "pii"}
            case Duration(seconds):
                return {"k": "duration_s", "v": round(seconds, 3)}
            case Count(value):
                return {"k": "count", "v": value}
            case Size(octets):
                return {"k": "bytes", "v": octets}
            case _:
                assert_never(evidence)

    def seen(self, digest: bytes) -> Recorded | None:
        """Return the label of the credential with this SHA-256 digest, `None` if it has none."""
        mac = hmac.digest(self._run_key, digest, "sha256").hex()
        label = self._labels.get(mac)
        return None if label is None else {"k": "secret", "label": label, "fp": mac[:8]}

    def _label(self, digest: bytes, stem: str) -> dict[str, str]:
        mac = hmac.digest(self._run_key, digest, "sha256").hex()
        label = self._labels.get(mac) or self._new(mac, stem)
        return {"label": label, "fp": mac[:8]}

    def _new(self, mac: str, stem: str) -> str:
        with self._numbering:
            if mac not in self._labels:
                while len(self._labels) >= MAX_LABELS:
                    del self._labels[next(iter(self._labels))]
                self._counts[stem] = self._counts.get(stem, 0) % MAX_NUMBER + 1
                self._labels[mac] = f"{stem}#{self._counts[stem]}"
            return self._labels[mac]
