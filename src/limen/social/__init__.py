"""Sign-in at identity providers: OAuth 2 and OpenID Connect, by code with PKCE.

`Limen(..., providers=[google(client_id, client_secret)])` is all that an application writes.
The presets need nothing; `SocialSignIn` needs the extra `social`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limen.errors import ConfigurationError
from limen.provider import Endpoints as Endpoints
from limen.provider import LinkPolicy as LinkPolicy
from limen.provider import Provider as Provider
from limen.provider import apple as apple
from limen.provider import github as github
from limen.provider import google as google
from limen.provider import microsoft as microsoft
from limen.provider import oidc as oidc

if TYPE_CHECKING:
    from limen.social.sign_in import Failed as Failed
    from limen.social.sign_in import Finished as Finished
    from limen.social.sign_in import SocialSignIn as SocialSignIn
    from limen.social.sign_in import Started as Started

__all__ = [
    "Endpoints",
    "Failed",
    "Finished",
    "LinkPolicy",
    "Provider",
    "SocialSignIn",
    "Started",
    "apple",
    "github",
    "google",
    "microsoft",
    "oidc",
]
_LATE = ("Failed", "Finished", "SocialSignIn", "Started")


def __getattr__(name: str) -> Any:
    """Load what speaks to providers when it is first asked for: it needs an extra."""
    if name not in _LATE:
        raise AttributeError(name)
    try:
        from limen.social import sign_in  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "providers", f"need the package {error.name}.", "Install limen[social]."
        ) from None
    return getattr(sign_in, name)
