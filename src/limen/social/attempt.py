"""One attempt to sign in at a provider: what must be known again when the browser returns.

The store keeps a single-use ticket for ten minutes, by the digest of the `state`. In it lies
everything else, sealed: the PKCE verifier, the nonce, where to go. The browser keeps a random
binding in an HttpOnly cookie, and the ticket says which: a `state` that leaks is of no use in
another browser (RFC 9700 section 4.7, ASVS 10.1.2). One binding serves every tab.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from limen.effects import Consume, KeepTicket, ask
from limen.effects.tickets import Ticket
from limen.entropy import random_text
from limen.errors import ConfigurationError
from limen.sealing import NONCE_OCTETS
from limen.secret import Secret
from limen.social.failure import Failure, SocialFailure

if TYPE_CHECKING:
    from limen.effects import Flow
    from limen.operations import Parts

LIFETIME: Final = 600_000  # milliseconds
RANDOM_OCTETS: Final = 32  # of state, verifier, nonce and binding each; ASVS asks for 128 bits
PURPOSE: Final = "social-sign-in"
_SEALED_FOR: Final = "limen social sign-in"
_RANDOM: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt is about. `linking` is the account that is to get the identity."""

    provider: str
    redirect_uri: str
    verifier: str = field(repr=False)
    nonce: str | None = field(repr=False)
    binding: str = field(repr=False)  # the digest of what the browser holds, as hex
    callback_url: str
    error_url: str | None = None
    new_user_url: str | None = None
    linking: str | None = None
    sign_up: bool = False
    scopes: tuple[str, ...] = ()


def is_random(text: str | None) -> bool:
    """Tell whether a text has the shape of one of our random values."""
    return text is not None and _RANDOM.fullmatch(text) is not None


def fresh(parts: Parts) -> str:
    """Return a random value that nobody can guess."""
    return random_text(parts.entropy, RANDOM_OCTETS)


def bound_to(binding: str) -> str:
    """Return what an attempt keeps of the browser's binding."""
    return Secret(binding).digest().hex()


def kept(parts: Parts, state: str, attempt: Attempt) -> Flow[None]:
    """Keep an attempt until its browser returns or ten minutes are over."""
    digest = Secret(state).digest()
    plain = json.dumps(asdict(attempt)).encode()
    nonce = parts.entropy.octets(NONCE_OCTETS)
    sealed = parts.secrets.seal(plain, _SEALED_FOR, digest, nonce)
    detail = urlsafe_b64encode(sealed).decode()
    expires_at = parts.clock.now() + LIFETIME
    yield from ask(KeepTicket(Ticket(PURPOSE, digest, attempt.provider, expires_at, detail)))


def taken(parts: Parts, state: str, provider: str, binding: str) -> Flow[Attempt]:
    """Take the attempt that a state belongs to, once; raises `SocialFailure`.

    It is gone even if the browser is the wrong one: whoever sends a state of somebody else
    has read it, and it must not work any more.
    """
    digest = Secret(state).digest()
    ticket = yield from ask(Consume(PURPOSE, digest, parts.clock.now()))
    if ticket is None:
        raise SocialFailure(Failure.STATE_WRONG, "a state is unknown, used or too old")
    try:
        sealed = urlsafe_b64decode(ticket.detail)
        members = json.loads(parts.secrets.open(sealed, _SEALED_FOR, digest))
    except (ConfigurationError, ValueError):
        raise SocialFailure(Failure.STATE_WRONG, "a state was kept under another secret") from None
    attempt = Attempt(**{**members, "scopes": tuple(members["scopes"])})
    if not hmac.compare_digest(attempt.binding, bound_to(binding)):
        raise SocialFailure(Failure.STATE_WRONG, "a state belongs to another browser")
    if not attempt.provider == ticket.subject == provider:
        raise SocialFailure(Failure.STATE_WRONG, "a state belongs to another provider")
    return attempt
