"""What may be read of the wire, with input that wants to be read: only what is listed is kept."""

from __future__ import annotations

import base64
import json
import string
from typing import Any

import pytest
from canaries import leaks

from limen.evidence import Evidence
from limen.lab.recording.exchange import (
    BUCKET_OCTETS,
    MAX_BODY_OCTETS,
    MAX_MEMBERS,
    MAX_TEXT,
    Body,
    Line,
    Token,
    body_of,
    lines_of,
    plain,
    read_token,
    without_length,
)
from limen.trace.event import Recorded
from limen.trace.redaction import Redaction

CANARY = "canary-8f2e61d04b7a4c35-only-here"
JSON = "application/json"
XSS = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "</title><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe",
]


@pytest.fixture
def record() -> Redaction:
    return Redaction(b"k" * 32, show_personal=True)


def written(*things: Line | Body | Token | None) -> str:
    """Return everything that was kept, as it leaves in an export."""
    return json.dumps([one.as_json() for one in things if one is not None])


def header(name: str, value: str) -> tuple[bytes, bytes]:
    return name.encode("latin-1"), value.encode("latin-1")


def posted(value: object, record: Any) -> Body:
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    body = body_of(octets, JSON, record, octets=len(octets), asked=True)
    assert body is not None
    return body


@pytest.mark.parametrize(
    "line",
    [
        ("x-forwarded-access-token", CANARY),
        ("proxy-authorization", f"Bearer {CANARY}"),
        ("x-api-key", CANARY),
        ("authorization", f"Bearer {CANARY}"),
        ("authorization", CANARY),
        ("authorization", f"{CANARY} x"),
        ("Authorization", f"Digest {CANARY}"),
        ("cookie", f"better-auth.session_token={CANARY}"),
        ("cookie", f"unrelated={CANARY}"),
        ("cookie", CANARY),
        ("cookie", f"{CANARY}="),
        ("cookie", f"={CANARY}"),
        ("cookie", f"a=b;better-auth.session_token={CANARY}"),
        ("set-cookie", f"better-auth.refresh_token={CANARY}; Path=/"),
        ("set-cookie", f"{CANARY}; Path=/"),
        ("set-cookie", f"better-auth.session_token=; {CANARY}=1; note={CANARY}"),
    ],
)
def test_a_credential_is_kept_of_no_header_line(line: tuple[str, str], record: Redaction) -> None:
    kept = lines_of([header(*line)], record)
    assert leaks([CANARY], written(*kept)) == []
    assert kept[0].octets == len(line[0]) + len(line[1]) + 4


def test_lines_keep_their_order_their_names_and_their_doubles(record: Redaction) -> None:
    given = [("host", "a"), ("x-unknown", "b"), ("accept", "c"), ("host", "d")]
    kept = lines_of([header(*one) for one in given], record)
    assert [one.name for one in kept] == ["host", "x-unknown", "accept", "host"]
    assert [one.pieces for one in kept] == [("a",), (None,), ("c",), ("d",)]


def test_equal_credentials_get_equal_labels_wherever_they_stand(record: Redaction) -> None:
    cookie, bearer = lines_of(
        [
            header("cookie", f"better-auth.session_token={CANARY}"),
            header("authorization", f"Bearer {CANARY}"),
        ],
        record,
    )
    assert cookie.pieces[-1] == bearer.pieces[-1]


@pytest.mark.parametrize(
    "value",
    [
        {"unknown": CANARY},
        {"user": {"deep": {"er": [CANARY, {"x": CANARY}]}}},
        {"password": CANARY},
        {"password": [CANARY]},
        {"password": {"a": CANARY}},
        {"token": {"value": CANARY}},
        {"roles": [{"secret": CANARY}]},
        {"orders": [CANARY]},
        {"token": CANARY, "refreshToken": CANARY, "newPassword": CANARY},
        [CANARY, {"token": CANARY}],
        CANARY,
    ],
)
def test_a_body_shows_listed_members_only(value: object, record: Redaction) -> None:
    assert leaks([CANARY], written(posted(value, record))) == []


