"""What every card must hold, whatever it tries: the oracle, a complete table, no secret."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from canaries import leaks
from conftest import everything_noted
from labs import Recorded

from limen.lab.attacks import CARDS
from limen.lab.attacks.attempt import judged
from limen.lab.playing.clients import SimulatedClient
from limen.lab.reading.absence import UNEXPLAINED
from limen.lab.reading.lanes import align
from limen.lab.views.compare import run_page

ALL = {one.id: one for base in CARDS.values() for one in base.under_each_condition()}


@cache
def tried(name: str) -> Recorded:
    """Run a card, once for all tests of this process; what is made up counts as secret, too."""
    with pytest.MonkeyPatch.context() as patched, everything_noted() as (secrets, lines):
        present = SimulatedClient.present

        def noted(self: SimulatedClient, kind: str, text: str, *where: str) -> Any:
            secrets.append(text)
            return present(self, kind, text, *where)

        patched.setattr(SimulatedClient, "present", noted)
        run = ALL[name]()
    return Recorded(run, secrets, lines)


def answers_as_promised(name: str) -> None:
    """Compare every question of a card in every column with the oracle."""
    card, run = ALL[name], tried(name).run
    assert {one.name for one in run.columns} == set(card.expected)
    for probe in card.questions:
        measured = {one.name: probe.measured(run, one) for one in run.columns}
        assert measured == probe.expected, probe.question
    assert set(card.expected.values()) <= set(card.choices)
    assert card.deciding in {step.name for step in card.plot.steps}
    assert judged(card, run, {}).differing == ()


def has_every_request_in_its_table(name: str) -> None:
    """Look for events that belong to no step, and for cells that say nothing."""
    card, run = ALL[name], tried(name).run
    steps = [step.name for step in card.plot.steps]
    for column in run.columns:
        assert sum(len(column.in_step(step)) for step in steps) == len(column.events)
    for section in align(run):
        for row in section.rows:
            for cell in row.cells:
                told = (section.step.name, row.phase, cell.column)
                assert bool(cell.entries) != bool(cell.no_step), told
                assert cell.no_step != UNEXPLAINED, told


def keeps_its_secrets(name: str) -> None:
    """Search what is shown, exported and logged of a card for every secret that was used."""
    recorded, card = tried(name), ALL[name]
    assert len(recorded.secrets) > 3
    attempt = judged(card, recorded.run, {})
    told = [run_page(recorded.run), json.dumps(recorded.run.as_json()), repr(attempt)]
    assert leaks(recorded.secrets, "\n".join([*told, *recorded.log])) == []
