"""Clients that hold a key and prove it, by a library that is not ours."""

from __future__ import annotations

import hashlib
import json
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

ALGORITHMS = ("EdDSA", "ES256", "PS256", "RS256")
NOT_GIVEN = object()


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def made(algorithm: str) -> Key:
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    if algorithm == "ES256":
        return ECKey.generate_key("P-256")
    if algorithm == "HS256":
        return OctKey.generate_key(256)
    return RSAKey.generate_key(2048)


def public(key: Key) -> dict[str, Any]:
    return dict(key.as_dict(private=False)) if not isinstance(key, OctKey) else dict(key.as_dict())


@dataclass
class Holder:
    """Somebody who holds a key. `now` is in milliseconds."""

    algorithm: str = "EdDSA"
    key: Key = field(default=None)  # type: ignore[assignment]  # made below

    def __post_init__(self) -> None:
        self.key = self.key or made(self.algorithm)

    @property
    def thumbprint(self) -> str:
        return self.key.thumbprint()

    @property
    def header(self) -> dict[str, Any]:
        jwk = {name: value for name, value in public(self.key).items() if name != "kid"}
        return {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": jwk}

    def proof(
        self,
        method: str,
        url: str,
        now: int,
        *,
        access: str | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Make a proof; a header member or a claim that is NOT_GIVEN is left out."""
        stated: dict[str, Any] = {
            "jti": str(uuid.uuid4()),
            "htm": method,
            "htu": url,
            "iat": now // 1000,
        }
        if access is not None:
            stated["ath"] = encoded(hashlib.sha256(access.encode()).digest())
        return self.signed(given(self.header | (header or {})), given(stated | claims))

    def signed(self, header: dict[str, Any], claims: dict[str, Any] | bytes) -> str:
        """Sign by the algorithm of the key, whatever the header says."""
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        signing_input = f"{encoded(json.dumps(header).encode())}.{encoded(payload)}"
        algorithm = jws.JWSRegistry.algorithms[self.algorithm]
        return f"{signing_input}.{encoded(algorithm.sign(signing_input.encode(), self.key))}"


def given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not NOT_GIVEN}


class Proving(httpx.Auth):
    """Sends a credential with a new proof each time, and takes the nonce that it is given."""

    def __init__(self, holder: Holder, clock: Any, access: str | None = None) -> None:
        self.holder = holder
        self.clock = clock
        self.access = access
        self.nonce: str | None = None

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Response]:  # type: ignore[override]
        for _ in range(2):
            url = str(request.url.copy_with(query=None))
            extra = {} if self.nonce is None else {"nonce": self.nonce}
            request.headers["DPoP"] = self.holder.proof(
                request.method, url, self.clock.now(), access=self.access, **extra
            )
            if self.access is not None:
                request.headers["Authorization"] = f"DPoP {self.access}"
            response = yield request  # type: ignore[misc]
            renewed = response.headers.get("dpop-nonce")
            known, self.nonce = self.nonce, renewed or self.nonce
            if "use_dpop_nonce" not in response.headers.get("www-authenticate", "") or (
                renewed == known
            ):
                return
