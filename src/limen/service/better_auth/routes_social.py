"""The endpoints about identity providers, and about what an account signs in with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.errors import ConfigurationError
from limen.provider import checked_providers
from limen.service.better_auth import identities, schemas, wire
from limen.service.better_auth.bodies import Body, Field
from limen.service.better_auth.endpoint import CARRIERS, Endpoint
from limen.service.better_auth.social_refusals import LINK_PROBLEMS, RETURNED, SIGN_IN_PROBLEMS

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.service.better_auth.endpoint import Call
    from limen.service.better_auth.social import SocialEndpoints
    from limen.service.better_auth.wire import Answer
    from limen.social.access import ProviderAccess

_MAX_TOKEN: Final = 16_384
_MAX_PARAMETER: Final = 1_024
_MAX_URL: Final = 2_048
_ID_TOKEN: Final = Field(
    "idToken",
    "object",
    fields=(
        Field("token", required=True, most=_MAX_TOKEN),
        Field("nonce", most=_MAX_PARAMETER),
        Field("accessToken", most=_MAX_TOKEN),
        Field("refreshToken", most=_MAX_TOKEN),
        Field("expiresAt", "number"),
    ),
)
_AWAY: Final = (
    Field("provider", required=True),
    Field("callbackURL", most=_MAX_URL),
    Field("errorCallbackURL", most=_MAX_URL),
    Field("newUserCallbackURL", most=_MAX_URL),
    Field("disableRedirect", "boolean"),
    Field("requestSignUp", "boolean"),
    Field("scopes", "texts"),
    Field("loginHint", most=_MAX_PARAMETER),
    Field("additionalParams", "map", most=_MAX_PARAMETER),
    Field("additionalData", "object"),
    _ID_TOKEN,
)
SOCIAL: Final = Body(_AWAY)
UNLINK: Final = Body((Field("accountId", required=True),))
SELECTION: Final = Body((Field("accountId"), Field("useAccountCookie", "boolean")))
POSTED: Final = Body(
    tuple(Field(name, most=_MAX_TOKEN) for name in RETURNED),
    required=False,
    forms=True,
)


def social_endpoints(auth: Limen) -> tuple[Endpoint, ...]:
    """Return the endpoints; raises `ConfigurationError` if providers need what is missing."""
    providers = {one.id: one for one in checked_providers(auth.settings.providers)}
    if not providers:
        return (*_away(None), *_accounts(identities.TokenEndpoints(providers, None)))
    handlers, access = _handlers(auth)
    backs = tuple(one for name in providers for one in _back(name, handlers))
    return (*_away(handlers), *backs, *_accounts(identities.TokenEndpoints(providers, access)))


def _handlers(auth: Limen) -> tuple[SocialEndpoints, ProviderAccess]:
    try:
        # Here and not above: without providers nobody needs the extra.
        from limen.service.better_auth.social import SocialEndpoints  # noqa: PLC0415
        from limen.social.access import ProviderAccess  # noqa: PLC0415
        from limen.social.sign_in import SocialSignIn  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            "providers", "need packages that are not installed.", "Install limen[social]."
        ) from None
    social = SocialSignIn(auth)
    return SocialEndpoints(auth, social), ProviderAccess(auth, social)


async def _no_provider(call: Call) -> Answer:
    del call
    return wire.PROVIDER_NOT_FOUND.answer()


def _away(handlers: SocialEndpoints | None) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            "POST",
            "/sign-in/social",
            handlers.sign_in if handlers else _no_provider,
            "Begin a sign-in at a provider, or sign in by its ID token",
            schemas.SOCIAL,
            body=SOCIAL,
            problems=SIGN_IN_PROBLEMS,
            limited=True,
            opens=True,
            headers=CARRIERS,
        ),
        Endpoint(
            "POST",
            "/link-social",
            handlers.link if handlers else _no_provider,
            "Begin to link an identity to this account, or link by its ID token",
            schemas.LINKED,
            body=SOCIAL,
            problems=LINK_PROBLEMS,
            session=True,
            limited=True,
        ),
    )


def _back(provider: str, handlers: SocialEndpoints) -> tuple[Endpoint, ...]:
    path = f"/callback/{provider}"
    return (
        Endpoint(
            "GET",
            path,
            handlers.back,
            "Take what a provider sent the browser back with",
            None,
            redirects=True,
            query=RETURNED,
            costs=True,
        ),
        Endpoint(
            "POST",
            path,
            handlers.posted,
            "Turn a provider's form into a link",
            None,
            body=POSTED,
            redirects=True,
            anywhere=True,
        ),
    )


def _accounts(tokens: identities.TokenEndpoints) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            "GET",
            "/list-accounts",
            identities.list_accounts,
            "List what this account can sign in with",
            schemas.IDENTITIES,
            session=True,
        ),
        Endpoint(
            "POST",
            "/unlink-account",
            identities.unlink_account,
            "Take one way to sign in from this account",
            schemas.STATUS,
            body=UNLINK,
            problems=identities.UNLINK_PROBLEMS,
            session=True,
            costs=True,
        ),
        Endpoint(
            "POST",
            "/get-access-token",
            tokens.get_access_token,
            "Return an access token for a provider's own API",
            schemas.PROVIDER_TOKENS,
            body=SELECTION,
            problems=identities.ACCESS_PROBLEMS,
            session=True,
            costs=True,
        ),
        Endpoint(
            "POST",
            "/refresh-token",
            tokens.refresh_token,
            "Renew the tokens of a provider",
            schemas.PROVIDER_TOKENS,
            body=SELECTION,
            problems=identities.REFRESH_PROBLEMS,
            session=True,
            costs=True,
        ),
        Endpoint(
            "GET",
            "/account-info",
            tokens.account_info,
            "Ask a provider who somebody is today",
            schemas.ACCOUNT_INFO,
            problems=identities.INFO_PROBLEMS,
            session=True,
            query=("accountId",),
            needed=frozenset({"accountId"}),
            costs=True,
        ),
    )
