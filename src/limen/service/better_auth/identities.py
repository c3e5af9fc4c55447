"""What an account can sign in with: the list, taking one away, and the tokens of a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limen.service.better_auth import wire
from limen.service.better_auth.wire import Answer, Problem, date, identity_of, json_answer
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.account import Identity
    from limen.provider import Provider
    from limen.service.better_auth.endpoint import Call
    from limen.social.access import ProviderAccess
    from limen.social.exchange import Tokens

_UNLINK: dict[Reason, Problem] = {
    Reason.LAST_IDENTITY: wire.LAST_ACCOUNT,
    Reason.UNKNOWN_IDENTITY: wire.ACCOUNT_NOT_FOUND,
    Reason.NOT_FRESH: wire.SESSION_NOT_FRESH,
}
UNLINK_PROBLEMS = tuple(_UNLINK.values())
_SELECTION = (wire.ACCOUNT_NOT_FOUND, wire.PROVIDER_NOT_SUPPORTED)
ACCESS_PROBLEMS = (*_SELECTION, wire.ACCESS_TOKEN_FAILED)
REFRESH_PROBLEMS = (*_SELECTION, wire.NO_REFRESH_TOKEN, wire.REFRESH_FAILED)
INFO_PROBLEMS = (
    wire.VALIDATION_ERROR,
    wire.ACCOUNT_NOT_FOUND,
    wire.PROVIDER_NOT_CONFIGURED,
    wire.NO_ACCESS_TOKEN,
    wire.NO_USER_INFO,
)


async def list_accounts(call: Call) -> Answer:
    """List what this account can sign in with."""
    listed = await call.auth.identities(call.actor.subject)
    return json_answer([identity_of(one) for one in listed])


async def unlink_account(call: Call) -> Answer:
    """Take one way to sign in away; never the last, and only soon after a sign-in."""
    refused = await call.auth.unlink_identity(call.actor, call.body["accountId"])
    if isinstance(refused, Refused):
        return _UNLINK[refused.reason].answer()
    return json_answer({"status": True})


class TokenEndpoints:
    """The handlers that use the tokens of a provider in somebody's name."""

    def __init__(self, providers: Mapping[str, Provider], access: ProviderAccess | None) -> None:
        self._providers = providers
        self._access = access

    async def get_access_token(self, call: Call) -> Answer:
        """Return an access token for the provider's own API, renewed if it has to be."""
        found = await self._selected(call, call.body, "body", wire.PROVIDER_NOT_SUPPORTED)
        if isinstance(found, Answer):
            return found
        identity, provider, access = found
        tokens = await access.attempted(access.current(provider, identity))
        if tokens is None:
            return wire.ACCESS_TOKEN_FAILED.answer()
        return json_answer({**_described(tokens), "scopes": list(identity.scopes)})

    async def refresh_token(self, call: Call) -> Answer:
        """Renew the tokens of a provider now."""
        found = await self._selected(call, call.body, "body", wire.PROVIDER_NOT_SUPPORTED)
        if isinstance(found, Answer):
            return found
        identity, provider, access = found
        kept = access.kept(identity)
        if kept is None or kept.refresh_token is None:
            return wire.NO_REFRESH_TOKEN.answer()
        tokens = await access.attempted(access.renewed(provider, identity))
        if tokens is None:
            return wire.REFRESH_FAILED.answer()
        members = {**_described(tokens), "scope": ",".join(identity.scopes)}
        if not call.by_browser and tokens.refresh_token is not None:
            members["refreshToken"] = tokens.refresh_token  # a page has no use for it
        return json_answer({**members, "providerId": provider.id, "accountId": identity.id})

    async def account_info(self, call: Call) -> Answer:
        """Ask the provider who this is today."""
        found = await self._selected(call, call.query, "query", wire.PROVIDER_NOT_CONFIGURED)
        if isinstance(found, Answer):
            return found
        identity, provider, access = found
        if access.kept(identity) is None:
            return wire.NO_ACCESS_TOKEN.answer()
        profile = await access.attempted(access.profile(provider, identity))
        if profile is None:
            return wire.NO_USER_INFO.answer()
        user = {
            "id": profile.subject,
            "name": profile.name,
            "email": profile.email,
            "image": profile.image,
            "emailVerified": profile.email_verified,
        }
        return json_answer(
            {
                "user": {name: value for name, value in user.items() if value is not None},
                "data": dict(profile.claims),
                "account": {
                    "id": identity.id,
                    "providerId": identity.provider,
                    "accountId": identity.subject,
                },
            }
        )

    async def _selected(
        self, call: Call, stated: Mapping[str, Any], place: str, unknown: Problem
    ) -> tuple[Identity, Provider, ProviderAccess] | Answer:
        """Return the identity that a request is about; it must be of this account."""
        chosen = stated.get("accountId")
        by_cookie = stated.keys() == {"useAccountCookie"} and stated["useAccountCookie"] is True
        if not by_cookie and (stated.keys() != {"accountId"} or not isinstance(chosen, str)):
            return Problem(400, wire.VALIDATION_ERROR.code, f"[{place}] Invalid input").answer()
        listed = await call.auth.identities(call.actor.subject)
        identity = next((one for one in listed if one.id == chosen), None)
        if identity is None:
            return wire.ACCOUNT_NOT_FOUND.answer()
        provider = self._providers.get(identity.provider)
        if provider is None or self._access is None:
            return unknown.answer()
        return identity, provider, self._access


def _described(tokens: Tokens) -> dict[str, Any]:
    members: dict[str, Any] = {"accessToken": tokens.access_token}
    if tokens.expires_at is not None:
        members["accessTokenExpiresAt"] = date(tokens.expires_at)
    if tokens.id_token is not None:
        members["idToken"] = tokens.id_token
    return members
