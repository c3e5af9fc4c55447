"""What a provider publishes of itself: its metadata and its keys, kept for a while.

OpenID Connect Discovery 1.0. One metadata document and one key set for each provider, so an
attacker who names keys that do not exist makes nothing grow and asks nobody twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from limen.provider import Provider, is_safe_url
from limen.social.failure import Failure, SocialFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.clock import Clock
    from limen.social.outbound import Outbound

MAX_AGE: Final = 3_600_000  # milliseconds for which metadata and keys are believed
KEYS_COOLDOWN: Final = 60_000  # between two looks for a key that was not there
MAX_KEYS: Final = 64
# No shared secrets and no `none`: only what the provider alone can have signed.
ASYMMETRIC: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is needed of a provider's metadata."""

    authorize: str
    token: str
    userinfo: str | None = None
    keys: str | None = None
    algorithms: tuple[str, ...] = ()
    client_authentication: tuple[str, ...] = ("client_secret_basic",)
    states_issuer: bool = False  # RFC 9207 section 3


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    read_at: int


class Directory:
    """The metadata and the keys of every provider, for one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._metadata: dict[str, _Kept] = {}
        self._keys: dict[str, _Kept] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def metadata(self, provider: Provider, outbound: Outbound) -> Metadata:
        """Return where a provider answers; raises `SocialFailure`."""
        if provider.endpoints is not None:
            at = provider.endpoints
            return Metadata(at.authorize, at.token, at.userinfo)
        async with self._lock(provider):
            kept = self._metadata.get(provider.id)
            if kept is None or self._clock.now() - kept.read_at >= MAX_AGE:
                document = await outbound.object_at(provider.metadata_url or "")
                kept = _Kept(read_metadata(provider, document), self._clock.now())
                self._metadata[provider.id] = kept
        metadata: Metadata = kept.value
        return metadata

    async def keys(
        self, provider: Provider, metadata: Metadata, outbound: Outbound, *, newer: bool = False
    ) -> list[dict[str, Any]]:
        """Return the public keys of a provider; raises `SocialFailure`.

        With `newer` they are read again, at most once in `KEYS_COOLDOWN`.
        """
        async with self._lock(provider):
            kept = self._keys.get(provider.id)
            enough = KEYS_COOLDOWN if newer else MAX_AGE
            if kept is None or self._clock.now() - kept.read_at >= enough:
                document = await outbound.object_at(metadata.keys or "")
                kept = _Kept(_listed_keys(provider, document), self._clock.now())
                self._keys[provider.id] = kept
        keys: list[dict[str, Any]] = kept.value
        return keys

    def _lock(self, provider: Provider) -> asyncio.Lock:
        return self._asking.setdefault(provider.id, asyncio.Lock())


def read_metadata(provider: Provider, document: Mapping[str, Any]) -> Metadata:
    """Return what metadata say; raises `SocialFailure` unless they are this provider's.

    The issuer must be the one that is configured, to the letter (section 4.3): otherwise
    whoever can place a document there could speak for another issuer.
    """
    if document.get("issuer") != provider.issuer:
        raise _wrong(provider, "name another issuer")
    metadata = Metadata(
        authorize=_endpoint(provider, document, "authorization_endpoint"),
        token=_endpoint(provider, document, "token_endpoint"),
        userinfo=_endpoint(provider, document, "userinfo_endpoint", optional=True) or None,
        keys=_endpoint(provider, document, "jwks_uri"),
        algorithms=tuple(
            one
            for one in _texts(document, "id_token_signing_alg_values_supported", ("RS256",))
            if one in ASYMMETRIC
        ),
        client_authentication=_texts(
            document, "token_endpoint_auth_methods_supported", ("client_secret_basic",)
        ),
        states_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )
    if not metadata.algorithms:
        raise _wrong(provider, "offer no signature algorithm that is safe")
    methods = _texts(document, "code_challenge_methods_supported", ("S256",))
    if "S256" not in methods:
        raise _wrong(provider, "offer PKCE without S256")
    return metadata


def _endpoint(
    provider: Provider, document: Mapping[str, Any], name: str, *, optional: bool = False
) -> str:
    value = document.get(name)
    if value is None and optional:
        return ""
    if not isinstance(value, str) or not is_safe_url(value):
        raise _wrong(provider, f"have no https {name}")
    on_loopback = (provider.metadata_url or "").startswith("http://")
    if value.startswith("http://") and not on_loopback:
        raise _wrong(provider, f"send the {name} to the loopback")
    return value


def _texts(document: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = document.get(name)
    if value is None:
        return default
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _listed_keys(provider: Provider, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    keys = document.get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise SocialFailure(Failure.UNREACHABLE, f"{provider.id}: its key set cannot be read")
    return [one for one in keys if isinstance(one, dict)]


def _wrong(provider: Provider, what: str) -> SocialFailure:
    return SocialFailure(Failure.UNREACHABLE, f"{provider.id}: its metadata {what}")
