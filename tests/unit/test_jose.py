"""Parsing refuses every second spelling, and a signature counts under its own key only."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from limen.errors import InvalidToken
from limen.jose import MAXIMUM_LENGTH, UnverifiedToken, parse, sign, verify_signature
from limen.keyring import Algorithm, Key, KeyState, derived_keyring, read_jwk
from limen.sealing import Secrets
from limen.strict import strict_json
from limen.verdict import Reason

SECRETS = Secrets.of("uV3n-0p1K7x_Gd5tQeY2rWbL9cZ4mHs8JfAa6iXo")
ED25519 = derived_keyring(SECRETS).signing
HMAC = derived_keyring(SECRETS, Algorithm.HS256).signing
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def b64(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def refusal(act: Callable[[], object]) -> Reason:
    with pytest.raises(InvalidToken) as caught:
        act()
    return caught.value.reason


def with_header(header: str | bytes) -> str:
    return f"{b64(header)}.{b64('{}')}.{b64(bytes(64))}"


def key_of(algorithm: Algorithm) -> Key:
    match algorithm:
        case Algorithm.EDDSA:
            return ED25519
        case Algorithm.HS256:
            return HMAC
        case Algorithm.ES256:
            return Key("ec", algorithm, KeyState.SIGNING, ECKey.generate_key("P-256"))
        case Algorithm.PS256 | Algorithm.RS256:
            return Key("rsa", algorithm, KeyState.SIGNING, RSAKey.generate_key(2048))


KEYS = {algorithm: key_of(algorithm) for algorithm in Algorithm}


@pytest.mark.proves("at:1", "jwt:6")
@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_signed_token_has_exactly_three_header_members(algorithm: Algorithm) -> None:
    key = KEYS[algorithm]
    token = sign({"sub": "é", "n": 1}, key, "at+jwt")
    parsed = parse(token.reveal())
    assert parsed.header == (algorithm.value, key.id, "at+jwt")
    assert json.loads(parsed.payload) == {"sub": "é", "n": 1}
    assert b" " not in parsed.payload
    assert verify_signature(parsed, key)
    assert token.reveal() not in repr(token)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_signature_of_another_length_or_text_is_refused(algorithm: Algorithm) -> None:
    key = KEYS[algorithm]
    good = parse(sign({}, key, "at+jwt").reveal())
    signature = good.signature

    def forged(other: bytes, text: bytes = good.signing_input) -> UnverifiedToken:
        return UnverifiedToken(good.header, good.payload, text, other)

    assert verify_signature(forged(signature), key)
    for other in (
        b"",
        signature[:-1],
        signature + b"\0",
        b"\0" + signature,
        signature * 2,
        bytes(len(signature)),
        b"\xff" * len(signature),
        signature[::-1],
    ):
        assert not verify_signature(forged(other), key)
    assert not verify_signature(forged(signature, good.signing_input + b"A"), key)


@pytest.mark.parametrize("algorithm", [Algorithm.PS256, Algorithm.RS256])
def test_a_signature_that_begins_with_a_zero_octet_has_no_second_spelling(
    algorithm: Algorithm,
) -> None:
    key = KEYS[algorithm]
    tokens = (parse(sign({"n": n}, key, "at+jwt").reveal()) for n in range(100_000))
    token = next(one for one in tokens if one.signature[0] == 0)
    assert verify_signature(token, key)
    assert not verify_signature(token._replace(signature=token.signature[1:]), key)
    assert not verify_signature(token._replace(signature=b"\0" + token.signature), key)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_no_key_accepts_what_another_signed(algorithm: Algorithm) -> None:
    token = parse(sign({}, KEYS[algorithm], "at+jwt").reveal())
    for other, key in KEYS.items():
        assert verify_signature(token, key) == (other is algorithm)


def test_rs256_and_ps256_of_one_key_are_not_interchangeable() -> None:
    jose = RSAKey.generate_key(2048)
    pss = Key("k", Algorithm.PS256, KeyState.SIGNING, jose)
    pkcs = Key("k", Algorithm.RS256, KeyState.SIGNING, jose)
    assert not verify_signature(parse(sign({}, pkcs, "at+jwt").reveal()), pss)
    assert not verify_signature(parse(sign({}, pss, "at+jwt").reveal()), pkcs)


@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.PS256, Algorithm.RS256])
def test_a_public_key_is_no_hmac_secret(algorithm: Algorithm) -> None:
    key = KEYS[algorithm]
    public = key.jose.as_dict(private=False)
    forms = [
        key.jose.as_pem(private=False),
        key.jose.as_pem(private=False).strip(),
        key.jose.as_der(private=False),
        json.dumps(public).encode(),
        json.dumps(public, separators=(",", ":"), sort_keys=True).encode(),
    ]
    good = sign({}, key, "at+jwt").reveal()
    for form in forms:
        for alg in ("HS256", key.algorithm.value):
            header = b64(json.dumps({"alg": alg, "kid": key.id, "typ": "at+jwt"}))
            signing_input = f"{header}.{good.split('.')[1]}"
            mac = hmac.digest(form, signing_input.encode(), "sha256")
            forged = parse(f"{signing_input}.{b64(mac)}")
            assert not verify_signature(forged, key)


def test_a_key_that_may_only_sign_verifies_nothing_and_raises_nothing() -> None:
    jwk = {**ED25519.jose.as_dict(private=True), "key_ops": ["sign"]}
    key = read_jwk(jwk, Algorithm.EDDSA, ED25519.id)
    assert not verify_signature(parse(sign({}, key, "at+jwt").reveal()), key)


def test_the_15_other_spellings_of_a_signature_are_refused() -> None:
    token = sign({}, ED25519, "at+jwt").reveal()
    others = [token[:-1] + last for last in ALPHABET if last != token[-1]]
    alike = [
        other
        for other in others
        # the top two bits of the last character are all that a 64 byte signature uses
        if ALPHABET.index(other[-1]) // 16 == ALPHABET.index(token[-1]) // 16
    ]
    assert len(alike) == 15
    for other in alike:
        assert refusal(lambda other=other: parse(other)) is Reason.MALFORMED


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t + "=",
        lambda t: t + "==",
        lambda t: t + "\n",
        lambda t: " " + t,
        lambda t: t + ".",
        lambda t: "." + t,
        lambda t: t + ".AAAA",
        lambda t: t.replace(".", "..", 1),
        lambda t: t.rsplit(".", 1)[0],
        lambda t: t.rsplit(".", 1)[0] + ".",
        lambda t: t.split(".", 1)[1],
        lambda t: t.replace(".", ".\u0661", 1),
        lambda t: t.replace("e", "\uff45", 1),
        *[lambda t, junk=junk: t[:-8] + junk * 4 + t[-8:] for junk in "+/=!\n \0"],
        lambda t: t[:9] + "+" + t[10:],
        lambda t: t[:9] + "/" + t[10:],
        lambda t: t + "\ud800",
        lambda t: t + "\0",
        lambda t: "Bearer " + t,
        lambda _: "",
        lambda _: "..",
        lambda _: "a.b.c",
        lambda t: t.split(".")[0] + "." + "A" * MAXIMUM_LENGTH + "." + t.split(".")[2],
    ],
)
def test_a_token_of_another_shape_is_refused(change: Callable[[str], str]) -> None:
    changed = change(sign({}, ED25519, "at+jwt").reveal())
    assert refusal(lambda: parse(changed)) is Reason.MALFORMED


def test_the_longest_token_is_read_and_one_character_more_is_not() -> None:
    frame = len(with_header('{"alg":"EdDSA"}')) - len(b64("{}"))
    room = MAXIMUM_LENGTH - frame
    head, _, tail = with_header('{"alg":"EdDSA"}').split(".")
    assert len(parse(f"{head}.{'A' * (room - room % 4)}.{tail}").payload) > 6000
    assert (
        refusal(lambda: parse(f"{head}.{'A' * (room - room % 4 + 4)}.{tail}")) is Reason.MALFORMED
    )


@pytest.mark.parametrize(
    "member",
    ["crit", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip", "b64", "cty", "enc", "ALG"],
)
def test_a_header_member_beyond_the_three_is_refused(member: str) -> None:
    header = json.dumps({"alg": "EdDSA", "kid": "k", "typ": "at+jwt", member: ["x"]})
    assert refusal(lambda: parse(with_header(header))) is Reason.UNSUPPORTED_HEADER


@pytest.mark.parametrize(
    "header",
    [
        "{}",
        "[]",
        "null",
        '"alg"',
        "{",
        "",
        '{"kid":"k","typ":"at+jwt"}',
        '{"alg":null}',
        '{"alg":["EdDSA"]}',
        '{"alg":"EdDSA","alg":"EdDSA"}',
        '{"alg":"EdDSA","\\u0061lg":"none"}',
        '{"alg":"EdDSA","kid":7}',
        '{"alg":"EdDSA","kid":""}',
        '{"alg":"EdDSA","kid":"a\\u0000b"}',
        '{"alg":"EdDSA","kid":"k\\n"}',
        '{"alg":"EdDSA","kid":"../../dev/null"}',
        '{"alg":"EdDSA","kid":"x\' OR 1=1 --"}',
        '{"alg":"EdDSA","kid":"http://evil.example/"}',
        '{"alg":"EdDSA","kid":"' + "k" * 129 + '"}',
        '{"alg":"EdDSA","typ":true}',
        '{"alg":"EdDSA","typ":"\\ud800"}',
        '{"alg":"EdDSA"}x',
        '{"alg":"EdDSA",}',
        '\ufeff{"alg":"EdDSA"}',
        b'{"alg":"EdDSA\xff"}',
        '{"alg":"EdDSA"}'.encode("utf-16"),
        b'{"alg":"Ed\x00DSA"}',
    ],
)
def test_a_header_that_is_not_strict_is_refused(header: str | bytes) -> None:
    assert refusal(lambda: parse(with_header(header))) is Reason.MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":{"b":1,"b":1}}',
        '{"a":[{"b":1,"b":1}]}',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":-Infinity}',
        '{"a":1e400}',
        '{"a":-1e400}',
        '{"a":1e300}',
        '{"a":9007199254740993}',
        '{"a":-9007199254740993}',
        '{"a":[9007199254740993]}',
        '{"a":"0","b":[{"c":[0,9999999999999999]}]}',
        '{"a":' + "9" * 5000 + "}",
        '{"a":"\\ud800"}',
        '{"\\udfff":1}',
        '{"a":"\\udc00\\ud800"}',
        '{"a":' + "[" * 8 + "]" * 8 + "}",
        '{"a":' * 3000,
        "[" * 100_000,
        '{"a":"' + "x" * 10 + "\t" + '"}',
        '\ufeff{"a":1}',
        "{'a':1}",
        '{"a":01}',
        '{"a":+1}',
        "[]",
        "1",
        "",
    ],
)
def test_json_that_readers_would_differ_on_is_refused(text: str) -> None:
    assert refusal(lambda: strict_json(text.encode())) is Reason.MALFORMED


@pytest.mark.parametrize("data", [b"\xff", b'{"a":"\xed\xa0\x80"}', b'{"a":"\xc0\xaf"}', b"{\0}"])
def test_bytes_that_are_not_utf_8_are_refused(data: bytes) -> None:
    assert refusal(lambda: strict_json(data)) is Reason.MALFORMED


def test_what_is_strict_is_read() -> None:
    assert strict_json(b'{"a":9007199254740992,"b":1.5,"c":"\\ud83d\\ude00","d":null}') == {
        "a": 2**53,
        "b": 1.5,
        "c": "\U0001f600",
        "d": None,
    }
    assert strict_json(b'{"a":999999999999999,"b":"9999999999999999","c":-9007199254740992}') == {
        "a": 10**15 - 1,
        "b": "9999999999999999",
        "c": -(2**53),
    }
    assert strict_json(b'{"a":' + b"[" * 7 + b"]" * 7 + b"}")
    brackets = "[{" * 50 + '\\"]['
    assert strict_json(json.dumps({"a": brackets}).encode()) == {"a": brackets}


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(0, 2**53)))
@settings(max_examples=100, deadline=None)
def test_whatever_is_written_is_read_again(value: dict[str, object]) -> None:
    assert strict_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_bytes_raise_anything_but_an_invalid_token(data: bytes) -> None:
    for text in (with_header(data), f"{b64(data)}.{b64(data)}.{b64(data)}", data.decode("latin-1")):
        try:
            parsed = parse(text)
        except InvalidToken:
            continue
        for key in KEYS.values():
            assert not verify_signature(parsed, key)
