"""The secrets of one run, kept only to be searched for in what is about to leave the Lab."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from limen.evidence import Hidden
from limen.secret import octets_of
from limen.session import HANDLE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.evidence import Evidence
    from limen.lab.recording.exchange import Record
    from limen.trace.event import Recorded

# What is shorter could be found anywhere by chance, and was not drawn at random.
SHORTEST: Final = 16


class Canaries:
    """Every credential and passphrase that crossed the wire of one column, and its secret.

    They open nothing: the server that knew them is gone. There is no way to read them here,
    only to ask whether a text has one of them in some spelling.
    """

    __slots__ = ("_texts",)

    def __init__(self, texts: Iterator[str] | tuple[str, ...] = ()) -> None:
        self._texts = set(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __repr__(self) -> str:
        return f"<Canaries: {len(self)}>"

    def __or__(self, other: Canaries) -> Canaries:
        """Return those of both."""
        return Canaries((*self._texts, *other._texts))

    def note(self, text: str) -> None:
        """Add a secret; of a signed token its signature too, which is what must stay secret."""
        for one in (text, text.rpartition(".")[2]):
            if len(one) >= SHORTEST and not one.startswith(HANDLE_PREFIX):
                self._texts.add(one)

    def noting(self, record: Record) -> Record:
        """Return what records evidence and adds every secret in it."""

        def noted(evidence: Evidence) -> Recorded:
            if isinstance(evidence, Hidden):
                self.note(evidence.secret.reveal())
            return record(evidence)

        return noted

    def found_in(self, text: str) -> int:
        """Return how many of the secrets a text has in any spelling."""
        return sum(any(one in text for one in spellings(secret)) for secret in self._texts)


def spellings(secret: str) -> tuple[str, ...]:
    """Return the ways in which a secret could have slipped into a text."""
    octets, half = octets_of(secret), len(secret) // 2
    return (
        secret,
        secret[::-1],
        secret[:half],
        secret[half:],
        base64.b64encode(octets).decode().rstrip("="),
        base64.urlsafe_b64encode(octets).decode().rstrip("="),
        octets.hex(),
        octets.hex().upper(),
        quote(octets, safe=""),
        "".join(f"%{octet:02X}" for octet in octets),
        hashlib.sha256(octets).hexdigest(),
        hashlib.md5(octets, usedforsecurity=False).hexdigest(),
    )


SPELLINGS: Final = len(spellings(""))
