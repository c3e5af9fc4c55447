"""Tokens that the right key signed, and whose claims are odd: types, times, spellings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from forging import DELETED, GOOD_JSON, SECOND, Context, claims, stated

YEAR_9999 = 253_402_300_799


# What a claim must not be; `DELETED` takes it away.
_TEXTS: tuple[Any, ...] = (DELETED, None, "", 5, True, {}, [], [5], ["", ""], "x" * 5000)
_DATES: tuple[Any, ...] = (
    *(DELETED, None, "", [], {}, True, False, "soon", [SECOND], "NaN", -1, -0.5, str(SECOND)),
)
_OPTIONAL: tuple[Any, ...] = (None, "", True, [], {}, str(SECOND), -1)
_LISTS: tuple[Any, ...] = (None, "admin", 5, {}, [5], [None], [["admin"]], ["x"] * 65, [""])
_WRONG: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("iss", "aud", "sub", "sid", "jti"), _TEXTS),
    **dict.fromkeys(("iat", "exp"), _DATES),
    **dict.fromkeys(("nbf", "auth_time", "iat_ms"), _OPTIONAL),
    **dict.fromkeys(("amr", "roles"), _LISTS),
}
_OTHERS: dict[str, tuple[Any, ...]] = {
    "iss": (
        "https://id.example/",
        "https://id.example.evil",
        "https://id",
        "HTTPS://ID.EXAMPLE",
        "http://id.example",
        " https://id.example",
        "https://id.example\0",
        ["https://id.example"],
    ),
    "aud": ("sho", "shop2", "SHOP", "shop ", ["sho", "p"], [["shop"]], {"shop": 1}, "shop\0"),
}


def odd_claims(at: Context) -> Iterator[tuple[str, Any]]:
    """Claims that are missing, of another type, of another service or of another time."""
    for table in (_WRONG, _OTHERS):
        for name, values in table.items():
            for value in values:
                shown = "missing" if value is DELETED else f"{value!r:.24}"
                yield f"claim: {name} {shown}", at.sign(payload=claims(**{name: value}))
    yield from _times(at)


def _times(at: Context) -> Iterator[tuple[str, Any]]:
    for exp in (
        0,
        SECOND,
        SECOND - 1,
        SECOND - 10**6,
        SECOND + 306,
        SECOND + 86_400,
        SECOND * 1000,
        SECOND * 1000 + 300_000,
        YEAR_9999,
        2**31 - 1,
        2**31,
        2**32,
        2**53 - 1,
        2**53,
        10**12,
    ):
        yield f"exp: {exp}", at.sign(payload=claims(exp=exp))
    for iat in (0, SECOND - 3600, SECOND + 6, SECOND + 600, 2**31, YEAR_9999, SECOND * 1000):
        # `iat_ms` agrees, so that it is the time that is judged.
        yield f"iat: {iat}", at.sign(payload=claims(iat=iat, iat_ms=min(iat * 1000, 2**53)))
    for ahead in (6, 600, 10**6, 10**12, 2**53 - SECOND):
        yield f"nbf: {ahead} ahead", at.sign(payload=claims(nbf=SECOND + ahead))
    yield "iat_ms: another second", at.sign(payload=claims(iat_ms=SECOND * 1000 - 1))
    yield "iat_ms: a fraction", at.sign(payload=claims(iat_ms=SECOND * 1000 + 0.5))
    yield "iat and exp long ago", at.sign(payload=claims(iat=1, iat_ms=1000, exp=2))


def odd_json(at: Context) -> Iterator[tuple[str, Any]]:
    """Payloads that two readers would read differently, or that hurt a reader."""
    for spelling in (
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "1e308",
        "9" * 400,
        "9" * 4000,
        "9" * 5000,
        "-" + "9" * 5000,
        "1" + "0" * 4400,
        str(2**53 + 1),
        str(2**63),
        str(2**64),
        "0x7fffffff",
        "01700000300",
        "+1700000300",
        "1700000300.",
        ".5",
        "1_700_000_300",
        "1e",
        "--1",
        "True",
        "undefined",
    ):
        for name in ("exp", "iat", "nbf", "auth_time"):
            yield (
                f"JSON: {name} {spelling:.12} {len(spelling)}",
                at.sign(payload=stated(name, spelling)),
            )
    whole = GOOD_JSON
    for name, payload in (
        ("sub twice", f'{whole[:-1]},"sub":"root"}}'),
        ("sub twice, the other first", f'{{"sub":"root",{whole[1:]}'),
        ("exp twice", f'{whole[:-1]},"exp":{SECOND + 200}}}'),
        ("sub twice by an escape", f'{whole[:-1]},"s\\u0075b":"root"}}'),
        ("an inner member twice", f'{whole[:-1]},"x":{{"a":1,"a":2}}}}'),
        ("byte order mark", "\ufeff" + whole),
        ("UTF-16", whole.encode("utf-16")),
        ("UTF-16 little", whole.encode("utf-16-le")),
        ("UTF-16 big", whole.encode("utf-16-be")),
        ("UTF-32", whole.encode("utf-32")),
        ("invalid UTF-8", whole.encode().replace(b"acc_1", b"acc\xff")),
        ("overlong UTF-8", whole.encode().replace(b"acc_1", b"acc\xc0\xaf")),
        ("a surrogate as UTF-8", whole.encode().replace(b"acc_1", b"acc\xed\xa0\x80")),
        ("lone surrogate", whole.replace("acc_1", "acc\\ud800")),
        ("surrogates the wrong way round", whole.replace("acc_1", "\\udc00\\ud800")),
        ("lone surrogate as a name", f'{whole[:-1]},"\\udfff":1}}'),
        ("control character", whole.replace("acc_1", "acc\x01")),
        ("NUL octet", whole.replace("acc_1", "acc\x00")),
        ("unknown escape", whole.replace("acc_1", "acc\\x41")),
        ("white space before", " " + whole),
        ("line end after", whole + "\n"),
        ("something after", whole + "{}"),
        ("NUL after", whole + "\0"),
        ("comma at the end", whole[:-1] + ",}"),
        ("comment", whole[:-1] + "/* */}"),
        ("single quotes", whole.replace('"', "'")),
        ("cut", whole[:-1]),
        ("nothing", "{}"),
        ("a list", f"[{whole}]"),
        ("a text", json.dumps(whole)),
        ("a number", "7"),
        ("null", "null"),
        ("true", "true"),
        ("no JSON", "acc_1"),
        ("XML", "<claims/>"),
        ("nine levels", f'{whole[:-1]},"x":' + "[" * 8 + "]" * 8 + "}"),
        ("a thousand levels", f'{whole[:-1]},"x":' + "[" * 1000 + "]" * 1000 + "}"),
        ("a thousand objects", f'{whole[:-1]},"x":' + '{"a":' * 1000 + "1" + "}" * 1001),
        ("brackets that stay open", "[" * 5000),
        ("a hundred thousand levels", "[" * 100_000 + "]" * 100_000),
        ("an inner NaN", f'{whole[:-1]},"x":[NaN]}}'),
        ("an inner long number", f'{whole[:-1]},"x":{"9" * 4500}}}'),
    ):
        yield f"JSON: {name}", at.sign(payload=payload)
