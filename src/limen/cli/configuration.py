"""From command line, environment and file to `Settings`, knowing where each value came from.

A command-line option wins over the environment, and the environment over the file.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from limen.cli.providers import merged, providers_of
from limen.cli.variables import (
    ALIASES,
    CONFIG_VARIABLE,
    NAMES,
    NEVER_SHOWN,
    PREFIX,
    Environment,
    Written,
    default_of,
    field_default,
    in_kept_unit,
    nearest,
)
from limen.errors import ConfigurationError
from limen.setting_names import NESTED
from limen.settings import Settings

DEFAULT_FILE = "limen.toml"
TABLE = "limen"
_TABLES = f"{PREFIX}PROVIDERS__"
_URL = re.compile(
    r"(?P<scheme>[\w+.-]+)://(?P<user>[^@/?#]*@)?"
    r"(?P<place>(?:\[[0-9a-fA-F:.]+\]|[^@/?#:]*)(?::\d+)?(?:/[^@?#]*)?)(?:\?.*)?"
)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What was given on the command line itself."""

    config: Path | None = None
    database: str | None = None
    strategy: str | None = None

    def over(self, other: Overrides) -> Overrides:
        """Return these, and where they are silent the others."""
        return Overrides(
            self.config or other.config,
            self.database or other.database,
            self.strategy or other.strategy,
        )


@dataclass(frozen=True, slots=True)
class Configuration:
    """The values that were written, each with its origin such as `environment`.

    `file` is the file that was read, if any. Values are never shown by `repr`.
    """

    values: Mapping[str, Any]
    origins: Mapping[str, str]
    file: Path | None = None

    def __repr__(self) -> str:
        return f"<Configuration of {sorted(self.values)}>"

    @property
    def database(self) -> str | None:
        """The database URL, if one was written."""
        return self.values.get("database")

    def settings(self) -> Settings:
        """Return the settings that the values describe; raises `ConfigurationError`."""
        plain: dict[str, Any] = {}
        parts: dict[str, dict[str, Any]] = {}
        for name, value in self.values.items():
            if name in NESTED:
                field, part = NESTED[name]
                parts.setdefault(field, {})[part] = in_kept_unit(name, value)
            else:
                plain[ALIASES.get(name, name)] = value
        if plain.get("providers") is not None:
            plain["providers"] = providers_of(plain["providers"])
        if plain.get("refresh") == "none":  # how text says None
            plain["refresh"] = None
        records = {field: replace(field_default(field), **given) for field, given in parts.items()}
        return Settings(**plain, **records)


def read(overrides: Overrides) -> Configuration:
    """Return what is configured; raises the first `ConfigurationError`."""
    configuration, faults = gather(overrides)
    if faults:
        raise faults[0]
    return configuration


def gather(overrides: Overrides) -> tuple[Configuration, list[ConfigurationError]]:
    """Return what is configured, without what is wrong, and what is wrong."""
    faults: list[ConfigurationError] = []
    file = _file_of(overrides)
    layers = [
        (f"file {file}", _file_values(file, faults)),
        ("environment", _environment_values()),
        ("command line", _given(overrides)),
    ]
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers:
        if {"secret", "secrets"} <= layer.keys():
            faults.append(_two_secrets(origin))
        for alias, name in ALIASES.items():
            if layer.keys() & {alias, name}:
                values.pop(alias, None)
                values.pop(name, None)
        values.update({**layer, **_joined_tables(values, layer)})
        origins.update(dict.fromkeys(layer, origin))
    checked = _checked(values, origins, faults)
    return Configuration(checked, {name: origins[name] for name in checked}, file), faults


