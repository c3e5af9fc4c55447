"""The rules of RFC 9449 section 4.3 about one proof, each broken by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from holders import ALGORITHMS, NOT_GIVEN, Holder, decoded, encoded, made, public
from joserfc.jwk import ECKey, OKPKey

from limen.dpop import MAXIMUM_ID, MAXIMUM_PROOF, Proof, ProofPolicy, judge
from limen.nonces import Nonces
from limen.sealing import Secrets
from limen.verdict import Reason

NOW = 1_800_000_000_000
URL = "https://app.example/api/me"
POLICY = ProofPolicy()
NONCES = Nonces(Secrets.of("k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq"), 300_000)
HOLDER = Holder()
RSA = Holder("RS256")
ONES = encoded(b"\1" * 32)
# RFC 9449 sections 4.1 and 7.1.
RFC_KEY = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
RFC_HEADER = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0Vj"
    "NoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5"
    "VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
RFC_SIGN_IN = (
    f"{RFC_HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2Vy"
    "dmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiML"
    "vqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
RFC_REQUEST = (
    f"{RFC_HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNv"
    "dXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycj"
    "JaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1"
    "plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)


def broken(text: str, *, now: int = NOW, access: str | None = None, **about: Any) -> str | None:
    """Return the name of the rule that a proof breaks, `None` if it holds."""
    proof = Proof(text, about.get("method", "GET"), about.get("url", URL))
    judgement = judge(proof, POLICY, now, nonces=about.get("nonces"), access=access)
    checks = judgement.checks()
    assert (judgement.reason is None) is all(one.ok for one in checks)
    return None if checks[-1].ok else checks[-1].name.removeprefix("proof ")


def proof(**changes: Any) -> str:
    return HOLDER.proof("GET", URL, NOW, **changes)


@pytest.mark.proves("dpop:5", "dpop:6")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_proof_by_each_allowed_algorithm_holds_and_names_its_key(algorithm: str) -> None:
    holder = Holder(algorithm)
    text = holder.proof("GET", URL, NOW, access="token")
    judgement = judge(Proof(text, "GET", URL), POLICY, NOW, access="token")
    assert judgement.reason is None
    assert judgement.thumbprint == holder.thumbprint
    assert [one.name for one in judgement.checks()] == [
        f"proof {name}"
        for name in (
            *("shape", "typ", "alg", "jwk", "signature", "claims"),
            *("htm", "htu", "nonce", "iat", "ath"),
        )
    ]


@pytest.mark.proves("dpop:6", "dpop:12")
def test_the_examples_of_the_rfc_hold_at_their_time() -> None:
    sign_in = Proof(RFC_SIGN_IN, "POST", "https://server.example.com/token")
    first = judge(sign_in, POLICY, 1_562_262_616_000)
    assert (first.reason, first.thumbprint) == (None, RFC_KEY)
    request = Proof(RFC_REQUEST, "GET", "https://resource.example.org/protectedresource")
    access = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    second = judge(request, POLICY, 1_562_262_618_000, access=access)
    assert (second.reason, second.thumbprint) == (None, RFC_KEY)
    assert judge(sign_in, POLICY, NOW).checks()[-1].name == "proof iat"


def test_the_newer_name_of_ed25519_means_the_same() -> None:
    assert broken(proof(header={"alg": "Ed25519"})) is None
    jwk = HOLDER.header["jwk"] | {"alg": "Ed25519"}
    assert broken(proof(header={"alg": "Ed25519", "jwk": jwk})) is None
    assert broken(proof(header={"alg": "EdDSA", "jwk": jwk})) is None


@pytest.mark.proves("dpop:2")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a.b.c.d",
        proof() + ".",
        f"{proof()},{proof()}",
        f" {proof()}",
        f"{proof()}=",
        proof().replace(".", " .", 1),
        json.dumps({"payload": "x"}),
        "\u00e9" + proof(),
        proof(pad="x" * MAXIMUM_PROOF),
        proof(header={"kid": "one"}),
        proof(header={"crit": ["x"]}),
        proof(header={"jku": "https://evil.example/keys"}),
        proof(header={"jwk": NOT_GIVEN}),
        proof(header={"alg": NOT_GIVEN}),
        proof(header={"alg": 7}),
        proof(header={"typ": None}),
    ],
)
def test_anything_but_one_plain_token_is_no_proof(text: str) -> None:
    assert broken(text) == "shape"


@pytest.mark.proves("dpop:2", "jwt:9")
def test_a_proof_is_read_as_strictly_as_an_access_token() -> None:
    good = json.dumps(HOLDER.header)
    twice = HOLDER.signed({}, b"{}").split(".")
    doubled = encoded(good.replace('"typ"', '"alg": "none", "typ"').encode())
    assert broken(".".join((doubled, *twice[1:]))) == "shape"
    for payload in (b"[]", b'{"jti": 1e400}', b'{"a": 1, "a": 2}', b"\xff", b"{" * 9):
        assert broken(HOLDER.signed(HOLDER.header, payload)) == "claims"


@pytest.mark.proves("dpop:3")
@pytest.mark.parametrize(
    "change",
    [
        *({name: NOT_GIVEN} for name in ("jti", "htm", "htu", "iat")),
        *({"jti": value} for value in ("", 7, None, ["x"], "x" * (MAXIMUM_ID + 1))),
        *({"iat": value} for value in (True, "1800000000", None, [NOW])),
        {"htm": ["GET"]},
        {"htu": {"a": 1}},
    ],
)
def test_a_claim_that_is_missing_or_of_another_type_is_refused(change: dict[str, Any]) -> None:
    assert broken(proof(**change)) == "claims"


@pytest.mark.proves("dpop:4", "at:2")
@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "DPOP+JWT", "application/dpop+jwt", "dpop", ""])
def test_only_a_token_that_says_it_is_a_proof_is_one(typ: str) -> None:
    assert broken(proof(header={"typ": typ})) == "typ"


@pytest.mark.proves("dpop:5")
@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", "HS256", "HS512", "ES384", "RS1", "eddsa"]
)
def test_an_algorithm_that_is_not_offered_is_refused(algorithm: str) -> None:
    assert broken(proof(header={"alg": algorithm})) == "alg"


@pytest.mark.proves("dpop:5", "dpop:7")
def test_a_symmetric_key_proves_nothing() -> None:
    shared = Holder("HS256")
    assert broken(shared.proof("GET", URL, NOW)) == "alg"
    # Nor one that is called by the name of an asymmetric one.
    assert broken(shared.proof("GET", URL, NOW, header={"alg": "EdDSA"})) == "jwk"


@pytest.mark.proves("dpop:6")
def test_a_signature_by_another_key_or_over_other_text_is_refused() -> None:
    other = Holder()
    assert broken(other.proof("GET", URL, NOW, header={"jwk": HOLDER.header["jwk"]})) == "signature"
    head, _, tail = proof().split(".")
    body = encoded(json.dumps({"jti": "x", "htm": "GET", "htu": URL, "iat": NOW // 1000}).encode())
    assert broken(f"{head}.{body}.{tail}") == "signature"
    signature = bytearray(decoded(tail))
    signature[0] ^= 1
    assert broken(f"{head}.{proof().split('.')[1]}.{encoded(bytes(signature))}") == "signature"
    # An RSA key serves the one algorithm that its holder signs by.
    assert broken(RSA.proof("GET", URL, NOW, header={"alg": "PS256"})) == "signature"


@pytest.mark.proves("dpop:7")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_with_any_private_member_is_refused(algorithm: str) -> None:
    holder = RSA if algorithm == "RS256" else Holder(algorithm)
    whole = dict(holder.key.as_dict(private=True))
    for name in whole.keys() - public(holder.key).keys():
        jwk = holder.header["jwk"] | {name: whole[name]}
        assert broken(holder.proof("GET", URL, NOW, header={"jwk": jwk})) == "jwk"
    jwk = holder.header["jwk"] | {"k": encoded(b"x" * 32)}
    assert broken(holder.proof("GET", URL, NOW, header={"jwk": jwk})) == "jwk"


@pytest.mark.proves("dpop:7")
@pytest.mark.parametrize(
    ("algorithm", "jwk"),
    [
        ("EdDSA", None),
        ("EdDSA", []),
        ("EdDSA", {}),
        ("EdDSA", {"kty": "OKP", "crv": "Ed25519"}),
        ("EdDSA", {"kty": "OKP", "crv": "Ed25519", "x": 7}),
        ("EdDSA", {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}),
        ("EdDSA", HOLDER.header["jwk"] | {"use": "enc"}),
        ("EdDSA", HOLDER.header["jwk"] | {"alg": "ES256"}),
        ("EdDSA", HOLDER.header["jwk"] | {"key_ops": ["encrypt"]}),
        ("EdDSA", public(OKPKey.generate_key("X25519"))),
        ("ES256", public(ECKey.generate_key("P-384"))),
        (
            "ES256",
            {"kty": "EC", "crv": "P-256", "x": encoded(b"\1" * 32), "y": encoded(b"\1" * 32)},
        ),
        ("ES256", HOLDER.header["jwk"]),
        ("RS256", RSA.header["jwk"] | {"e": "Aw"}),
        ("RS256", RSA.header["jwk"] | {"n": encoded(b"\xff" * 128)}),
        ("RS256", RSA.header["jwk"] | {"n": encoded(b"\xff" * 513)}),
        ("PS256", public(made("ES256"))),
    ],
)
def test_a_key_that_is_malformed_weak_or_meant_for_something_else_is_refused(
    algorithm: str, jwk: object
) -> None:
    assert broken(proof(header={"alg": algorithm, "jwk": jwk})) == "jwk"


@pytest.mark.proves("dpop:8")
@pytest.mark.parametrize("method", ["get", "Get", "POST", "", "GET "])
def test_the_method_is_the_very_same(method: str) -> None:
    assert broken(proof(htm=method)) == "htm"


@pytest.mark.proves("dpop:9")
@pytest.mark.parametrize(
    "url",
    [
        "https://app.example/api/me/",
        "https://app.example/api",
        "https://app.example/API/me",
        "http://app.example/api/me",
        "https://app.example:8443/api/me",
        "https://evil.example/api/me",
        "https://app.example.evil.example/api/me",
        "https://app.example@evil.example/api/me",
        "//app.example/api/me",
        "/api/me",
        "https://app.example\\api/me",
        "https://app.example/api/m\u00e9",
        "",
    ],
)
def test_another_address_is_refused(url: str) -> None:
    assert broken(proof(htu=url)) == "htu"


@pytest.mark.proves("dpop:10")
def test_a_nonce_is_taken_in_its_slot_and_the_next_and_must_be_ours() -> None:
    for age, rule in ((0, None), (300_000, None), (600_000, "nonce"), (-300_000, "nonce")):
        assert broken(proof(nonce=NONCES.current(NOW - age)), nonces=NONCES) == rule
    others = Nonces(Secrets.of("another-Qe27ncAKp0xzLmVbTtRuYiOq-secret"), 300_000)
    for wrong in (others.current(NOW), "", 7, None, NOT_GIVEN, "\u00e9", NONCES.current(NOW) + "A"):
        assert broken(proof(nonce=wrong), nonces=NONCES) == "nonce"
    refused = judge(Proof(proof(), "GET", URL), POLICY, NOW, nonces=NONCES)
    assert refused.reason is Reason.NONCE_NEEDED


def test_a_nonce_outlives_the_change_of_the_secret() -> None:
    old, new = "k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq", "another-Qe27ncAKp0xzLmVbTtRuYiOq-secret"
    changed = Nonces(Secrets.of([new, old]), 300_000)
    assert changed.holds(NONCES.current(NOW), NOW)
    assert changed.current(NOW) != NONCES.current(NOW)


@pytest.mark.proves("dpop:11")
@pytest.mark.parametrize(
    ("iat", "rule"),
    [
        (NOW // 1000 - 60, None),
        (NOW // 1000 - 60.001, "iat"),
        (NOW // 1000 + 5, None),
        (NOW // 1000 + 5.001, "iat"),
        (0, "iat"),
        (-1, "iat"),
        (2**53, "iat"),
    ],
)
def test_a_proof_is_young_and_not_of_the_future(iat: float, rule: str | None) -> None:
    assert broken(proof(iat=iat)) == rule


@pytest.mark.proves("dpop:12", "dpop:3")
def test_beside_a_token_a_proof_is_about_that_token() -> None:
    assert broken(proof(access="token"), access="token") is None
    for wrong in (NOT_GIVEN, "", 7, None, "\u00e9", encoded(b"x" * 32), "token"):
        assert broken(proof(ath=wrong), access="token") == "ath"
    assert broken(proof(access="Token"), access="token") == "ath"
    assert broken(proof(access="token"), access="\ud800") == "ath"


def test_one_use_has_one_name_whatever_the_spelling_of_the_address() -> None:
    text = proof(jti="one")
    names = {
        judge(Proof(text, "GET", url), POLICY, NOW).use
        for url in (URL, URL.upper().replace("/API/ME", "/api/./me"), URL + "?q=1")
    }
    assert len(names) == 1
    other = judge(Proof(Holder().proof("GET", URL, NOW, jti="one"), "GET", URL), POLICY, NOW)
    assert other.use not in names
