"""The OAuth client: the address to send a browser to, and a code for tokens (RFC 6749, 7636).

Authlib writes and reads the protocol's messages; they travel through `outbound`, because its
own transport follows no limit on what a provider answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from limen.social.apple import client_secret
from limen.social.failure import Failure, SocialFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.clock import Clock
    from limen.provider import Provider
    from limen.social.discovery import Metadata
    from limen.social.outbound import Outbound, Reply

FORM: Final = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
MAX_TOKEN: Final = 16_384  # characters
_LONGEST_S: Final = 10 * 365 * 86_400
# What this flow itself puts into an address, so that nobody else may.
RESERVED: Final = frozenset(
    [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "request",
        "request_uri",
        "response_mode",
        "response_type",
        "scope",
        "state",
    ]
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider handed over. `expires_at` is in milliseconds, of the access token."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    expires_at: int | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What one authorization request says besides what the provider's record does."""

    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ()
    login_hint: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


class _Wire(OAuth2Client):  # type: ignore[misc]  # Authlib has no types
    """Authlib's client over our transport; its base class reads the answer at once."""

    def __init__(self, outbound: Outbound, **about: Any) -> None:
        super().__init__(None, code_challenge_method="S256", **about)
        self._outbound = outbound

    async def _fetch_token(
        self, url: str, body: str = "", headers: Any = None, auth: Any = None, **_: Any
    ) -> dict[str, Any]:
        return await self._token(url, body, headers, auth)

    async def _refresh_token(
        self, url: str, body: str = "", headers: Any = None, auth: Any = None, **_: Any
    ) -> dict[str, Any]:
        return await self._token(url, body, headers, auth)

    async def _token(self, url: str, body: str, headers: Any, auth: Any) -> dict[str, Any]:
        url, headers, body = auth.prepare("POST", url, {**headers, **FORM}, body)
        return _object(await self._outbound.post(url, body, headers))


class Exchange:
    """Speaks to the authorization server of one provider."""

    def __init__(
        self, provider: Provider, metadata: Metadata, outbound: Outbound, clock: Clock
    ) -> None:
        self._provider = provider
        self._metadata = metadata
        self._clock = clock
        self._wire = _Wire(
            outbound,
            client_id=provider.client_id,
            client_secret=_client_secret(provider, clock),
            token_endpoint_auth_method=_authentication(provider, metadata),
        )

    def address(self, request: Request) -> str:
        """Return where to send the browser (RFC 6749 section 4.1.1), always with PKCE."""
        provider = self._provider
        chosen = {**provider.parameters, **request.parameters}
        extra = {name: value for name, value in chosen.items() if name not in RESERVED}
        if request.nonce is not None:
            extra["nonce"] = request.nonce
        if request.login_hint is not None:
            extra["login_hint"] = request.login_hint
        if provider.max_age is not None:
            extra["max_age"] = str(provider.max_age)
        if provider.acr_values:
            extra["acr_values"] = " ".join(provider.acr_values)
        if provider.form_post:
            extra["response_mode"] = "form_post"
        url, _ = self._wire.create_authorization_url(
            self._metadata.authorize,
            state=request.state,
            code_verifier=request.verifier,
            redirect_uri=request.redirect_uri,
            scope=" ".join(asked_scopes(provider, request.scopes)),
            **extra,
        )
        return str(url)

    async def tokens_for(self, code: str, *, redirect_uri: str, verifier: str) -> Tokens:
        """Trade a code for tokens; raises `SocialFailure`."""
        answer = await self._ask(
            self._wire.fetch_token(
                self._metadata.token,
                grant_type="authorization_code",
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=verifier,
            )
        )
        return self._read(answer)

    async def refreshed(self, tokens: Tokens) -> Tokens:
        """Trade a refresh token for newer tokens; raises `SocialFailure`."""
        answer = await self._ask(
            self._wire.refresh_token(self._metadata.token, refresh_token=tokens.refresh_token)
        )
        newer = self._read(answer)
        return Tokens(
            newer.access_token,
            newer.refresh_token or tokens.refresh_token,
            newer.id_token or tokens.id_token,
            newer.expires_at,
            newer.scopes or tokens.scopes,
        )

    async def _ask(self, sent: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = await sent
        except OAuth2Error:  # what it says of the error may quote what was sent
            raise self._refused("was refused") from None
        return answer

    def _read(self, answer: Mapping[str, Any]) -> Tokens:
        access = answer.get("access_token")
        if not isinstance(answer.get("token_type"), str) or not _is_token(access):
            raise self._refused("answered without tokens")
        if str(answer["token_type"]).lower() != "bearer":
            raise self._refused("answered with a token of another type")
        refresh, id_token = answer.get("refresh_token"), answer.get("id_token")
        scope, lasts = answer.get("scope"), answer.get("expires_in")
        expires_at = None
        if isinstance(lasts, int | float | str) and str(lasts).isdigit():
            expires_at = self._clock.now() + min(int(lasts), _LONGEST_S) * 1000
        return Tokens(
            access_token=str(access),
            refresh_token=refresh if _is_token(refresh) else None,
            id_token=id_token if _is_token(id_token) else None,
            expires_at=expires_at,
            scopes=tuple(scope.replace(",", " ").split()) if isinstance(scope, str) else (),
        )

    def _refused(self, what: str) -> SocialFailure:
        return SocialFailure(Failure.CODE_REFUSED, f"{self._provider.id}: a code {what}")


def asked_scopes(provider: Provider, more: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes of a request: the provider's own and those asked for besides."""
    return tuple(dict.fromkeys((*provider.scopes, *more)))


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN


def _object(reply: Reply) -> dict[str, Any]:
    try:
        answer = reply.json()
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        cause = f"a token endpoint answered {reply.status} without JSON"
        raise SocialFailure(Failure.CODE_REFUSED, cause)
    if "error" in answer:  # GitHub says so with status 200
        raise OAuth2Error
    return answer


def _authentication(provider: Provider, metadata: Metadata) -> str:
    """Return how the application proves itself at the token endpoint."""
    if provider.client_authentication is not None:
        return provider.client_authentication
    if provider.client_secret is None and provider.apple_key is None:
        return "none"
    offered = metadata.client_authentication
    for one in ("client_secret_basic", "client_secret_post"):
        if one in offered:
            return one
    return "client_secret_basic"


def _client_secret(provider: Provider, clock: Clock) -> str | None:
    if provider.apple_key is not None:
        return client_secret(provider, provider.apple_key, clock)
    return provider.client_secret
