"""The oracle for cards with several server processes, which take longer to start."""

from __future__ import annotations

import pytest
from oracle import ALL, answers_as_promised, has_every_request_in_its_table, keeps_its_secrets

every_card = pytest.mark.parametrize("name", [name for name, one in ALL.items() if one.nodes])


@every_card
def test_each_column_answers_as_promised(name: str) -> None:
    answers_as_promised(name)


@every_card
def test_every_request_is_in_the_table_of_its_run(name: str) -> None:
    has_every_request_in_its_table(name)


@every_card
def test_no_secret_leaves_a_card(name: str) -> None:
    keeps_its_secrets(name)