def _joined_tables(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of both, if both have some: those above count where they say something."""
    tables = below.get("providers"), above.get("providers")
    if not all(isinstance(one, dict) for one in tables):
        return {}
    return {"providers": merged(below["providers"], above["providers"])}


def stray_variables(environment: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Return variables that look like ours and are not, each with what was probably meant."""
    known = {PREFIX + name.upper() for name in NAMES} | {CONFIG_VARIABLE}
    strays = sorted(name for name in environment if name.upper().startswith(PREFIX))
    return [
        (name, nearest(name.upper(), tuple(sorted(known))))
        for name in strays
        if name.upper() not in known and not name.upper().startswith(_TABLES)
    ]


def shown(name: str, value: Any) -> str:
    """Return a value as text that may be seen; secrets and passwords in URLs are left out."""
    if value is None:
        return "-"
    if name in NEVER_SHOWN:
        return "(hidden)"
    if name in {"database", "redis", "smtp"}:
        return shown_database(value)
    if isinstance(value, dict):  # of tables; what is in them may be secret
        return ", ".join(value) or "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {one}" for key, one in value.items()) or "-"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def shown_database(url: str) -> str:
    """Return the URL of a database or a Redis without user, password and query."""
    found = _URL.fullmatch(url)
    if found is None:  # to guess where a password ends would show some of one
        return "(hidden)"
    return f"{found['scheme']}://{'***@' if found['user'] else ''}{found['place']}"


def effective(configuration: Configuration) -> list[tuple[str, str, str]]:
    """Return name, shown value and origin of every setting."""
    return [
        (
            name,
            shown(name, configuration.values.get(name, default_of(name))),
            configuration.origins.get(name, "default"),
        )
        for name in NAMES
        if name not in ALIASES or name in configuration.values
    ]


def _file_of(overrides: Overrides) -> Path | None:
    named = os.environ.get(CONFIG_VARIABLE)
    if overrides.config is not None:
        return overrides.config
    if named:
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None


def _file_values(file: Path | None, faults: list[ConfigurationError]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        faults.append(
            ConfigurationError(str(file), f"cannot be read ({reason}).", "Check the path.")
        )
        return {}
    except ValueError as error:  # TOML and UTF-8 errors; neither quotes the file
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "not UTF-8"
        faults.append(
            ConfigurationError(str(file), f"is not TOML: {reason}.", "Correct that place.")
        )
        return {}
    table = document.get(TABLE)
    if not isinstance(table, dict):
        faults.append(
            ConfigurationError(str(file), f"has no [{TABLE}] table.", f"Begin it with [{TABLE}].")
        )
        return {}
    faults.extend(_unknown(file, key) for key in table if key not in NAMES)
    return {key: value for key, value in table.items() if key in NAMES}


def _unknown(file: Path, key: str) -> ConfigurationError:
    meant = nearest(key)
    remedy = f"Did you mean {meant}?" if meant else "See `limen settings` for the names."
    return ConfigurationError(str(file), f"there is no setting {key!r}.", remedy)


def _environment_values() -> dict[str, Any]:
    return {
        name: value for name, value in EnvSettingsSource(Environment)().items() if name in NAMES
    }


def _given(overrides: Overrides) -> dict[str, Any]:
    given = {"database": overrides.database, "strategy": overrides.strategy}
    return {name: value for name, value in given.items() if value is not None}


def _two_secrets(origin: str) -> ConfigurationError:
    return ConfigurationError(
        "secret", f"{origin} sets both `secret` and `secrets`.", "Keep one of them."
    )


def _checked(
    values: dict[str, Any], origins: Mapping[str, str], faults: list[ConfigurationError]
) -> dict[str, Any]:
    """Return the values with their types; what has the wrong type becomes a fault."""
    try:
        written = Written.model_validate(values)
    except ValidationError as error:
        wrong: dict[str, str] = {}
        for one in error.errors(include_input=False, include_url=False, include_context=False):
            wrong.setdefault(str(one["loc"][0]), _problem(one["type"], one["msg"]))
    else:
        return {name: getattr(written, name) for name in values}
    for name, problem in wrong.items():
        remedy = f"Correct it in the {origins[name]}."
        faults.append(ConfigurationError(name, problem, remedy))
    rest = {name: value for name, value in values.items() if name not in wrong}
    return _checked(rest, origins, faults)


def _problem(kind: str, message: str) -> str:
    """Say what is wrong with a value, without the value."""
    if kind == "value_error":
        said = message.removeprefix("Value error, ")
        return said if said.endswith("?") else f"{said}."
    for beginning, problem in (
        ("float", "is not a number."),
        ("int", "is not a whole number."),
        ("bool", "is neither true nor false."),
        ("string", "is not a text."),
        ("tuple", "is not a list of texts."),
        ("dict", "is not a table of names and kinds."),
    ):
        if kind.startswith(beginning):
            return problem
    return f"cannot be used ({kind})."
