"""Hashing: equal work for everybody. Choosing: the rules of ASVS chapter 6.2."""

from __future__ import annotations

import argon2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.errors import ConfigurationError
from limen.passwords import (
    CHEAPEST,
    OWASP_2025,
    RFC_9106_LOW_MEMORY,
    SALT_OCTETS,
    Argon2Parameters,
    PasswordHasher,
    PasswordPolicy,
    known_passwords,
)
from limen.secret import Secret
from limen.verdict import Reason

SALT = bytes(range(SALT_OCTETS))
HASHER = PasswordHasher(CHEAPEST)
POLICY = PasswordPolicy()
ADDRESS = "ada.lovelace@example.org"


def refusal(text: str, policy: PasswordPolicy = POLICY) -> Reason | None:
    return policy.refusal_of(Secret(text), ADDRESS)


@pytest.mark.proves("asvs:11.4.2")
@pytest.mark.parametrize(
    ("parameters", "prefix"),
    [
        (OWASP_2025, "$argon2id$v=19$m=19456,t=2,p=1$"),
        (RFC_9106_LOW_MEMORY, "$argon2id$v=19$m=65536,t=3,p=4$"),
        (CHEAPEST, "$argon2id$v=19$m=8,t=1,p=1$"),
    ],
)
def test_a_preset_has_the_parameters_of_its_source(
    parameters: Argon2Parameters, prefix: str
) -> None:
    hasher = PasswordHasher(parameters)
    encoded = hasher.hash(Secret("correct horse"), SALT)
    assert encoded.startswith(prefix)
    assert hasher.verify(Secret("correct horse"), encoded) == (True, False)
    assert hasher.verify(Secret("correct horses"), encoded) == (False, False)


@pytest.mark.proves("asvs:11.4.2")
def test_the_default_is_the_owasp_preset() -> None:
    assert "$m=19456,t=2,p=1$" in PasswordHasher().hash(Secret("x"), SALT)


@pytest.mark.proves("nist:12")
def test_the_salt_is_what_was_given() -> None:
    one = HASHER.hash(Secret("password"), SALT)
    assert one == HASHER.hash(Secret("password"), SALT)
    assert one != HASHER.hash(Secret("password"), SALT[::-1])
    for salt in (b"", SALT[:-1], SALT + b"\0"):
        with pytest.raises(ValueError, match="salt"):
            HASHER.hash(Secret("password"), salt)


@pytest.mark.proves("asvs:11.2.2")
def test_a_hash_of_other_parameters_is_right_but_outdated() -> None:
    encoded = PasswordHasher(Argon2Parameters(16, 2, 1)).hash(Secret("password"), SALT)
    assert HASHER.verify(Secret("password"), encoded) == (True, True)
    assert HASHER.verify(Secret("passwore"), encoded) == (False, False)


@pytest.mark.proves("asvs:6.2.8")
@pytest.mark.parametrize(
    "received",
    [" password", "password ", "Password", "password\n", "passwor", "passwordd", "password\0", ""],
)
def test_a_password_counts_as_it_was_received(received: str) -> None:
    encoded = HASHER.hash(Secret("password"), SALT)
    assert HASHER.verify(Secret(received), encoded) == (False, False)


@pytest.mark.proves("asvs:6.2.8", "nist:10")
def test_nothing_is_cut_from_a_long_password() -> None:
    encoded = HASHER.hash(Secret("x" * 5000 + "a"), SALT)
    assert HASHER.verify(Secret("x" * 5000 + "b"), encoded) == (False, False)
    assert HASHER.verify(Secret("x" * 5000 + "a"), encoded) == (True, False)


@pytest.mark.proves("nist:12")
@pytest.mark.parametrize(
    ("chosen", "typed"), [("caf\u00e9-noir", "cafe\u0301-noir"), ("\uff41bcdefgh", "abcdefgh")]
)
def test_one_password_typed_on_two_keyboards_is_one(chosen: str, typed: str) -> None:
    assert HASHER.verify(Secret(typed), HASHER.hash(Secret(chosen), SALT)) == (True, False)


NO_HASH = [
    None,
    "",
    "x",
    "$2b$12$abcdefghijklmnopqrstuv",
    "$argon2id$",
    "$argon2id$v=19$m=8,t=1,p=1$AAAA",
    "$argon2id$v=19$m=8,t=1,p=1$$",
    "$argon2id$v=19$m=8,t=1,p=1$!!!!$!!!!",
    "$argon2id$v=19$m=1048577,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43,
    "$argon2id$v=19$m=8,t=65,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43,
    "$argon2i$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$AAAA",
    "$argon2id$v=19$m=8,t=1,p=1$é$é",
]


