"""Who somebody is at a provider: from the claims of an ID token, or from a user endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from limen.provider import is_safe_url
from limen.social.failure import Failure, SocialFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.provider import Provider
    from limen.social.discovery import Metadata
    from limen.social.outbound import Outbound

MAX_NAME: Final = 256  # characters
MAX_IMAGE: Final = 2_048
MAX_USER: Final = 4_096  # of what Apple sends in its form


@dataclass(frozen=True, slots=True)
class Profile:
    """What a provider says of a person. `claims` is all of it, for `account-info`."""

    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str = ""
    image: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)


def of_claims(
    provider: Provider, claims: Mapping[str, Any], userinfo: Mapping[str, Any] | None = None
) -> Profile:
    """Return the profile of an ID token that was judged, with the user endpoint's besides.

    What the token says comes first: it is signed.
    """
    said = {**(userinfo or {}), **claims}
    email = _text(said, "email", MAX_NAME)
    return Profile(
        issuer=claims["iss"],
        subject=claims["sub"],
        email=email,
        email_verified=email is not None and _is_verified(provider, said, email),
        name=_text(said, "name", MAX_NAME) or _joined_name(said),
        image=_picture(said.get("picture")),
        claims=said,
    )


def _is_verified(provider: Provider, said: Mapping[str, Any], email: str) -> bool:
    """Tell whether an address may be believed: the provider must say so, in these words.

    `email_verified` is a boolean (OpenID Connect Core 5.1), which Apple writes as a text.
    Entra has a list of verified addresses where an administrator asked for it.
    """
    stated = said.get("email_verified")
    if provider.trusted or stated is True or stated == "true":  # 1 equals True, so not `in`
        return True
    listed = said.get("verified_primary_email")
    return isinstance(listed, list) and email in listed


async def userinfo(
    metadata: Metadata, access_token: str, subject: str, outbound: Outbound
) -> dict[str, Any]:
    """Ask the user endpoint about somebody; it must speak of the same person.

    OpenID Connect Core section 5.3.2. Raises `SocialFailure`.
    """
    said = await outbound.object_at(metadata.userinfo or "", _bearer(access_token))
    if said.get("sub") != subject:
        raise SocialFailure(Failure.NO_PROFILE, "a user endpoint answered about somebody else")
    return said


async def of_github(provider: Provider, access_token: str, outbound: Outbound) -> Profile:
    """Return a profile of GitHub's own API: the id is the person, the login may change hands.

    Raises `SocialFailure`.
    """
    assert provider.endpoints is not None  # noqa: S101 - for the type checker
    headers = _bearer(access_token)
    said = await outbound.object_at(provider.endpoints.userinfo, headers)
    subject = said.get("id", said.get("sub"))
    if isinstance(subject, bool) or not isinstance(subject, int | str) or not str(subject):
        raise SocialFailure(Failure.NO_PROFILE, f"{provider.id}: a user without an id")
    email, verified = _text(said, "email", MAX_NAME), said.get("email_verified") is True
    if provider.endpoints.emails is not None:
        listed = await outbound.value_at(provider.endpoints.emails, headers)
        email, verified = _primary(listed)
    return Profile(
        issuer=provider.issuer_name,
        subject=str(subject),
        email=email,
        email_verified=email is not None and (verified or provider.trusted),
        name=_text(said, "name", MAX_NAME) or _text(said, "login", MAX_NAME) or "",
        image=_picture(said.get("avatar_url", said.get("picture"))),
        claims=said,
    )


def _primary(listed: Any) -> tuple[str | None, bool]:
    """Return the address that a person calls theirs, and whether it is verified."""
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("primary") is True:
            email = _text(one, "email", MAX_NAME)
            return email, email is not None and one.get("verified") is True
    return None, False


def apple_name(stated: str | None) -> str:
    """Return the name in Apple's `user` parameter, which comes with the first sign-in only.

    It passed through the browser, so it is a wish like any other name.
    """
    if not stated or len(stated) > MAX_USER:
        return ""
    try:
        user = json.loads(stated)
    except (ValueError, RecursionError):
        return ""
    name = user.get("name") if isinstance(user, dict) else None
    if not isinstance(name, dict):
        return ""
    parts = (name.get("firstName"), name.get("lastName"))
    return " ".join(one for one in parts if isinstance(one, str) and one)[:MAX_NAME]


def _bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}"}


def _joined_name(said: Mapping[str, Any]) -> str:
    parts = (_text(said, name, MAX_NAME) for name in ("given_name", "family_name"))
    return " ".join(one for one in parts if one)[:MAX_NAME]


def _text(said: Mapping[str, Any], name: str, most: int) -> str | None:
    value = said.get(name)
    if not isinstance(value, str) or not value or len(value) > most or "\0" in value:
        return None
    return None if any("\ud800" <= one <= "\udfff" for one in value) else value


def _picture(value: object) -> str | None:
    fits = isinstance(value, str) and len(value) <= MAX_IMAGE and value.startswith("https://")
    return str(value) if fits and is_safe_url(str(value)) else None
