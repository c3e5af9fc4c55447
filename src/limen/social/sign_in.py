"""Signing in at an identity provider, without a wire: whoever serves one calls this."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.operations import IdentitySignedIn, ProvenIdentity
from limen.principal import Client
from limen.provider import checked_providers
from limen.social import kept_tokens
from limen.social.apple import signing_key
from limen.social.attempt import Attempt, bound_to, fresh, is_random, kept, taken
from limen.social.discovery import Directory, Metadata
from limen.social.exchange import Exchange, Request, Tokens, asked_scopes
from limen.social.failure import Failure, SocialFailure
from limen.social.id_token import IdTokens, times_used
from limen.social.outbound import TIMEOUT_S, Outbound, outbound
from limen.social.profiles import Profile, apple_name, of_claims, of_github, userinfo
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.account import Account
    from limen.authority import Limen
    from limen.principal import Principal
    from limen.provider import Provider

_log = logging.getLogger("limen.social")
MAX_PARAMETER: Final = 4_096  # characters of one parameter of a callback
_FAILURES: Final[dict[Reason, Failure]] = {
    Reason.NOT_LINKED: Failure.NOT_LINKED,
    Reason.SIGN_UP_DISABLED: Failure.SIGN_UP_DISABLED,
    Reason.NO_EMAIL: Failure.EMAIL_MISSING,
    Reason.EMAIL_UNVERIFIED: Failure.EMAIL_UNVERIFIED,
    Reason.EMAIL_DIFFERS: Failure.EMAIL_DIFFERS,
    Reason.IDENTITY_TAKEN: Failure.IDENTITY_TAKEN,
    Reason.ACCOUNT_DISABLED: Failure.ACCOUNT_DISABLED,
    Reason.TOO_MANY_SESSIONS: Failure.TOO_MANY_SESSIONS,
    Reason.NOT_FRESH: Failure.NOT_FRESH,
}


@dataclass(frozen=True, slots=True)
class Started:
    """Send the browser to `url`, and let it keep `cookie` for ten minutes (see `binding`)."""

    url: str = field(repr=False)
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """Somebody is signed in, or an identity is linked; send the browser to `target`.

    `signed_in` is `None` after a link: the session stays what it was. `issued` credentials
    are delivered by whoever serves the request.
    """

    provider: str
    target: str
    account: Account
    signed_in: IdentitySignedIn | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not work. `target` is the error page that the front end named, if it is known."""

    code: str
    target: str | None = None


Outcome: TypeAlias = Finished | Failed