@pytest.mark.proves("asvs:6.3.8", "attack:67")
@pytest.mark.parametrize("against", NO_HASH)
def test_no_hash_does_the_same_work_and_fails(
    against: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Counts the work without replacing it: each verification still runs.
    worked: list[str] = []
    real = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, encoded: str | bytes, password: str | bytes) -> bool:
        try:
            return real(self, encoded, password)
        except argon2.exceptions.VerifyMismatchError:
            worked.append(str(encoded))
            raise

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    assert HASHER.verify(Secret("password"), against) == (False, False)
    assert len(worked) == 1
    assert worked[0].startswith("$argon2id$v=19$m=8,t=1,p=1$")


@given(password=st.text(max_size=30), against=st.none() | st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_nothing_that_is_received_raises(password: str, against: str | None) -> None:
    odd = Secret(password + "\ud800")
    assert HASHER.verify(odd, against) == (False, False)
    assert HASHER.verify(odd, HASHER.hash(odd, SALT)) == (True, False)
    PasswordPolicy().refusal_of(odd, password)


@pytest.mark.proves("asvs:6.2.1", "nist:10")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Reason.PASSWORD_TOO_SHORT),
        ("xk3!vbQ", Reason.PASSWORD_TOO_SHORT),
        ("xk3!vbQz", None),
        ("ß" * 7, Reason.PASSWORD_TOO_SHORT),
        ("\U0001f600" * 7, Reason.PASSWORD_TOO_SHORT),
        ("\U0001f600\U0001f680" * 4, None),
        ("e\u0301" * 4, Reason.PASSWORD_TOO_SHORT),
        ("\ufdfa", Reason.PASSWORD_TOO_SHORT),
        ("ab" * 64, None),
        ("ab" * 64 + "c", Reason.PASSWORD_TOO_LONG),
        ("\ufdfa" * 20, Reason.PASSWORD_TOO_LONG),
    ],
)
def test_length_is_counted_in_characters(text: str, expected: Reason | None) -> None:
    assert refusal(text) is expected


@pytest.mark.proves("asvs:6.2.5", "nist:10")
@pytest.mark.parametrize(
    "text",
    [
        "just lower case words",
        "83619405726",
        "UPPERCASEONLYHERE",
        "        spaces        ",
        "Ünïcödé ☃",
    ],
)
def test_there_are_no_rules_of_composition(text: str) -> None:
    assert refusal(text) is None


@pytest.mark.proves("asvs:6.2.4", "nist:11")
@pytest.mark.parametrize(
    "text", ["password1", "PassWord1", "PASSWORD1", "iloveyou1", "\uff50assword1", "qwertyuiop"]
)
def test_a_common_password_is_refused_in_any_case(text: str) -> None:
    assert refusal(text) is Reason.PASSWORD_TOO_COMMON
    assert refusal(text, PasswordPolicy(blocklist=False)) is None


@pytest.mark.proves("nist:11")
def test_the_whole_password_is_compared_not_a_part() -> None:
    assert refusal("password1-but-with-more-to-it") is None


@pytest.mark.proves("asvs:6.2.11")
@pytest.mark.parametrize(
    "text", [ADDRESS, "ada.lovelace", "Ada.Lovelace", "ADA.LOVELACE@EXAMPLE.ORG"]
)
def test_the_persons_own_address_is_refused(text: str) -> None:
    assert refusal(text) is Reason.PASSWORD_TOO_COMMON


@pytest.mark.proves("asvs:6.2.4")
def test_at_least_3000_entries_satisfy_the_length_rule() -> None:
    # ASVS 6.2.4
    listed = known_passwords()
    assert len(listed) >= 3000
    assert min(map(len, listed)) >= 8
    assert all(refusal(one) is Reason.PASSWORD_TOO_COMMON for one in listed if len(one) <= 128)


@pytest.mark.proves("asvs:6.2.1", "asvs:6.2.9", "nist:10")
@pytest.mark.parametrize(("minimum", "maximum"), [(7, 128), (0, 128), (8, 63), (80, 70)])
def test_a_policy_weaker_than_asvs_allows_is_refused(minimum: int, maximum: int) -> None:
    with pytest.raises(ConfigurationError, match="password m"):
        PasswordPolicy(minimum, maximum)


@pytest.mark.proves("asvs:6.2.9")
def test_the_strictest_and_the_laxest_policy() -> None:
    assert PasswordPolicy(8, 64).maximum == 64
    strict = PasswordPolicy(15)
    assert refusal("fourteen-chars", strict) is Reason.PASSWORD_TOO_SHORT
    assert refusal("fifteen-chars-x", strict) is None
