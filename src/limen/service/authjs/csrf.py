"""The double-submitted token: a page that can read it is one of ours (OWASP CSRF cheat sheet).

It is the second lock: the `Origin` of a request must be trusted as well.
"""

from __future__ import annotations

import hashlib
import re
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from limen.secret import octets_of

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.entropy import Entropy

TOKEN_OCTETS: Final = 32
_COOKIE: Final = re.compile(r"([0-9a-f]{64})\|([0-9a-f]{64})")
_PURPOSE: Final = "limen authjs csrf"


class CsrfTokens:
    """Makes tokens and recognises those that this server made.

    The cookie is the token, a bar and the SHA-256 of token and secret, as the original writes
    it: a front end that serves some endpoints itself under the same secret understands it.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret

    @classmethod
    def of(cls, auth: Limen) -> CsrfTokens:
        """Return the tokens of one Limen: under the shared secret, else under one of its own."""
        shared = auth.settings.authjs.secrets
        return cls(shared[0] if shared else auth.assembly.secrets.derive(_PURPOSE).hex())

    @staticmethod
    def new(entropy: Entropy) -> str:
        """Return a token: 64 hexadecimal digits."""
        return entropy.octets(TOKEN_OCTETS).hex()

    def cookie(self, token: str) -> str:
        """Return what the cookie of a token says."""
        return f"{token}|{hashlib.sha256(octets_of(token + self._secret)).hexdigest()}"

    def token_in(self, cookie: str) -> str | None:
        """Return the token of a cookie that this server set, else `None`."""
        found = _COOKIE.fullmatch(cookie)
        if found is None or not compare_digest(self.cookie(found[1]), cookie):
            return None
        return found[1]

    def proves(self, cookie: str, stated: object) -> bool:
        """Tell whether a body states the token of the cookie."""
        token = self.token_in(cookie)
        return (
            token is not None
            and isinstance(stated, str)
            and compare_digest(octets_of(token), octets_of(stated))
        )
