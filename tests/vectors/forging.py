"""What forged tokens are made of: keys of the four contexts, and how to sign what nobody should."""

from __future__ import annotations

import functools
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization as forms
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from limen.claims import TokenPolicy
from limen.keyring import Algorithm, Key, Keyring, KeyState

NOW = 1_700_000_000_123
SECOND = NOW // 1000
POLICY = TokenPolicy("https://id.example", "shop")
GOOD: dict[str, Any] = {
    "iss": "https://id.example",
    "aud": "shop",
    "sub": "acc_1",
    "sid": "ses_1",
    "jti": "jti_1",
    "iat": SECOND,
    "iat_ms": NOW,
    "exp": SECOND + 300,
    "auth_time": SECOND - 60,
    "amr": ["pwd"],
}
GOOD_JSON = json.dumps(GOOD, separators=(",", ":"))
DELETED = object()
ALGORITHMS = (Algorithm.HS256, Algorithm.RS256, Algorithm.ES256, Algorithm.EDDSA)
MAKERS: dict[str, Callable[[], Any]] = {
    "HS256": lambda: OctKey.generate_key(256),
    "RS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
}
# What people set as a secret; the empty one and one of enough length are among them.
GUESSED = ("", "secret", "password", "changeme", "your-256-bit-secret", "0" * 32, "a" * 64)


@dataclass(frozen=True)
class Context:
    """One verifier: its algorithm and the key that it trusts, and one that it does not."""

    algorithm: str
    key: Key
    jose: Any
    other: Any

    @property
    def keys(self) -> Keyring:
        return Keyring([self.key])

    @property
    def header(self) -> dict[str, Any]:
        return {"alg": self.algorithm, "kid": self.key.id, "typ": "at+jwt"}

    def head(self, **changes: Any) -> dict[str, Any]:
        return without(self.header | changes)

    def sign(
        self,
        header: dict[str, Any] | str | bytes | None = None,
        payload: dict[str, Any] | str | bytes = GOOD_JSON,
    ) -> str:
        """Sign with the trusted key, whatever the header and the payload are."""
        return self.seal(f"{segment(self.header if header is None else header)}.{segment(payload)}")

    def seal(self, signing_input: str) -> str:
        """Sign a text as it stands."""
        return f"{signing_input}.{b64(self.signature(signing_input))}"

    def signature(self, signing_input: str, key: Any = None) -> bytes:
        octets = signing_input.encode("utf-8", "surrogatepass")
        made: bytes = JWSRegistry.algorithms[self.algorithm].sign(octets, key or self.jose)
        return made


@functools.cache
def contexts() -> tuple[Context, ...]:
    """Make the four contexts, once a process."""
    made = []
    for algorithm in ALGORITHMS:
        make = MAKERS[algorithm.value]
        jose = make()
        key = Key(f"key-{algorithm.value}", algorithm, KeyState.SIGNING, jose)
        made.append(Context(algorithm.value, key, jose, make()))
    return tuple(made)


def b64(data: bytes | str) -> str:
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def segment(part: dict[str, Any] | str | bytes) -> str:
    return b64(json.dumps(part) if isinstance(part, dict) else part)


def without(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not DELETED}


def claims(**changes: Any) -> str:
    """Return good claims with changes; `DELETED` takes one away."""
    return json.dumps(without(GOOD | changes))


def stated(name: str, spelling: str) -> str:
    """Return good claims in which one value is spelt as given."""
    rest = json.dumps({key: value for key, value in GOOD.items() if key != name})
    return f'{{"{name}":{spelling},{rest[1:]}'


def mac(signing_input: str, secret: bytes, digest: str = "sha256") -> str:
    return f"{signing_input}.{b64(hmac.digest(secret, signing_input.encode(), digest))}"


def public_spellings(jose: Any) -> Iterator[tuple[str, bytes]]:
    """Yield the public key as everybody may have it, each a secret to try."""
    if isinstance(jose, OctKey):
        return
    public = jose.public_key
    spki = forms.PublicFormat.SubjectPublicKeyInfo
    pem = public.public_bytes(forms.Encoding.PEM, spki)
    yield "PEM", pem
    yield "PEM without its last line end", pem.strip()
    yield "DER", public.public_bytes(forms.Encoding.DER, spki)
    yield "SSH", public.public_bytes(forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH)
    jwk = jose.as_dict(private=False)
    yield "JWK", json.dumps(jwk).encode()
    yield "JWK, compact", json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()
    yield "x or n as text", str(jwk.get("x") or jwk["n"]).encode()
    if isinstance(jose, RSAKey):
        yield "PKCS1", public.public_bytes(forms.Encoding.PEM, forms.PublicFormat.PKCS1)
    elif isinstance(jose, OKPKey):
        yield "raw", public.public_bytes(forms.Encoding.Raw, forms.PublicFormat.Raw)
    else:
        yield (
            "point",
            public.public_bytes(forms.Encoding.X962, forms.PublicFormat.UncompressedPoint),
        )
