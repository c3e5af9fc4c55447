"""Makes tokens as somebody with a library would: no part of Limen signs or checks here."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joserfc.jwk import ECKey, OctKey, OKPKey
from joserfc.jws import JWSRegistry

if TYPE_CHECKING:
    from joserfc.jwk import Key

SIGNATURE_OCTETS: Final = 64  # of Ed25519 (RFC 8032 section 5.1.6)
ELSEWHERE: Final = "https://elsewhere.example/keys"


@dataclass(frozen=True, slots=True)
class Draft:
    """A token before it is signed."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @classmethod
    def of(cls, token: str) -> Draft:
        """Read a token, as anybody can."""
        header, claims, _ = token.split(".")
        return cls(json.loads(_decoded(header)), json.loads(_decoded(claims)))

    def saying(self, **claims: object) -> Draft:
        """Return it with other claims."""
        return Draft(self.header, {**self.claims, **claims})

    def headed(self, **members: object) -> Draft:
        """Return it with other members of the header."""
        return Draft({**self.header, **members}, self.claims)

    def with_signature(self, signature: bytes) -> str:
        """Return it as text with a signature from wherever."""
        return f"{self._signed_text()}.{_encoded(signature)}"

    def signed_by(self, key: Key) -> str:
        """Sign it by the algorithm that its header names."""
        algorithm = JWSRegistry.algorithms[self.header["alg"]]
        return self.with_signature(algorithm.sign(self._signed_text().encode(), key))

    def _signed_text(self) -> str:
        parts = (json.dumps(one, separators=(",", ":")) for one in (self.header, self.claims))
        return ".".join(_encoded(one.encode()) for one in parts)


def signature_of(token: str) -> bytes:
    """Return the signature of a token."""
    return _decoded(token.rpartition(".")[2])


def flipped(text: str) -> str:
    """Return a credential with one character changed, not the last, whose bits may not count."""
    place = len(text) - 5
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def forgeries(draft: Draft, published: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what is tried with libraries that believe the header of a token.

    `published` is the public key of the server as a JWK, if it publishes one.
    """
    own, curve = OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-256")
    public = own.as_dict(private=False)
    known = _decoded(str((published or public)["x"]))
    return {
        "alg none": draft.headed(alg="none").with_signature(b""),
        "alg none, with a signature": draft.headed(alg="none").with_signature(b"none"),
        "HS256 with the public key": draft.headed(alg="HS256").signed_by(OctKey.import_key(known)),
        "another algorithm": draft.headed(alg="ES256").signed_by(curve),
        "a key of his own": draft.signed_by(own),
        "a key id of his own": draft.headed(kid="his-own-key").signed_by(own),
        "a path as key id": draft.headed(kid="../../dev/null").signed_by(own),
        "his key in the header": draft.headed(jwk=public).signed_by(own),
        "an address of keys": draft.headed(jku=ELSEWHERE).signed_by(own),
    }


def guessed(draft: Draft) -> str:
    """Return it with a signature that was drawn by chance."""
    return draft.with_signature(secrets.token_bytes(SIGNATURE_OCTETS))


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
