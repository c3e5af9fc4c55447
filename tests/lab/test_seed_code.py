"""The lesson's code sample (S), held against the code that runs.

Each test is named after the statement that it holds against the running system.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import httpx
from labs import Recorded
from seeds import (
    SETUPS,
    column,
    columns,
    one,
    statuses,
)

import limen
from limen.lab.run import Run
from limen.lab.scenarios import (
    LOGIN,
    UNKNOWN,
    WRONG,
)
from limen.lab.servers import site
from limen.phase import Phase

Played: TypeAlias = Callable[[str], Recorded]


def test_seed_S1_the_code_on_show_is_the_code_that_ran(told: Run) -> None:
    root = inspect.getsourcefile(limen)
    assert root is not None
    seen = set()
    for each in columns(told):
        for event in each.events:
            if event.source is not None:
                path = Path(root).parent / event.source.file
                lines = path.read_text().splitlines()
                assert 1 <= event.source.first_line <= event.source.last_line <= len(lines)
                name = event.source.function.rpartition(".")[2]
                head = " ".join(lines[event.source.first_line - 1 : event.source.first_line + 3])
                assert f"def {name}" in head
                seen.add(event.source.file)
    assert {"strategies/jwt.py", "strategies/session.py"} <= seen


def test_seed_S2_what_is_no_text_is_no_user_name(tmp_path: Path) -> None:
    premises = site.Premises.build(tmp_path, site.Person.generated())
    with site.site_under(SETUPS[-1], premises, "run") as shop:
        for body in (
            {"email": {"$gt": ""}, "password": "x"},
            {"email": ["alice@example.org"], "password": "x"},
            {"email": "alice@example.org", "password": {"$ne": None}},
        ):
            answer = httpx.post(f"{shop.url}/api/auth/sign-in/email", json=body, trust_env=False)
            assert answer.status_code == 400
        assert shop.events[0].phase is not Phase.PASSWORD_VERIFY


def test_seed_S3_a_wrong_password_gets_401_and_so_does_an_unknown_address(played: Played) -> None:
    """The check is awaited: a promise, which is always truthy, would let everybody in."""
    run = played("wrong-password").run
    for each in columns(run):
        assert statuses(each, WRONG.name) == [401]
        assert statuses(each, UNKNOWN.name) == [401]
        assert statuses(each, LOGIN.name) == [200]


def test_seed_S4_a_token_names_key_lifetime_audience_and_a_stable_subject(told: Run) -> None:
    each = column(told, "jwt")
    assert each.tokens is not None
    claims = each.tokens["tok#1"].claims
    assert claims["exp"]["v"] - claims["iat"]["v"] == 300  # type: ignore[index,operator]
    assert claims["sub"]["v"].startswith("usr_")  # type: ignore[index,union-attr]
    assert "alice" not in str(claims)


def test_seed_S5_the_carrier_is_a_choice_and_the_answer_is_not_cached(
    told: Run, by_header: Run
) -> None:
    for run in (told, by_header):
        for each in columns(run):
            stated = {line.name: line.pieces for line in each.exchanges[0].answer.lines}
            assert stated["cache-control"] == ("no-store",)
    assert {each.setup.carrier for each in columns(told)} == {"cookie"}
    assert {each.setup.carrier for each in columns(by_header)} == {"Authorization header"}


def test_seed_S6_the_branch_that_refuses_is_run_and_shown(played: Played) -> None:
    for each in columns(played("wrong-password").run):
        refused = one(each, WRONG.name, Phase.PASSWORD_VERIFY)
        assert refused.status == "refused"
        assert refused.source is not None


def test_seed_S7_one_call_serves_every_strategy_and_a_setting_chooses(told: Run) -> None:
    assert [each.setup.code for each in columns(told)] == [
        'Limen("jwt", refresh=None, ...)',
        'Limen("jwt", ...)',
        'Limen("session", ...)',
        'Limen("hybrid", ...)',
    ]
    sources = {inspect.getsource(site.application)}
    assert len(sources) == 1
    assert "jwt" not in sources.pop()
