"""Hashes of other libraries: known answers, costs with a ceiling, equal work for what fails."""

from __future__ import annotations

import base64
import hashlib
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import argon2
import bcrypt
import pytest

from limen import BlockingLimen, Reason, Refused
from limen.account import Account, Newcomer
from limen.errors import ConfigurationError
from limen.foreign_hashes import Foreign, Format, is_foreign, marked
from limen.operations import Imported
from limen.passwords import CHEAPEST, PasswordHasher, is_verifiable
from limen.secret import Secret
from limen.stores.memory import BlockingMemoryStore

BETTER_AUTH = (
    "00112233445566778899aabbccddeeff:73122e887cfc14f91396cdef78dfe4b9dec28d459037601c4904cedba5a6"
    "37ab97b39b40c236df5d42881d0109ca8cf0f85e39dbaba2911c190915bd8f30fe85"
)
RIGHT, WRONG = Secret("password123"), Secret("password124")
KEY32 = base64.b64encode(bytes(32)).decode()
KEY64 = base64.b64encode(bytes(64)).decode()
BCRYPT = "$2b$04$" + "." * 53
SALT = b"$2b$04$abcdefghijklmnopqrstuu"  # the same in every process that collects these
ARGON2 = "argon2$argon2id$v=19$m={},t={},p={}$c29tZXNhbHRzYWx0$" + "A" * 43


def pbkdf2(password: str, iterations: int, salt: str = "seasalt") -> str:
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return f"pbkdf2_sha256${iterations}${salt}${base64.b64encode(key).decode()}"


def better_auth(password: str) -> str:
    salt = "00112233445566778899aabbccddeeff"
    key = hashlib.scrypt(
        password.encode(), salt=salt.encode(), n=16_384, r=16, p=1, dklen=64, maxmem=2**26
    )
    return f"{salt}:{key.hex()}"


def hashed_by_bcrypt(password: bytes, prefix: str = "2b") -> str:
    return f"${prefix}$" + bcrypt.hashpw(password, SALT).decode()[4:]


def verified(text: str, password: str) -> bool:
    found = Foreign.of(text)
    assert found is not None, text
    return found.verify(Secret(password))


@pytest.mark.parametrize(
    "known",
    [
        BETTER_AUTH,
        pbkdf2("password123", 1_000),
        *(hashed_by_bcrypt(b"password123", prefix) for prefix in ("2a", "2b", "2y")),
        "bcrypt$" + hashed_by_bcrypt(b"password123"),
        "bcrypt_sha256$" + hashed_by_bcrypt(hashlib.sha256(b"password123").hexdigest().encode()),
        marked(argon2.PasswordHasher(1, 64, 1).hash("password123", salt=bytes(16))),
        marked(
            argon2.PasswordHasher(1, 64, 1, type=argon2.Type.I).hash("password123", salt=bytes(16))
        ),
    ],
)
def test_a_hash_is_verified_and_is_to_be_made_anew(known: str) -> None:
    hasher = PasswordHasher(CHEAPEST)
    assert is_verifiable(known)
    assert hasher.verify(RIGHT, known) == (True, True)
    assert hasher.verify(WRONG, known) == (False, False)


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        (Format.BETTER_AUTH, BETTER_AUTH),
        (Format.BCRYPT, BCRYPT),
        (Format.BCRYPT, "bcrypt$" + BCRYPT.replace("04", "14")),
        (Format.BCRYPT_SHA256, "bcrypt_sha256$" + BCRYPT),
        (Format.PBKDF2_SHA256, f"pbkdf2_sha256$4000000$s${KEY32}"),
        (Format.SCRYPT, f"scrypt$131072$s$8$1${KEY64}"),
        (Format.SCRYPT, f"scrypt$16384$s$8$5${KEY64}"),
        (Format.ARGON2, ARGON2.format(262_144, 4, 1)),
        (Format.ARGON2, ARGON2.format(102_400, 2, 8)),
    ],
)
def test_what_libraries_make_is_within_the_ceilings(format_: Format, text: str) -> None:
    found = Foreign.of(text)
    assert found is not None
    assert found.format is format_


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password123",
        "md5$salt$d41d8cd98f00b204e9800998ecf8427e",
        "!unusable",
        BETTER_AUTH[:-1],
        BETTER_AUTH.upper(),
        BETTER_AUTH + "\n",
        BCRYPT[:-1],
        BCRYPT.replace("$04$", "$03$"),
        BCRYPT.replace("$04$", "$15$"),
        BCRYPT.replace("$04$", "$31$"),
        BCRYPT.replace("$2b$", "$2x$"),
        f"pbkdf2_sha256$4000001$s${KEY32}",
        f"pbkdf2_sha256$999999999999$s${KEY32}",
        f"pbkdf2_sha256$0$s${KEY32}",
        f"pbkdf2_sha256$-1$s${KEY32}",
        f"pbkdf2_sha1$1000$s${KEY32}",
        f"pbkdf2_sha256$1000$s${KEY32[:-1]}",
        f"pbkdf2_sha512$1000$s${KEY64}",
        f"scrypt$262144$s$8$1${KEY64}",
        f"scrypt$1048576$s$1$9${KEY64}",
        f"scrypt$16384$s$8$9${KEY64}",
        f"scrypt$16383$s$8$1${KEY64}",
        f"scrypt$1$s$8$1${KEY64}",
        f"scrypt$16384$s$8$1${KEY32}",
        ARGON2.format(262_145, 1, 1),
        ARGON2.format(262_144, 5, 1),
        ARGON2.format(64, 999_999, 1),
        ARGON2.format(1_024, 1, 17),
        ARGON2.format(0, 1, 1),
        ARGON2.format(1_024, 1, 1).replace("id$", "d$"),
        "x" * 513,
    ],
)
def test_what_is_no_hash_or_costs_too_much_verifies_nothing(text: str) -> None:
    assert not is_foreign(text)
    assert not is_verifiable(text)
    assert PasswordHasher(CHEAPEST).verify(RIGHT, text) == (False, False)


