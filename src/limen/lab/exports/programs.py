"""Programs: an application with the settings of a column, and the scenario once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.scenarios import SCENARIOS
from limen.lab.setups import SETUPS

if TYPE_CHECKING:
    from limen.lab.run import Column, Run

_DATABASE: Final = "sqlite+aiosqlite:///app.db"
_APPLICATION: Final = '''\
"""An application with the settings of the column {name} of Limen's Lab.

    export LIMEN_SECRET="$(limen secret)"
{migrate}    uvicorn app:app
{carrier}"""

import os

from fastapi import FastAPI
from limen import Limen
{imports}from limen.web.fastapi import CurrentPrincipal, install

auth = Limen(
    "{strategy}",
{options}    {store},
    secret=os.environ["LIMEN_SECRET"],
)
app = FastAPI()
install(app, auth)


@app.api_route("/orders", methods=["GET", "POST"])
async def orders(principal: CurrentPrincipal) -> dict[str, object]:
    """Return what only somebody who is signed in may see."""
    return {{"orders": [], "of": principal.subject}}
'''
_BY_HEADER: Final = """
Its client keeps the credential itself: it signs in with `x-limen-carrier: bearer` and sends
what it gets as `Authorization: Bearer ...`.
"""
_SCENARIO: Final = '''\
"""Carries the scenario {scenario!r} out again, under the same settings, and writes its trace.

    python scenario.py
"""

from pathlib import Path

from limen.lab.exports.trace_json import trace_json
from limen.lab.scenarios import SCENARIOS
from limen.lab.setups import SETUPS, Storage

SETTINGS = (
{setups})

if __name__ == "__main__":
    run = SCENARIOS[{scenario!r}](setups=SETTINGS)
    Path("trace.json").write_text(trace_json(run), encoding="utf-8")
'''


def application_file(column: Column) -> str:
    """Return a whole application with the settings of one column."""
    setup = column.setup
    options = "".join(f"    {name}={value!r},\n" for name, value in setup.options.items())
    return _APPLICATION.format(
        name=setup.name if setup.name in SETUPS else "of a trace",
        carrier="" if setup.by_cookie else _BY_HEADER,
        strategy=setup.strategy,
        options=options,
        imports="from limen.stores.memory import MemoryStore\n" if setup.memory else "",
        store="store=MemoryStore()" if setup.memory else f'database="{_DATABASE}"',
        migrate="" if setup.memory else f"    limen migrate --database {_DATABASE}\n",
    )


def scenario_file(run: Run) -> str | None:
    """Return what carries the scenario out again, `None` if this version has not got it."""
    if run.plot.id not in SCENARIOS or any(one.name not in SETUPS for one in run.columns):
        return None
    setups = "".join(
        f"    SETUPS[{one.name!r}].kept_in(Storage({one.setup.storage.value!r})),\n"
        for one in run.columns
    )
    return _SCENARIO.format(scenario=run.plot.id, setups=setups)
