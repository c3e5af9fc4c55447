"""`limen.jws` against the vectors of RFC 7515, 7520, 7797 and 8037, and each rule of its own."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from limen import jws
from limen.errors import ConfigurationError, InvalidToken
from limen.jwk import ALGORITHMS, ED25519, UnfitKey
from limen.verdict import Reason

HERE = Path(__file__).parent
RFC_7515 = json.loads((HERE / "rfc7515.json").read_text())
COOKBOOK = {
    path.name: json.loads(path.read_text()) for path in sorted((HERE / "cookbook").glob("*.json"))
}
SIGNED = {
    name: case
    for name, case in COOKBOOK.items()
    if name.startswith(("curve25519_jws", "jws_4_1", "jws_4_2", "jws_4_3", "jws_4_4"))
}
KEYS: dict[str, Any] = {
    **{f"HS{bits}": OctKey.generate_key(bits) for bits in (256, 384, 512)},
    **dict.fromkeys(
        ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSAKey.generate_key(2048)
    ),
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "ES512": ECKey.generate_key("P-521"),
    **dict.fromkeys(("EdDSA", "Ed25519"), OKPKey.generate_key("Ed25519")),
}


def b64(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jwk_of(algorithm: str, **members: Any) -> dict[str, Any]:
    key = KEYS[algorithm]
    return {**key.as_dict(private=key.key_type == "oct"), "alg": algorithm, **members}


def signed(algorithm: str, payload: bytes = b"Test", **header: Any) -> str:
    text = f"{b64(json.dumps({'alg': algorithm, **header}))}.{b64(payload)}"
    signature = JWSRegistry.algorithms[algorithm].sign(text.encode(), KEYS[algorithm])
    return f"{text}.{b64(signature)}"


def refusal(message: object, key: object, algorithms: Any = None) -> Reason:
    with pytest.raises(InvalidToken) as caught:
        jws.verify(message, key, algorithms)  # type: ignore[arg-type]  # whatever it is given
    return caught.value.reason


@pytest.mark.parametrize("name", RFC_7515["valid"])
def test_an_example_of_rfc_7515_verifies(name: str) -> None:
    case = RFC_7515["valid"][name]
    payload = raw(case["compact"].split(".")[1])
    assert jws.verify(case["compact"], case["key"], [case["algorithm"]]) == payload


@pytest.mark.parametrize("name", RFC_7515["refused"])
@pytest.mark.proves("jwt:6", "jwt:23", "jwt:24")
def test_what_rfc_7515_says_to_refuse_and_what_is_not_compact_is_refused(name: str) -> None:
    for case in RFC_7515["valid"].values():
        refusal(RFC_7515["refused"][name], case["key"], [case["algorithm"]])


@pytest.mark.parametrize("name", SIGNED)
def test_an_example_of_rfc_7520_or_8037_verifies(name: str) -> None:
    given_, output = SIGNED[name]["input"], SIGNED[name]["output"]
    key, algorithm = given_["key"], given_["alg"]
    assert jws.verify(output["compact"], key, [algorithm]) == given_["payload"].encode()
    named = key | {"alg": algorithm}
    assert jws.verify(output["compact"], named) == given_["payload"].encode()
    for also in ({"key_ops": ["verify"]}, {"key_ops": ["sign", "verify"]}, {"use": "sig"}):
        assert jws.verify(output["compact"], named | also)
    for never in ({"key_ops": ["sign"]}, {"key_ops": ["encrypt"]}, {"use": "enc"}):
        assert refusal(output["compact"], named | never) is Reason.UNKNOWN_KEY


@pytest.mark.parametrize(
    "name", [name for name, case in COOKBOOK.items() if "output" in case and name not in SIGNED]
)
@pytest.mark.proves("jwt:10", "jwt:23", "jwt:24")
def test_other_serialisations_encryption_and_b64_are_refused(name: str) -> None:
    case = COOKBOOK[name]
    key = case["input"]["key"]
    forms = [case["output"].get(form) for form in ("compact", "json", "json_flat")]
    assert any(forms)
    for one in key if isinstance(key, list) else [key]:
        for form in filter(None, forms):
            refusal(form, one, None if one["kty"] == "OKP" else [one.get("alg", "HS256")])
            refusal(json.dumps(form), one)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_verifies_any_payload_and_only_what_was_signed(algorithm: str) -> None:
    key = jwk_of(algorithm)
    for payload in (b"", b"foo", b"\x00\xff", b"{", b'{"a":1,"a":2}'):
        message = signed(algorithm, payload, kid="joe@example.org", typ="anything")
        assert jws.verify(message, key) == payload
        assert jws.verify(message, key, [algorithm]) == payload
    head, body, tail = message.split(".")
    for other in (
        f"{head}.{b64(b'other')}.{tail}",
        f"{head}.{body}.{b64(raw(tail)[:-1])}",
        f"{head}.{body}.{b64(raw(tail) + bytes(1))}",
        f"{head}.{body}.{b64(bytes(len(raw(tail))))}",
    ):
        assert refusal(other, key) is Reason.BAD_SIGNATURE
    assert refusal(f"{head}.{body}.", key) is Reason.MALFORMED


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
@pytest.mark.proves("jwt:2", "jwt:3", "jwt:5", "asvs:9.1.2")
def test_a_key_serves_its_own_algorithm_and_no_other(algorithm: str) -> None:
    for other in sorted(ALGORITHMS - {algorithm}):
        message = signed(other)
        refusal(message, jwk_of(algorithm))
        if KEYS[other] is not KEYS[algorithm]:
            refusal(message, jwk_of(algorithm), [other])


@pytest.mark.parametrize("name", ["none", "None", "hs256", "HS256 ", "HS256\0", "ES521", "", 7])
@pytest.mark.proves("jwt:5", "jwt:6")
def test_an_algorithm_that_there_is_none_of_is_never_run(name: object) -> None:
    message = f"{b64(json.dumps({'alg': name}))}.{b64('Test')}.{b64(bytes(32))}"
    for algorithm in ("HS256", "ES512"):
        refusal(message, jwk_of(algorithm))
        refusal(signed(algorithm), jwk_of(algorithm, alg=name))
        with pytest.raises(ConfigurationError):
            jws.verify(signed(algorithm), jwk_of(algorithm), [name])  # type: ignore[list-item]  # 7 is no text


def test_a_key_without_alg_serves_the_one_algorithm_that_its_shape_allows() -> None:
    for algorithm in ("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256"):
        key = jwk_of(algorithm)
        del key["alg"]
        assert jws.verify(signed(algorithm), key) == b"Test"
    for algorithm in ("RS256", "PS512", "HS512"):  # several would fit these
        key = jwk_of(algorithm)
        del key["alg"]
        assert refusal(signed(algorithm), key) is Reason.UNKNOWN_KEY
        assert jws.verify(signed(algorithm), key, [algorithm]) == b"Test"


@pytest.mark.proves("jwt:8")
def test_both_names_of_ed25519_count_only_where_both_are_allowed() -> None:
    for own, other in (("EdDSA", "Ed25519"), ("Ed25519", "EdDSA")):
        assert refusal(signed(other), jwk_of(own)) is Reason.WRONG_ALGORITHM
        assert refusal(signed(other), jwk_of(own), [own]) is Reason.WRONG_ALGORITHM
        assert jws.verify(signed(other), jwk_of(own), ED25519) == b"Test"
        assert jws.verify(signed(other), jwk_of(own), [other]) == b"Test"


@pytest.mark.proves("jwt:1", "asvs:9.1.2")
@pytest.mark.parametrize(
    "algorithms", [[], ["HS256", "RS256"], ["none"], ["ES256K"], ["RSA1_5"], "none", {"dir"}]
)
def test_algorithms_that_nobody_should_allow_are_a_fault_of_the_caller(algorithms: Any) -> None:
    with pytest.raises(ConfigurationError, match="algorithms"):
        jws.verify(signed("HS256"), jwk_of("HS256"), algorithms)


@pytest.mark.proves("jwt:13", "jwt:19", "jwt:24", "asvs:9.1.3")
@pytest.mark.parametrize("member", ["crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"])
@pytest.mark.parametrize("value", [True, [], ["exp"], "DEF", None, {}])
def test_a_header_that_would_change_how_it_is_read_is_refused(member: str, value: object) -> None:
    message = signed("ES256", **{member: value})
    assert refusal(message, jwk_of("ES256")) is Reason.UNSUPPORTED_HEADER


@pytest.mark.proves("jwt:18")
@pytest.mark.parametrize("kid", [7, None, [], {}, "k" * 513, "k" * 100_000])
def test_a_key_id_is_a_short_text(kid: object) -> None:
    refusal(signed("ES256", kid=kid), jwk_of("ES256"))


@pytest.mark.parametrize("message", [None, 5, b"a.b.c", [], {}, "", ".", "..", "a..c", "a.b", True])
@pytest.mark.proves("jwt:23", "attack:55")
def test_what_is_no_compact_text_is_refused_whatever_it_is(message: object) -> None:
    assert refusal(message, jwk_of("HS256")) is Reason.MALFORMED
    assert refusal(signed("HS256").encode(), jwk_of("HS256")) is Reason.MALFORMED


@pytest.mark.proves("asvs:9.1.1")
@pytest.mark.parametrize(
    "key", [None, {}, [], "", "secret", b"secret", 7, {"keys": None}, {"keys": []}]
)
def test_what_is_no_key_is_refused_before_the_message_is_looked_at(
    key: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jws, "read", None)  # whoever called it would fail otherwise
    with pytest.raises(UnfitKey):
        jws.verify(signed("HS256"), key)  # type: ignore[arg-type]  # that is what is tested


def test_a_set_is_searched_by_key_id_and_without_one_by_algorithm() -> None:
    named = [jwk_of("ES256", kid="one"), jwk_of("EdDSA", kid="two"), jwk_of("RS256", kid="three")]
    for algorithm, kid in (("ES256", "one"), ("EdDSA", "two"), ("RS256", "three")):
        assert jws.verify(signed(algorithm, kid=kid), {"keys": named}) == b"Test"
        assert jws.verify(signed(algorithm), {"keys": named}) == b"Test"
    assert refusal(signed("ES256", kid="two"), {"keys": named}) is Reason.WRONG_ALGORITHM
    assert refusal(signed("ES256", kid="four"), {"keys": named}) is Reason.UNKNOWN_KEY
    assert refusal(signed("ES384"), {"keys": named}) is Reason.WRONG_ALGORITHM
    stranger = ECKey.generate_key("P-256").as_dict(private=False) | {"alg": "ES256"}
    assert refusal(signed("ES256"), {"keys": [stranger]}) is Reason.BAD_SIGNATURE
    assert jws.verify(signed("ES256"), {"keys": [stranger, *named]}) == b"Test"


@pytest.mark.proves("attack:54", "asvs:9.1.2")
def test_a_set_that_mixes_secrets_with_public_keys_or_repeats_an_id_is_refused_whole() -> None:
    for keys in (
        [jwk_of("HS256", kid="a"), jwk_of("ES256", kid="b")],
        [jwk_of("ES256", kid="b"), jwk_of("HS256", kid="a")],
        [jwk_of("ES256", kid="b"), jwk_of("EdDSA", kid="b")],
        [jwk_of("ES256", kid="b"), jwk_of("EdDSA", kid=7)],
        [jwk_of("ES256", kid="b")] + [jwk_of("ES256", kid=str(n)) for n in range(64)],
        [jwk_of("ES256", kid="b"), "key"],
    ):
        for algorithm in ("HS256", "ES256"):
            assert refusal(signed(algorithm, kid="b"), {"keys": keys}) is Reason.UNKNOWN_KEY


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_text_raises_anything_but_an_invalid_token(text: str) -> None:
    for message in (text, f"{b64(text.encode('utf-8', 'surrogatepass'))}.{b64('x')}.{b64('y')}"):
        with pytest.raises(InvalidToken):
            jws.verify(message, jwk_of("EdDSA"))
