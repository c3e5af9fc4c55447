"""The execution table of a real run: complete, honest, and derived from the trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from labs import Recorded

from limen.effects import Ended, Revoke
from limen.lab.reading.absence import UNEXPLAINED
from limen.lab.reading.findings import finding_of
from limen.lab.reading.lanes import align
from limen.lab.recording.observation import labels_of
from limen.lab.run import Column, Run
from limen.lab.scenarios import LOGOUT_REPLAY, REPLAY, REPLAY_REFRESH
from limen.lab.servers.site import Person, Premises, site_under
from limen.lab.setups import SETUPS
from limen.lab.views.compare import run_page
from limen.phase import Phase
from limen.stores.sql import SqlStore

STRATEGIES = ["jwt", "session", "hybrid"]


def column(run: Run, strategy: str) -> Column:
    return next(one for one in run.columns if one.name == strategy)


def test_the_servers_start_and_stop_without_complaint(recorded: Recorded) -> None:
    assert recorded.log
    assert [line for line in recorded.log if line.startswith(("WARNING", "ERROR"))] == []


def test_the_strategies_stand_side_by_side_and_begin_alike(run: Run) -> None:
    assert [one.name for one in run.columns] == STRATEGIES
    subjects = {
        event.outcome["subject"]["v"]
        for one in run.columns
        for event in one.events
        if "subject" in event.outcome
    }
    assert len(subjects) == 1


def test_a_copied_jwt_is_accepted_after_the_logout_and_the_page_says_until_when(run: Run) -> None:
    seen = finding_of(column(run, "jwt"))
    assert seen.access.refused_after is None
    assert set(seen.access.statuses) == {200}
    assert len(seen.access.statuses) > 1
    assert seen.access.accepted_for is not None
    page = run_page(run)
    assert f"for up to {seen.access.accepted_for:.1f} s more" in page


@pytest.mark.parametrize("strategy", ["session", "hybrid"])
def test_a_copy_is_refused_after_the_logout_and_the_page_says_when(run: Run, strategy: str) -> None:
    seen = finding_of(column(run, strategy))
    assert seen.access.statuses[-1] == 401
    assert seen.access.refused_after is not None
    assert f"{round(seen.access.refused_after * 1000)} ms after the revocation was" in run_page(run)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_promise_is_kept(run: Run, strategy: str) -> None:
    assert finding_of(column(run, strategy)).kept
    assert "broken</strong>" not in run_page(run)


def test_a_copied_refresh_token_is_refused_at_once_where_there_is_one(run: Run) -> None:
    for strategy in ("jwt", "hybrid"):
        replays = finding_of(column(run, strategy)).refresh
        assert replays is not None
        assert replays.statuses == (401,)
        events = column(run, strategy).in_step(REPLAY_REFRESH.name)
        assert [one.status for one in events if one.phase is Phase.REFRESH] == ["refused"]
    assert finding_of(column(run, "session")).refresh is None


def test_every_phase_has_its_row(run: Run) -> None:
    rows = [row for section in align(run) for row in section.rows]
    assert {row.phase for row in rows} == set(Phase)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert [section.step for section in align(run)] == list(LOGOUT_REPLAY.plot.steps)


def test_every_event_of_the_trace_is_in_the_table_exactly_once(run: Run) -> None:
    cells = [cell for section in align(run) for row in section.rows for cell in row.cells]
    for one in run.columns:
        shown = sum(
            entry.count for cell in cells if cell.column == one.name for entry in cell.entries
        )
        assert shown == len(one.events)


def test_no_cell_is_empty_and_each_missing_step_is_explained(run: Run) -> None:
    for section in align(run):
        for row in section.rows:
            assert [cell.column for cell in row.cells] == STRATEGIES
            for cell in row.cells:
                assert bool(cell.entries) != bool(cell.no_step), (section.step, row.phase)
                assert cell.no_step != UNEXPLAINED, (section.step, row.phase, cell.column)


@pytest.mark.parametrize(
    ("step", "phase", "strategy", "why"),
    [
        ("read", Phase.REVOCATION_CHECK, "jwt", "nothing is asked until the token expires"),
        ("read", Phase.REVOCATION_CHECK, "session", "the read in credential.validate is the check"),
        ("read", Phase.CSRF_CHECK, "jwt", "GET changes nothing"),
        (
            REPLAY.name,
            Phase.AUTHZ_DECIDE,
            "session",
            "credential.validate had refused it (unknown_session)",
        ),
        (REPLAY.name, Phase.AUTHZ_DECIDE, "hybrid", "revocation.check had refused it (revoked)"),
        (REPLAY_REFRESH.name, Phase.REFRESH, "session", "no refresh token was ever issued"),
    ],
)
def test_a_missing_step_says_why(
    run: Run, step: str, phase: Phase, strategy: str, why: str
) -> None:
    section = next(one for one in align(run) if one.step.name == step)
    row = next(one for one in section.rows if one.phase is phase)
    cell = next(one for one in row.cells if one.column == strategy)
    assert cell.no_step == why
    assert why.partition("(")[0] in run_page(run)


def test_equal_steps_are_marked_and_so_are_different_ones(run: Run) -> None:
    login = align(run)[0]
    same = {row.phase for row in login.rows if row.same}
    assert {Phase.LOGIN_RECEIVE, Phase.USER_LOOKUP, Phase.PASSWORD_VERIFY} <= same
    assert Phase.CREDENTIAL_ISSUE not in same


def test_the_heads_of_the_table_are_the_agreed_words(run: Run) -> None:
    page = run_page(run)
    for word in ("Step", "Action", "Actor", "Notes", "Duration", "Evidence"):
        assert page.count(f">{word}</th>") == 1
    for word in ("Input/State", "Output/State Change"):
        assert page.count(f">{word}</th>") == len(STRATEGIES)


def test_who_asks_is_taken_only_from_known_words() -> None:
    def labels(client: bytes, request_id: bytes) -> tuple[str, str]:
        stated = [(b"x-lab-client", client), (b"x-lab-request", request_id)]
        return labels_of({"headers": stated})

    assert labels(b"thief", b"r12") == ("thief", "r12")
    assert labels(b"<script>", b"r1<b>") == ("-", "-")
    assert labels_of({"headers": []}) == ("-", "-")


class _KeepsEverything(SqlStore):
    """A store with the guard taken out: it says that it ended sessions and ends none."""

    async def perform(self, effect: Any) -> Any:
        if isinstance(effect, Revoke):
            return Ended(1)
        return await super().perform(effect)


def test_a_logout_that_deletes_nothing_shows_in_the_table() -> None:
    run = LOGOUT_REPLAY(setups=(SETUPS["session"], SETUPS["hybrid"]), store_for=_KeepsEverything)
    for one in run.columns:
        seen = finding_of(one)
        assert set(seen.access.statuses) == {200}
        assert not seen.kept
    page = run_page(run)
    assert page.count("broken</strong>") == 2
    assert "kept</strong>" not in page
    replay = next(section for section in align(run) if section.step is REPLAY)
    thief = next(row for row in replay.rows if row.phase is Phase.REPLAY_BY_THIEF)
    assert all(cell.entries[0].event.outcome["status"]["v"] == 200 for cell in thief.cells)
    hybrid = finding_of(column(run, "hybrid"))
    assert hybrid.refresh is not None
    assert hybrid.refresh.statuses == (200,)


def test_a_sign_in_from_a_foreign_page_is_in_the_trace(tmp_path: Path) -> None:
    premises = Premises.build(tmp_path, Person.generated())
    with site_under(SETUPS["hybrid"], premises, "run") as site:
        answer = httpx.post(
            f"{site.url}/api/auth/sign-in/email",
            json={"email": premises.person.email, "password": "whatever it may be"},
            headers={"Origin": "http://evil.example"},
            trust_env=False,
        )
        assert answer.status_code == 403
        [judged] = [one for one in site.events if one.phase is Phase.CSRF_CHECK]
        assert judged.status == "refused"
        assert [check.reason for check in judged.checks] == ["cross_origin"]
        assert not [one for one in site.events if one.phase is Phase.PASSWORD_VERIFY]
