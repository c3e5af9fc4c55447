"""What an application may do at a provider in somebody's name: the tokens that were kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from limen.social import kept_tokens
from limen.social.exchange import Exchange
from limen.social.failure import Failure, SocialFailure
from limen.social.id_token import times_used
from limen.social.outbound import outbound
from limen.social.profiles import Profile, of_claims, of_github, userinfo

if TYPE_CHECKING:
    from limen.account import Identity
    from limen.authority import Limen
    from limen.provider import Provider
    from limen.social.exchange import Tokens
    from limen.social.sign_in import SocialSignIn

R = TypeVar("R")

_log = logging.getLogger("limen.social")
EARLY: Final = 5_000  # milliseconds before its end at which an access token is renewed


@dataclass(slots=True)
class ProviderAccess:
    """Uses and renews the tokens of identities; raises `SocialFailure` where that fails."""

    auth: Limen
    social: SocialSignIn
    _renewing: dict[tuple[str, str], asyncio.Lock] = field(default_factory=dict)

    def kept(self, identity: Identity) -> Tokens | None:
        """Return the tokens of an identity as they were handed over; `None` if not kept."""
        return kept_tokens.opened(self.auth.assembly.parts, identity)

    async def current(self, provider: Provider, identity: Identity) -> Tokens:
        """Return tokens whose access token is still good, renewed if it has to be."""
        tokens = self.kept(identity)
        if tokens is None:
            raise SocialFailure(Failure.NO_PROFILE, "no tokens are kept")
        now = self.auth.assembly.clock.now()
        if tokens.expires_at is None or tokens.expires_at - now > EARLY:
            return tokens
        return await self.renewed(provider, identity, stale=tokens)

    async def renewed(
        self, provider: Provider, identity: Identity, *, stale: Tokens | None = None
    ) -> Tokens:
        """Trade the refresh token, and keep what comes of it.

        Of several callers at once one asks: a refresh token may work only once.
        """
        place = (identity.issuer, identity.subject)
        lock = self._renewing.setdefault(place, asyncio.Lock())
        try:
            async with lock:
                newest = await self._newest(identity)
                tokens = None if newest is None else self.kept(newest)
                if newest is None or tokens is None or tokens.refresh_token is None:
                    raise SocialFailure(Failure.NO_PROFILE, "no refresh token is kept")
                if stale is not None and tokens != stale:
                    return tokens  # another caller was first
                return await self._trade(provider, newest, tokens)
        finally:
            if not lock.locked():
                self._renewing.pop(place, None)

    async def attempted(self, work: Awaitable[R]) -> R | None:
        """Do something of this; `None`, and a line in the log, if the provider will not."""
        try:
            return await work
        except SocialFailure as failure:
            _log.info("a provider's token could not be used: %s", failure.cause)
            return None

    async def _newest(self, identity: Identity) -> Identity | None:
        listed = await self.auth.identities(identity.account_id)
        return next((one for one in listed if one.id == identity.id), None)

    async def _trade(self, provider: Provider, identity: Identity, tokens: Tokens) -> Tokens:
        parts = self.auth.assembly.parts
        async with outbound() as out:
            metadata = await self.social.directory.metadata(provider, out)
            newer = await Exchange(provider, metadata, out, parts.clock).refreshed(tokens)
        await times_used(self.auth, newer.id_token)
        sealed = kept_tokens.sealed(parts, identity.issuer, identity.subject, newer)
        await self.auth.keep_provider_tokens(identity, sealed)
        return newer

    async def profile(self, provider: Provider, identity: Identity) -> Profile:
        """Ask the provider who somebody is today."""
        tokens = await self.current(provider, identity)
        async with outbound() as out:
            if provider.issuer is None:
                profile = await of_github(provider, tokens.access_token, out)
            else:
                metadata = await self.social.directory.metadata(provider, out)
                if metadata.userinfo is None:
                    raise SocialFailure(Failure.NO_PROFILE, f"{provider.id} has no user endpoint")
                said = await userinfo(metadata, tokens.access_token, identity.subject, out)
                profile = of_claims(provider, {**said, "iss": identity.issuer})
        if profile.subject != identity.subject:
            raise SocialFailure(Failure.NO_PROFILE, "a provider answered about somebody else")
        return profile
