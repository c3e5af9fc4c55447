"""Identity providers as records: who they are, what to ask of them, how far to trust them.

The presets know where each of the big ones answers; `oidc` fits whoever publishes OpenID
Connect metadata.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypedDict
from urllib.parse import urlsplit

from limen.account import PASSWORD_PROVIDER
from limen.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Unpack

ClientAuthentication: TypeAlias = Literal["client_secret_basic", "client_secret_post", "none"]
WELL_KNOWN: Final = "/.well-known/openid-configuration"
TENANT: Final = "{tenantid}"  # how Microsoft writes the issuer of every tenant at once
PERSONAL_TENANT: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"  # of Microsoft's own accounts
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.IGNORECASE)
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider without OpenID Connect answers."""

    authorize: str
    token: str
    userinfo: str
    emails: str | None = None  # GitHub keeps the addresses elsewhere


@dataclass(frozen=True, slots=True)
class AppleKey:
    """The key that signs what Apple takes for a client secret: an ES256 key as PEM."""

    team_id: str
    key_id: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Provider:
    """One identity provider and this application's registration there.

    With `issuer` everything else is discovered (OpenID Connect Discovery 1.0); with
    `endpoints` the provider speaks OAuth 2 only. `trusted` believes every address that it
    names, said to be verified or not: only for a provider whose users cannot choose theirs.
    `takes_unverified` opens accounts for addresses that nobody has verified; they are never
    linked by that address. `keep_tokens` keeps what the provider hands over, sealed.
    `disable_sign_up` signs in only whom it knows, `explicit_sign_up` asks the page to say
    that a sign-up is wanted. With `max_age` (seconds) and `acr_values` the ID token must say
    that the person signed in there no longer ago, and as strongly as one of these names says.
    """

    id: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    name: str = ""
    issuer: str | None = None
    discovery: str | None = None
    endpoints: Endpoints | None = None
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    client_authentication: ClientAuthentication | None = None
    apple_key: AppleKey | None = field(default=None, repr=False)
    form_post: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    trusted: bool = False
    takes_unverified: bool = False
    keep_tokens: bool = False
    disable_sign_up: bool = False
    explicit_sign_up: bool = False
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not work or would not be safe."""
        if not _ID.fullmatch(self.id) or self.id == PASSWORD_PROVIDER:
            raise ConfigurationError(
                "providers",
                f"{self.id!r} cannot name a provider.",
                "Use letters, digits, '-' and '_'; `credential` is the password's name.",
            )
        if not self.client_id:
            raise self._fault("has no client_id.", "Register the application there.")
        if (self.issuer is None) == (self.endpoints is None):
            raise self._fault("has neither issuer nor endpoints, or both.", "Give one of them.")
        if self.issuer is not None and "://" not in self.issuer:
            raise self._fault("has an issuer that is not a URL.", "Write it as https://id.example.")
        if self.issuer is not None and not is_safe_url(self.issuer.replace(TENANT, "any")):
            raise self._fault("has an issuer that is not https.", "Plain http is for the loopback.")
        if self.issuer is not None and "openid" not in self.scopes:
            raise self._fault("does not ask for the scope openid.", "Add it to the scopes.")
        if self.issuer is None and (self.max_age is not None or self.acr_values):
            raise self._fault(
                "signs no ID token that could say how somebody signed in.",
                "Leave max_age and acr_values out.",
            )
        if self.max_age is not None and self.max_age < 0:
            raise self._fault("has a negative max_age.", "Give it in seconds; 0 is now.")
        secretless = self.client_secret is None and self.apple_key is None
        if secretless and self.client_authentication not in (None, "none"):
            raise self._fault("has no client_secret.", "Copy it from the provider's console.")

    def _fault(self, problem: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(f"providers.{self.id}", problem, remedy)

    @property
    def issuer_name(self) -> str:
        """What stands for the issuer of identities where the provider names none."""
        return f"local:oauth:{self.id}" if self.issuer is None else self.issuer

    @property
    def metadata_url(self) -> str | None:
        """Where the metadata lies (OpenID Connect Discovery 1.0 section 4)."""
        if self.issuer is None:
            return None
        return self.discovery or self.issuer.rstrip("/") + WELL_KNOWN

    def is_issuer(self, stated: object, tenant: object = None) -> bool:
        """Tell whether an issuer is this provider, to the letter.

        Where Microsoft speaks for every tenant, the issuer must name the token's own.
        """
        if self.issuer is None or not isinstance(stated, str):
            return False
        if TENANT not in self.issuer:
            return stated == self.issuer
        if not isinstance(tenant, str) or not _GUID.fullmatch(tenant):
            return False
        work_only = self.discovery is not None and "/organizations/" in self.discovery
        return stated == self.issuer.replace(TENANT, tenant) and not (
            work_only and tenant == PERSONAL_TENANT
        )


class Choices(TypedDict, total=False):
    """What is left to be chosen of any provider; see `Provider`."""

    name: str
    scopes: tuple[str, ...]
    client_authentication: ClientAuthentication
    parameters: Mapping[str, str]
    trusted: bool
    takes_unverified: bool
    keep_tokens: bool
    disable_sign_up: bool
    explicit_sign_up: bool
    max_age: int
    acr_values: tuple[str, ...]


class Changes(Choices, total=False):
    """The same for a preset, which has an id of its own."""

    id: str


def is_safe_url(url: str) -> bool:
    """Tell whether a URL is https, or http on the loopback, and hides nothing."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        return False
    if not url.isascii() or not url.isprintable() or any(one in url for one in " \\"):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def oidc(
    id: str,  # noqa: A002 - what callers write
    issuer: str,
    client_id: str,
    client_secret: str | None = None,
    **changes: Unpack[Choices],
) -> Provider:
    """Return any provider that publishes OpenID Connect metadata under its issuer."""
    given: dict[str, Any] = {"name": id.replace("-", " ").title(), **changes, "id": id}
    return Provider(client_id=client_id, client_secret=client_secret, issuer=issuer, **given)


