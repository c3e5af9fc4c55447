"""Keys: their states, how they are kept, what is published, and which are refused."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from limen.entropy import SystemEntropy
from limen.errors import ConfigurationError
from limen.jose import parse, sign, verify_signature
from limen.keyring import (
    Algorithm,
    Key,
    KeyRecord,
    Keyring,
    KeyState,
    derived_keyring,
    generate,
    read_jwk,
    reseal,
)
from limen.sealing import Secrets

OLD = "uV3n-0p1K7x_Gd5tQeY2rWbL9cZ4mHs8JfAa6iXo"
NEW = "Tq8z_Rk2vB6y-Mn4pW0sXd7hLc9fGj3aUe5oEi1K"
SECRETS = Secrets.of(OLD)
NOW = 1_700_000_000_000
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


class Counting:
    """Entropy that can be predicted: for tests of what is drawn from it."""

    def __init__(self) -> None:
        self.drawn = 0

    def octets(self, count: int) -> bytes:
        self.drawn += 1
        return bytes([self.drawn]) * count


def made(algorithm: Algorithm, state: KeyState = KeyState.SIGNING) -> KeyRecord:
    return generate(algorithm, state, NOW, SECRETS, SystemEntropy())


RECORDS = {algorithm: made(algorithm) for algorithm in Algorithm}


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_kept_key_signs_and_verifies_after_loading(algorithm: Algorithm) -> None:
    record = RECORDS[algorithm]
    ring = Keyring.load([record], SECRETS)
    assert ring.signing.id == record.id
    assert ring.signing.algorithm is algorithm
    assert ring.signing.created_at == NOW
    token = parse(sign({"a": 1}, ring.signing, "at+jwt").reveal())
    again = Keyring.load([record], SECRETS).find(record.id)
    assert again is not None
    assert verify_signature(token, again)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_record_shows_no_private_member(algorithm: Algorithm) -> None:
    record = RECORDS[algorithm]
    assert not PRIVATE & set(json.loads(record.public))
    plain = SECRETS.open(
        record.sealed_private, "limen stored signing key", f"{algorithm} {record.id}".encode()
    )
    hidden = json.loads(plain).keys() & PRIVATE
    assert hidden
    ring = Keyring.load([record], SECRETS)
    for name in hidden:
        value = json.loads(plain)[name]
        assert value not in repr(record)
        assert value not in repr(ring)
        assert value not in repr(ring.signing)


@pytest.mark.parametrize("algorithm", [a for a in Algorithm if a is not Algorithm.HS256])
def test_the_key_id_is_the_rfc_7638_thumbprint(algorithm: Algorithm) -> None:
    record = RECORDS[algorithm]
    canonical = json.dumps(json.loads(record.public), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).digest()
    assert record.id == urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_the_id_of_a_symmetric_key_says_nothing_of_the_key() -> None:
    one = generate(Algorithm.HS256, KeyState.SIGNING, NOW, SECRETS, Counting())
    other = generate(Algorithm.HS256, KeyState.SIGNING, NOW, SECRETS, SystemEntropy())
    assert one.public == other.public == "{}"
    assert one.id == urlsafe_b64encode(b"\x02" * 16).rstrip(b"=").decode()


def test_the_same_entropy_makes_the_same_ed25519_key() -> None:
    one, other = (
        generate(Algorithm.EDDSA, KeyState.NEXT, NOW, SECRETS, Counting()) for _ in range(2)
    )
    assert one == other
    assert one.id != made(Algorithm.EDDSA).id


def test_the_states_that_may_verify_and_be_published() -> None:
    records = {state: made(Algorithm.EDDSA, state) for state in KeyState}
    ring = Keyring.load(records.values(), SECRETS)
    living = {records[state].id for state in KeyState if state is not KeyState.RETIRED}
    assert ring.key_ids == living
    assert {one["kid"] for one in ring.jwks()["keys"]} == living
    assert all(ring.find(key_id) for key_id in living)
    assert ring.find(records[KeyState.RETIRED].id) is None
    assert ring.find("unheard-of") is None
    assert ring.signing.id == records[KeyState.SIGNING].id


def test_a_retired_key_verifies_nothing_even_if_it_was_put_in() -> None:
    key = replace(Keyring.load([RECORDS[Algorithm.EDDSA]], SECRETS).signing, state=KeyState.RETIRED)
    ring = Keyring([key])
    assert ring.find(key.id) is None
    assert ring.jwks() == {"keys": []}
    assert ring.key_ids == frozenset()


def test_the_public_set_holds_public_members_only() -> None:
    keys = [Keyring.load([record], SECRETS).signing for record in RECORDS.values()]
    ring = Keyring([replace(key, state=KeyState.NEXT) for key in keys])
    published = ring.jwks()["keys"]
    assert {one["alg"] for one in published} == {"EdDSA", "ES256", "PS256", "RS256"}
    for one in published:
        assert not PRIVATE & one.keys()
        assert one["use"] == "sig"
        assert one["kty"] in {"OKP", "EC", "RSA"}
    eddsa = next(one for one in published if one["alg"] == "EdDSA")
    assert set(eddsa) == {"kty", "crv", "x", "kid", "alg", "use"}


def test_a_symmetric_key_has_no_public_part() -> None:
    with pytest.raises(ValueError, match="symmetric"):
        Keyring.load([RECORDS[Algorithm.HS256]], SECRETS).signing.public_jwk()


def test_a_key_that_only_verifies_has_no_private_part_in_memory() -> None:
    record = made(Algorithm.EDDSA, KeyState.VERIFYING)
    key = Keyring.load([record], SECRETS).find(record.id)
    assert key is not None
    assert not key.jose.is_private


def test_without_a_signing_key_there_is_an_error_with_a_remedy() -> None:
    ring = Keyring.load([made(Algorithm.EDDSA, KeyState.NEXT)], SECRETS)
    with pytest.raises(ConfigurationError, match="no key to sign with"):
        _ = ring.signing


def test_two_signing_keys_or_one_id_twice_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="more than one"):
        Keyring.load([made(Algorithm.EDDSA), made(Algorithm.EDDSA)], SECRETS)
    record = made(Algorithm.EDDSA, KeyState.NEXT)
    with pytest.raises(ConfigurationError, match="share one id"):
        Keyring.load([record, record], SECRETS)


@pytest.mark.proves("attack:90")
def test_whoever_writes_to_the_store_cannot_plant_a_key() -> None:
    record = made(Algorithm.EDDSA, KeyState.VERIFYING)
    other = made(Algorithm.EDDSA, KeyState.VERIFYING)
    mine = generate(Algorithm.EDDSA, KeyState.SIGNING, NOW, Secrets.of(NEW), SystemEntropy())
    for planted in (
        replace(record, public=other.public),
        replace(record, sealed_private=other.sealed_private),
        replace(record, id="another"),
        replace(record, algorithm="PS256"),
        replace(record, algorithm="none"),
        replace(record, sealed_private=b""),
        mine,
    ):
        with pytest.raises(ConfigurationError):
            Keyring.load([planted], SECRETS)


def test_a_key_can_be_sealed_again_under_a_new_secret() -> None:
    record = made(Algorithm.EDDSA)
    both = Secrets.of([NEW, OLD])
    again = reseal(record, both, SystemEntropy())
    assert Keyring.load([again], Secrets.of(NEW)).signing.id == record.id
    assert replace(again, sealed_private=record.sealed_private) == record
    assert reseal(again, both, SystemEntropy()) is again
    with pytest.raises(ConfigurationError, match="under another secret"):
        reseal(record, Secrets.of(NEW), SystemEntropy())


@pytest.mark.proves("attack:50")
@pytest.mark.parametrize("algorithm", [Algorithm.EDDSA, Algorithm.HS256])
def test_derived_keys_are_the_same_everywhere_and_the_newest_signs(algorithm: Algorithm) -> None:
    before = derived_keyring(Secrets.of(OLD), algorithm)
    rotated = derived_keyring(Secrets.of([NEW, OLD]), algorithm)
    assert rotated.signing.id == derived_keyring(Secrets.of(NEW), algorithm).signing.id
    assert rotated.key_ids == {rotated.signing.id, before.signing.id}
    token = parse(sign({}, before.signing, "at+jwt").reveal())
    verifier = rotated.find(before.signing.id)
    assert verifier is not None
    assert verify_signature(token, verifier)
    assert not verify_signature(token, rotated.signing)


@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.PS256, Algorithm.RS256])
def test_other_keys_cannot_be_derived(algorithm: Algorithm) -> None:
    with pytest.raises(ConfigurationError, match="need a store"):
        derived_keyring(SECRETS, algorithm)


@pytest.mark.proves("asvs:11.2.3")
def test_no_bytes_serve_two_algorithms() -> None:
    symmetric = derived_keyring(SECRETS, Algorithm.HS256).signing
    signing = derived_keyring(SECRETS, Algorithm.EDDSA).signing
    seed = signing.jose.as_dict(private=True)["d"]
    assert symmetric.jose.as_dict(private=True)["k"] != seed


GOOD_RSA = RSAKey.generate_key(2048).as_dict(private=True)
# Public parts only, so that nothing but its length is wrong with the weak one.
PUBLIC_RSA = {name: GOOD_RSA[name] for name in ("kty", "n", "e")}
WEAK_RSA = PUBLIC_RSA | {"n": "f" + "x" * 339}  # 2047 bits


@pytest.mark.proves("asvs:11.2.3", "asvs:11.6.1")
@pytest.mark.parametrize(
    ("jwk", "algorithm"),
    [
        ({"kty": "oct", "k": "A" * 42}, Algorithm.HS256),
        ({"kty": "oct", "k": ""}, Algorithm.HS256),
        ({"kty": "oct", "k": 7}, Algorithm.HS256),
        ({"kty": "oct"}, Algorithm.HS256),
        (WEAK_RSA, Algorithm.PS256),
        (WEAK_RSA, Algorithm.RS256),
        (PUBLIC_RSA | {"e": "Aw"}, Algorithm.PS256),
        (GOOD_RSA | {"n": "a"}, Algorithm.PS256),
        (GOOD_RSA | {"alg": "RS256"}, Algorithm.PS256),
        (GOOD_RSA | {"use": "enc"}, Algorithm.PS256),
        (GOOD_RSA | {"key_ops": ["encrypt"]}, Algorithm.PS256),
        (GOOD_RSA, Algorithm.HS256),
        (GOOD_RSA, Algorithm.EDDSA),
        (ECKey.generate_key("P-384").as_dict(), Algorithm.ES256),
        (ECKey.generate_key("secp256k1").as_dict(), Algorithm.ES256),
        (OKPKey.generate_key("Ed448").as_dict(), Algorithm.EDDSA),
        (OKPKey.generate_key("X25519").as_dict(), Algorithm.EDDSA),
        ({"kty": "OKP", "crv": "Ed25519", "x": "AA"}, Algorithm.EDDSA),
        ({"kty": "OKP", "crv": "Ed25519"}, Algorithm.EDDSA),
        ({}, Algorithm.EDDSA),
    ],
)
def test_a_weak_or_unfit_key_is_refused(jwk: dict[str, object], algorithm: Algorithm) -> None:
    with pytest.raises(ConfigurationError, match="the key some-id"):
        read_jwk(jwk, algorithm, "some-id")


def test_the_least_that_is_strong_enough_is_accepted() -> None:
    assert read_jwk(GOOD_RSA, Algorithm.PS256, "id").algorithm is Algorithm.PS256
    assert read_jwk(PUBLIC_RSA, Algorithm.RS256, "id").algorithm is Algorithm.RS256
    key = read_jwk({"kty": "oct", "k": "A" * 43}, Algorithm.HS256, "id")
    assert isinstance(key, Key)
    assert key.symmetric
