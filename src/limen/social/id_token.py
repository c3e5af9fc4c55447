"""ID tokens: signed by the provider, for this application, in answer to this request.

OpenID Connect Core section 3.1.3.7, by Authlib's claim rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from limen import jws
from limen.effects import Increment, ask
from limen.errors import InvalidToken
from limen.jwk import UnfitKey, offers
from limen.secret import Secret
from limen.social.failure import Failure, SocialFailure
from limen.strict import strict_json
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.clock import Clock
    from limen.provider import Provider
    from limen.social.discovery import Directory, Metadata
    from limen.social.outbound import Outbound

MAX_LENGTH: Final = 16_384  # characters
LEEWAY_S: Final = 60
MAX_AGE_S: Final = 3_600  # since it was signed; one that is older was kept by somebody
_MAX_SUBJECT: Final = 255  # characters; OpenID Connect Core section 2


class IdTokens:
    """Judges the ID tokens of every provider."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    async def judge(
        self,
        token: str,
        provider: Provider,
        metadata: Metadata,
        outbound: Outbound,
        *,
        nonce: str | None,
        access_token: str | None = None,
    ) -> dict[str, Any]:
        """Return the claims of a token that passed every check; raises `SocialFailure`."""
        read = _read(token)
        if read.algorithm not in metadata.algorithms:
            raise _refused("algorithm")
        keys = await self._directory.keys(provider, metadata, outbound)
        fitting = _fitting(keys, read)
        if not fitting:
            keys = await self._directory.keys(provider, metadata, outbound, newer=True)
            fitting = _fitting(keys, read)
        if len(fitting) != 1:
            raise _refused("key")
        claims = _verified(read, fitting[0])
        self._check(claims, dict(read.header), provider, nonce=nonce, access_token=access_token)
        return claims

    def _check(
        self,
        claims: dict[str, Any],
        header: dict[str, Any],
        provider: Provider,
        *,
        nonce: str | None,
        access_token: str | None,
    ) -> None:
        now = self._clock.now() // 1000
        if not provider.is_issuer(claims.get("iss"), claims.get("tid")):
            raise _refused("iss")
        parameters = {"client_id": provider.client_id, "access_token": access_token}
        if nonce is not None:
            parameters["nonce"] = nonce
        rules: Any = {"aud": {"essential": True, "value": provider.client_id}}
        try:
            CodeIDToken(claims, header, rules, parameters).validate(now, LEEWAY_S)
        except (JoseError, ValueError, TypeError) as fault:
            raise _refused(getattr(fault, "claim", None) or type(fault).__name__) from None
        audience, issued_at = claims["aud"], claims["iat"]
        # Several audiences may hold tokens of each other: only ours alone is believed.
        if audience not in (provider.client_id, [provider.client_id]):
            raise _refused("aud")
        if not isinstance(issued_at, int | float) or now - issued_at > MAX_AGE_S + LEEWAY_S:
            raise _refused("iat")
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= _MAX_SUBJECT:
            raise _refused("sub")
        _check_sign_in(claims, provider, now)


def _check_sign_in(claims: dict[str, Any], provider: Provider, now: int) -> None:
    """Refuse who signed in there too long ago, or not as strongly as asked (ASVS 6.8.4).

    What a token does not say counts as the weakest.
    """
    at, acr = claims.get("auth_time"), claims.get("acr")
    if provider.max_age is not None:
        if isinstance(at, bool) or not isinstance(at, int | float):
            raise _refused("auth_time")
        if not -LEEWAY_S <= now - at <= provider.max_age + LEEWAY_S:
            raise _refused("auth_time")
    if provider.acr_values and acr not in provider.acr_values:
        raise _refused("acr")


async def times_used(auth: Limen, token: str | None) -> int:
    """Count that an ID token was handed over; return how often it was until now.

    A page may get to see one that came with a code or a refresh token, and with it a person
    would be signed in again after they have signed out.
    """
    if token is None:
        return 0
    # The signature is left out of what counts: some have a second spelling.
    digest = Secret(token.rpartition(".")[0]).digest().hex()
    window = (MAX_AGE_S + 2 * LEEWAY_S) * 1000
    counted = Increment(f"id-token:{digest}", window, auth.assembly.clock.now())
    return (await auth.run(ask(counted))).count


def _read(token: str) -> jws.Unverified:
    """Take a token apart; what it says decides nothing but which key is tried."""
    try:
        return jws.read(token, MAX_LENGTH)
    except InvalidToken as refusal:
        header = refusal.reason is Reason.UNSUPPORTED_HEADER
        raise _refused("header" if header else "form") from None


def _fitting(keys: list[dict[str, Any]], token: jws.Unverified) -> list[dict[str, Any]]:
    """Return the keys that may have signed; without a key id there must be one only."""
    return [
        one
        for one in keys
        if (token.key_id is None or one.get("kid") == token.key_id) and offers(one, token.algorithm)
    ]


def _verified(token: jws.Unverified, key: dict[str, Any]) -> dict[str, Any]:
    try:
        payload = jws.check(token, key, {token.algorithm})
    except UnfitKey:
        raise _refused("key") from None
    except InvalidToken:
        raise _refused("signature") from None
    try:
        return strict_json(payload)
    except InvalidToken:
        raise _refused("claims") from None


def _refused(what: str) -> SocialFailure:
    return SocialFailure(Failure.NO_PROFILE, f"an ID token failed its check of {what}")
