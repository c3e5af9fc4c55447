"""Every forged or odd token is refused, by one type, whatever it is, and nothing is fetched."""

from __future__ import annotations

import binascii
import json
import socket
from typing import Any

import pytest
from forged import Case, cases, corpus
from forged_claims import odd_claims, odd_json
from forging import NOW, POLICY, Context, contexts

from limen import jose, strict
from limen.claims import examine
from limen.errors import InvalidToken
from limen.jose import MAXIMUM_LENGTH, parse
from limen.verdict import Reason

pytestmark = pytest.mark.proves(
    *(f"jwt:{n}" for n in (2, 3, 5, 6, 10, 13, 14, 17, 18, 19, 20, 22, 23, 24, 25, 26, 27)),
    *("at:6", "at:7", "at:8", "at:9", "asvs:9.1.1", "asvs:9.1.2", "asvs:9.1.3", "asvs:9.2.1"),
    *("asvs:9.2.2", "asvs:9.2.3", *(f"attack:{n}" for n in (46, 51, 54, 55, 57, 58, 59, 60, 77))),
)
AFTER_THE_SIGNATURE = {
    Reason.BAD_CLAIMS,
    Reason.WRONG_ISSUER,
    Reason.WRONG_AUDIENCE,
    Reason.EXPIRED,
    Reason.NOT_YET_VALID,
    Reason.LIVES_TOO_LONG,
}
CONTEXTS = [pytest.param(at, id=at.algorithm) for at in contexts()]


def test_the_corpus_is_as_large_as_it_says_and_no_case_is_there_twice() -> None:
    assert len(list(corpus())) >= 570
    for at in contexts():
        names = [name for name, _ in cases(at)]
        assert len(names) == len(set(names)), sorted({n for n in names if names.count(n) > 1})
        assert len(names) >= 300


@pytest.mark.parametrize("at", CONTEXTS)
def test_the_honest_token_of_each_context_is_believed(at: Context) -> None:
    # Without this every refusal below could have one trivial reason.
    examination = examine(at.sign(), at.keys, POLICY, NOW)
    assert examination.reason is None
    assert examination.claims is not None


@pytest.mark.parametrize("at", CONTEXTS)
def test_every_case_is_refused_as_a_value(at: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something was looked up")

    for name in ("getaddrinfo", "create_connection", "socket"):
        monkeypatch.setattr(socket, name, refuse)
    believed = []
    for name, presented in cases(at):
        examination = examine(presented, at.keys, POLICY, NOW)
        if examination.claims is not None or examination.reason is None:
            believed.append(name)
        (last,) = examination.checks()[-1:]
        assert not last.ok, name
        assert len(repr(examination.checks())) < 4000, name
    assert believed == []


@pytest.mark.parametrize("at", CONTEXTS)
def test_what_is_signed_and_odd_is_refused_for_its_oddity(at: Context) -> None:
    # Else a slip in the making of the corpus would pass for a refusal.
    for name, presented in odd_claims(at):
        reason = examine(presented, at.keys, POLICY, NOW).reason
        assert reason in AFTER_THE_SIGNATURE, name
    for name, presented in odd_json(at):
        if len(presented) <= MAXIMUM_LENGTH:
            assert examine(presented, at.keys, POLICY, NOW).reason is Reason.BAD_CLAIMS, name


@pytest.mark.parametrize("at", CONTEXTS)
def test_the_parser_raises_one_type(at: Context) -> None:
    said = set()
    for _, presented in cases(at):
        try:
            parse(presented)
        except InvalidToken as refusal:
            said.add(str(refusal))
    assert said == {"malformed", "unsupported_header"}  # and never the token


def test_nothing_that_is_too_long_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    # The bound on work, not on a clock: neither base64 nor JSON nor a signature is touched.
    oversized: list[Case] = [
        (name, presented)
        for at in contexts()
        for name, presented in cases(at)
        if isinstance(presented, str) and len(presented) > MAXIMUM_LENGTH
    ]
    assert len(oversized) > 20

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(strict, "a2b_base64", refuse)
    monkeypatch.setattr(jose, "_header", refuse)
    monkeypatch.setattr(jose, "decode_segment", refuse)
    monkeypatch.setattr(json.JSONDecoder, "raw_decode", refuse)
    monkeypatch.setattr(binascii, "a2b_base64", refuse)
    for _, presented in oversized:
        with pytest.raises(InvalidToken):
            parse(presented)


def test_no_claim_is_read_before_the_signature_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    monkeypatch.setattr("limen.claims.strict_json", read.append)
    for at in contexts():
        for name, presented in cases(at):
            if name.startswith(("signature", "confused", "guessed", "a stranger", "none")):
                examine(presented, at.keys, POLICY, NOW)
    assert read == []


@pytest.mark.parametrize("at", CONTEXTS)
@pytest.mark.proves("jwt:4", "jwt:9", "jwt:15", "attack:55")
def test_what_one_issuer_signs_means_nothing_to_another(at: Context) -> None:
    for other in contexts():
        if other is at:
            continue
        assert examine(other.sign(), at.keys, POLICY, NOW).reason is Reason.UNKNOWN_KEY
        named = other.sign(other.head(kid=at.key.id))
        assert examine(named, at.keys, POLICY, NOW).reason is Reason.WRONG_ALGORITHM
        claimed = other.sign(at.header)
        assert examine(claimed, at.keys, POLICY, NOW).reason is Reason.BAD_SIGNATURE
        # Nested: what is signed inside does not count, whoever signed it.
        nested = other.sign(other.head(kid=at.key.id, cty="JWT"), at.sign())
        assert examine(nested, at.keys, POLICY, NOW).reason is Reason.UNSUPPORTED_HEADER


@pytest.mark.proves("jwt:7")
def test_no_two_ecdsa_signatures_share_their_number() -> None:
    (at,) = (one for one in contexts() if one.algorithm == "ES256")
    drawn = {at.signature(f"text {n}")[:32] for n in range(300)}
    assert len(drawn) == 300
