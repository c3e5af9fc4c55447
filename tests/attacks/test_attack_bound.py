"""A credential that is bound to a key is shown without the key, or with what a thief has of it."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from itertools import count
from typing import Any

import pytest
from arena import ORIGIN, Node
from cells import Attacks, Cell
from inspection import API
from joserfc import jws
from joserfc.jwk import OKPKey
from parties import ABROAD, ACCESS, Client, Copy

attacks = Attacks()
_numbers = count()


class Prover:
    """Somebody with a key of their own (RFC 9449 section 4.2)."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._key = OKPKey.generate_key("Ed25519")

    def proof(self, method: str, path: str, access: str | None = None, **changed: Any) -> str:
        """Prove the key for one request, unless something is `changed`."""
        public = self._key.as_dict(private=False)
        header = {
            "typ": "dpop+jwt",
            "alg": "EdDSA",
            "jwk": {name: public[name] for name in ("kty", "crv", "x")},
        }
        claims = {
            "jti": f"proof-{next(_numbers)}",
            "htm": method,
            "htu": ORIGIN + path,
            "iat": self._cell.clock.now() // 1_000,
        }
        if access is not None:
            claims["ath"] = _encoded(hashlib.sha256(access.encode()).digest())
        claims = {name: value for name, value in (claims | changed).items() if value is not None}
        signed = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
        algorithm = jws.JWSRegistry.algorithms["EdDSA"]
        return f"{signed}.{_encoded(algorithm.sign(signed.encode(), self._key))}"


def _encoded(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def reading(cell: Cell, node: Node, access: str, *lines: tuple[str, str]) -> int:
    """Read the notes with a bound credential and further lines; return the status."""
    thief = Client(node, cell.watch, [("Authorization", f"DPoP {access}"), *lines], ABROAD)
    return thief.status


@attacks.row(7)
def a_bound_credential_without_its_key(cell: Cell) -> None:
    nodes = here, there = [cell.node(dpop="accept"), cell.node(dpop="accept")]
    victim, owner, thief = cell.victim(here), Prover(cell), Prover(cell)
    account = {"email": victim.email, "password": victim.password}
    proof = owner.proof("POST", f"{API}/sign-in/email")
    answer = cell.client(node=here).tell("/sign-in/email", account, ("DPoP", proof))
    assert answer.status_code == 200, answer.text
    held = Copy(answer.json()["token"], answer.json().get("refreshToken"))
    access = held.access

    def line(**changed: Any) -> tuple[str, str]:
        return "DPoP", owner.proof("GET", "/notes", access, **changed)

    for node in nodes:
        assert reading(cell, node, access, line()) == 200  # its owner
        # -- without the key: as a bearer, as a cookie, with the scheme alone, with another key
        assert cell.client(("Authorization", f"Bearer {access}"), node=node).status == 401
        assert cell.client(("Cookie", f"{ACCESS}={access}"), node=node).status == 401
        assert reading(cell, node, access) == 401
        assert reading(cell, node, access, ("DPoP", thief.proof("GET", "/notes", access))) == 401
        # -- with a proof of the owner's that is about something else
        now = cell.clock.now() // 1_000
        wrong: tuple[dict[str, Any], ...] = (
            {"htm": "POST"},
            {"htu": f"{ORIGIN}/admin"},
            {"htu": "https://other.example/notes"},
            {"ath": None},
            {"ath": _encoded(hashlib.sha256(b"another").digest())},
            {"iat": now - 301},
            {"iat": now + 61},
            {"jti": None},
        )
        for changed in wrong:
            assert reading(cell, node, access, line(**changed)) == 401
        assert reading(cell, node, access, line(), line()) == 401
    # -- with a proof that was used: once is once for all processes
    used = line()
    assert reading(cell, here, access, used) == 200
    for node in nodes:
        assert reading(cell, node, access, used) == 401
    # -- and nothing is renewed without it
    renewing = {"refreshToken": held.refresh or access}
    path = f"{API}/refresh"
    for lines in ((), (("DPoP", thief.proof("POST", path)),)):
        refused = cell.client(*lines, node=there).tell("/refresh", renewing)
        assert refused.status_code in (400, 401)
    bound = ("DPoP", owner.proof("POST", path, None if held.refresh else access))
    scheme = () if held.refresh else (("Authorization", f"DPoP {access}"),)
    renewed = cell.client(bound, *scheme, node=there).tell(
        "/refresh", renewing if held.refresh else None
    )
    assert renewed.status_code == 200, renewed.text


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
