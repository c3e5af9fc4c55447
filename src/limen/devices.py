"""Which browsers an account has signed in from before, as each browser itself can prove.

The proof opens nothing. A password is tried with it on a budget of its own, so whoever uses up
the budget of an account does not keep its owner out.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from limen.entropy import Entropy
    from limen.sealing import Secrets

DEVICE_OCTETS: Final = 16
PROOF_OCTETS: Final = 16
# So many accounts of one browser are known; the one that signed in longest ago gives way.
MAX_ACCOUNTS: Final = 5
_PURPOSE: Final = "limen known device"
# Seconds since the epoch, then the two numbers of the owner.
_NUMBERS: Final = struct.Struct(">QII")
_STATED_OCTETS: Final = DEVICE_OCTETS + _NUMBERS.size
_ENTRY_OCTETS: Final = _STATED_OCTETS + PROOF_OCTETS
_ENTRY_CHARACTERS: Final = -(-_ENTRY_OCTETS * 4 // 3)
_BETWEEN: Final = "."
_MAX_CHARACTERS: Final = MAX_ACCOUNTS * (_ENTRY_CHARACTERS + len(_BETWEEN))


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose device it is. A proof is void once either number has moved.

    `revision` moves with the password, `era` when the account's sessions are all ended. Both
    start at 0 and have 32 bits.
    """

    account_id: str
    revision: int
    era: int


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """One browser of one account: its number, which tells nothing, and what it keeps.

    `seen` says that it had signed in to the account before, be that proof void meanwhile.
    """

    id: str
    kept: str = field(repr=False)
    seen: bool = True


@dataclass(frozen=True, slots=True)
class Devices:
    """Makes and judges what browsers keep. `lifetime` is in milliseconds, 0 makes none.

    Made for one set of secrets: the newest makes proofs, older ones only judge them.
    """

    keys: tuple[bytes, ...] = field(repr=False)
    lifetime: int

    @classmethod
    def of(cls, secrets: Secrets, lifetime: int) -> Devices:
        """Derive the keys for this purpose alone."""
        return cls(secrets.derive_each(_PURPOSE), lifetime)

    def recognised(self, kept: str | None, owner: Owner, now: int) -> str | None:
        """Return the number of a device that signed in as this owner, `None` for a stranger."""
        for entry in _entries(kept):
            if self._is_of(entry, owner, now):
                return _number(entry) if _states(entry, owner) else None
        return None

    def known(self, kept: str | None, owner: Owner, now: int, entropy: Entropy) -> KnownDevice:
        """Return what a browser keeps after it signed in as an owner.

        A device keeps its number, so signing in again does not renew its budget.
        """
        entries = _entries(kept)
        mine = next((one for one in entries if self._is_of(one, owner, now)), None)
        if mine is not None and _states(mine, owner):
            device = mine[:DEVICE_OCTETS]
        else:
            device = entropy.octets(DEVICE_OCTETS)
        stated = device + _NUMBERS.pack(now // 1000, owner.revision, owner.era)
        newest = stated + _proof(self.keys[0], stated, owner.account_id)
        others = [one for one in entries if one is not mine][: MAX_ACCOUNTS - 1]
        told = _BETWEEN.join(_written(one) for one in (newest, *others))
        return KnownDevice(device.hex(), told, mine is not None)

    def _is_of(self, entry: bytes, owner: Owner, now: int) -> bool:
        """Tell whether an entry was made for this account and is not too old."""
        stated, proof = entry[:_STATED_OCTETS], entry[_STATED_OCTETS:]
        made_at, _, _ = _NUMBERS.unpack(stated[DEVICE_OCTETS:])
        if now >= made_at * 1000 + self.lifetime:
            return False
        proofs = (_proof(key, stated, owner.account_id) for key in self.keys)
        return any(hmac.compare_digest(proof, one) for one in proofs)


def _number(entry: bytes) -> str:
    return entry[:DEVICE_OCTETS].hex()


def _states(entry: bytes, owner: Owner) -> bool:
    """Tell whether nothing has moved since an entry was made."""
    _, revision, era = _NUMBERS.unpack(entry[DEVICE_OCTETS:_STATED_OCTETS])
    return (revision, era) == (owner.revision, owner.era)


def _proof(key: bytes, stated: bytes, account_id: str) -> bytes:
    # `stated` has one length, so nothing of it can pass for a part of the name.
    told = stated + account_id.encode("utf-8", "surrogatepass")
    return hmac.new(key, told, hashlib.sha256).digest()[:PROOF_OCTETS]


def _entries(kept: str | None) -> list[bytes]:
    """Return the entries of what a browser keeps; whatever else it sends is nothing."""
    if not kept or len(kept) > _MAX_CHARACTERS:
        return []
    return [entry for text in kept.split(_BETWEEN) if (entry := _read(text)) is not None]


def _read(text: str) -> bytes | None:
    try:
        entry = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return entry if len(entry) == _ENTRY_OCTETS and _written(entry) == text else None


def _written(entry: bytes) -> str:
    return urlsafe_b64encode(entry).decode().rstrip("=")
