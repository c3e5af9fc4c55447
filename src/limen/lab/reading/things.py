"""The things that somebody can hold: what they are called, and what tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final

from limen.lab.reading.values import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.trace.event import Recorded


@unique
class Thing(StrEnum):
    """The kinds of things that the Lab follows."""

    EMAIL = "e-mail"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a variable
    OUTCOME = "outcome of the check"
    TOKEN = "token"  # noqa: S105 - the name of a variable
    SESSION = "session id"
    REFRESH = "refresh token"
    PRINCIPAL = "principal"
    KEY = "signing key"
    FEED = "revocations it knows of"
    HASH = "passphrase hash"
    ROW = "session row"
    DIGEST = "digests of credentials"
    REVOCATION = "revocation log"


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that is held: its kind, its text and, of a credential, its fingerprint.

    Labels count in each column anew, so equal labels of two columns are two secrets; equal
    fingerprints are one.
    """

    thing: Thing
    text: str
    fingerprint: str | None = None


_BY_STEM: Final[Mapping[str, Thing]] = {
    "tok": Thing.TOKEN,
    "sid": Thing.SESSION,
    "ref": Thing.REFRESH,
}


def held_label(value: Recorded) -> Held:
    """Return the credential that a recorded label stands for."""
    label = shown(value)
    thing = _BY_STEM.get(label.partition("#")[0], Thing.TOKEN)
    return Held(thing, label, str(value["fp"]) if "fp" in value else None)
