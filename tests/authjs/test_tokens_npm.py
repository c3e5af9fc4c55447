"""Tokens are read by the published packages, and theirs by us, both ways."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from authjs_visitors import SHARED, Visitor
from nodes import node

from limen.entropy import SystemEntropy
from limen.errors import InvalidToken
from limen.jwe import TOLERANCE, TokenKeys
from limen.verdict import Reason

SECRETS = ["7fJp-w2Qx_Lz8vKc4RtYn6Hs1Bd3Mg5A", "Zq0o-Ue9Iy_Tr7Wp2Sd4Fg6Hj8Kl1Xc3"]
PLAIN, SECURE = "authjs.session-token", "__Secure-authjs.session-token"
CLAIMS = {"name": "Adé", "email": "ada@example.org", "picture": None, "sub": "7", "sid": "s"}
HOUR = 3_600_000
# The library, our keys from these secrets, and what the library needs beside them.
KINDS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "v5": ("five", lambda secrets: TokenKeys.auth_js(secrets, PLAIN), {"salt": PLAIN}),
    "v5-secure": ("five", lambda secrets: TokenKeys.auth_js(secrets, SECURE), {"salt": SECURE}),
    "v4": ("four", TokenKeys.next_auth, {}),
    "better-auth": ("better", TokenKeys.better_auth, {}),
}


def asked(folder: Path, questions: list[list[Any]]) -> list[Any]:
    """Return what the packages answer."""
    ran = subprocess.run(
        [node(), "tokens.mjs"],
        cwd=folder,
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answers: list[Any] = json.loads(ran.stdout)
    return answers


def of_library(kind: str, secrets: list[str]) -> dict[str, Any]:
    library, _, rest = KINDS[kind]
    # Version 4 has one secret only.
    return {"secret": secrets[0] if library == "four" else secrets, **rest}


def ours(kind: str, secrets: list[str], now: int, lifetime: int = HOUR) -> str:
    keys = KINDS[kind][1](secrets)
    return keys.encrypt(CLAIMS, now=now, lifetime=lifetime, entropy=SystemEntropy()).reveal()


def test_every_package_reads_ours_and_we_read_theirs(installed: Path) -> None:
    now = time.time_ns() // 1_000_000
    questions = []
    for kind, (library, _, _) in KINDS.items():
        given = of_library(kind, SECRETS)
        decode = [library, "decode"]
        questions += [
            [*decode, {"token": ours(kind, SECRETS, now), **given}],
            [*decode, {"token": ours(kind, SECRETS, now - 2 * HOUR), **given}],
            [*decode, {"token": ours(kind, ["another secret"], now), **given}],
            [library, "encode", {"token": CLAIMS, "maxAge": HOUR // 1000, **given}],
            [library, "encode", {"token": CLAIMS, "maxAge": -60, **given}],
        ]
    answers = iter(asked(installed, questions))
    for kind, (_, keys_of, _) in KINDS.items():
        read, expired, foreign, token, ended = (next(answers) for _ in range(5))
        assert {name: read[name] for name in CLAIMS} == CLAIMS, kind
        assert read["exp"] == (now + HOUR) // 1000
        for refused in (expired, foreign):
            assert refused is None or "thrown" in refused, kind
        claims = keys_of(SECRETS).decrypt(token, now=now)
        assert {name: claims[name] for name in CLAIMS} == CLAIMS, kind
        # Whoever replaced the secret still reads what the old one made.
        assert keys_of([*SECRETS[::-1]]).decrypt(token, now=now)["sid"] == "s"
        with pytest.raises(InvalidToken) as caught:
            keys_of(SECRETS).decrypt(ended, now=now)
        assert caught.value.reason is Reason.EXPIRED


def test_a_package_with_both_secrets_reads_what_the_older_one_made(installed: Path) -> None:
    now = time.time_ns() // 1_000_000
    kinds = [kind for kind in KINDS if kind != "v4"]
    questions = [
        [
            KINDS[kind][0],
            "decode",
            {"token": ours(kind, SECRETS[1:], now), **of_library(kind, SECRETS)},
        ]
        for kind in kinds
    ]
    assert [read["sid"] for read in asked(installed, questions)] == ["s"] * len(kinds)


def read_by_next(folder: Path, visitor: Visitor, secret: str = SHARED) -> Any:
    """Return what `getToken` of the visitor's version makes of the browser's cookies."""
    cookies = {cookie.name: cookie.value for cookie in visitor.client.cookies.jar}
    line = "; ".join(f"{name}={value}" for name, value in cookies.items())
    request = {"headers": {"cookie": line}, "cookies": cookies}
    library = "five" if visitor.version == 5 else "four"
    given = {"req": request, "secret": secret, "secureCookie": False}
    (token,) = asked(folder, [[library, "getToken", given]])
    return token


def test_next_reads_who_is_signed_in_and_nobody_afterwards(
    installed: Path, everywhere: Visitor
) -> None:
    everywhere.sign_in()
    user = everywhere.session()["user"]
    token = read_by_next(installed, everywhere)
    (kept,) = everywhere.live.run(everywhere.live.auth.sessions(user["id"]))
    told = {"sub": user["id"], "name": user["name"], "email": user["email"], "picture": None}
    assert {name: token[name] for name in told} == told
    assert token["sid"] == kept.id
    # Its readers add the rest.
    assert token["exp"] - token["iat"] + TOLERANCE // 1000 == 300
    # In pieces, too; and under another secret it is nobody.
    long = "https://example.org/" + "p" * 2_000
    everywhere.update({"name": "\N{GRINNING FACE}" * 256, "image": long})
    assert everywhere.token_name not in everywhere.cookies
    assert read_by_next(installed, everywhere)["picture"] == long
    assert read_by_next(installed, everywhere, "another secret") is None
    everywhere.sign_out()
    assert read_by_next(installed, everywhere) is None
