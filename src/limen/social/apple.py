"""Apple's client secret: a short statement that is signed anew for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from limen.errors import ConfigurationError
from limen.jose import sign
from limen.keyring import Algorithm, Key, KeyState

if TYPE_CHECKING:
    from limen.clock import Clock
    from limen.provider import AppleKey, Provider

LIFETIME_S: Final = 300  # Apple would allow six months


def client_secret(provider: Provider, apple: AppleKey, clock: Clock) -> str:
    """Return what Apple takes for a client secret; raises `ConfigurationError`."""
    now = clock.now() // 1000
    claims = {
        "iss": apple.team_id,
        "sub": provider.client_id,
        "aud": provider.issuer,
        "iat": now,
        "exp": now + LIFETIME_S,
    }
    return sign(claims, signing_key(provider, apple), "JWT").reveal()


def signing_key(provider: Provider, apple: AppleKey) -> Key:
    """Return the key of a .p8 file; raises `ConfigurationError` if it is none."""
    try:
        jose = ECKey.import_key(apple.private_key)
        fits = jose.is_private and jose.curve_name == "P-256"
    except (JoseError, ValueError, TypeError):
        fits = False
    if not fits:
        raise ConfigurationError(
            f"providers.{provider.id}",
            "has a private_key that is no P-256 private key.",
            "Give the whole text of the .p8 file.",
        )
    return Key(apple.key_id, Algorithm.ES256, KeyState.SIGNING, jose)
