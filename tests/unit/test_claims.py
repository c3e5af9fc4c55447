"""Which tokens are believed: one test for each check, then every forgery that is known."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from limen.claims import Claims, TokenPolicy, examine, mint
from limen.entropy import SystemEntropy
from limen.errors import ConfigurationError
from limen.jose import sign
from limen.keyring import Algorithm, Key, Keyring, KeyState, derived_keyring, generate
from limen.sealing import Secrets
from limen.verdict import Reason

SECRETS = Secrets.of("uV3n-0p1K7x_Gd5tQeY2rWbL9cZ4mHs8JfAa6iXo")
OTHERS = Secrets.of("Tq8z_Rk2vB6y-Mn4pW0sXd7hLc9fGj3aUe5oEi1K")
KEYS = derived_keyring(SECRETS)
POLICY = TokenPolicy("https://id.example", "shop")
NOW = 1_700_000_000_123
SECOND = NOW // 1000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ALL = ["shape", "typ", "key", "alg", "signature", "claims", "iss", "aud", "exp", "iat", "lifetime"]


def minted(policy: TokenPolicy = POLICY, key: Key = KEYS.signing, now: int = NOW) -> str:
    return mint(
        policy,
        key,
        subject="acc_1",
        session_id="ses_1",
        token_id="jti_1",
        issued_at=now,
        expires_at=now + 300_000,
        authenticated_at=now - 60_000,
        methods=("pwd",),
        roles=frozenset({"admin"}),
    ).reveal()


TOKEN = minted()
STATED = json.loads(urlsafe_b64decode(TOKEN.split(".")[1] + "=="))


def signed(typ: str = "at+jwt", **changes: object) -> str:
    """Sign claims that differ from good ones; `None` removes a claim."""
    claims = {**STATED, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return sign(kept, KEYS.signing, typ).reveal()


def signed_json(text: str) -> str:
    """Sign a payload as it stands, which may not be JSON that anybody would write."""
    key = KEYS.signing
    header = json.dumps({"alg": "EdDSA", "kid": key.id, "typ": "at+jwt"})
    signing_input = f"{b64(header)}.{b64(text)}"
    native = key.jose.private_key
    assert native is not None
    return f"{signing_input}.{b64(native.sign(signing_input.encode()))}"  # type: ignore[union-attr, call-arg, arg-type]  # an Ed25519 key


def b64(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def reason(
    token: str, now: int = NOW, keys: Keyring = KEYS, policy: TokenPolicy = POLICY
) -> object:
    examination = examine(token, keys, policy, now)
    assert (examination.claims is None) == (examination.reason is not None)
    assert all(check.ok for check in examination.checks()[:-1])
    assert all((check.reason is None) == check.ok for check in examination.checks())
    return examination.reason


def test_a_good_token_passes_every_check_in_order() -> None:
    examination = examine(TOKEN, KEYS, POLICY, NOW)
    assert [check.name for check in examination.checks()] == ALL
    assert examination.reason is None
    assert examination.key_id == KEYS.signing.id
    assert examination.claims == Claims(
        issuer="https://id.example",
        audience=("shop",),
        subject="acc_1",
        session_id="ses_1",
        token_id="jti_1",
        issued_at=NOW,
        expires_at=(NOW + 300_000) // 1000 * 1000,
        authenticated_at=(NOW - 60_000) // 1000 * 1000,
        methods=("pwd",),
        roles=frozenset({"admin"}),
        key_id=KEYS.signing.id,
    )


@pytest.mark.proves("at:2", "at:10", "asvs:9.2.3")
def test_a_token_carries_these_claims_and_no_others() -> None:
    assert " ".join(sorted(STATED)) == "acr amr aud auth_time exp iat iat_ms iss jti roles sid sub"
    without = mint(
        POLICY,
        KEYS.signing,
        subject="a",
        session_id="s",
        token_id="j",
        issued_at=NOW,
        expires_at=NOW + 1999,
        authenticated_at=NOW,
        methods=(),
        roles=frozenset(),
    ).reveal()
    claims = json.loads(urlsafe_b64decode(without.split(".")[1] + "=="))
    assert "roles" not in claims
    assert claims["exp"] == (NOW + 1999) // 1000
    assert claims["exp"] * 1000 <= NOW + 1999
    examined = examine(without, KEYS, POLICY, NOW).claims
    assert examined is not None
    assert examined.roles == frozenset()


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_every_algorithm_signs_and_is_believed(algorithm: Algorithm) -> None:
    record = generate(algorithm, KeyState.SIGNING, NOW, SECRETS, SystemEntropy())
    ring = Keyring.load([record], SECRETS)
    assert reason(minted(key=ring.signing), keys=ring) is None


def test_two_tokens_of_one_second_can_be_told_apart() -> None:
    first = examine(minted(now=SECOND * 1000 + 1), KEYS, POLICY, NOW).claims
    second = examine(minted(now=SECOND * 1000 + 2), KEYS, POLICY, NOW).claims
    assert first is not None
    assert second is not None
    assert first.issued_at < second.issued_at


# -- whose key, which algorithm, what type


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_the_spellings_of_the_type(typ: str) -> None:
    assert reason(signed(typ)) is None


@pytest.mark.parametrize(
    "typ",
    [
        "JWT",
        "",
        "jwt",
        "at+jwt ",
        "at",
        "application/application/at+jwt",
        "text/at+jwt",
        "refresh+jwt",
        "xat+jwt",
        "at+jwtx",
        "logout+jwt",
    ],
)
def test_a_token_of_another_type_is_refused(typ: str) -> None:
    assert reason(signed(typ)) is Reason.WRONG_TYPE


def test_a_token_without_a_type_is_refused() -> None:
    header = json.dumps({"alg": "EdDSA", "kid": KEYS.signing.id})
    assert reason(f"{b64(header)}.{TOKEN.split('.', 1)[1]}") is Reason.WRONG_TYPE


def test_a_key_that_nobody_knows_is_named_as_the_cause() -> None:
    stranger = derived_keyring(OTHERS)
    examination = examine(minted(key=stranger.signing), KEYS, POLICY, NOW)
    assert examination.reason is Reason.UNKNOWN_KEY
    assert examination.key_id == stranger.signing.id


def test_a_token_without_a_key_id_is_not_tried_with_every_key() -> None:
    header = json.dumps({"alg": "EdDSA", "typ": "at+jwt"})
    assert reason(f"{b64(header)}.{TOKEN.split('.', 1)[1]}") is Reason.UNKNOWN_KEY


def test_another_key_under_our_key_id_is_refused() -> None:
    stranger = replace(derived_keyring(OTHERS).signing, id=KEYS.signing.id)
    assert reason(minted(key=stranger)) is Reason.BAD_SIGNATURE


def test_a_retired_key_is_believed_no_more() -> None:
    ring = Keyring([replace(KEYS.signing, state=KeyState.RETIRED)])
    assert reason(TOKEN, keys=ring) is Reason.UNKNOWN_KEY
    assert reason(TOKEN, keys=Keyring([replace(KEYS.signing, state=KeyState.NEXT)])) is None


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "HS256", "ES256", "EdDSA ", "", "Ed25519"]
)
@pytest.mark.parametrize("keep_signature", [True, False])
def test_the_algorithm_is_the_keys_own(alg: str, keep_signature: bool) -> None:
    header = json.dumps({"alg": alg, "kid": KEYS.signing.id, "typ": "at+jwt"})
    _, body, tail = TOKEN.split(".")
    assert (
        reason(f"{b64(header)}.{body}.{tail if keep_signature else 'AA'}") is Reason.WRONG_ALGORITHM
    )


def test_a_token_with_an_empty_signature_is_refused() -> None:
    header = json.dumps({"alg": "none", "kid": KEYS.signing.id, "typ": "at+jwt"})
    assert reason(f"{b64(header)}.{TOKEN.split('.')[1]}.") is Reason.MALFORMED


def test_a_good_signature_under_a_false_algorithm_is_refused() -> None:
    # Signed by the right key with a header that names another algorithm.
    key = KEYS.signing
    header = json.dumps({"alg": "HS256", "kid": key.id, "typ": "at+jwt"})
    signing_input = f"{b64(header)}.{TOKEN.split('.')[1]}"
    signature = key.jose.private_key.sign(signing_input.encode())  # type: ignore[union-attr, call-arg, arg-type]  # an Ed25519 key
    examination = examine(f"{signing_input}.{b64(signature)}", KEYS, POLICY, NOW)
    assert examination.reason is Reason.WRONG_ALGORITHM
    assert [check.name for check in examination.checks()] == ["shape", "typ", "key", "alg"]


def test_a_key_in_the_header_is_not_looked_at() -> None:
    stranger = derived_keyring(OTHERS).signing
    for extra in (
        {"jwk": stranger.public_jwk()},
        {"jku": "https://evil.example/keys"},
        {"crit": []},
    ):
        header = {"alg": "EdDSA", "kid": stranger.id, "typ": "at+jwt", **extra}
        signing_input = f"{b64(json.dumps(header))}.{TOKEN.split('.')[1]}"
        signature = stranger.jose.private_key.sign(signing_input.encode())  # type: ignore[union-attr, call-arg, arg-type]  # an Ed25519 key
        assert reason(f"{signing_input}.{b64(signature)}") is Reason.UNSUPPORTED_HEADER


def test_a_header_that_was_seen_before_is_judged_by_the_keys_of_today() -> None:
    stranger = derived_keyring(OTHERS)
    token = minted(key=stranger.signing)
    assert reason(token, keys=stranger) is None
    assert reason(token) is Reason.UNKNOWN_KEY
    assert reason(token, keys=stranger) is None


def test_checks_are_told_again_and_again_alike() -> None:
    for token in (TOKEN, TOKEN[:-1], signed(nbf=SECOND), signed(nbf=SECOND + 60), signed(sub=None)):
        examination = examine(token, KEYS, POLICY, NOW)
        assert examination.checks() == examination.checks()
    assert [one.name for one in examine(signed(nbf=SECOND), KEYS, POLICY, NOW).checks()] == [
        *ALL[:9],
        "nbf",
        *ALL[9:],
    ]


def test_a_sender_does_not_choose_what_the_trace_shows() -> None:
    header = json.dumps({"alg": "<script>", "kid": KEYS.signing.id, "typ": "at+jwt"})
    shown = examine(f"{b64(header)}.{TOKEN.split('.', 1)[1]}", KEYS, POLICY, NOW)
    assert "script" not in repr(shown.checks())


def test_no_claim_is_read_before_the_signature() -> None:
    _, body, _ = TOKEN.split(".")
    forged = TOKEN.replace(body, b64("not even JSON"))
    assert reason(forged) is Reason.BAD_SIGNATURE


# -- what the claims must be


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "sid", "jti", "iat", "exp"])
def test_a_missing_claim_is_refused(name: str) -> None:
    assert reason(signed(**{name: None})) is Reason.BAD_CLAIMS


@pytest.mark.parametrize("name", ["iss", "sub", "sid", "jti"])
@pytest.mark.parametrize("value", [7, True, "", "x" * 257, ["acc_1"], {"a": 1}, 1.5])
def test_an_identifier_of_another_type_or_length_is_refused(name: str, value: object) -> None:
    assert reason(signed(**{name: value})) is Reason.BAD_CLAIMS


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time", "iat_ms"])
@pytest.mark.parametrize("value", [True, False, "1700000000", -1, [1], {}, 2**53 + 1])
def test_a_date_of_another_type_or_range_is_refused(name: str, value: object) -> None:
    assert reason(signed(**{name: value})) is Reason.BAD_CLAIMS


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 400, "null"])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_a_number_that_is_none_is_refused(name: str, number: str) -> None:
    others = {key: value for key, value in STATED.items() if key != name}
    text = json.dumps(others)[:-1] + f',"{name}":{number}}}'
    assert reason(signed_json(text)) is Reason.BAD_CLAIMS


def test_a_payload_that_is_signed_but_not_strict_is_refused() -> None:
    good = json.dumps(STATED)
    assert reason(signed_json(good)) is None
    for text in (
        good[:-1] + ',"sub":"acc_2"}',
        good[:-1] + ',"\\u0073ub":"acc_2"}',
        f"[{good}]",
        "[]",
        "null",
        good + "x",
        "\ufeff" + good,
        good[:-1] + ',"x":"\\ud800"}',
        good[:-1] + ',"x":' + "[" * 50 + "]" * 50 + "}",
    ):
        assert reason(signed_json(text)) is Reason.BAD_CLAIMS


@pytest.mark.parametrize("iat_ms", [NOW + 1000, NOW - 1000, float(NOW), 0, "x"])
def test_the_exact_time_must_agree_with_the_coarse_one(iat_ms: object) -> None:
    assert reason(signed(iat_ms=iat_ms)) is Reason.BAD_CLAIMS


def test_without_the_exact_time_the_coarse_one_counts() -> None:
    examined = examine(signed(iat_ms=None), KEYS, POLICY, NOW).claims
    assert examined is not None
    assert examined.issued_at == SECOND * 1000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("roles", "admin"),
        ("roles", [1]),
        ("roles", [""]),
        ("roles", ["r"] * 65),
        ("amr", "pwd"),
        ("amr", [None]),
        ("roles", {"admin": True}),
    ],
)
def test_a_list_of_anything_but_text_is_refused(name: str, value: object) -> None:
    assert reason(signed(**{name: value})) is Reason.BAD_CLAIMS


def test_a_token_that_does_not_say_when_counts_as_long_ago() -> None:
    examined = examine(signed(auth_time=None), KEYS, POLICY, NOW).claims
    assert examined is not None
    assert examined.authenticated_at == 0


# -- from whom, for whom


@pytest.mark.parametrize(
    "issuer",
    ["https://id.example/", "https://id.exampl", "https://ID.example", "https://id.example.evil"],
)
def test_another_issuer_is_refused(issuer: str) -> None:
    assert reason(signed(iss=issuer)) is Reason.WRONG_ISSUER


@pytest.mark.parametrize(
    "audience",
    ["shop2", "sho", "Shop", "shop ", "my-shop", ["admin"], ["shop2", "sho"], ["shop,admin"], "*"],
)
def test_another_audience_is_refused(audience: object) -> None:
    assert reason(signed(aud=audience)) is Reason.WRONG_AUDIENCE


@pytest.mark.parametrize(
    "audience", [[], "", [""], ["shop", 7], ["shop", None], {"shop": 1}, 7, True]
)
def test_an_audience_of_another_type_is_refused(audience: object) -> None:
    assert reason(signed(aud=audience)) is Reason.BAD_CLAIMS


def test_one_audience_among_several_is_enough() -> None:
    assert reason(signed(aud=["admin", "shop"])) is None


# -- when


def test_the_end_is_exact_and_has_no_leeway() -> None:
    end = STATED["exp"] * 1000
    assert reason(TOKEN, now=end - 1) is None
    assert reason(TOKEN, now=end) is Reason.EXPIRED
    assert reason(TOKEN, now=end + 1) is Reason.EXPIRED


@pytest.mark.proves("attack:74")
def test_a_start_in_the_future_is_excused_up_to_the_leeway() -> None:
    assert reason(TOKEN, now=NOW - 5_000) is None
    assert reason(TOKEN, now=NOW - 5_001) is Reason.NOT_YET_VALID
    assert reason(signed(nbf=SECOND + 5)) is None
    assert reason(signed(nbf=SECOND + 6)) is Reason.NOT_YET_VALID
    strict = replace(POLICY, leeway=0)
    assert reason(TOKEN, now=NOW, policy=strict) is None
    assert reason(TOKEN, now=NOW - 1, policy=strict) is Reason.NOT_YET_VALID


def test_a_token_that_lives_too_long_is_refused() -> None:
    assert reason(signed(exp=SECOND + 305)) is None
    assert reason(signed(exp=SECOND + 306)) is Reason.LIVES_TOO_LONG
    assert reason(signed(exp=2**53)) is Reason.LIVES_TOO_LONG


def test_milliseconds_where_seconds_belong_are_refused() -> None:
    assert reason(signed(exp=NOW + 300_000)) is Reason.LIVES_TOO_LONG
    assert reason(signed(iat=NOW, iat_ms=None)) is not None
    assert reason(signed(iat=NOW, iat_ms=None, exp=NOW + 300_000)) is Reason.NOT_YET_VALID


def test_fractions_of_a_second_are_read() -> None:
    assert reason(signed(exp=SECOND + 1.5), now=SECOND * 1000 + 1_499) is None
    assert reason(signed(exp=SECOND + 1.5), now=SECOND * 1000 + 1_500) is Reason.EXPIRED


# -- settings


@pytest.mark.parametrize(
    "change",
    [
        {"leeway": -1},
        {"leeway": 60_001},
        {"lifetime": 0},
        {"issuer": ""},
        {"audience": ""},
        {"typ": ""},
    ],
)
def test_a_policy_that_checks_nothing_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        replace(POLICY, **change)  # type: ignore[arg-type]  # one of several fields
    assert caught.value.setting in change


def test_the_longest_leeway_is_a_minute() -> None:
    assert replace(POLICY, leeway=60_000).leeway == 60_000


# -- whatever else may come


def test_every_change_of_one_character_is_refused() -> None:
    for at, character in enumerate(TOKEN):
        for other in {ALPHABET[(ord(character) * 7 + at) % 64], "A", "_", ".", "=", "é"} - {
            character
        }:
            assert reason(TOKEN[:at] + other + TOKEN[at + 1 :]) is not None


def test_every_other_last_character_is_refused() -> None:
    for other in set(ALPHABET) - {TOKEN[-1]}:
        assert reason(TOKEN[:-1] + other) is not None


def test_every_cut_and_every_doubling_is_refused() -> None:
    for at in range(len(TOKEN)):
        assert reason(TOKEN[:at]) is not None
        assert reason(TOKEN[:at] + TOKEN) is not None or at == 0


@given(st.text(max_size=300))
@example("")
@example("\ud800.\ud800.\ud800")
@example("." * 9000)
@example("A" * 100_000)
@settings(max_examples=300, deadline=None)
def test_no_text_raises(text: str) -> None:
    assert reason(text) is not None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(name=st.sampled_from(sorted(STATED)) | st.text(max_size=5), value=json_values)
@settings(max_examples=400, deadline=None)
def test_no_signed_claim_raises(name: str, value: object) -> None:
    reason(signed_json(json.dumps({**STATED, name: value})))


@given(header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk"]), json_values))
@settings(max_examples=200, deadline=None)
def test_no_header_raises_or_is_believed(header: dict[str, object]) -> None:
    _, body, tail = TOKEN.split(".")
    assert reason(f"{b64(json.dumps(header))}.{body}.{tail}") is not None


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_mutated_token_is_believed(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(TOKEN)))
    until = data.draw(st.integers(at, len(TOKEN)))
    changed = TOKEN[:at] + data.draw(st.text(ALPHABET + ".=", max_size=6)) + TOKEN[until:]
    if changed != TOKEN:
        assert reason(changed) is not None


@pytest.mark.proves("dpop:14")
@pytest.mark.parametrize(
    "confirmation",
    [{}, "key", {"jkt": 7}, {"jkt": "short"}, {"kid": "one"}, {"x5t#S256": "A" * 43}, {"jwk": {}}],
)
def test_a_token_that_is_bound_in_a_way_that_is_not_known_is_not_unbound(
    confirmation: object,
) -> None:
    assert reason(signed(cnf=confirmation)) is Reason.BAD_CLAIMS
    examination = examine(signed(cnf={"jkt": "A" * 43}), KEYS, POLICY, NOW)
    assert examination.claims is not None
    assert examination.claims.bound_to == "A" * 43
