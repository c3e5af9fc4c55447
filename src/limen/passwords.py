"""Hashing passwords, and refusing bad ones when they are chosen.

The only module that makes Argon2 hashes. Randomness is an argument: whoever hashes brings the
salt. Hashes of other libraries are only verified, see `limen.foreign_hashes`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, TypeAlias, final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from limen.errors import ConfigurationError
from limen.foreign_hashes import Foreign
from limen.secret import Secret
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.foreign_hashes import Format

SALT_OCTETS: Final = 16  # RFC 9106 section 3.1
HASH_OCTETS: Final = 32
LEAST_MINIMUM: Final = 8  # characters; ASVS 6.2.1
LEAST_MAXIMUM: Final = 64  # characters; ASVS 6.2.9, NIST SP 800-63B-4 section 3.1.1.2

PREFIX_DIGITS: Final = 5  # of a digest that may leave the process: what k-anonymity asks for
LEAST_WORD: Final = 4  # characters; shorter ones stand in too many good passwords
LEAST_OWN: Final = 4  # characters that a password needs besides words of its context
# Given five digits of a SHA-1 digest, returns the other 35 of each breached password.
Breached: TypeAlias = Callable[[str], Collection[str] | Awaitable[Collection[str]]]
_YEARS: Final = re.compile(r"(?<!\d)\d{1,4}(?!\d)|[\W_]")  # what people put around a word

# A stored hash says what verifying it costs. Beyond these it is not one of ours.
_MEMORY_CEILING: Final = 1_048_576  # KiB, which is 1 GiB
_TIME_CEILING: Final = 64
_LANES_CEILING: Final = 64


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """What one Argon2id hash costs: memory in KiB, passes over it, and lanes."""

    memory: int
    passes: int
    lanes: int


OWASP_2025: Final = Argon2Parameters(19_456, 2, 1)  # OWASP Password Storage Cheat Sheet
RFC_9106_LOW_MEMORY: Final = Argon2Parameters(65_536, 3, 4)  # RFC 9106 section 4
CHEAPEST: Final = Argon2Parameters(8, 1, 1)  # tests only


@final
class PasswordHasher:
    """Hashes and verifies with Argon2id (ASVS 11.4.2). Blocks for tens of milliseconds.

    A password is normalised to NFKC first (NIST SP 800-63B-4 section 3.1.1.2), so that one
    password typed on two keyboards is one password. Otherwise it counts exactly as it was
    received: nothing is trimmed, cut or folded (ASVS 6.2.8).
    """

    __slots__ = ("_argon2", "_decoys", "_dummy")

    def __init__(self, parameters: Argon2Parameters = OWASP_2025) -> None:
        self._argon2 = argon2.PasswordHasher(
            time_cost=parameters.passes,
            memory_cost=parameters.memory,
            parallelism=parameters.lanes,
            hash_len=HASH_OCTETS,
            salt_len=SALT_OCTETS,
        )
        # No password is known to hash to zeros, but finding that out costs a whole hash.
        self._dummy = (
            f"$argon2id$v={argon2.low_level.ARGON2_VERSION}$m={parameters.memory}"
            f",t={parameters.passes},p={parameters.lanes}${'A' * 22}${'A' * 43}"
        )
        # The costliest hash of another library that was met, of each format.
        self._decoys: dict[Format, Foreign] = {}

    def hash(self, password: Secret, salt: bytes) -> str:
        """Return the encoded hash. `salt` is 16 random bytes, fresh for each hash."""
        if len(salt) != SALT_OCTETS:
            raise ValueError(f"a salt has {SALT_OCTETS} bytes")
        return self._argon2.hash(octets_of_password(password), salt=salt)

    def verify(self, password: Secret, against: str | None) -> tuple[bool, bool]:
        """Tell whether the password is right, and whether its hash should be made anew.

        `None` (there is no such account) and a text that is no hash of ours do the work of
        one verification and fail, so that time does not tell them from a wrong password.

        A hash of another library is verified too, and is always to be made anew. From then on
        whatever fails does that work as well, until the process ends: otherwise time would
        tell who has an account that was imported and not used since. Raises
        `ConfigurationError` if that needs a package that is not installed.
        """
        foreign = None if against is None else Foreign.of(against)
        if foreign is not None:
            try:
                right = foreign.verify(password)
            except ConfigurationError:
                self._fail(password)  # the client must not see that this account is another one
                raise
            self._learn(foreign)
            return (True, True) if right else self._fail(password, foreign)
        if against is None or not _acceptable(against):
            return self._fail(password)
        try:
            self._argon2.verify(against, octets_of_password(password))
        except VerifyMismatchError:
            self._spend(password)
            return False, False
        except (VerificationError, InvalidHashError):
            return self._fail(password)
        return True, self._argon2.check_needs_rehash(against)

    def _learn(self, foreign: Foreign) -> None:
        met = self._decoys.get(foreign.format)
        if met is None or foreign.work > met.work:
            # Another dictionary: a second thread may be going through this one.
            self._decoys = {**self._decoys, foreign.format: foreign.decoy()}

    def _fail(self, password: Secret, done: Foreign | None = None) -> tuple[bool, bool]:
        with suppress(VerificationError):
            self._argon2.verify(self._dummy, octets_of_password(password))
        self._spend(password, done)
        return False, False

    def _spend(self, password: Secret, done: Foreign | None = None) -> None:
        """Do the work of every foreign format that was met, but for what is `done`."""
        for kind, decoy in self._decoys.items():
            due = decoy if done is None or done.format is not kind else done.short_of(decoy)
            if due is not None:
                due.verify(password)


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a newly chosen password must be. Lengths are in characters (code points).

    The default minimum of 8 is the least that ASVS 6.2.1 allows. Set 15 where the password
    is the only factor: NIST SP 800-63B-4 section 3.1.1.2 requires it, and ASVS strongly
    recommends it. There are no rules of composition (ASVS 6.2.5). With `blocklist` the
    whole password is compared, in any case, with the shipped list of common ones (ASVS
    6.2.4) and with the person's own e-mail address, and refused if it is made of nothing but
    `context_words`, parts of their address or username, and a number or a sign (ASVS 6.2.11).
    Limen adds the words of the issuer and of its own address.

    `breached` gets the first five hexadecimal digits of a SHA-1 digest and returns the other 35,
    in capitals, of every breached password that begins so (ASVS 6.2.12), awaited or not;
    `limen.breaches.BreachRange` asks a service. If it fails the password is taken and the fault
    logged; with `breached_required` the answer is 503.

    Raises `ConfigurationError` for a minimum below 8, a maximum below 64 or a short word.
    """

    minimum: int = 8
    maximum: int = 128
    blocklist: bool = True
    context_words: Sequence[str] = ()
    breached: Breached | None = field(default=None, repr=False)
    breached_required: bool = False

    def __post_init__(self) -> None:
        if self.minimum < LEAST_MINIMUM:
            raise ConfigurationError(
                "password minimum", f"is below {LEAST_MINIMUM}.", "Set 8 or more, best 15."
            )
        if self.maximum < max(LEAST_MAXIMUM, self.minimum):
            raise ConfigurationError(
                "password maximum",
                f"is below {max(LEAST_MAXIMUM, self.minimum)}.",
                "Leave it at 128, so that long passphrases fit.",
            )

        if isinstance(self.context_words, str) or any(
            len(word) < LEAST_WORD for word in self.context_words
        ):
            raise ConfigurationError(
                "password context_words",
                f"is no list of words of {LEAST_WORD} characters or more.",
                "List such as your company and product are called.",
            )

    def refusal_of(
        self, password: Secret, email: str, username: str | None = None
    ) -> Reason | None:
        """Say why a new password is refused, `None` if it is good."""
        received = password.reveal()
        normal = unicodedata.normalize("NFKC", received)
        # Normalising may join characters or take them apart; neither helps past a limit.
        if min(len(received), len(normal)) < self.minimum:
            return Reason.PASSWORD_TOO_SHORT
        if max(len(received), len(normal)) > self.maximum:
            return Reason.PASSWORD_TOO_LONG
        if self.blocklist and (
            _is_common(normal, email)
            or _says_nothing_new(normal, (*self.context_words, *_words_of(email, username)))
        ):
            return Reason.PASSWORD_TOO_COMMON
        return None


