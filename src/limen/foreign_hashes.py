"""Password hashes that other libraries made: verified once, then made anew with Argon2id.

Each format says itself what verifying it costs, and an imported row may say anything. So every
cost has a ceiling, and beyond it a text is no hash: `Foreign.of` returns `None`.

Passwords count here as the other library counted them, which is not how Limen does: only
better-auth normalises them, and bcrypt sees their first 72 octets.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any, Final

import argon2

from limen.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from limen.secret import Secret

# What one verification may cost; each is about a second on one core of 2026.
BCRYPT_COST_FLOOR: Final = 4  # the format knows none below
BCRYPT_COST_CEILING: Final = 14  # twice as long with each step
PBKDF2_CEILING: Final = 4_000_000  # iterations; Django 5.2 makes a million
SCRYPT_MEMORY_CEILING: Final = 134_217_728  # octets, 128 N r: 128 MiB
SCRYPT_WORK_CEILING: Final = 1_048_576  # N r p
ARGON2_MEMORY_CEILING: Final = 262_144  # KiB: 256 MiB
ARGON2_WORK_CEILING: Final = 1_048_576  # KiB, memory times passes
ARGON2_LANES_CEILING: Final = 16
LONGEST: Final = 512  # characters of any hash
BCRYPT_OCTETS: Final = 72  # bcrypt's own limit; what follows was never part of the hash

_BETTER_AUTH: Final = re.compile(r"([0-9a-f]{32}):([0-9a-f]{128})")
_BCRYPT: Final = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_PBKDF2: Final = re.compile(r"pbkdf2_(sha1|sha256)\$([1-9][0-9]{0,8})\$([^$]+)\$([A-Za-z0-9+/=]+)")
_SCRYPT: Final = re.compile(
    r"scrypt\$([1-9][0-9]{0,8})\$([^$]+)\$([1-9][0-9]{0,3})\$([1-9][0-9]{0,3})\$([A-Za-z0-9+/=]+)"
)
_ARGON2: Final = re.compile(
    r"\$argon2(id|i)\$(?:v=[0-9]{2}\$)?m=[0-9]{1,9},t=[0-9]{1,9},p=[0-9]{1,9}"
    r"\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}"
)
_DIGEST_OCTETS: Final = {"sha1": 20, "sha256": 32}
_MAXMEM: Final = 2 * SCRYPT_MEMORY_CEILING  # what OpenSSL may use; it counts a little more


@unique
class Format(StrEnum):
    """The formats that are verified, as their first signs tell them."""

    BETTER_AUTH = "better-auth scrypt"
    BCRYPT = "bcrypt"
    BCRYPT_SHA256 = "bcrypt_sha256"
    PBKDF2_SHA1 = "pbkdf2_sha1"
    PBKDF2_SHA256 = "pbkdf2_sha256"
    SCRYPT = "scrypt"
    ARGON2 = "argon2"


@dataclass(frozen=True, slots=True)
class Foreign:
    """One hash of another library. `work` is what it costs, in a unit of its format."""

    format: Format
    work: int
    salt: bytes = b""
    key: bytes = b""
    cost: tuple[int, int, int] = (0, 0, 0)  # N, r and p of scrypt
    encoded: str = ""  # bcrypt and Argon2 read their own text

    @classmethod
    def of(cls, text: str) -> Foreign | None:
        """Read a stored text; `None` for what is no hash or costs more than one may."""
        if len(text) > LONGEST or not text.isascii():
            return None
        try:
            return next((read for read in (reader(text) for reader in _READERS) if read), None)
        except (ValueError, binascii.Error):
            return None

    def verify(self, password: Secret) -> bool:
        """Tell whether the password is right; raises `ConfigurationError` without `bcrypt`."""
        return _VERIFIERS[self.format](self, _octets(self.format, password.reveal()))

    def decoy(self) -> Foreign:
        """Return a hash that costs the same and that no password is known to have."""
        match self.format:
            case Format.BCRYPT | Format.BCRYPT_SHA256:
                return replace(self, encoded=self.encoded[:7] + "." * 53)
            case Format.ARGON2:
                head, salt, key = self.encoded.rsplit("$", 2)
                return replace(self, encoded=f"{head}${'A' * len(salt)}${'A' * len(key)}")
            case _:
                return replace(self, salt=bytes(len(self.salt)), key=bytes(len(self.key)))

    def short_of(self, decoy: Foreign) -> Foreign | None:
        """Return the work that `decoy` of the same format costs more, if it can be done alone.

        Only PBKDF2 is a plain sum of rounds.
        """
        left = decoy.work - self.work
        return replace(decoy, work=left) if left > 0 and self.key and not any(self.cost) else None


def check_library(text: str) -> None:
    """Raise `ConfigurationError` if a stored text needs a package that is not installed."""
    if needs_bcrypt(text):
        bcrypt_library()


def needs_bcrypt(text: str) -> bool:
    """Tell whether a stored text is a hash that only the `bcrypt` package verifies."""
    foreign = Foreign.of(text)
    return foreign is not None and foreign.format in (Format.BCRYPT, Format.BCRYPT_SHA256)


def has_bcrypt() -> bool:
    """Tell whether the `bcrypt` package is installed."""
    try:
        bcrypt_library()
    except ConfigurationError:
        return False
    return True


def is_foreign(text: str) -> bool:
    """Tell whether a stored text is a hash that is verified here."""
    return Foreign.of(text) is not None


# -- reading


def _better_auth(text: str) -> Foreign | None:
    found = _BETTER_AUTH.fullmatch(text)
    if found is None:
        return None
    # The salt is the text itself and not what its digits stand for.
    salt, key = found[1].encode(), bytes.fromhex(found[2])
    return Foreign(Format.BETTER_AUTH, 16_384 * 16, salt, key, cost=(16_384, 16, 1))


def _bcrypt(text: str) -> Foreign | None:
    kind, encoded = Format.BCRYPT, text
    for prefix in (Format.BCRYPT_SHA256, Format.BCRYPT):
        if text.startswith(f"{prefix}$"):
            kind, encoded = prefix, text[len(prefix) + 1 :]
            break
    found = _BCRYPT.fullmatch(encoded)
    if found is None or not BCRYPT_COST_FLOOR <= int(found[1]) <= BCRYPT_COST_CEILING:
        return None
    return Foreign(kind, 1 << int(found[1]), encoded=encoded)


def _pbkdf2(text: str) -> Foreign | None:
    found = _PBKDF2.fullmatch(text)
    if found is None:
        return None
    iterations, key = int(found[2]), base64.b64decode(found[4], validate=True)
    if iterations > PBKDF2_CEILING or len(key) != _DIGEST_OCTETS[found[1]]:
        return None
    return Foreign(Format(f"pbkdf2_{found[1]}"), iterations, found[3].encode(), key)


def _scrypt(text: str) -> Foreign | None:
    found = _SCRYPT.fullmatch(text)
    if found is None:
        return None
    n, r, p = int(found[1]), int(found[3]), int(found[4])
    key = base64.b64decode(found[5], validate=True)
    power = n > 1 and n & (n - 1) == 0
    if not power or 128 * n * r > SCRYPT_MEMORY_CEILING or n * r * p > SCRYPT_WORK_CEILING:
        return None
    if len(key) != 64:  # noqa: PLR2004 - octets, as Django makes them
        return None
    return Foreign(Format.SCRYPT, n * r * p, found[2].encode(), key, cost=(n, r, p))


def _argon2(text: str) -> Foreign | None:
    """Read Django's spelling; without its prefix a hash is one of Limen's own (see `marked`)."""
    encoded = text.removeprefix("argon2")
    if encoded == text or _ARGON2.fullmatch(encoded) is None:
        return None
    try:
        cost = argon2.extract_parameters(encoded)
    except argon2.exceptions.InvalidHashError:
        return None
    work = cost.memory_cost * cost.time_cost
    if cost.memory_cost > ARGON2_MEMORY_CEILING or not 0 < work <= ARGON2_WORK_CEILING:
        return None
    if not 0 < cost.parallelism <= ARGON2_LANES_CEILING:
        return None
    return Foreign(Format.ARGON2, work, encoded=encoded)


_READERS: Final = (_better_auth, _bcrypt, _pbkdf2, _scrypt, _argon2)


def marked(text: str) -> str:
    """Return a hash of another library as it is kept.

    An Argon2 hash gets Django's prefix, which tells it from Limen's own: the other library
    hashed the password as it was typed, and Limen normalises it first.
    """
    return f"argon2{text}" if text.startswith("$argon2") else text


# -- verifying


def _octets(kind: Format, password: str) -> bytes:
    text = unicodedata.normalize("NFKC", password) if kind is Format.BETTER_AUTH else password
    # A lone surrogate cannot be typed, but it can be sent, and must not raise.
    return text.encode("utf-8", "surrogatepass")


def _by_scrypt(hashed: Foreign, octets: bytes) -> bool:
    n, r, p = hashed.cost
    key = hashlib.scrypt(octets, salt=hashed.salt, n=n, r=r, p=p, dklen=64, maxmem=_MAXMEM)
    return hmac.compare_digest(key, hashed.key)


def _by_pbkdf2(hashed: Foreign, octets: bytes) -> bool:
    digest = hashed.format.removeprefix("pbkdf2_")
    key = hashlib.pbkdf2_hmac(digest, octets, hashed.salt, hashed.work)
    return hmac.compare_digest(key, hashed.key)


def _by_argon2(hashed: Foreign, octets: bytes) -> bool:
    try:
        return argon2.PasswordHasher().verify(hashed.encoded, octets)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def _by_bcrypt(hashed: Foreign, octets: bytes) -> bool:
    if hashed.format is Format.BCRYPT_SHA256:
        octets = hashlib.sha256(octets).hexdigest().encode()
    # bcrypt never saw more, and a C string ends at a NUL: no text behind one may count as right.
    whole = b"\0" not in octets
    right: bool = bcrypt_library().checkpw(octets[:BCRYPT_OCTETS], hashed.encoded.encode())
    return right and whole


def bcrypt_library() -> Any:
    """Return the `bcrypt` package; raises `ConfigurationError` if it is not installed."""
    try:
        import bcrypt  # noqa: PLC0415 - an extra, for those who have such hashes
    except ModuleNotFoundError:
        raise ConfigurationError(
            "bcrypt", "is needed for a stored hash and is not installed.", "Install limen[bcrypt]."
        ) from None
    return bcrypt


_VERIFIERS: Final[Mapping[Format, Callable[[Foreign, bytes], bool]]] = {
    Format.BETTER_AUTH: _by_scrypt,
    Format.BCRYPT: _by_bcrypt,
    Format.BCRYPT_SHA256: _by_bcrypt,
    Format.PBKDF2_SHA1: _by_pbkdf2,
    Format.PBKDF2_SHA256: _by_pbkdf2,
    Format.SCRYPT: _by_scrypt,
    Format.ARGON2: _by_argon2,
}
