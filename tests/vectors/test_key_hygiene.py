"""Which keys nothing is verified with: by every door that takes a JSON Web Key."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from limen import jws, weak_keys
from limen.errors import ConfigurationError, InvalidToken
from limen.jwk import UnfitKey, publishes_a_secret
from limen.keyring import RSA_BITS, Algorithm, read_jwk
from limen.verify.key_set import UnusableKeySet, read_key_set

HERE = Path(__file__).parent
MODULI = json.loads((HERE / "weak_moduli.json").read_text())
del MODULI["source"]
RSA, CURVE, EDWARDS = (
    RSAKey.generate_key(2048),
    ECKey.generate_key("P-256"),
    OKPKey.generate_key("Ed25519"),
)
RSA_JWK = RSA.as_dict(private=False) | {"alg": "RS256"}
EC_JWK = CURVE.as_dict(private=False) | {"alg": "ES256"}
ED_JWK = EDWARDS.as_dict(private=False) | {"alg": "EdDSA"}
FIELD = 2**255 - 19


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def oct_jwk(octets: bytes, algorithm: str = "HS256") -> dict[str, Any]:
    return {"kty": "oct", "alg": algorithm, "k": b64(octets)}


def modulus(jwk: dict[str, Any]) -> int:
    return int.from_bytes(raw(jwk["n"]))


def number(value: int) -> str:
    return b64(value.to_bytes(-(-value.bit_length() // 8)))


def edwards(y: int) -> dict[str, Any]:
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": b64(y.to_bytes(32, "little"))}


P384 = ECKey.generate_key("P-384").as_dict(private=False)
UNFIT: dict[str, dict[str, Any]] = {
    "RSA of 1024 bits": RSA_JWK | {"n": number(modulus(RSA_JWK) >> 1024 | 1)},
    "RSA of 2047 bits": RSA_JWK | {"n": number(modulus(RSA_JWK) >> 1 | 1)},
    "RSA of 8200 bits": RSA_JWK | {"n": number(1 << 8199 | 1)},
    "even modulus": RSA_JWK | {"n": number(modulus(RSA_JWK) ^ 1)},
    "modulus with a small factor": RSA_JWK | {"n": number(modulus(RSA_JWK) // 163 * 163 * 3)},
    "square modulus": RSA_JWK | {"n": number(((1 << 1030) + 9) ** 2)},
    **{name: RSA_JWK | {"n": value} for name, value in MODULI.items()},
    "e is 1": RSA_JWK | {"e": number(1)},
    "e is 3": RSA_JWK | {"e": number(3)},
    "e is even": RSA_JWK | {"e": number(65_538)},
    "e is huge": RSA_JWK | {"e": number((1 << 64) + 1)},
    "e is nothing": RSA_JWK | {"e": ""},
    "n is padded": RSA_JWK | {"n": RSA_JWK["n"] + "=="},
    "n is no text": RSA_JWK | {"n": 7},
    "n is missing": {name: value for name, value in RSA_JWK.items() if name != "n"},
    "secret one byte short": oct_jwk(bytes(range(31))),
    "HS384 one byte short": oct_jwk(bytes(range(47)), "HS384"),
    "HS512 one byte short": oct_jwk(bytes(range(63)), "HS512"),
    "empty secret": oct_jwk(b""),
    "no secret": {"kty": "oct", "alg": "HS256"},
    "secret in plain base64": {"kty": "oct", "alg": "HS256", "k": "+/" * 22},
    "a PEM as secret": oct_jwk(RSA.as_pem(private=False)),
    "a JWK as secret": oct_jwk(json.dumps(RSA_JWK).encode()),
    "an SSH key as secret": oct_jwk(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJhb joe@example"),
    "point off the curve": EC_JWK | {"y": EC_JWK["x"]},
    "point at nothing": EC_JWK | {"x": b64(bytes(32)), "y": b64(bytes(32))},
    "coordinate short": EC_JWK | {"x": b64(raw(EC_JWK["x"])[:31])},
    "coordinate long": EC_JWK | {"x": b64(bytes(1) + raw(EC_JWK["x"]))},
    "another curve": P384 | {"alg": "ES256"},
    "a curve that it is not on": EC_JWK | {"crv": "P-384", "alg": "ES384"},
    "a curve that there is none of": EC_JWK | {"crv": "P-257"},
    "another type": EC_JWK | {"kty": "RSA"},
    "a type that there is none of": EC_JWK | {"kty": "ec"},
    "type no text": EC_JWK | {"kty": ["EC"]},
    "X25519": OKPKey.generate_key("X25519").as_dict(private=False) | {"alg": "EdDSA"},
    "Ed448": OKPKey.generate_key("Ed448").as_dict(private=False) | {"alg": "EdDSA"},
    "Ed25519 short": ED_JWK | {"x": b64(raw(ED_JWK["x"])[:31])},
    "Ed25519 neutral": edwards(1),
    "Ed25519 of order 2": edwards(FIELD - 1),
    "Ed25519 of order 4": edwards(0),
    "Ed25519 neutral, signed": edwards(1 | 1 << 255),
    "Ed25519 not reduced": edwards(FIELD + 5),
    "Ed25519 of order 8": ED_JWK
    | {"x": b64(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"))},
    "alg of another": EC_JWK | {"alg": "ES512"},
    "alg unknown": EC_JWK | {"alg": "ES521"},
    "alg no text": EC_JWK | {"alg": ["ES256"]},
    "alg nothing": EC_JWK | {"alg": None},
    "use enc": EC_JWK | {"use": "enc"},
    "use no text": EC_JWK | {"use": ["sig"]},
    "key_ops encrypt": EC_JWK | {"key_ops": ["encrypt"]},
    "key_ops of two uses": EC_JWK | {"key_ops": ["verify", "decrypt"]},
    "key_ops nothing": EC_JWK | {"key_ops": []},
    "key_ops twice": EC_JWK | {"key_ops": ["verify", "verify"]},
    "key_ops a text": EC_JWK | {"key_ops": "verify"},
    "key_ops no texts": EC_JWK | {"key_ops": [7]},
}
pytestmark = pytest.mark.proves("jwt:11", "jwt:12", "asvs:11.2.3", "asvs:11.6.1")


def message(algorithm: object) -> str:
    return f"{b64(json.dumps({'alg': algorithm}).encode())}.{b64(b'Test')}.{b64(bytes(64))}"


@pytest.mark.parametrize("name", UNFIT)
def test_an_unfit_key_is_refused_by_every_door(name: str) -> None:
    jwk = UNFIT[name]
    stated = jwk["alg"] if isinstance(jwk.get("alg"), str) else "ES256"
    with pytest.raises(UnfitKey) as caught:
        jws.verify(message(stated), jwk)
    assert len(str(caught.value)) < 200
    with pytest.raises(InvalidToken):
        jws.verify(message(stated), {"keys": [jwk]})
    if stated in set(Algorithm):
        with pytest.raises(ConfigurationError):
            read_jwk(jwk, Algorithm(stated), "id")
    with pytest.raises(UnusableKeySet):
        read_key_set(json.dumps({"keys": [jwk | {"kid": "id"}]}).encode(), 8)


def test_longer_secrets_and_keys_that_are_just_strong_enough_are_taken() -> None:
    for algorithm, octets in (("HS256", 32), ("HS384", 48), ("HS512", 64)):
        for longer in (0, 1, 100):
            key = oct_jwk(bytes(range(octets)) + bytes(longer), algorithm)
            text = message(algorithm).rpartition(".")[0]
            mac = JWSRegistry.algorithms[algorithm].sign(text.encode(), OctKey.import_key(key))
            assert jws.verify(f"{text}.{b64(mac)}", key) == b"Test"
    for good in (RSA_JWK, EC_JWK, ED_JWK, RSA_JWK | {"n": b64(bytes(1) + raw(RSA_JWK["n"]))}):
        assert read_jwk(good, Algorithm(good["alg"]), "id").verifier is not None
        with pytest.raises(InvalidToken, match="bad_signature"):
            jws.verify(message(good["alg"]), good)
    assert RSA_BITS == 3072  # of what is made here


def test_a_point_of_small_order_would_verify_what_nobody_signed() -> None:
    # Why they are refused: under the neutral point this signature fits every text.
    neutral = b"\x01" + bytes(31)
    public = OKPKey.import_key(edwards(1)).get_op_key("verify")
    public.verify(neutral + bytes(32), b"whatever")
    assert weak_keys.is_degenerate_ed25519(neutral)
    d = -121665 * pow(121666, -1, FIELD) % FIELD
    for y in weak_keys._SMALL_ORDER - {0, 1, FIELD - 1}:
        assert (d * y**4 + 2 * y * y - 1) % FIELD == 0  # twice such a point has y = 0


def test_no_key_that_is_generated_here_is_taken_for_a_weak_one() -> None:
    for _ in range(3):
        assert not weak_keys.is_weak_modulus(modulus(RSAKey.generate_key(2048).as_dict()))
    for _ in range(50):
        key = OKPKey.generate_key("Ed25519").as_dict(private=False)
        assert not weak_keys.is_degenerate_ed25519(raw(key["x"]))


@pytest.mark.proves("dpop:7")
def test_what_shows_a_private_member_is_seen() -> None:
    for key in (RSA, CURVE, EDWARDS):
        assert publishes_a_secret(key.as_dict(private=True))
        assert not publishes_a_secret(key.as_dict(private=False))
    assert publishes_a_secret(oct_jwk(bytes(32)))
