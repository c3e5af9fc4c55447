"""Every setting that can be written as text: its type, its meaning and its place in `Settings`.

One name serves everywhere: `idle` in the file is `LIMEN_IDLE` in the environment.
"""

from __future__ import annotations

import difflib
from dataclasses import MISSING, fields
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from limen.cli.limit_variables import WINDOWS, WrittenLimits
from limen.cli.providers import Tables
from limen.cli.spellings import JsonListed, Kinds, Listed, OneOrJsonListed
from limen.setting_names import NESTED
from limen.settings import Settings

PREFIX: Final = "LIMEN_"
CONFIG_VARIABLE: Final = "LIMEN_CONFIG"
_S: Final = 1000  # milliseconds of a second


class _General(BaseModel):
    strategy: str | None = Field(
        None, description="What the credential is: `jwt`, `session` or `hybrid`."
    )
    secret: str | None = Field(
        None,
        description="The application's secret, at least 32 characters; see `limen secret`.",
    )
    secrets: JsonListed = Field(
        None, description="Several secrets instead of one, newest first, as a JSON list."
    )
    database: str | None = Field(
        None,
        description="Where sessions and accounts are kept: `sqlite+aiosqlite:///app.db` or "
        "`postgresql+asyncpg://user:password@host/name`.",
    )
    redis: str | None = Field(
        None,
        description="A Redis or Valkey that keeps sessions and limits beside the database: "
        "`redis://user:password@host:6379/0`; `rediss://` is TLS.",
    )
    accept: Listed = Field(
        None, description="Strategies whose credentials are taken too while you change over."
    )
    check: str | None = Field(
        None, description="What is asked on each request: `expiry`, `feed` or `store`."
    )
    refresh: str | None = Field(
        None,
        description="`rotate`, or `none` for a `jwt` that keeps and revokes nothing.",
    )
    base_url: str | None = Field(
        None, description="The public address of the service, such as `https://app.example`."
    )
    base_path: str | None = Field(None, description="The path under which the service answers.")
    trusted_origins: Listed = Field(
        None,
        description="Other origins whose pages may use the service, such as "
        "`https://app.example` or `https://*.app.example`.",
    )
    issuer: str | None = Field(
        None, description="What tokens name as their issuer; without it, `base_url` or `limen`."
    )
    audience: str | None = Field(None, description="Whom tokens are for; without it, the issuer.")
    algorithm: str | None = Field(
        None, description="The signature algorithm: `EdDSA`, `ES256`, `PS256`, `HS256` or `RS256`."
    )
    access_lifetime: float | None = Field(None, description="Life of a signed token, in seconds.")
    idle: float | None = Field(
        None, description="A sign-in that nobody uses ends after so many seconds."
    )
    absolute: float | None = Field(
        None, description="A sign-in ends after so many seconds however busy it is."
    )
    grace: float | None = Field(
        None,
        description="Seconds in which a repeated refresh gets the same successor.",
    )
    max_lag: float | None = Field(
        None, description="Seconds without news after which the revocation feed counts as cut."
    )
    feed_interval: float | None = Field(
        None, description="Seconds between two looks at a revocation log that announces nothing."
    )
    remembered: int | None = Field(
        None, description="Verified credentials that a process remembers; 0 is none."
    )
    password_minimum: int | None = Field(
        None, description="Least length of a new password, in characters."
    )
    password_maximum: int | None = Field(
        None, description="Greatest length of a new password, in characters."
    )
    password_blocklist: bool | None = Field(
        None, description="Whether common passwords are refused."
    )
    password_context_words: Listed = Field(
        None,
        description="Words that no new password may be made of, such as the name of your "
        "company; those of the issuer's and the service's address are among them anyway.",
    )
    argon2_memory: int | None = Field(None, description="Memory of one password hash, in KiB.")
    argon2_passes: int | None = Field(None, description="Passes of one password hash.")
    argon2_lanes: int | None = Field(None, description="Lanes of one password hash.")
    hashing_workers: int | None = Field(
        None, description="Passwords hashed at once; without it, half the cores."
    )
    cookie_prefix: str | None = Field(None, description="How the names of the cookies begin.")
    cookie_domain: str | None = Field(
        None, description="Domain whose subdomains get the cookies too; without it, only the host."
    )
    cookie_same_site: str | None = Field(
        None, description="SameSite of the cookies: `lax`, `strict` or `none`."
    )
    cookie_host_prefix: bool | None = Field(
        None, description="Whether names begin with `__Host-` where they may, else `__Secure-`."
    )
    hsts: float | None = Field(
        None,
        description="Seconds for which browsers reach a public https service by https alone; 0 is "
        "off.",
    )
    hsts_subdomains: bool | None = Field(
        None, description="Whether they reach every host below it so as well."
    )
    clear_site_data: Listed = Field(
        None,
        description="What browsers drop at sign-out of all that the host has stored with them: of "
        "`cache`, `cookies`, `storage`, `executionContexts`.",
    )
    providers: Tables = Field(
        None,
        description="Identity providers: a table for each, such as `[limen.providers.google]`; "
        "in the environment `LIMEN_PROVIDERS__GOOGLE__CLIENT_ID` and so on.",
    )
    linking_by_email: bool | None = Field(
        None,
        description="Whether a sign-in at a provider joins the account of the same verified "
        "address.",
    )
    linking_different_emails: bool | None = Field(
        None, description="Whether a person may link an identity with another address."
    )
    cookie_cache: float | None = Field(
        None,
        description="Seconds for which a front end may read the session from a cookie without "
        "asking, and so goes on after a revocation; at most 300, 0 is off.",
    )
    cookie_cache_format: str | None = Field(
        None, description="How that cookie is written: `compact`, `jwt` or `jwe`."
    )
    multi_session: int | None = Field(
        None, description="Accounts that one browser may hold at once; at most 10, 0 is off."
    )
    session_jwt: bool | None = Field(
        None, description="Whether `get-session` carries a token for other services as well."
    )
    openapi: bool | None = Field(
        None,
        description="Whether `openapi.json` is served to everybody; without it, on the "
        "developer's machine only.",
    )
    authjs_version: int | None = Field(
        None,
        description="Serves the client of `next-auth` 4 or 5 as well; without it, no such client.",
    )
    authjs_path: str | None = Field(None, description="The path under which that is served.")
    authjs_session_token: str | None = Field(
        None,
        description="`jwe` hands out the encrypted token that Next.js reads, beside the cookies "
        "of Limen; `limen` only those.",
    )
    authjs_secret: OneOrJsonListed = Field(
        None,
        description="The secret that Next.js has as `AUTH_SECRET`, for that token; several, "
        "newest first, as a JSON list.",
    )
    authjs_token_lifetime: float | None = Field(
        None, description="Life of that token, and how far it may outlive a revocation, in seconds."
    )
    authjs_sign_in_page: str | None = Field(
        None, description="Path of your own sign-in page, in place of the plain one."
    )
    authjs_sign_out_page: str | None = Field(None, description="Path of your own sign-out page.")
    authjs_error_page: str | None = Field(None, description="Path of your own error page.")
    authjs_verify_page: str | None = Field(
        None, description="Path of your own page that says that a letter is on its way."
    )
    smtp: str | None = Field(
        None,
        description="The mail server that takes letters: `smtp://user:password@host:587` "
        "(STARTTLS) or `smtps://` (port 465); without it they are printed.",
    )
    mail_from: str | None = Field(
        None, description="In whose name letters go out: `My App <no-reply@app.example>`."
    )
    email_required: bool | None = Field(
        None, description="Whether nobody may sign in before their address is verified."
    )
    email_on_sign_up: bool | None = Field(
        None, description="Whether a sign-up is followed by a letter that verifies the address."
    )
    email_on_sign_in: bool | None = Field(
        None, description="Whether who is kept out for an unverified address gets another letter."
    )
    email_signs_in: bool | None = Field(
        None, description="Whether the link that verifies an address signs its reader in."
    )
    email_changes: bool | None = Field(None, description="Whether people may change their address.")
    email_deletes: bool | None = Field(None, description="Whether people may delete their account.")
    email_deletes_by_link: bool | None = Field(
        None, description="Whether they need a mailed link for that."
    )
    email_notices: bool | None = Field(
        None, description="Whether people get a letter after a new password or address."
    )
    email_new_device: bool | None = Field(
        None,
        description="Whether people get a letter after a sign-in from a device that was not seen "
        "before.",
    )
    email_reset_lifetime: float | None = Field(
        None, description="Seconds for which a link to choose a new password works."
    )
    email_verification_lifetime: float | None = Field(
        None, description="Seconds for which a link that verifies an address works."
    )
    email_deletion_lifetime: float | None = Field(
        None, description="Seconds for which a link that deletes an account works."
    )
    fresh: float | None = Field(
        None,
        description="Seconds after a sign-in in which a person may change their address or "
        "delete their account.",
    )
    username_enabled: bool | None = Field(
        None, description="Whether accounts may have usernames and sign in with them."
    )
    username_minimum: int | None = Field(
        None, description="Least length of a username, in characters."
    )
    username_maximum: int | None = Field(
        None, description="Greatest length of a username, in characters; at most 64."
    )
    max_sessions: int | None = Field(
        None, description="Sessions that one person may have at once; 0 is any number."
    )
    on_limit: str | None = Field(
        None, description="At that number a sign-in ends one of them, `end_oldest`, or `refuse`s."
    )
    fresh_to_revoke: bool | None = Field(
        None, description="Whether only a sign-in of a moment ago may end other sessions."
    )
    assurance: str | None = Field(
        None, description="Keep to the lifetimes of NIST SP 800-63B-4: `aal1`, `aal2` or `aal3`."
    )
    session_fields: Kinds = Field(
        None,
        description="What clients may keep with their session, each a `string`, `number` or "
        "`boolean`: `theme: string, beta: boolean`.",
    )
    audit_retention: float | None = Field(
        None, description="Seconds for which the audit log keeps an event."
    )
    audit_per_minute: int | None = Field(
        None,
        description="Events of one kind that a process keeps each minute of what one address can "
        "cause without end.",
    )
    audit_log: bool | None = Field(
        None,
        description="Whether each event is a line of JSON on the logger `limen.audit` as well.",
    )
    dpop: str | None = Field(
        None,
        description="Whether clients may, or must, prove to hold a key to which what they get is "
        "bound: `off`, `accept` or `require`.",
    )
    proof_age: float | None = Field(
        None, description="Seconds after which such a proof is too old; at most 300."
    )
    proof_ahead: float | None = Field(
        None, description="Seconds by which the clock that dated it may be fast; at most 60."
    )
    proof_nonce: bool | None = Field(
        None, description="Whether it must contain a nonce that this service handed out."
    )
    proof_nonce_lifetime: float | None = Field(
        None, description="Seconds after which another nonce is handed out; at most 3600."
    )