@lru_cache(maxsize=1)
def known_passwords() -> frozenset[str]:
    """Return the shipped list, case folded; `data/README.md` says where it comes from."""
    text = files("limen").joinpath("data", "common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line.casefold() for line in text.splitlines())


def _is_common(normal: str, email: str) -> bool:
    folded = normal.casefold()
    address = unicodedata.normalize("NFKC", email).casefold()
    return folded in {address, address.partition("@")[0]} or folded in known_passwords()


def _words_of(email: str, username: str | None) -> list[str]:
    """Return the words that a person is known by."""
    named = email.partition("@")[0] + " " + (username or "")
    return [named, *re.split(r"[\W_]+", named)]


def _says_nothing_new(normal: str, words: Iterable[str]) -> bool:
    """Tell whether a password is made of these words and what people put around them."""
    folded = left = normal.casefold()
    known = {unicodedata.normalize("NFKC", word).casefold().strip() for word in words}
    for word in sorted(known, key=len, reverse=True):
        if len(word) >= LEAST_WORD:
            left = left.replace(word, " ")
    return left != folded and len(_YEARS.sub("", left)) < LEAST_OWN


def words_of_hosts(*urls: str | None) -> tuple[str, ...]:
    """Return the words in the names of hosts that a password must not be made of."""
    found: dict[str, None] = {}
    for url in urls:
        host = re.sub(r"^[a-z]+://", "", (url or "").casefold()).partition("/")[0]
        for word in re.split(r"[\W_]+", host.rpartition(":")[0] or host):
            if len(word) >= LEAST_WORD and not word.isdecimal():
                found[word] = None
    return tuple(found)


def digits_of(password: Secret) -> tuple[str, str]:
    """Return the part of a digest that may leave the process, and the part that may not.

    SHA-1, because the lists of breached passwords are kept so; it protects nothing here.
    """
    digest = hashlib.sha1(octets_of_password(password), usedforsecurity=False).hexdigest().upper()
    return digest[:PREFIX_DIGITS], digest[PREFIX_DIGITS:]


def octets_of_password(password: Secret) -> bytes:
    """Return what is hashed: one password has one spelling (NFKC)."""
    # A lone surrogate cannot be typed, but it can be sent, and must not raise.
    return unicodedata.normalize("NFKC", password.reveal()).encode("utf-8", "surrogatepass")


def _acceptable(encoded: str) -> bool:
    """Tell whether a text is an Argon2id hash that costs no more than one may."""
    if not encoded.isascii() or not encoded.startswith("$argon2id$"):
        return False
    try:
        cost = argon2.extract_parameters(encoded)
    except InvalidHashError:
        return False
    return (
        cost.memory_cost <= _MEMORY_CEILING
        and cost.time_cost <= _TIME_CEILING
        and cost.parallelism <= _LANES_CEILING
    )


def is_verifiable(encoded: str) -> bool:
    """Tell whether a stored text is a hash that some password can be verified against."""
    return _acceptable(encoded) or Foreign.of(encoded) is not None
