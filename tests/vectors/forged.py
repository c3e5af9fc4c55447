"""The forged and odd tokens: a name and what is presented, for one context after the other.

Some are validly signed and break a rule of ours, so each is named by what it tries.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from forged_claims import odd_claims, odd_json
from forging import (
    DELETED,
    GOOD_JSON,
    GUESSED,
    Context,
    b64,
    claims,
    contexts,
    mac,
    public_spellings,
    segment,
)
from joserfc.jwk import OctKey

Case = tuple[str, Any]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
EDWARDS_ORDER = 2**252 + 27742317777372353535851937790883648493
LISTENER = "http://127.0.0.1:9/keys"


def none(at: Context) -> Iterator[Case]:
    """`alg` none and its spellings, with and without a signature."""
    for name in ("none", "None", "NONE", "nOnE", "noNE", " none", "none\0", "none\u200b", ""):
        text = f"{segment(at.head(alg=name))}.{segment(GOOD_JSON)}"
        yield f"none: {name!r} unsigned", f"{text}."
        yield f"none: {name!r} with the old signature", f"{text}.{at.sign().rpartition('.')[2]}"
    for value in (DELETED, None, [at.algorithm], {"a": 1}, 5, True):
        yield f"alg: {value!r:.20}", at.sign(at.head(alg=value))
    for spelling in (at.algorithm.lower(), at.algorithm + " ", at.algorithm + "\0", "\ufeffHS256"):
        yield f"alg spelt {spelling!r}", at.sign(at.head(alg=spelling))


def swapped(at: Context) -> Iterator[Case]:
    """Another algorithm in the header, over the right signature and over one of that kind."""
    others = ("HS256", "HS384", "HS512", "RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA")
    for alg in (*others, "Ed25519", "ES256K", "dir", "RSA1_5", "A256GCM", "PBES2-HS256+A128KW"):
        if alg != at.algorithm:
            yield f"swapped to {alg}", at.sign(at.head(alg=alg))


def confused(at: Context) -> Iterator[Case]:
    """The public key as the secret of an HMAC; guessed, empty and no secrets."""
    body = segment(GOOD_JSON)
    for alg, digest in (("HS256", "sha256"), ("HS512", "sha512")):
        for form, secret in public_spellings(at.jose):
            for named in (alg, at.algorithm):
                text = f"{segment(at.head(alg=named))}.{body}"
                yield f"confused: {form} as {alg} called {named}", mac(text, secret, digest)
        for secret in GUESSED:
            text = f"{segment(at.head(alg=alg))}.{body}"
            yield f"guessed: {secret[:9]!r} as {alg}", mac(text, secret.encode(), digest)
    for secret in (b"", b"\0", at.key.id.encode(), at.algorithm.encode()):
        yield f"guessed: {secret!r}", mac(f"{segment(at.header)}.{body}", secret)


def embedded(at: Context) -> Iterator[Case]:
    """A key that the token brings along, by value and by address."""
    jwk = at.other.as_dict(private=isinstance(at.other, OctKey))
    for member, value in (
        ("jwk", jwk),
        ("jku", LISTENER),
        ("x5u", LISTENER),
        ("x5c", ["MIIB"]),
        ("x5t", "AAAA"),
        ("x5t#S256", "AAAA"),
        ("jku", "file:///dev/null"),
        ("jku", "http://[::ffff:127.0.0.1]/"),
    ):
        header = at.head(**{member: value})
        text = f"{segment(header)}.{segment(GOOD_JSON)}"
        stranger = f"{text}.{b64(at.signature(text, at.other))}"
        yield f"embedded: {member} {value!r:.20} by a stranger", stranger
        yield f"embedded: {member} {value!r:.20} by the right key", at.sign(header)
    text = f"{segment(at.header)}.{segment(GOOD_JSON)}"
    yield "a stranger's key", f"{text}.{b64(at.signature(text, at.other))}"


def key_ids(at: Context) -> Iterator[Case]:
    """Key ids that would do something somewhere else."""
    for kid in (
        DELETED,
        None,
        "",
        5,
        True,
        [at.key.id],
        {"kid": at.key.id},
        "x' UNION SELECT '1';--",
        "' OR 1=1--",
        "../../../../../../dev/null",
        "/dev/null",
        "/invalid_path",
        "|sleep 10",
        "| curl http://127.0.0.1:9/",
        "*)(uid=*",
        "k" * 129,
        "k" * 5000,
        "k" * 100_000,
        at.key.id + "\0",
        at.key.id + " ",
        at.key.id.upper() + "X",
        "\U0001f511",
        LISTENER,
        "__proto__",
        "unknown",
    ):
        yield f"kid: {kid!r:.24} {len(repr(kid))}", at.sign(at.head(kid=kid))
    body = segment(GOOD_JSON)
    for kid, secret in (("/dev/null", b""), ("x' UNION SELECT '1';--", b"1")):
        yield (
            f"kid: {kid} signed with {secret!r}",
            mac(f"{segment(at.head(kid=kid, alg='HS256'))}.{body}", secret),
        )


def headers(at: Context) -> Iterator[Case]:
    """Members that nobody may pass over, and types that are not of an access token."""
    for crit in (["exp"], ["b64"], ["unknown"], [], "exp", ["alg"], ["a", "a"], None, {}, [7]):
        yield f"crit: {crit!r}", at.sign(at.head(crit=crit))
    yield "crit: named and there", at.sign(at.head(crit=["x"], x=1))
    for value in (False, True, "false"):
        yield f"b64: {value!r}", at.sign(at.head(b64=value, crit=["b64"]))
    text = f"{segment(at.head(b64=False, crit=['b64']))}.{GOOD_JSON}"
    yield "b64: the payload as it is", at.seal(text)
    for member, value in (
        ("zip", "DEF"),
        ("zip", None),
        ("cty", "JWT"),
        ("enc", "A256GCM"),
        ("p2c", 2_147_483_647),
        ("p2s", "AAAA"),
        ("epk", {}),
        ("nonce", "x"),
        ("url", LISTENER),
        ("ALG", at.algorithm),
        ("iss", "https://id.example"),
    ):
        yield f"header: {member} {value!r:.16}", at.sign(at.head(**{member: value}))
    for typ in (
        DELETED,
        None,
        "",
        "JWT",
        "jwt",
        "id_token",
        "dpop+jwt",
        "rt+jwt",
        "logout+jwt",
        "at+jwt ",
        "at+jwt;q=1",
        "application/jwt",
        "application/application/at+jwt",
        "xapplication/at+jwt",
        5,
        ["at+jwt"],
    ):
        yield f"typ: {typ!r}", at.sign(at.head(typ=typ))
    yield "header: many members", at.sign(at.head(**{f"m{n}": n for n in range(300)}))


def header_json(at: Context) -> Iterator[Case]:
    """Headers that two readers would read differently, or none."""
    good = json.dumps(at.header)
    last = f'"alg":"{at.algorithm}"}}'
    for name, header in (
        ("alg twice, none first", f'{{"alg":"none",{good[1:]}'),
        ("alg twice, none last", f'{good[:-1]},"alg":"none"}}'),
        ("alg twice alike", f"{good[:-1]},{last}"),
        ("alg twice by an escape", f'{good[:-1]},"\\u0061lg":"none"}}'),
        ("kid twice", f'{good[:-1]},"kid":"other"}}'),
        ("byte order mark", "\ufeff" + good),
        ("UTF-16", good.encode("utf-16")),
        ("UTF-16 without mark", good.encode("utf-16-le")),
        ("UTF-32", good.encode("utf-32")),
        ("invalid UTF-8", good.encode()[:-1] + b',"x":"\xff"}'),
        ("lone surrogate", f'{good[:-1]},"x":"\\ud800"}}'),
        ("white space before", " " + good),
        ("line end after", good + "\n"),
        ("something after", good + "{}"),
        ("single quotes", good.replace('"', "'")),
        ("comma at the end", good[:-1] + ",}"),
        ("comment", good[:-1] + "/**/}"),
        ("array", f"[{good}]"),
        ("text", json.dumps(good)),
        ("null", "null"),
        ("nothing", "{}"),
        ("number", "7"),
        ("cut", good[:-1]),
        ("NaN", f'{good[:-1]},"x":NaN}}'),
        ("deep", f'{good[:-1]},"x":' + "[" * 1000 + "]" * 1000 + "}"),
    ):
        yield f"header JSON: {name}", at.sign(header)


def shapes(at: Context) -> Iterator[Case]:
    """What is no compact JWS, up to what is no text at all."""
    good = at.sign()
    head, body, tail = good.split(".")
    flat = {"protected": head, "payload": body, "signature": tail}
    general = {"payload": body, "signatures": [{"protected": head, "signature": tail}]}
    evil = segment(claims(sub="root"))
    changed: dict[str, Any] = {
        "flattened": json.dumps(flat),
        "general": json.dumps(general),
        "flattened as a dict": flat,
        "general as a dict": general,
        "no signatures": json.dumps({"payload": body, "signatures": []}),
        "compact inside JSON": json.dumps(
            {f"  {head}.": "", "protected": head, "payload": evil, "signature": tail}
        ),
        "five parts": f"{good}.AAAA.AAAA",
        "JWE": ".".join([segment({"alg": "dir", "enc": "A256GCM"}), "", "AAAA", body, tail]),
        "JWE for our key": ".".join(
            [segment({"alg": "RSA-OAEP", "enc": "A256GCM"}), "AAAA", "AAAA", body, tail]
        ),
        "four parts": f"{good}.AAAA",
        "two parts": f"{head}.{body}",
        "one part": head,
        "nothing": "",
        "dots": "..",
        "a hundred thousand dots": "." * 100_000,
        "no header": f".{body}.{tail}",
        "no payload": f"{head}..{tail}",
        "no signature": f"{head}.{body}.",
        "signature cut": good[:-4],
        "payload of another": f"{head}.{evil}.{tail}",
        "header of another": f"{segment(at.head(x=1))}.{body}.{tail}",
        "Bearer before": f"Bearer {good}",
        "quoted": f'"{good}"',
        "space before": f" {good}",
        "space after": f"{good} ",
        "line end after": f"{good}\n",
        "line ends": f"{head}\r\n.{body}.{tail}",
        "NUL after": f"{good}\0",
        "wide dots": good.replace(".", "\uff0e"),
        "wide letter": good.replace("e", "\uff45", 1),
        "surrogate": f"{good}\ud800",
        "byte order mark": f"\ufeff{good}",
        "braces": f"{head}.{{}}.{tail}",
        "twice": f"{good},{good}",
        "ten million characters": "A" * 10_000_000,
        "long payload": at.sign(payload=claims(x="x" * 100_000)),
        "long header": at.sign(at.head(x="x" * 100_000)),
        "long signature": good + "A" * 22_000,
        "octets": good.encode(),
        "mutable octets": bytearray(good.encode()),
        "None": None,
        "an integer": 5,
        "a fraction": 0.5,
        "true": True,
        "a list": [good],
        "the parts": (head, body, tail),
        "an object": object(),
        "a type": str,
    }
    for name, value in changed.items():
        if value is not None:  # nothing presented is nobody, which is no refusal
            yield f"shape: {name}", value


def base64(at: Context) -> Iterator[Case]:
    """Other spellings of the same octets, each signed as it stands."""
    good = at.sign()
    parts = good.split(".")
    for index, name in enumerate(("header", "payload", "signature")):
        for junk in ("=", "==", "\n", " ", "A", "+", "/", "%3D", "!", "\u00e9"):
            changed = [*parts]
            changed[index] += junk
            text = ".".join(changed[:2])
            sealed = at.seal(text) if index < 2 else f"{text}.{changed[2]}"
            yield f"base64: {junk!r} after the {name}", sealed
    for index, name in enumerate(("header", "payload", "signature")):
        for extra in range(3):
            if index < 2:
                part = segment((json.dumps(at.header) if index == 0 else GOOD_JSON) + " " * extra)
                changed = [*parts]
                changed[index] = part
            else:
                changed, part = [*parts], parts[2]
            loose = 4 if len(part) % 4 == 2 else 2 if len(part) % 4 == 3 else 0
            if loose and (index == 2 or extra):
                bits = {4: 15, 2: 3}[loose]
                last = ALPHABET[ALPHABET.index(part[-1]) ^ (bits if extra != 1 else 1)]
                changed[index] = part[:-1] + last
                text = ".".join(changed[:2])
                sealed = at.seal(text) if index < 2 else f"{text}.{changed[2]}"
                yield f"base64: idle bits of the {name}, {extra}", sealed


def signatures(at: Context) -> Iterator[Case]:
    """Signatures that are none, and second forms of a right one."""
    text, _, tail = at.sign().rpartition(".")
    right = at.signature(text) if at.algorithm != "ES256" else None
    size = {"HS256": 32, "RS256": 256, "ES256": 64, "EdDSA": 64}[at.algorithm]
    made: dict[str, bytes] = {
        "one zero": b"\0",
        "zeros": bytes(size),
        "ones": b"\xff" * size,
        "zeros, one more": bytes(size + 1),
        "zeros, one fewer": bytes(size - 1),
        "zeros, twice": bytes(size * 2),
        "text": b"signature",
        "DER": b"\x30\x06\x02\x01\x01\x02\x01\x01",
    }
    if right is not None:
        made |= {
            "right, one zero after": right + b"\0",
            "right, one zero before": b"\0" + right,
            "right, cut": right[:-1],
            "right, cut before": right[1:],
            "right, half": right[: size // 2],
            "right, twice": right * 2,
            "right, backwards": right[::-1],
            "right, each bit but one": bytes([right[0] ^ 1]) + right[1:],
            "right, as hexadecimal": right.hex().encode(),
        }
    if at.algorithm == "ES256":
        for r in (0, 1, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1):
            for s in (0, 1, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1):
                made[f"r {r % 1000} s {s % 1000}"] = r.to_bytes(32) + s.to_bytes(32)
    if at.algorithm == "EdDSA" and right is not None:
        s = int.from_bytes(right[32:], "little")
        for times in range(1, 8):
            more = s + times * EDWARDS_ORDER
            made[f"S plus {times} times the order"] = right[:32] + more.to_bytes(32, "little")
        made["R neutral, S zero"] = b"\x01" + bytes(63)
        made["S with its top bit"] = right[:63] + bytes([right[63] | 0x80])
    for name, octets in made.items():
        yield f"signature: {name}", f"{text}.{b64(octets)}"
    yield "signature: base64 of it", f"{text}.{b64(tail)}"


FAMILIES: tuple[Callable[[Context], Iterator[Case]], ...] = (
    none,
    swapped,
    confused,
    embedded,
    key_ids,
    headers,
    header_json,
    shapes,
    base64,
    signatures,
    odd_claims,
    odd_json,
)
_MADE: dict[str, tuple[Case, ...]] = {}


def cases(at: Context) -> tuple[Case, ...]:
    """Return every case of one context; made once."""
    if at.key.id not in _MADE:
        _MADE[at.key.id] = tuple(chain.from_iterable(family(at) for family in FAMILIES))
    return _MADE[at.key.id]


def corpus() -> Iterator[tuple[Context, str, Any]]:
    """Yield every case of every context."""
    for at in contexts():
        for name, presented in cases(at):
            yield at, name, presented
