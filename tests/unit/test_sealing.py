"""Secrets: which are refused, what they derive, and that an envelope opens in one place only."""

from __future__ import annotations

import secrets as system

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.errors import ConfigurationError, InvalidToken
from limen.sealing import NONCE_OCTETS, Secrets, open_under, seal_under
from limen.secret import Secret
from limen.verdict import Reason

OLD = "uV3n-0p1K7x_Gd5tQeY2rWbL9cZ4mHs8JfAa6iXo"
NEW = "Tq8z_Rk2vB6y-Mn4pW0sXd7hLc9fGj3aUe5oEi1K"
NONCE = bytes(range(NONCE_OCTETS))


@pytest.mark.proves("asvs:13.3.1")
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        [],
        " " * 40,
        OLD[:31],
        "changeme",
        "changemechangemechangemechangemechangeme",
        "your-secret-here-your-secret-goes-here",
        "better-auth-secret-12345678901234567890",
        "my-super-secret-key-change-me-in-production",
        "please-replace-this-secret-with-a-random-string",
        "a" * 64,
        "abcdefghijklmnopq" * 3,
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwx",
        "01020304050607080807060504030201112131",
        '{"kty":"oct","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}',
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v\n-----END PRIVATE KEY-----",
        OLD + "\ud800",
        [NEW, "short"],
        [NEW, NEW],
    ],
)
def test_an_unsafe_secret_is_refused_with_a_remedy(value: str | list[str] | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Secrets.of(value)
    assert caught.value.setting == "secret"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("01020304050607080807060504030201112131", "different characters"),
        (OLD[:31], "31 characters"),
        ("ab" * 30, "repeats"),
        ("better-auth-secret-12345678901234567890", "placeholder"),
        ("-----BEGIN PRIVATE KEY-----", "PEM or JWK"),
        ("", "empty"),
        (None, "missing"),
        (OLD + "\ud800", "Unicode"),
        ([NEW, NEW], "twice"),
    ],
)
def test_each_weakness_is_named(value: str | list[str] | None, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Secrets.of(value)


def test_a_refused_secret_is_not_in_the_error() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Secrets.of("Zk39-Lp0q_shorter")
    assert "Zk39" not in str(caught.value)


@pytest.mark.parametrize("make", [system.token_urlsafe, system.token_hex])
def test_a_random_secret_is_accepted(make) -> None:
    for _ in range(50):
        assert len(Secrets.of(make(48))) == 1


def test_exactly_32_characters_are_enough() -> None:
    assert len(Secrets.of(OLD[:32])) == 1


def test_no_secret_is_in_a_repr() -> None:
    secrets = Secrets.of([NEW, OLD])
    assert repr(secrets) == "<Secrets 2>"
    assert NEW not in repr(secrets._holders)
    assert NEW not in repr(vars(type(secrets)))


def test_each_purpose_and_each_secret_has_its_own_key() -> None:
    secrets = Secrets.of([NEW, OLD])
    assert secrets.derive("one") == Secrets.of(NEW).derive("one")
    assert secrets.derive_each("one") == (
        Secrets.of(NEW).derive("one"),
        Secrets.of(OLD).derive("one"),
    )
    assert len({*secrets.derive_each("one"), *secrets.derive_each("two")}) == 4
    assert len(secrets.derive("one", 20)) == 20


def test_derivation_is_hkdf_sha256_without_salt() -> None:
    # RFC 5869 section 2, written out: extract with a zero salt, expand one block.
    import hashlib
    import hmac

    extracted = hmac.digest(b"\0" * 32, OLD.encode(), hashlib.sha256)
    expanded = hmac.digest(extracted, b"purpose\x01", hashlib.sha256)
    assert Secrets.of(OLD).derive("purpose") == expanded


@given(plain=st.binary(max_size=200), context=st.binary(max_size=50))
@settings(max_examples=50, deadline=None)
def test_what_is_sealed_opens_again(plain: bytes, context: bytes) -> None:
    secrets = Secrets.of(OLD)
    sealed = secrets.seal(plain, "purpose", context, NONCE)
    assert secrets.open(sealed, "purpose", context) == plain
    assert len(sealed) == 1 + 8 + 12 + len(plain) + 16


@pytest.mark.proves("asvs:13.3.4", "asvs:11.2.2", "attack:50")
def test_an_older_secret_still_opens_and_the_newest_seals() -> None:
    before = Secrets.of(OLD).seal(b"plain", "purpose", b"", NONCE)
    rotated = Secrets.of([NEW, OLD])
    assert rotated.open(before, "purpose", b"") == b"plain"
    assert not rotated.sealed_by_newest(before)
    after = rotated.seal(b"plain", "purpose", b"", NONCE)
    assert rotated.sealed_by_newest(after)
    assert Secrets.of(NEW).open(after, "purpose", b"") == b"plain"


def test_a_forgotten_secret_is_named_as_the_cause() -> None:
    sealed = Secrets.of(OLD).seal(b"plain", "purpose", b"", NONCE)
    with pytest.raises(ConfigurationError, match="under another secret") as caught:
        Secrets.of(NEW).open(sealed, "purpose", b"")
    assert caught.value.setting == "secret"
    assert "newest first" in caught.value.remedy


@pytest.mark.parametrize(("purpose", "context"), [("other", b"here"), ("purpose", b"there")])
def test_an_envelope_opens_for_its_purpose_and_place_only(purpose: str, context: bytes) -> None:
    secrets = Secrets.of(OLD)
    sealed = secrets.seal(b"plain", "purpose", b"here", NONCE)
    with pytest.raises(ConfigurationError, match="was changed"):
        secrets.open(sealed, purpose, context)


@pytest.mark.proves("asvs:11.3.3")
def test_every_changed_byte_of_an_envelope_is_noticed() -> None:
    secrets = Secrets.of(OLD)
    sealed = secrets.seal(b"plain", "purpose", b"", NONCE)
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(ConfigurationError):
            secrets.open(changed, "purpose", b"")
    for length in range(len(sealed)):
        with pytest.raises(ConfigurationError):
            secrets.open(sealed[:length], "purpose", b"")


def test_a_nonce_of_another_length_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="nonce"):
        Secrets.of(OLD).seal(b"plain", "purpose", b"", b"short")


def test_only_the_holder_opens_what_was_sealed_under_it() -> None:
    sealed = seal_under(Secret("lmr_one"), b"successor", NONCE)
    assert b"successor" not in sealed
    assert open_under(Secret("lmr_one"), sealed) == b"successor"
    with pytest.raises(InvalidToken) as caught:
        open_under(Secret("lmr_two"), sealed)
    assert caught.value.reason is Reason.MALFORMED


@given(st.binary(max_size=80), st.text(max_size=20))
@settings(max_examples=100, deadline=None)
def test_opening_garbage_under_a_holder_raises_nothing_else(sealed: bytes, text: str) -> None:
    with pytest.raises(InvalidToken):
        open_under(Secret(text + "\ud800"), sealed)
    with pytest.raises(InvalidToken):
        open_under(Secret(text), b"\x01" + sealed)