class SocialSignIn:
    """Sign-in at the providers of one Limen.

    `await start(...)` gives the address to send a browser to, `await finish(...)` takes what
    it comes back with. Callback addresses are the caller's to check: see
    `RequestAuth.trusts_target`.
    """

    def __init__(self, auth: Limen, *, timeout_s: float = TIMEOUT_S) -> None:
        """Check the providers; raises `ConfigurationError`. Nothing is asked of them yet."""
        self._auth = auth
        self._parts = auth.assembly.parts
        self._timeout_s = timeout_s
        self.directory = Directory(self._parts.clock)
        self._id_tokens = IdTokens(self.directory, self._parts.clock)
        self.providers: dict[str, Provider] = {
            one.id: one for one in checked_providers(auth.settings.providers)
        }
        for one in self.providers.values():
            if one.apple_key is not None:
                signing_key(one, one.apple_key)

    # -- away to the provider

    async def start(
        self,
        provider_id: str,
        callback_url: str,
        *,
        redirect_uri: str,
        cookie: str | None = None,
        error_url: str | None = None,
        new_user_url: str | None = None,
        linking: str | None = None,
        sign_up: bool = False,
        scopes: Iterable[str] = (),
        login_hint: str | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Started | Failed:
        """Begin a sign-in; `KeyError` for a provider that there is not.

        `redirect_uri` is registered at the provider and belongs to it alone. `cookie` is what
        this browser keeps from an earlier `Started`, so that two tabs do not disturb each
        other. `linking` is the account that is to get the identity, `sign_up` says that the
        page asked for a new account.
        """
        provider, parts = self.providers[provider_id], self._parts
        binding = cookie if cookie is not None and is_random(cookie) else fresh(parts)
        state, verifier = fresh(parts), fresh(parts)
        nonce = fresh(parts) if provider.issuer is not None else None
        wanted = asked_scopes(provider, tuple(scopes))
        request = Request(
            redirect_uri, state, verifier, nonce, wanted, login_hint, parameters or {}
        )
        try:
            async with outbound(self._timeout_s) as out:
                metadata = await self.directory.metadata(provider, out)
                url = Exchange(provider, metadata, out, parts.clock).address(request)
        except SocialFailure as failure:
            return self._failed(provider_id, failure, error_url)
        attempt = Attempt(
            provider=provider_id,
            redirect_uri=redirect_uri,
            verifier=verifier,
            nonce=nonce,
            binding=bound_to(binding),
            callback_url=callback_url,
            error_url=error_url,
            new_user_url=new_user_url,
            linking=linking,
            sign_up=sign_up,
            scopes=wanted,
        )
        await self._auth.run(kept(parts, state, attempt))
        return Started(url, binding)

    # -- and back

    async def finish(
        self,
        provider_id: str,
        query: Mapping[str, str],
        cookie: str | None,
        *,
        principal: Principal | None = None,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        presented: Iterable[str] = (),
    ) -> Outcome:
        """Judge what a browser came back with, and sign the person in or link the identity.

        `principal` is who is signed in in this browser: an attempt to link ends well only
        for the account that began it. `presented` is what the browser held before.
        """
        state = query.get("state")
        if not state:
            return Failed(Failure.STATE_MISSING)
        attempt: Attempt | None = None
        try:
            if cookie is None or not is_random(cookie) or not is_random(state):
                raise SocialFailure(Failure.STATE_WRONG, "a callback without its cookie")  # noqa: TRY301
            attempt = await self._auth.run(taken(self._parts, state, provider_id, cookie))
            proven = await self._proven(attempt, query)
            return await self._end(attempt, proven, principal, client, presented)
        except SocialFailure as failure:
            return self._failed(provider_id, failure, attempt.error_url if attempt else None)

    async def _proven(self, attempt: Attempt, query: Mapping[str, str]) -> ProvenIdentity:
        provider = self.providers[attempt.provider]
        if any(len(value) > MAX_PARAMETER for value in query.values()):
            raise SocialFailure(Failure.BAD_CALLBACK, "a callback is too long")
        async with outbound(self._timeout_s) as out:
            metadata = await self.directory.metadata(provider, out)
            _check_issuer(provider, metadata, query.get("iss"))
            if query.get("error"):
                denied = query["error"] == Failure.DENIED
                raise SocialFailure(
                    Failure.DENIED if denied else Failure.UNKNOWN, "the provider refused"
                )
            code = query.get("code")
            if not code:
                raise SocialFailure(Failure.NO_CODE, "a callback without a code")
            exchange = Exchange(provider, metadata, out, self._parts.clock)
            tokens = await exchange.tokens_for(
                code, redirect_uri=attempt.redirect_uri, verifier=attempt.verifier
            )
            await times_used(self._auth, tokens.id_token)
            profile = await self._profile(provider, metadata, tokens, out, attempt.nonce)
        name = profile.name or (apple_name(query.get("user")) if provider.form_post else "")
        return self._identity(provider, profile, tokens, name, attempt.scopes)

    async def _profile(
        self,
        provider: Provider,
        metadata: Metadata,
        tokens: Tokens,
        out: Outbound,
        nonce: str | None,
    ) -> Profile:
        if provider.issuer is None:
            return await of_github(provider, tokens.access_token, out)
        if tokens.id_token is None or nonce is None:
            raise SocialFailure(Failure.NO_PROFILE, f"{provider.id} gave no ID token")
        claims = await self._id_tokens.judge(
            tokens.id_token,
            provider,
            metadata,
            out,
            nonce=nonce,
            access_token=tokens.access_token,
        )
        said = None
        if metadata.userinfo is not None and "email" not in claims:
            said = await userinfo(metadata, tokens.access_token, claims["sub"], out)
        return of_claims(provider, claims, said)

    # -- an ID token that the page got by itself

    async def by_id_token(
        self,
        provider_id: str,
        token: str,
        *,
        nonce: str | None = None,
        sign_up: bool = False,
        linking: Principal | None = None,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        presented: Iterable[str] = (),
    ) -> Outcome:
        """Sign in, or link, by an ID token that the provider's own script gave to the page.

        It works once. `KeyError` for a provider that there is not.
        """
        provider = self.providers[provider_id]
        attempt = Attempt(
            provider=provider_id,
            redirect_uri="",
            verifier="",
            nonce=nonce,
            binding="",
            callback_url="",
            linking=None if linking is None else linking.subject,
            sign_up=sign_up,
        )
        try:
            async with outbound(self._timeout_s) as out:
                metadata = await self.directory.metadata(provider, out)
                claims = await self._id_tokens.judge(token, provider, metadata, out, nonce=nonce)
            if await times_used(self._auth, token) != 1:
                raise SocialFailure(Failure.NO_PROFILE, "an ID token was used before")  # noqa: TRY301
            profile = of_claims(provider, claims)
            proven = self._identity(provider, profile, None, profile.name, ())
            return await self._end(attempt, proven, linking, client, presented)
        except SocialFailure as failure:
            return self._failed(provider_id, failure, None)

    # -- what comes of it

    async def _end(
        self,
        attempt: Attempt,
        proven: ProvenIdentity,
        principal: Principal | None,
        client: Client,
        presented: Iterable[str],
    ) -> Finished:
        provider, linking = self.providers[attempt.provider], self._auth.settings.linking
        if attempt.linking is not None:
            # Linked for whoever began, and only while they are still signed in here.
            if principal is None or not hmac.compare_digest(principal.subject, attempt.linking):
                raise SocialFailure(Failure.LINK_REFUSED, "who began to link is not signed in")
            linked = await self._auth.link_identity(
                principal, proven, different_emails=linking.different_emails
            )
            if isinstance(linked, Refused):
                raise _refusal(linked, Failure.LINK_REFUSED)
            return Finished(attempt.provider, attempt.callback_url, linked)
        wanted = attempt.sign_up or not provider.explicit_sign_up
        outcome = await self._auth.sign_in_by_identity(
            proven,
            sign_up=wanted and not provider.disable_sign_up,
            link_by_email=linking.by_email,
            takes_unverified=provider.takes_unverified,
            client=client,
            presented=presented,
        )
        if isinstance(outcome, Refused):
            raise _refusal(outcome, Failure.NOT_LINKED)
        target = attempt.callback_url
        if outcome.created and attempt.new_user_url:
            target = attempt.new_user_url
        return Finished(attempt.provider, target, outcome.account, outcome)

    def _identity(
        self,
        provider: Provider,
        profile: Profile,
        tokens: Tokens | None,
        name: str,
        asked: tuple[str, ...],
    ) -> ProvenIdentity:
        granted = tokens.scopes if tokens is not None and tokens.scopes else asked
        sealed = None
        if tokens is not None and provider.keep_tokens:
            sealed = kept_tokens.sealed(self._parts, profile.issuer, profile.subject, tokens)
        return ProvenIdentity(
            provider.id,
            profile.issuer,
            profile.subject,
            profile.email,
            profile.email_verified,
            name,
            profile.image,
            granted,
            sealed,
            None if provider.max_age is None else int(profile.claims["auth_time"] * 1000),
        )

    def _failed(self, provider_id: str, failure: SocialFailure, target: str | None) -> Failed:
        _log.info("sign-in at %s failed: %s (%s)", provider_id, failure.code.value, failure.cause)
        return Failed(failure.code.value, target)


def _check_issuer(provider: Provider, metadata: Metadata, stated: str | None) -> None:
    """Refuse an answer of another provider (RFC 9207 section 2.4, RFC 9700 section 4.4)."""
    if stated is None:
        if metadata.states_issuer:
            raise SocialFailure(Failure.ISSUER_MISSING, "an answer does not name its issuer")
        return
    if provider.issuer is not None and stated != provider.issuer:
        raise SocialFailure(Failure.WRONG_ISSUER, "an answer names another issuer")


def _refusal(refused: Refused, otherwise: Failure) -> SocialFailure:
    code = _FAILURES.get(refused.reason, otherwise)
    return SocialFailure(code, f"refused with {refused.reason.value}")
