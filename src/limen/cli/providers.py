"""Identity providers as people write them: a table for each, in the file or the environment."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from limen.errors import ConfigurationError
from limen.provider import Provider, apple, github, google, microsoft, oidc

PRESETS: Final = ("google", "github", "microsoft", "apple", "oidc")
# What only some presets take, besides what every provider does.
_OWN: Final = {
    "google": frozenset[str](),
    "github": frozenset({"host", "api"}),
    "microsoft": frozenset({"tenant", "authority"}),
    "apple": frozenset({"team_id", "key_id", "private_key", "private_key_file"}),
    "oidc": frozenset({"issuer"}),
}
_ONLY_SOME: Final = frozenset[str]().union(*_OWN.values())


def _spaced(value: object) -> object:
    """Read `a b` as two entries, as scopes are written everywhere."""
    return tuple(value.split()) if isinstance(value, str) else value


class ProviderTable(BaseModel):
    """One provider as it is written. `None` is "not written"; the presets have the defaults."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid")

    preset: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    name: str | None = None
    issuer: str | None = None
    tenant: str | None = None
    authority: str | None = None
    host: str | None = None
    api: str | None = None
    team_id: str | None = None
    key_id: str | None = None
    private_key: str | None = None
    private_key_file: Path | None = None
    scopes: Annotated[tuple[str, ...] | None, BeforeValidator(_spaced)] = None
    parameters: dict[str, str] | None = None
    client_authentication: str | None = None
    trusted: bool | None = None
    takes_unverified: bool | None = None
    keep_tokens: bool | None = None
    disable_sign_up: bool | None = None
    explicit_sign_up: bool | None = None
    max_age: int | None = None
    acr_values: Annotated[tuple[str, ...] | None, BeforeValidator(_spaced)] = None

    def __repr_args__(self) -> list[tuple[str | None, Any]]:  # secrets stay out of every text
        return [("preset", self.preset)]


def read_tables(value: object) -> object:
    """Give each table its types; raises `ValueError` that names the place and no value."""
    if not isinstance(value, dict):
        return value
    return {str(name).lower(): _read(str(name).lower(), table) for name, table in value.items()}


def _read(name: str, table: object) -> ProviderTable:
    if isinstance(table, ProviderTable):
        return table
    if not isinstance(table, dict):
        raise ValueError(f"{name} is no table")  # noqa: TRY004 - what pydantic expects
    try:
        return ProviderTable.model_validate(table)
    except ValidationError as error:
        one = error.errors(include_input=False, include_url=False, include_context=False)[0]
        member = str(one["loc"][0])
        if one["type"] == "extra_forbidden":
            known = difflib.get_close_matches(member, ProviderTable.model_fields, n=1, cutoff=0.5)
            meant = f"; did you mean {known[0]}?" if known else ""
            raise ValueError(f"{name} has no setting {member!r}{meant}") from None
        raise ValueError(f"{name}.{member} cannot be used ({one['type']})") from None


Tables = Annotated[dict[str, Any] | None, BeforeValidator(read_tables)]


def merged(
    below: Mapping[str, Mapping[str, Any]], above: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Lay one layer of tables over another: a secret may come from elsewhere than the rest."""
    joined: dict[str, Any] = {str(name).lower(): table for name, table in below.items()}
    for name, table in above.items():
        beneath = joined.get(name, {})
        both = isinstance(beneath, Mapping) and isinstance(table, Mapping)
        joined[name] = {**beneath, **table} if both else table
    return joined


def providers_of(tables: Mapping[str, ProviderTable]) -> tuple[Provider, ...]:
    """Return the providers that tables describe; raises `ConfigurationError`."""
    return tuple(_provider(name, table) for name, table in tables.items())


def _provider(name: str, table: ProviderTable) -> Provider:
    kind = table.preset or (name if name in PRESETS else "oidc")
    if kind not in PRESETS:
        raise _fault(name, f"there is no preset {kind!r}.", f"Use one of {', '.join(PRESETS)}.")
    given = {one: value for one, value in table if value is not None and one != "preset"}
    for member in sorted(given.keys() & (_ONLY_SOME - _OWN[kind])):
        raise _fault(name, f"{member} is nothing that {kind} has.", "Take it out.")
    if kind == "apple":
        given["private_key"] = _private_key(name, given.pop("private_key_file", None), given)
    for member in {
        "google": ("client_id", "client_secret"),
        "github": ("client_id", "client_secret"),
        "microsoft": ("client_id", "client_secret"),
        "apple": ("client_id", "team_id", "key_id"),
        "oidc": ("issuer", "client_id"),
    }[kind]:
        if member == "issuer" and member not in given and table.preset is None:
            near = difflib.get_close_matches(name, PRESETS, n=1, cutoff=0.5)
            remedy = (
                f"Did you mean {near[0]}? Else give the issuer." if near else "Give the issuer."
            )
            raise _fault(name, f"has no issuer, and no preset is called {name!r}.", remedy)
        if member not in given:
            raise _fault(name, f"has no {member}.", "Copy it from the provider's console.")
    if kind == "oidc":
        return oidc(name, **given)
    makes = {"google": google, "github": github, "microsoft": microsoft, "apple": apple}
    make: Any = makes[kind]
    made: Provider = make(id=name, **given)
    return made


def _private_key(name: str, file: Path | None, given: Mapping[str, Any]) -> str:
    if file is None and "private_key" in given:
        # One line in an environment: the breaks are written out.
        return str(given["private_key"]).replace("\\n", "\n")
    if file is None:
        raise _fault(name, "has no private_key_file.", "Give the path of the .p8 file.")
    try:
        return file.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        problem = f"has a private_key_file that cannot be read ({type(error).__name__})."
        raise _fault(name, problem, "Check the path.") from None


def _fault(name: str, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"providers.{name}", problem, remedy)
