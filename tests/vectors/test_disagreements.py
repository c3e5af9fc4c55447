"""Where joserfc, used as its documents say, and this verifier give two answers to one token."""

from __future__ import annotations

from typing import Any

import pytest
from forged import cases
from forging import NOW, POLICY, Context, contexts
from joserfc import jws as peer_jws
from joserfc import jwt as peer_jwt
from joserfc.errors import SecurityWarning

from limen import jws
from limen.claims import examine
from limen.errors import InvalidToken
from limen.jose import MAXIMUM_LENGTH

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{SecurityWarning.__module__}.SecurityWarning"),
    pytest.mark.proves("attack:55", "jwt:24"),
]
CONTEXTS = [pytest.param(at, id=at.algorithm) for at in contexts()]
# What the peer believes and we do not: all of it signed by the right key and odd.
ODD = frozenset(
    {
        "JSON",  # numbers and texts that readers differ on, members twice
        "header JSON",
        "b64",
        "claim",  # of the profile of RFC 9068, or longer than ours
        "crit",
        "embedded",  # by the right key: the header is passed over there
        "exp",  # later than a token may live
        "header",
        "iat",
        "iat_ms",
        "kid",
        "nbf",
        "shape",  # octets instead of text
        "typ",
    }
)
FORGERIES = ("none", "alg", "swapped", "confused", "guessed", "a stranger", "signature", "base64")


def peer_believes(at: Context, presented: Any) -> bool:
    rules = peer_jwt.JWTClaimsRegistry(
        now=NOW // 1000,
        leeway=5,
        iss={"essential": True, "value": POLICY.issuer},
        aud={"essential": True, "value": POLICY.audience},
        exp={"essential": True},
    )
    try:
        token = peer_jwt.decode(presented, at.jose, algorithms=[at.algorithm])
        rules.validate(token.claims)
    except Exception:  # noqa: BLE001 - it raises what it likes for octets and numbers
        return False
    return True


@pytest.mark.parametrize("at", CONTEXTS)
def test_every_disagreement_over_a_token_is_a_rule_of_ours(at: Context) -> None:
    assert peer_believes(at, at.sign())
    assert examine(at.sign(), at.keys, POLICY, NOW).claims is not None
    families = {name.split(":")[0] for name, one in cases(at) if peer_believes(at, one)}
    assert families, "then the corpus has nothing that only we refuse"
    assert families <= ODD
    assert not any(family.startswith(FORGERIES) for family in families)


@pytest.mark.parametrize("at", CONTEXTS)
def test_what_both_take_as_a_message_has_one_payload(at: Context) -> None:
    key = at.jose.as_dict(private=at.algorithm == "HS256") | {"alg": at.algorithm}
    # It refuses members that it does not know, which RFC 7515 section 4 would pass over.
    lenient = peer_jws.JWSRegistry(algorithms=[at.algorithm], strict_check_header=False)
    lenient.max_header_length = lenient.max_payload_length = MAXIMUM_LENGTH
    both = 0
    for name, presented in cases(at):
        try:
            payload = jws.verify(presented, key)
        except InvalidToken:
            continue
        peer = peer_jws.deserialize_compact(presented, at.jose, registry=lenient)
        assert peer.payload == payload, name
        both += 1
    assert both > 100  # a raw message has no claims that could be odd