def google(client_id: str, client_secret: str, **changes: Unpack[Changes]) -> Provider:
    """Return Google; `parameters={"access_type": "offline"}` asks for a refresh token."""
    given: dict[str, Any] = {"id": "google", "name": "Google", **changes}
    return Provider(
        client_id=client_id,
        client_secret=client_secret,
        issuer="https://accounts.google.com",
        **given,
    )


def microsoft(
    client_id: str,
    client_secret: str,
    tenant: str = "common",
    *,
    authority: str = "https://login.microsoftonline.com",
    **changes: Unpack[Changes],
) -> Provider:
    """Return Microsoft for one tenant (its id), or for `common`, `organizations`, `consumers`.

    Entra lets a tenant's administrator write any address into an account, so none of them
    is believed: accounts are opened and never linked by address. With a tenant of your own,
    `trusted=True` changes that.
    """
    named = PERSONAL_TENANT if tenant == "consumers" else tenant.lower()
    shared = named in ("common", "organizations")
    if not shared and not _GUID.fullmatch(named):
        raise ConfigurationError(
            "providers.microsoft",
            f"{tenant!r} is no tenant.",
            "Give the tenant's id (a GUID), 'common', 'organizations' or 'consumers'.",
        )
    given: dict[str, Any] = {
        "id": "microsoft",
        "name": "Microsoft",
        "takes_unverified": True,
        **changes,
    }
    if shared and given.get("trusted"):
        raise ConfigurationError(
            "providers.microsoft",
            f"cannot be trusted for {tenant!r}: any tenant may name any address.",
            "Give the id of your own tenant, or leave `trusted` out.",
        )
    return Provider(
        client_id=client_id,
        client_secret=client_secret,
        issuer=f"{authority}/{TENANT if shared else named}/v2.0",
        discovery=f"{authority}/{named}/v2.0{WELL_KNOWN}",
        **given,
    )


def github(
    client_id: str,
    client_secret: str,
    *,
    host: str = "https://github.com",
    api: str = "https://api.github.com",
    **changes: Unpack[Changes],
) -> Provider:
    """Return GitHub, or a GitHub Enterprise Server with its `host` and `api`."""
    given: dict[str, Any] = {
        "id": "github",
        "name": "GitHub",
        "scopes": ("read:user", "user:email"),
        "client_authentication": "client_secret_post",
        **changes,
    }
    return Provider(
        client_id=client_id,
        client_secret=client_secret,
        endpoints=Endpoints(
            authorize=f"{host}/login/oauth/authorize",
            token=f"{host}/login/oauth/access_token",
            userinfo=f"{api}/user",
            emails=f"{api}/user/emails",
        ),
        **given,
    )


def apple(
    client_id: str,
    *,
    team_id: str,
    key_id: str,
    private_key: str,
    issuer: str = "https://appleid.apple.com",
    **changes: Unpack[Changes],
) -> Provider:
    """Return Apple; `private_key` is the text of the .p8 file, `client_id` the services id."""
    given: dict[str, Any] = {
        "id": "apple",
        "name": "Apple",
        "scopes": ("openid", "email", "name"),
        "client_authentication": "client_secret_post",
        **changes,
    }
    return Provider(
        client_id=client_id,
        issuer=issuer,
        apple_key=AppleKey(team_id, key_id, private_key),
        form_post=True,
        **given,
    )


def checked_providers(providers: object) -> tuple[Provider, ...]:
    """Return the providers of a setting; raises `ConfigurationError` for what is none.

    Two with one name, or one issuer, would share what belongs to each alone (RFC 9700
    section 4.4).
    """
    listed = tuple(providers) if isinstance(providers, list | tuple) else (providers,)
    seen: set[str] = set()
    for one in listed:
        if not isinstance(one, Provider):
            raise ConfigurationError(
                "providers", "hold something else.", "Give a list of google(...), oidc(...)."
            )
        for name in (one.id, one.issuer_name):
            if name in seen:
                raise ConfigurationError(
                    "providers", f"{name!r} is listed twice.", "List each provider once."
                )
            seen.add(name)
    return listed


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """When an identity may be joined to an account that exists.

    `by_email` joins on sign-in where both sides have verified the same address.
    `different_emails` lets a signed-in person link an identity with another address.
    """

    by_email: bool = True
    different_emails: bool = False
