"""Known answers that others computed: RFC 7515, RFC 7520 and RFC 8037, and one by OpenSSL."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest

from limen.errors import ConfigurationError
from limen.jose import UnverifiedToken, sign, verify_signature
from limen.keyring import Algorithm, read_jwk

HERE = Path(__file__).parent


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((HERE / name).read_text(encoding="utf-8"))
    return document


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def token(compact: str) -> UnverifiedToken:
    """Take a vector apart; its key id or lack of a type is not ours to judge here."""
    head, body, tail = compact.split(".")
    return UnverifiedToken(json.loads(raw(head)), raw(body), f"{head}.{body}".encode(), raw(tail))


def answer(case: dict[str, Any]) -> tuple[dict[str, Any], str]:
    return case["key"], case["compact"]


def vectors() -> list[Any]:
    ed25519 = read("cookbook/curve25519_jws.json")
    rs256 = read("cookbook/jws_4_1.rsa_v15_signature.json")
    hs256 = read("cookbook/jws_4_4.hmac-sha2_integrity_protection.json")
    ps256 = read("openssl_ps256.json")
    rfc7515 = read("rfc7515.json")["valid"]
    cases = [
        ("RFC 8037 A.4", Algorithm.EDDSA, ed25519["input"]["key"], ed25519["output"]["compact"]),
        ("RFC 7520 4.1", Algorithm.RS256, rs256["input"]["key"], rs256["output"]["compact"]),
        ("RFC 7520 4.4", Algorithm.HS256, hs256["input"]["key"], hs256["output"]["compact"]),
        *(
            (f"RFC 7515 {name}", Algorithm(rfc7515[name]["algorithm"]), *answer(rfc7515[name]))
            for name in ("A.1", "A.2", "A.3")
        ),
        ("OpenSSL", Algorithm.PS256, read(ps256["key"]), ps256["compact"]),
    ]
    return [pytest.param(*case[1:], id=f"{case[0]} {case[1]}") for case in cases]


@pytest.mark.parametrize(("algorithm", "jwk", "compact"), vectors())
def test_a_known_answer_verifies_and_a_changed_one_does_not(
    algorithm: Algorithm, jwk: dict[str, Any], compact: str
) -> None:
    key = read_jwk(jwk, algorithm, "vector")
    good = token(compact)
    assert verify_signature(good, key)
    for at in range(len(good.signature)):
        changed = bytearray(good.signature)
        changed[at] ^= 1
        other = UnverifiedToken(good.header, good.payload, good.signing_input, bytes(changed))
        assert not verify_signature(other, key)
    longer = UnverifiedToken(good.header, good.payload, good.signing_input + b"A", good.signature)
    assert not verify_signature(longer, key)


def test_ed25519_signs_as_rfc_8037_says() -> None:
    # Ed25519 is deterministic: the private key of appendix A.1 has one signature for a text.
    vector = read("cookbook/curve25519_jws.json")
    key = read_jwk(vector["input"]["key"], Algorithm.EDDSA, "rfc8037")
    compact = sign({"a": 1}, key, "at+jwt").reveal()
    assert verify_signature(token(compact), key)
    assert compact == sign({"a": 1}, key, "at+jwt").reveal()
    public = {name: vector["input"]["key"][name] for name in ("kty", "crv", "x")}
    assert verify_signature(token(compact), read_jwk(public, Algorithm.EDDSA, "rfc8037"))


def test_the_thumbprint_of_rfc_8037() -> None:
    vector = read("cookbook/curve25519_jws.json")
    key = read_jwk(vector["input"]["key"], Algorithm.EDDSA, "rfc8037")
    assert key.jose.thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # A.3


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("cookbook/jws_4_3.ecdsa_signature.json", Algorithm.ES256),  # P-521
        ("cookbook/jws_4_2.rsa-pss_signature.json", Algorithm.EDDSA),
    ],
)
def test_a_vectors_key_of_another_kind_is_refused(name: str, algorithm: Algorithm) -> None:
    with pytest.raises(ConfigurationError):
        read_jwk(read(name)["input"]["key"], algorithm, "vector")


def test_ps384_is_not_taken_for_ps256() -> None:
    vector = read("cookbook/jws_4_2.rsa-pss_signature.json")
    key = read_jwk(vector["input"]["key"], Algorithm.PS256, "vector")
    assert not verify_signature(token(vector["output"]["compact"]), key)
