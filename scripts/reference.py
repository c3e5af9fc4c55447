"""Writes the generated parts of docs/reference/*.md from the code.

    .venv/bin/python scripts/reference.py [--check]

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from secrets import token_urlsafe
from typing import get_args

from limen import effects
from limen.assembly import assemble
from limen.audit import KINDS, AuditKind
from limen.phase import Phase
from limen.settings import Settings, StrategyName
from limen.trace.event import REFERENCES

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
SECRET_OCTETS = 32
_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def all_effects() -> list[type[effects.Effect[object]]]:
    """Return every effect in the order in which the code lists them."""
    return [*get_args(effects.StoreEffect), *get_args(effects.LocalEffect)]


def effect_table(*, by_store: bool) -> str:
    """Describe the effects that a store performs, or those that the process answers."""
    rows = []
    for effect in all_effects():
        if (effect in get_args(effects.StoreEffect)) is not by_store:
            continue
        names = [field.name for field in dataclasses.fields(effect)]  # type: ignore[arg-type]  # each is a dataclass
        names.sort(key=lambda name: name == "events")  # which all that write may carry
        carried = ", ".join(f"`{name}`" for name in names)
        meaning = " ".join(inspect.cleandoc(effect.__doc__ or "").split("\n\n")[0].split())
        rows.append(
            (f"`{effect.__name__}`", effect.access.value, _answer(effect), carried, meaning)
        )
    return table(("effect", "access", "answer", "carries", "meaning"), rows)


def _answer(effect: type[effects.Effect[object]]) -> str:
    (base,) = vars(effect)["__orig_bases__"]
    (answer,) = get_args(base)
    name = "None" if answer is type(None) else getattr(answer, "__name__", str(answer))
    text = str(answer) if get_args(answer) else name
    plain = re.sub(r"\b(?:[a-z_]+\.)+", "", text).replace("NoneType", "None")
    return f"`{plain}`".replace("|", "\\|")


def reference_table() -> str:
    """List the rules that each step answers to."""
    rows = [(f"`{phase.value}`", ", ".join(REFERENCES.get(phase, ())) or "none") for phase in Phase]
    return table(("phase", "standards"), rows)


def guarantee_table() -> str:
    """Say what each strategy promises, asking the strategies themselves."""
    variants: tuple[tuple[str, StrategyName, dict[str, str | None]], ...] = (
        ("`jwt`", "jwt", {}),
        ("`jwt`, `refresh=None`", "jwt", {"refresh": None, "database": None}),
        ("`session`", "session", {}),
        ("`hybrid`", "hybrid", {}),
        ('`hybrid`, `check="store"`', "hybrid", {"check": "store"}),
    )
    rows = []
    for name, strategy, changes in variants:
        options = {"secret": token_urlsafe(SECRET_OCTETS), "database": "sqlite+aiosqlite:///x"}
        settings = Settings(strategy=strategy, **(options | changes))  # type: ignore[arg-type]  # keyed by name
        promised = assemble(settings).parts.primary.guarantees
        rows.append(
            (
                name,
                promised.format.value,
                promised.check.value,
                str(promised.store_reads_per_request),
                _span(promised.revocation_window),
                _span(promised.idle),
                _span(promised.absolute),
                "yes" if promised.needs_store else "no",
            )
        )
    head = ("strategy", "format", "check", "store reads per request", "revocation window")
    return table((*head, "idle end", "absolute end", "needs a store"), rows)


def _span(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "none"
    for name, size in (("d", 86_400_000), ("min", 60_000), ("s", 1_000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size} {name}"
    return f"{milliseconds} ms"


def kind_table() -> str:
    """Say what each kind of event of the audit log means."""
    rows = [
        (
            f"`{kind.value}`",
            KINDS[kind].meaning,
            ", ".join(f"`{name}`" for name in KINDS[kind].details) or "none",
            "yes" if KINDS[kind].flood else "no",
        )
        for kind in AuditKind
    ]
    return table(("kind", "what it means", "details", "held back in a flood"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "store-effects": lambda: effect_table(by_store=True),
    "local-effects": lambda: effect_table(by_store=False),
    "standards": reference_table,
    "guarantees": guarantee_table,
    "audit-kinds": kind_table,
}


def rewritten(text: str) -> str:
    """Return a document with its generated parts as they should be."""
    return _PART.sub(lambda match: f"{match[1]}{PARTS[match[2]]()}\n{match[3]}", text)


def main() -> None:
    """Write the documents, or compare them."""
    stale = []
    for path in sorted(REFERENCE.glob("*.md")):
        text = path.read_text()
        fresh = rewritten(text)
        if text != fresh:
            stale.append(path.relative_to(ROOT).as_posix())
            if "--check" not in sys.argv:
                path.write_text(fresh)
    if stale and "--check" in sys.argv:
        sys.exit(f"Not as the code says: {', '.join(stale)}. Run `make snapshots`.")


if __name__ == "__main__":
    main()
