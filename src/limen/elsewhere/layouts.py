"""What other libraries call their tables and columns. Of several names the first there is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Candidates: TypeAlias = tuple[str, ...]

USERS: Final = "users"
IDENTITIES: Final = "identities"
EMAILS: Final = "emails"
SESSIONS: Final = "sessions"
# Without these nothing can be made of a row; any other column may be missing.
REQUIRED: Final = frozenset(
    {
        "users.id",
        "users.email",
        "identities.user_id",
        "emails.user_id",
        "sessions.token",
        "sessions.user_id",
        "sessions.expires_at",
    }
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one library keeps what: `tables` by our name, `columns` as `table.column`.

    The tables in `optional` may be missing.
    `password_provider` is the provider under which a password stands among the identities;
    `no_identities` are kinds of those that nobody can sign in with elsewhere.
    """

    tables: Mapping[str, Candidates]
    columns: Mapping[str, Candidates]
    password_provider: str = ""
    no_identities: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset({IDENTITIES, EMAILS})


@dataclass(frozen=True, slots=True)
class Names:
    """What this database calls tables and columns that differ from the layout."""

    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    tables_setting: str = "--table"
    columns_setting: str = "--column"

    def table_option(self, name: str) -> str:
        """Return how somebody writes the name of a table."""
        return _option(self.tables_setting, name)

    def column_option(self, name: str) -> str:
        """Return how somebody writes the name of a column."""
        return _option(self.columns_setting, name)


def _option(setting: str, name: str) -> str:
    return f"{setting} {name}=NAME" if setting.startswith("-") else f'{setting}={{"{name}": ...}}'


_BETTER_AUTH: Final = Layout(
    tables={USERS: ("user", "users"), IDENTITIES: ("account", "accounts")},
    columns={
        "users.id": ("id",),
        "users.email": ("email",),
        "users.email_verified": ("emailVerified", "email_verified"),
        "users.name": ("name",),
        "users.image": ("image",),
        "users.username": ("username",),
        "users.display_username": ("displayUsername", "display_username"),
        "users.disabled": ("banned",),
        "users.disabled_until": ("banExpires", "ban_expires"),
        "users.role": ("role",),
        "users.created_at": ("createdAt", "created_at"),
        "identities.user_id": ("userId", "user_id"),
        "identities.provider": ("providerId", "provider_id"),
        "identities.issuer": ("issuer",),
        "identities.subject": ("accountId", "account_id"),
        "identities.password": ("password",),
        "identities.created_at": ("createdAt", "created_at"),
    },
    password_provider="credential",  # noqa: S106 - a name
)
_AUTHJS: Final = Layout(
    tables={USERS: ("User", "users", "user"), IDENTITIES: ("Account", "accounts", "account")},
    columns={
        "users.id": ("id",),
        "users.email": ("email",),
        "users.email_verified": ("emailVerified", "email_verified"),
        "users.name": ("name",),
        "users.image": ("image",),
        # Auth.js itself keeps no passwords; this is what applications call theirs.
        "users.password": (
            "password",
            "hashedPassword",
            "passwordHash",
            "password_hash",
            "hashed_password",
        ),
        "users.role": ("role",),
        "users.created_at": ("createdAt", "created_at"),
        "identities.user_id": ("userId", "user_id"),
        "identities.kind": ("type",),
        "identities.provider": ("provider",),
        "identities.subject": ("providerAccountId", "provider_account_id"),
    },
    no_identities=frozenset({"email", "credentials", "webauthn"}),
)
_DJANGO: Final = Layout(
    tables={
        USERS: ("auth_user",),
        # Of django-allauth or of social-auth-app-django, where there are any.
        IDENTITIES: ("socialaccount_socialaccount", "social_auth_usersocialauth"),
        EMAILS: ("account_emailaddress",),
    },
    columns={
        "users.id": ("id",),
        "users.email": ("email",),
        "users.name": ("name",),
        "users.first_name": ("first_name",),
        "users.last_name": ("last_name",),
        "users.username": ("username",),
        "users.password": ("password",),
        "users.active": ("is_active",),
        "users.created_at": ("date_joined",),
        "identities.user_id": ("user_id",),
        "identities.provider": ("provider",),
        "identities.subject": ("uid",),
        "emails.user_id": ("user_id",),
        "emails.email": ("email",),
        "emails.verified": ("verified",),
    },
)
_FASTAPI_USERS: Final = Layout(
    tables={USERS: ("user", "users"), IDENTITIES: ("oauth_account", "oauth_accounts")},
    columns={
        "users.id": ("id",),
        "users.email": ("email",),
        "users.email_verified": ("is_verified",),
        "users.name": ("name", "full_name"),
        "users.first_name": ("first_name",),
        "users.last_name": ("last_name",),
        "users.username": ("username",),
        "users.password": ("hashed_password",),
        "users.active": ("is_active",),
        "users.created_at": ("created_at",),
        "identities.user_id": ("user_id",),
        "identities.provider": ("oauth_name",),
        "identities.subject": ("account_id",),
    },
)
LAYOUTS: Final[Mapping[str, Layout]] = {
    "better-auth": _BETTER_AUTH,
    "authjs": _AUTHJS,
    "django": _DJANGO,
    "fastapi-users": _FASTAPI_USERS,
}

BETTER_AUTH_SESSIONS: Final = Layout(
    tables={SESSIONS: ("session", "sessions"), USERS: ("user", "users")},
    columns={
        "sessions.token": ("token",),
        "sessions.user_id": ("userId", "user_id"),
        "sessions.expires_at": ("expiresAt", "expires_at"),
        "sessions.created_at": ("createdAt", "created_at"),
        "sessions.impersonated_by": ("impersonatedBy", "impersonated_by"),
        "users.id": ("id",),
        "users.disabled": ("banned",),
        "users.disabled_until": ("banExpires", "ban_expires"),
    },
)
AUTHJS_SESSIONS: Final = Layout(
    tables={SESSIONS: ("Session", "sessions", "session"), USERS: ("User", "users", "user")},
    columns={
        "sessions.token": ("sessionToken", "session_token"),
        "sessions.user_id": ("userId", "user_id"),
        "sessions.expires_at": ("expires",),
        "users.id": ("id",),
    },
)