@pytest.mark.parametrize(
    "octets",
    [
        f'{{"password": "{CANARY}"'.encode(),
        f"password={CANARY}".encode(),
        b"\xff\xfe" + CANARY.encode(),
        b"[" * 50_000,
        b'{"id": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_json_is_counted_and_not_read(octets: bytes, record: Redaction) -> None:
    body = posted(octets, record)
    assert body.members == {}
    assert body.rounded
    assert leaks([CANARY], written(body)) == []


@pytest.mark.parametrize("member", ["password", "newPassword", "passphrase"])
def test_the_length_of_a_passphrase_does_not_show(member: str, record: Redaction) -> None:
    """Neither in the body nor in `content-length`, whose number of digits could tell it too."""
    seen = set()
    for length in range(40, 100):
        octets = json.dumps({"email": "a@b.example", member: "x" * length}).encode()
        body = body_of(octets, JSON, record, octets=len(octets), asked=True)
        assert body is not None
        assert body.rounded
        lines = without_length(lines_of([header("Content-Length", str(len(octets)))], record), body)
        assert lines[0].pieces == (None,)
        seen.add((body.octets, lines[0].octets))
    assert {octets % BUCKET_OCTETS for octets, _ in seen} == {0}
    assert len(seen) == 2


def test_a_body_that_was_read_whole_has_its_exact_length(record: Redaction) -> None:
    body = posted({"refreshToken": CANARY, "id": "x"}, record)
    assert not body.rounded
    assert body.octets == len(json.dumps({"refreshToken": CANARY, "id": "x"}))


def test_a_huge_body_and_a_crowd_of_members_are_bounded(record: Redaction) -> None:
    huge = posted(json.dumps({"id": "x" * MAX_BODY_OCTETS}).encode(), record)
    assert huge.members == {}
    crowd = posted({f"id{number}": number for number in range(3_000)}, record)
    assert len(crowd.members) == MAX_MEMBERS
    assert crowd.rounded
    assert len(str(posted({"id": "x" * 10_000}, record).members["id"])) < 2 * MAX_TEXT


def jwt(header_: object, claims: object) -> str:
    parts = [json.dumps(one).encode() for one in (header_, claims)]
    return ".".join(
        base64.urlsafe_b64encode(one).decode().rstrip("=") for one in (*parts, CANARY.encode())
    )


def test_a_token_shows_listed_claims_and_never_its_signature(record: Redaction) -> None:
    text = jwt(
        {"alg": "EdDSA", "x5c": CANARY}, {"sub": "alice", "email": CANARY, "deep": {"sub": CANARY}}
    )
    token = read_token(text, record)
    assert token is not None
    assert token.octets == len(text)
    assert token.claims["sub"] == {"k": "public", "v": "alice"}
    assert token.claims["email"] is None
    assert token.claims["deep"] is None
    assert token.header["x5c"] is None
    signature = text.rpartition(".")[2]
    assert leaks([CANARY, signature], written(token)) == []


HOSTILE_CLAIMS = [
    None,
    True,
    -1,
    1.5,
    1e400,
    2**70,
    [],
    ["a", {"b": 1}],
    {"a": 1},
    "x" * 100_000,
    "\ud800",
    "\x00\x1b[31m",
]


@pytest.mark.parametrize("value", HOSTILE_CLAIMS)
@pytest.mark.parametrize("name", ["exp", "aud", "roles", "alg"])
def test_a_claim_of_any_type_is_read_without_harm(
    name: str, value: object, record: Redaction
) -> None:
    token = read_token(jwt({name: value}, {name: value}), record)
    assert token is not None
    written(token).encode()
    for kept in (token.header[name], token.claims[name]):
        if kept is not None:
            str(kept["v"]).encode()
            assert len(str(kept["v"])) <= MAX_TEXT


@pytest.mark.parametrize(
    "text",
    ["", "..", "a.b.c", "a.b", "=.=.=", "é.é.é", f"{'W10.' * 2}x", f"{'eyJhIjoxfQ.' * 2}"],
)
def test_what_is_no_token_is_none(text: str, record: Redaction) -> None:
    token = read_token(text, record)
    assert token is None or token.claims == {"a": None}


def test_what_somebody_else_chose_is_printable_and_short() -> None:
    assert (
        plain("\u202e\x00\ud800a\n")
        == "\N{REPLACEMENT CHARACTER}" * 3 + "a\N{REPLACEMENT CHARACTER}"
    )
    assert len(plain("x" * 1_000)) == MAX_TEXT
    assert plain(string.ascii_letters) == string.ascii_letters


def kinds(evidence: Evidence) -> Recorded:
    raise AssertionError(f"nothing was to be recorded, and {type(evidence).__name__} was")


def test_what_is_not_listed_is_not_even_handed_to_the_recorder() -> None:
    lines_of([header("x-secret", CANARY), header("cookie", CANARY)], kinds)
    posted({"unknown": CANARY, "password": [CANARY]}, kinds)
