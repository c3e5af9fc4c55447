"""Encrypted tokens: the keys are those of the other servers, and only the exact form is read."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.entropy import SystemEntropy
from limen.errors import InvalidToken
from limen.jwe import MAXIMUM_LENGTH, TOLERANCE, TokenKeys
from limen.verdict import Reason

NOW = 1_800_000_000_000
HOUR = 3_600_000
ENTROPY = SystemEntropy()
CLAIMS = {"name": "Adé", "email": None, "sub": "1", "sid": "s1"}
KINDS = {
    "v5": TokenKeys.auth_js(["secret"], "authjs.session-token"),
    "v4": TokenKeys.next_auth(["secret"]),
    "better-auth": TokenKeys.better_auth(["secret"]),
}
# By another implementation of HKDF (RFC 5869) and of the thumbprint (RFC 7638).
KNOWN = [
    (
        TokenKeys.auth_js(["secret"], "authjs.session-token"),
        (
            "b1ef6cdd915c44c0a71232574a6a70546a5e16d12bb38df4638e3b96bdd32025"
            "131e90695ff072a9d148f1511c7a4981a85b63a628311da1fa7ccfc49c47c2bb"
        ),
        "7x9DUMVaEU6giab0l0OWDt4e4SsRH_cbwMof2EzEyy6onK5o8xSPPB799RVoqm2v6z674kQCv9jom2T8S-a1dQ",
    ),
    (
        TokenKeys.auth_js(["secret"], "__Secure-authjs.session-token"),
        (
            "0d8bf2d720367891eda6b7cc8f1960cf3fac4c0e5972e05c0ea71f835d01d69a"
            "60b8d258a71a473d46b0eec5ed3dfe45a7bcfbe54ccfa14f50206f3af0f777f5"
        ),
        "7E3YIGAxRtn6djTGy1UjZrFvXELHKzM9vfWl0nQ4b88EsnrmmX0grN0VKis7G3fjgB626TXm_lEtBG1N0E7Xyg",
    ),
    (
        TokenKeys.next_auth(["secret"]),
        "9ab5058ebf5be88f82f4aee99d22cf8be7a34a4af1836299d0668f4d83020f5a",
        None,
    ),
    (
        TokenKeys.better_auth(["better-auth.secret"]),
        (
            "8d8104de9d9e3e8be42358e79fb4121bb9d42cc5f34fabde3e0aa32ad6f87552"
            "549c2c73bce385f2228f7889d29db9d5b460be5880fe5a4795ad708b310b4cf0"
        ),
        "4fg26b3RJXe_zcyZBrp8QSnjZzk4Vd7tkz3_7wu03fw",
    ),
]


def issued(keys: TokenKeys, **claims: object) -> str:
    claims = {**CLAIMS, **claims}
    return keys.encrypt(claims, now=NOW, lifetime=HOUR, entropy=ENTROPY).reveal()


def refusal(keys: TokenKeys, token: str, now: int = NOW, tolerance: int = TOLERANCE) -> Reason:
    with pytest.raises(InvalidToken) as caught:
        keys.decrypt(token, now=now, tolerance=tolerance)
    return caught.value.reason


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def header_of(token: str) -> dict[str, str]:
    head = token.partition(".")[0]
    return json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))


def sealed_with(keys: TokenKeys, payload: bytes) -> str:
    key = keys._keys[0]
    return key.encrypt(payload, ENTROPY.octets(key.encryption.vector)).decode()


@pytest.mark.parametrize(("keys", "octets", "key_id"), KNOWN)
def test_the_keys_are_those_that_the_other_servers_derive(
    keys: TokenKeys, octets: str, key_id: str | None
) -> None:
    assert keys._keys[0].octets.hex() == octets
    assert header_of(issued(keys)).get("kid") == key_id


@pytest.mark.parametrize("kind", KINDS)
def test_claims_come_back_with_the_times_and_an_id(kind: str) -> None:
    keys = KINDS[kind]
    claims = keys.decrypt(issued(keys), now=NOW)
    assert len(claims.pop("jti")) == 36
    assert claims == {**CLAIMS, "iat": NOW // 1000, "exp": (NOW + HOUR) // 1000}
    assert issued(keys) != issued(keys)
    assert "secret" not in repr(keys)


@pytest.mark.parametrize("kind", KINDS)
def test_every_configured_secret_decrypts_and_the_first_encrypts(kind: str) -> None:
    def ring(*secrets: str) -> TokenKeys:
        match kind:
            case "v5":
                return TokenKeys.auth_js(secrets, "authjs.session-token")
            case "v4":
                return TokenKeys.next_auth(secrets)
            case _:
                return TokenKeys.better_auth(secrets)

    old, both, new = ring("old"), ring("new", "old"), ring("new")
    assert both.decrypt(issued(old), now=NOW)["sid"] == "s1"
    assert new.decrypt(issued(both), now=NOW)["sid"] == "s1"
    unknown = Reason.BAD_SIGNATURE if kind == "v4" else Reason.UNKNOWN_KEY
    assert refusal(new, issued(old)) is unknown


def test_the_forms_are_not_interchangeable() -> None:
    for mine in KINDS.values():
        for other in KINDS.values():
            if mine is not other:
                refusal(mine, issued(other))
    refusal(KINDS["v5"], issued(TokenKeys.auth_js(["secret"], "__Secure-authjs.session-token")))


def test_a_token_ends_and_begins_within_the_tolerance() -> None:
    keys = KINDS["v5"]
    token = issued(keys)
    assert keys.decrypt(token, now=NOW + HOUR + TOLERANCE - 1)
    assert refusal(keys, token, now=NOW + HOUR + TOLERANCE) is Reason.EXPIRED
    assert refusal(keys, token, now=NOW + HOUR, tolerance=0) is Reason.EXPIRED
    later = issued(keys, nbf=NOW // 1000 + 15)
    assert keys.decrypt(later, now=NOW)
    assert refusal(keys, later, now=NOW, tolerance=0) is Reason.NOT_YET_VALID


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "payload",
    [b'{"sub":"1"}', b'{"exp":"9999999999"}', b'{"exp":true}', b'{"exp":9e9,"nbf":"x"}'],
)
def test_times_that_are_none_are_refused(kind: str, payload: bytes) -> None:
    assert refusal(KINDS[kind], sealed_with(KINDS[kind], payload)) is Reason.BAD_CLAIMS


@pytest.mark.parametrize("payload", [b"[]", b"null", b'{"exp":1,"exp":2}', b"\xff", b"{}{}"])
def test_a_payload_that_is_no_strict_object_is_refused(payload: bytes) -> None:
    assert refusal(KINDS["v5"], sealed_with(KINDS["v5"], payload)) is Reason.MALFORMED


@pytest.mark.proves("asvs:11.3.1")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"alg": "A256KW"}, Reason.WRONG_ALGORITHM),
        ({"alg": "PBES2-HS256+A128KW"}, Reason.WRONG_ALGORITHM),
        ({"alg": "none"}, Reason.WRONG_ALGORITHM),
        ({"enc": "A128CBC-HS256"}, Reason.WRONG_ALGORITHM),
        ({"enc": "A256GCM"}, Reason.UNKNOWN_KEY),
        ({"zip": "DEF"}, Reason.UNSUPPORTED_HEADER),
        ({"crit": ["exp"]}, Reason.UNSUPPORTED_HEADER),
        ({"kid": "another"}, Reason.UNKNOWN_KEY),
        ({"kid": 1}, Reason.MALFORMED),
        ({"enc": ["A256CBC-HS512"]}, Reason.MALFORMED),
    ],
)
def test_another_header_is_refused(change: dict[str, object], reason: Reason) -> None:
    token = issued(KINDS["v5"])
    _, rest = token.split(".", 1)
    assert refusal(KINDS["v5"], f"{b64({**header_of(token), **change})}.{rest}") is reason


@pytest.mark.proves("asvs:11.3.3")
@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_bit_anywhere_is_refused(kind: str) -> None:
    keys = KINDS[kind]
    segments = issued(keys).split(".")
    for place in (2, 3, 4):
        raw = bytearray(urlsafe_b64decode(segments[place] + "=" * (-len(segments[place]) % 4)))
        raw[len(raw) // 2] ^= 1
        changed = [*segments]
        changed[place] = b64(bytes(raw))
        assert refusal(keys, ".".join(changed)) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [2, 4])
def test_a_vector_or_tag_of_another_length_is_refused(kind: str, place: int) -> None:
    keys = KINDS[kind]
    for octets in (1, 4, 8, 11, 15, 17, 33, 64):
        segments = issued(keys).split(".")
        segments[place] = b64(bytes(octets))
        assert refusal(keys, ".".join(segments)) is Reason.MALFORMED


@pytest.mark.parametrize(
    "token",
    [
        "",
        "....",
        "a.b.c.d.e",
        "a..b.c",
        "a..b.c.d.e",
        "é..b.c.d",
        "\ud800",
        f"{'A' * 513}..AAAA.AAAA.AAAA",
        "A" * (MAXIMUM_LENGTH + 1),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_other_text_is_malformed(kind: str, token: str) -> None:
    assert refusal(KINDS[kind], token) is Reason.MALFORMED


def test_a_token_that_is_too_long_is_not_decoded() -> None:
    keys = KINDS["v5"]
    assert refusal(keys, issued(keys, name="x" * MAXIMUM_LENGTH)) is Reason.MALFORMED


@given(st.text(alphabet="abcXYZ019-_=.", max_size=200))
def test_no_text_raises_anything_else(text: str) -> None:
    for keys in KINDS.values():
        refusal(keys, text)


def test_without_a_secret_there_is_no_key() -> None:
    with pytest.raises(ValueError, match="secret"):
        TokenKeys.next_auth([])
