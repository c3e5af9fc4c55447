"""The tokens of a provider, sealed for the row of the identity that they belong to."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from limen.errors import ConfigurationError
from limen.sealing import NONCE_OCTETS
from limen.social.exchange import Tokens

if TYPE_CHECKING:
    from limen.account import Identity
    from limen.operations import Parts

_SEALED_FOR: Final = "limen provider tokens"


def sealed(parts: Parts, issuer: str, subject: str, tokens: Tokens) -> bytes:
    """Seal tokens so that they open only beside their own identity."""
    plain = json.dumps(asdict(tokens)).encode()
    nonce = parts.entropy.octets(NONCE_OCTETS)
    return parts.secrets.seal(plain, _SEALED_FOR, _context(issuer, subject), nonce)


def opened(parts: Parts, identity: Identity) -> Tokens | None:
    """Return the tokens of an identity; `None` if none are kept, or no secret opens them."""
    if identity.sealed_tokens is None:
        return None
    context = _context(identity.issuer, identity.subject)
    try:
        plain = parts.secrets.open(identity.sealed_tokens, _SEALED_FOR, context)
    except ConfigurationError:
        return None
    members = json.loads(plain)
    return Tokens(**{**members, "scopes": tuple(members["scopes"])})


def _context(issuer: str, subject: str) -> bytes:
    return json.dumps([issuer, subject]).encode()
