"""How lists and tables are written as one text, in the environment."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode


def _listed(value: object) -> object:
    """Read `a, b` as two entries."""
    if isinstance(value, str):
        return tuple(entry.strip() for entry in value.split(",") if entry.strip())
    return value


def _json_list(value: object) -> object:
    """Read a JSON list: a secret may contain any character, so none can separate them."""
    if not isinstance(value, str):
        return value
    try:
        decoded = json.loads(value)
    except ValueError:
        raise ValueError('is not a JSON list such as ["newest", "older"]') from None
    return decoded


def _kinds(value: object) -> object:
    """Read `theme: string, beta: boolean` as a table."""
    if not isinstance(value, str):
        return value
    pairs = [entry.partition(":") for entry in value.split(",") if entry.strip()]
    if not all(colon for _, colon, _ in pairs):
        raise ValueError("is not a list such as `theme: string, beta: boolean`")
    return {name.strip(): kind.strip() for name, _, kind in pairs}


def _one_or_json_list(value: object) -> object:
    """Read a JSON list, or one text as it stands."""
    return _json_list(value) if isinstance(value, str) and value.startswith("[") else value


Kinds = Annotated[dict[str, str] | None, NoDecode, BeforeValidator(_kinds)]
Listed = Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_listed)]
JsonListed = Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_json_list)]
OneOrJsonListed = Annotated[
    str | tuple[str, ...] | None, NoDecode, BeforeValidator(_one_or_json_list)
]