class Written(WrittenLimits, _General):
    """The settings as people write them. `None` is "not written"; `Settings` has the defaults.

    What a value must be beyond its type is judged by `Settings` alone.
    """

    model_config = ConfigDict(hide_input_in_errors=True)


class Environment(Written, BaseSettings):
    """Where the environment keeps them. Only read from: validating it would read it again."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, env_nested_delimiter="__", extra="ignore"
    )


NAMES: Final = tuple(Written.model_fields)
IN_SECONDS: Final = WINDOWS
# Another spelling of one field of `Settings`.
ALIASES: Final = {"secrets": "secret"}
NEVER_SHOWN: Final = frozenset({"secret", "secrets", "authjs_secret"})
# What only code can give, and why.
NOT_TEXT: Final = {
    "elsewhere": "they are objects that read another server's sessions",
    "sink": "it is an object that receives trace events",
    "account_budget.name": "it is a name inside the store, and to change it changes nothing",
    "address_budget.name": "it is a name inside the store, and to change it changes nothing",
    "device_budget.name": "it is a name inside the store, and to change it changes nothing",
    "global_budget.name": "it is a name inside the store, and to change it changes nothing",
    "spraying_budget.name": "it is a name inside the store, and to change it changes nothing",
    "request_budget.name": "it is a name inside the store, and to change it changes nothing",
    "letter_budget.name": "it is a name inside the store, and to change it changes nothing",
    "letter_address_budget.name": "it is a name inside the store, and to change it changes nothing",
    "mailer": "it is an object that sends letters in another way than by a mail server",
    "audit.hooks": "they are functions that are called with each event",
    "passwords.breached": "it is a function that is asked about the beginning of a digest",
    "passwords.breached_required": "it goes with `passwords.breached`",
    "email.wording": "it is a function that gets each letter and returns the one that is sent",
}
_SPELLINGS: Final = {
    "cookies.": "cookie_",
    "linking.": "linking_",
    "authjs.": "authjs_",
    "email.": "email_",
    "proofs.": "proof_",
    "password minimum": "password_minimum",
    "password maximum": "password_maximum",
    "password context_words": "password_context_words",
}


def default_of(name: str) -> Any:
    """Return the default of a setting, in the unit in which it is written."""
    field, part = NESTED.get(name, (ALIASES.get(name, name), None))
    value = field_default(field)
    return value if part is None else in_written_unit(name, getattr(value, part))


def field_default(name: str) -> Any:
    """Return the default of a field of `Settings`."""
    for one in fields(Settings):
        if one.name == name:
            return one.default if one.default_factory is MISSING else one.default_factory()
    raise KeyError(name)


def in_written_unit(name: str, value: Any) -> Any:
    """Turn what a record keeps into what people write."""
    return value / _S if name in IN_SECONDS else value


def in_kept_unit(name: str, value: Any) -> Any:
    """Turn what people write into what a record keeps."""
    return round(value * _S) if name in IN_SECONDS else value


def variable_of(setting: str) -> str | None:
    """Return the environment name of a setting as an error names it, `None` if it has none."""
    name = setting.partition(".")[0] if setting.startswith("providers.") else setting
    for spelling, ours in _SPELLINGS.items():
        name = name.replace(spelling, ours)
    return PREFIX + name.upper() if name in NAMES else None


def with_variable(setting: str) -> str:
    """Return a setting as an error names it, with its environment name if it has one."""
    variable = variable_of(setting)
    return f"{setting} ({variable})" if variable else setting


def nearest(name: str, names: tuple[str, ...] = NAMES) -> str | None:
    """Return the known name that was probably meant."""
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.5)), None)
