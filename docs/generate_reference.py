"""Write `docs/reference/cli.md` and `docs/reference/settings.md` from the code.

Run it after a change of a command, an option or a setting:

    python docs/generate_reference.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from limen.cli.configuration import shown
from limen.cli.main import app
from limen.cli.variables import (
    ALIASES,
    CONFIG_VARIABLE,
    NAMES,
    NOT_TEXT,
    PREFIX,
    Written,
    default_of,
)
from limen.setting_names import NESTED
from limen.settings import in_python

REFERENCE = Path(__file__).parent / "reference"
HELP_WIDTH = 88
CLI_INTRODUCTION = """\
# Command line

`limen` comes with `pip install "limen[cli]"`. This page is what `limen ... --help` prints.

Settings are read from the command line, then from the environment, then from a file; the
first that has one wins. [Settings](settings.md) lists them all.
"""
SETTINGS_INTRODUCTION = f"""\
# Settings

Each setting has one name. In Python it is an argument of `Limen(...)` or a part of one; in
the environment it is written in capitals after `{PREFIX}`; in a file it stands in the
`[limen]` table. A name in the file that Limen does not know is an error. The command line,
`limen serve` included, reads the environment and the file; an application says in Python what
it wants (`Limen(redis=os.environ["LIMEN_REDIS"])`), so give both the same. Times are in seconds.

The file is the one that `--config` names, else the one in `{CONFIG_VARIABLE}`, else
`limen.toml` in the current folder if there is one:

```toml
[limen]
strategy = "hybrid"
database = "postgresql+asyncpg://limen@db.internal/limen"
base_url = "https://app.example"
trusted_origins = ["https://admin.app.example"]
password_minimum = 15
```

In the environment, lists are separated by commas, except `{PREFIX}SECRETS`, which is a JSON
list because a secret may contain a comma. An empty variable counts as not set.
"""


def command_paths() -> Iterator[tuple[str, ...]]:
    """Return the words of every command, `()` for `limen` itself."""
    yield from _paths_below(typer.main.get_command(app), ())


def _paths_below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from _paths_below(below, (*words, name))


def help_of(words: tuple[str, ...]) -> str:
    """Return what `--help` prints after these words."""
    result = CliRunner().invoke(
        app, [*words, "--help"], prog_name="limen", terminal_width=HELP_WIDTH
    )
    return "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())


def cli_page() -> str:
    """Return the page about the command line."""
    sections = [
        f"## `{' '.join(('limen', *words))}`\n\n```text\n{help_of(words)}\n```\n"
        for words in command_paths()
    ]
    return "\n".join([CLI_INTRODUCTION, *sections])


def settings_page() -> str:
    """Return the page about the settings."""
    rows = [
        f"| `{name}` | `{PREFIX}{name.upper()}` | {_python(name)} | {_default(name)} "
        f"| {Written.model_fields[name].description} |"
        for name in NAMES
    ]
    only_code = [f"- `{name}`: {reason}." for name, reason in NOT_TEXT.items()]
    return "\n".join(
        [
            SETTINGS_INTRODUCTION,
            "| Setting | Environment | Python | Default | Meaning |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
            "## What only Python can set",
            "",
            *only_code,
            "",
        ]
    )


def _python(name: str) -> str:
    return f"`{in_python(name)}`" if name in NESTED else f"`{ALIASES.get(name, name)}=...`"


def _default(name: str) -> str:
    value = None if name in ALIASES else default_of(name)
    return "none" if value in (None, (), {}) else f"`{shown(name, value)}`"


PAGES = {"cli.md": cli_page, "settings.md": settings_page}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
