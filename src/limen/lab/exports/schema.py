"""Checks a trace against its published JSON Schema, with the few keywords that it uses.

The file is data from somewhere: it is read up to a size, names occur once, numbers are
finite, and every value is of a kind that the Lab knows how to show.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from pathlib import Path

MAX_OCTETS: Final = 8 * 1024 * 1024
# No JSON Schema can say it of every text: half a character, which no page could be made of, and
# what would act on a terminal or turn the text around it (UAX 9).
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class NotATrace(ValueError):
    """A file is no trace that this version can read; the text says where and why."""


@cache
def schema() -> dict[str, Any]:
    """Return the schema of trace.json."""
    text = files("limen.lab.exports").joinpath("trace.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def read_trace(octets: bytes) -> dict[str, Any]:
    """Return the trace that a file holds; raises `NotATrace`."""
    if len(octets) > MAX_OCTETS:
        raise NotATrace(f"it is larger than {MAX_OCTETS} bytes")
    try:
        value = json.loads(
            octets.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise NotATrace(f"it is not JSON: {error}") from None
    check(value)
    found: dict[str, Any] = value
    return found


def read_file(path: Path) -> dict[str, Any]:
    """Return the trace in a file; no more of it is read than a trace may have."""
    with path.open("rb") as file:
        return read_trace(file.read(MAX_OCTETS + 1))


def fitting(path: Path) -> str:
    """Return the SHA-256 of a file that holds a trace; raises `NotATrace`."""
    read_file(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(value: Any) -> None:
    """Raise `NotATrace` for the first place where a value departs from the schema."""
    _check(value, schema(), "trace")


def _check(value: Any, rule: dict[str, Any], at: str) -> None:
    if "$ref" in rule:
        rule = schema()["$defs"][rule["$ref"].removeprefix("#/$defs/")]
    _check_alternatives(value, rule, at)
    if "type" in rule and not _is_of(value, rule["type"]):
        raise NotATrace(f"{at} is not of the type {rule['type']}")
    match value:
        case str():
            _check_text(value, rule, at)
        case dict() if "additionalProperties" in rule:
            _check_object(value, rule, at)
        case list() if "items" in rule:
            _check_list(value, rule, at)
        case int() | float() if not isinstance(value, bool):
            _check_number(value, rule, at)


def _check_alternatives(value: Any, rule: dict[str, Any], at: str) -> None:
    if "anyOf" in rule:
        _check_any(value, rule["anyOf"], at)
    if "const" in rule and not _same(value, rule["const"]):
        raise NotATrace(f"{at} is not {rule['const']!r}")
    if "enum" in rule and not any(_same(value, one) for one in rule["enum"]):
        raise NotATrace(f"{at} is not one of the values that there are")


def _check_any(value: Any, rules: list[dict[str, Any]], at: str) -> None:
    faults = []
    for one in rules:
        try:
            _check(value, one, at)
        except NotATrace as fault:
            faults.append(str(fault))
        else:
            return
    # The longest path is that of the alternative which went along furthest.
    raise NotATrace(max(faults, key=len))


def _check_list(value: list[Any], rule: dict[str, Any], at: str) -> None:
    least, most = rule.get("minItems", 0), rule.get("maxItems", len(value))
    if not least <= len(value) <= most:
        raise NotATrace(f"{at} has not between {least} and {most} items")
    for number, one in enumerate(value):
        _check(one, rule["items"], f"{at}[{number}]")


def _check_number(value: float, rule: dict[str, Any], at: str) -> None:
    low, high = rule.get("minimum", value), rule.get("maximum", value)
    if not low <= value <= high:
        raise NotATrace(f"{at} is not between {low} and {high}")


def _check_text(value: str, rule: dict[str, Any], at: str) -> None:
    if _UNFIT.search(value):
        raise NotATrace(f"{at} has a character that no text should have")
    if len(value) > rule.get("maxLength", len(value)):
        raise NotATrace(f"{at} is longer than {rule['maxLength']}")
    if "pattern" in rule and re.compile(rule["pattern"]).fullmatch(value) is None:
        raise NotATrace(f"{at} has not the form {rule['pattern']}")


def _check_object(value: dict[str, Any], rule: dict[str, Any], at: str) -> None:
    known, others = rule.get("properties", {}), rule["additionalProperties"]
    for name in rule.get("required", ()):
        if name not in value:
            raise NotATrace(f"{at} has no {name!r}")
    if len(value) > rule.get("maxProperties", len(value)):
        raise NotATrace(f"{at} has more than {rule['maxProperties']} members")
    for name, one in value.items():
        if name in known:
            _check(one, known[name], f"{at}.{name}")
        elif others is False:
            raise NotATrace(f"{at} has {name[:40]!r}, which no trace has")
        else:
            _check_text(name, rule.get("propertyNames", {}), f"a name in {at}")
            _check(one, others, f"{at}.{name[:40]}")


def _is_of(value: Any, stated: str | list[str]) -> bool:
    names = [stated] if isinstance(stated, str) else stated
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, _TYPES[name]) for name in names if name != "boolean")


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and value == other


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return value


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
