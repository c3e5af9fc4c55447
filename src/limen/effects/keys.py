"""Questions about keys."""

from __future__ import annotations

from dataclasses import dataclass

from limen.effects.asking import Reading, Writing
from limen.keyring import KeyRecord, KeyState


@dataclass(frozen=True, slots=True)
class LoadKeys(Reading[tuple[KeyRecord, ...]]):
    """Return every key, oldest first."""


@dataclass(frozen=True, slots=True)
class AddKey(Writing[bool]):
    """Keep a key; false, and nothing written, if another key already has its state and that
    state is `next` or `signing`, which only one key may have.
    """

    record: KeyRecord


@dataclass(frozen=True, slots=True)
class PromoteKey(Writing[bool]):
    """Make the `next` key sign and the signing key verify only, in one transaction.

    False, and nothing written, if `key_id` is not the `next` key.
    """

    key_id: str
    now: int


@dataclass(frozen=True, slots=True)
class SetKeyState(Writing[bool]):
    """Move one key to `verifying` or `retired`; false if there is no such key."""

    key_id: str
    state: KeyState
    now: int


@dataclass(frozen=True, slots=True)
class ResealKey(Writing[bool]):
    """Keep the private part of a key under a newer secret; false if it is no longer
    `replacing` that is kept.
    """

    key_id: str
    replacing: bytes
    sealed_private: bytes


@dataclass(frozen=True, slots=True)
class RemoveKey(Writing[bool]):
    """Delete a retired key; false if there is no retired key of that id."""

    key_id: str