def test_bcrypt_saw_the_first_72_octets_and_nothing_more() -> None:
    long = "x" * 72
    assert verified(hashed_by_bcrypt(long.encode()), long + "whatever follows")
    assert not verified(hashed_by_bcrypt(long.encode()), long[:-1])
    # The limit is one of octets, and may fall into the middle of a character.
    umlauts = "ü" * 40
    assert verified(hashed_by_bcrypt(umlauts.encode()[:72]), umlauts)


def test_nothing_hides_behind_a_nul() -> None:
    assert not verified(hashed_by_bcrypt(b"secret"), "secret\0anything")


@pytest.mark.parametrize(
    ("make", "normalises"),
    [
        (better_auth, True),
        (lambda text: pbkdf2(text, 10), False),
        (lambda text: hashed_by_bcrypt(text.encode()), False),
        (lambda text: marked(argon2.PasswordHasher(1, 64, 1).hash(text)), False),
    ],
)
def test_a_password_counts_as_the_other_library_counted_it(
    make: Callable[[str], str], normalises: bool
) -> None:
    composed, decomposed = "pass\u00e9 word", "passe\u0301 word"
    assert verified(make(composed), composed)
    assert verified(make(composed), decomposed) is normalises
    assert verified(make(decomposed), decomposed) is not normalises
    assert verified(make(composed), "\ud800") is False


def test_a_hash_that_needs_bcrypt_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    hasher = PasswordHasher(CHEAPEST)
    with pytest.raises(ConfigurationError, match=r"limen\[bcrypt\]"):
        hasher.verify(RIGHT, BCRYPT)
    assert hasher.verify(RIGHT, None) == (False, False)


def work_of(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch, password: Secret, against: str | None
) -> dict[str, int]:
    """Return how much work of each kind one verification does."""
    spent: dict[str, int] = {}

    def counted(self: Foreign, password: Secret) -> bool:
        spent[self.format] = spent.get(self.format, 0) + self.work
        return real(self, password)

    real = Foreign.verify
    with monkeypatch.context() as patched:
        patched.setattr(Foreign, "verify", counted)
        own = hasher._argon2

        class Own:
            def verify(self, *args: object) -> object:
                spent["own"] = spent.get("own", 0) + 1
                return own.verify(*args)  # type: ignore[arg-type]

            check_needs_rehash = own.check_needs_rehash

        hasher._argon2 = Own()  # type: ignore[assignment]
        try:
            assert hasher.verify(password, against) == (False, False)
        finally:
            hasher._argon2 = own
    return spent


@pytest.mark.proves("attack:67")
def test_whatever_fails_costs_the_same_once_a_foreign_hash_was_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hasher = PasswordHasher(CHEAPEST)
    own = hasher.hash(RIGHT, bytes(16))
    assert work_of(hasher, monkeypatch, WRONG, None) == {"own": 1}
    cheap, dear = pbkdf2("password123", 1_000), pbkdf2("password123", 5_000)
    scrypt = hashlib.scrypt(b"x", salt=b"s", n=1_024, r=8, p=1, dklen=64)
    other = f"scrypt$1024$s$8$1${base64.b64encode(scrypt).decode()}"
    for met in (cheap, dear, other):
        assert hasher.verify(WRONG, met) == (False, False)
    expected = {"own": 1, "pbkdf2_sha256": 5_000, "scrypt": 8_192}
    for against in (None, "no hash", own, cheap, dear, other):
        assert work_of(hasher, monkeypatch, WRONG, against) == expected, against


@pytest.mark.parametrize(
    "text",
    [
        BETTER_AUTH,
        BCRYPT,
        "bcrypt_sha256$" + BCRYPT,
        pbkdf2("x", 10),
        f"scrypt$1024$s$8$1${KEY64}",
        ARGON2.format(64, 1, 1),
    ],
)
def test_a_decoy_costs_the_same_and_has_no_password(text: str) -> None:
    found = Foreign.of(text)
    assert found is not None
    decoy = found.decoy()
    assert (decoy.format, decoy.work, decoy.cost) == (found.format, found.work, found.cost)
    assert len(decoy.salt) == len(found.salt)
    assert not decoy.verify(RIGHT)
    assert found.short_of(decoy) is None


class Counting(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def log() -> Iterator[list[str]]:
    handler = Counting()
    logging.getLogger("limen").addHandler(handler)
    yield handler.lines
    logging.getLogger("limen").removeHandler(handler)


def test_without_its_package_a_hash_looks_like_a_wrong_password_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    account = Account("usr_bea", "bea@example.org", "Bea", 1, 1)
    newcomer = Newcomer(account, bcrypt.hashpw(b"password123", SALT).decode())
    options = {"secret": "k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq", "argon2": CHEAPEST}
    with BlockingLimen("session", store=BlockingMemoryStore(), **options) as auth:
        assert auth.import_account(newcomer) is Imported.ADDED
        monkeypatch.setitem(sys.modules, "bcrypt", None)
        wrong = auth.sign_in("nobody@example.org", "password123")
        assert auth.sign_in("bea@example.org", "password123") == wrong
        assert wrong == Refused(Reason.BAD_CREDENTIALS)
        assert any("limen[bcrypt]" in line for line in log)
        with pytest.raises(ConfigurationError, match="bcrypt"):
            auth.import_account(replace(newcomer, account=replace(account, id="usr_cem")))
