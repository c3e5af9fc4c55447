"""The Store view on real runs: what each request did to the rows, read from the file itself."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import sqlite3
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from canaries import leaks, spellings
from labs import HOSTILE_NAME, Recorded, Serve
from test_exchange import XSS

from limen.effects import OpenSession, Revoke
from limen.lab.playing.clients import ACCESS, REFRESH
from limen.lab.playing.stage import Stage, carried_out
from limen.lab.reading.changes import (
    Change,
    Effect,
    changes_between,
    effects_of,
    family_of,
    records_of,
    summary_of,
)
from limen.lab.recording.ledger import Snapshot, Table
from limen.lab.run import Column, Plot, Run, Step
from limen.lab.scenarios import LOGIN, LOGOUT, READ, SIGN_IN
from limen.lab.servers.site import PROTECTED
from limen.lab.setups import ATTACKED, SETUPS
from limen.lab.trials import dumps
from limen.lab.trials.dumps import (
    AFTERWARDS,
    AS_ACCESS,
    AS_PASSPHRASE,
    AS_REFRESH,
    dumped,
    trials_of,
)
from limen.lab.views.store import store_page

Played: TypeAlias = Callable[[str], Recorded]
CSRF = "c" * 64
PATIENT_S = 120  # a fresh run takes as long as it takes
FORGET = Step("forget", "Forget: her browser drops its cookies and tells nobody")


def page_of(run: Run) -> str:
    return store_page(run, CSRF)


def column(run: Run, name: str) -> Column:
    found = run.column(name)
    assert found is not None
    return found


def changed(one: Column, step: Step) -> dict[tuple[str, str], int]:
    """Return how many rows one step added to, changed in and removed from each table."""
    told = summary_of(effects_of(one), step.name)
    return {(each.effect.value, each.table): each.rows for each in told}


BUDGETS = {("added", "limits"): 2}
ROW = {("added", "sessions"): 1, ("added", "credentials at rest"): 1}
ENDED = {
    ("removed", "sessions"): 1,
    ("removed", "credentials at rest"): 1,
    ("added", "revocation log"): 1,
}


@pytest.fixture(scope="module")
def stored() -> Any:
    """Give a run of four setups, and what their database files held before they were deleted."""
    files: dict[str, bytes] = {}
    secrets: list[str] = []

    def script(stage: Stage) -> None:
        owner = stage.owner()
        with stage.step(LOGIN):
            owner.sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)
        with stage.step(READ):
            owner.read(PROTECTED)
        held = [owner.credential(ACCESS), owner.credential(REFRESH), stage.person.passphrase]
        secrets.extend(one for one in held if one)
        with stage.step(FORGET):
            owner.forget(ACCESS, REFRESH)
            stage.site.ledger.read("r9")
        name = stage.site.setup.name
        with sqlite3.connect(_file_of(stage)) as connection:
            files[name] = "\n".join(connection.iterdump()).encode()
        folder = Path(_file_of(stage)).parent
        files[name] += b"".join(one.read_bytes() for one in folder.glob(f"{name}.db*"))

    plot = Plot("forget", "a cookie is dropped", "", (LOGIN, READ, FORGET))
    run = carried_out(plot, script, None, setups=ATTACKED, store_for=None)
    return run, files, secrets


def _file_of(stage: Stage) -> str:
    database = stage.site.limen.settings.database
    assert database is not None
    return database.partition(":///")[2]


def test_signing_in_inserts_exactly_what_the_strategy_promises(stored: Any) -> None:
    run, _, _ = stored
    assert changed(column(run, "jwt-only"), LOGIN) == BUDGETS
    for name in ("jwt", "session", "hybrid"):
        assert changed(column(run, name), LOGIN) == BUDGETS | ROW
    kinds = {
        one.name: [
            life.cells["kind"]["v"]
            for record in records_of(one)
            if record.name == "credentials at rest"
            for life in record.lives
        ]
        for one in run.columns
    }
    assert kinds == {
        "jwt-only": [],
        "jwt": ["refresh"],
        "session": ["reference"],
        "hybrid": ["refresh"],
    }


@pytest.mark.parametrize("name", ["jwt", "session", "hybrid"])
def test_signing_out_deletes_what_signing_in_made(run: Run, name: str) -> None:
    assert changed(column(run, name), LOGIN) == BUDGETS | ROW
    assert changed(column(run, name), READ) == {}
    assert changed(column(run, name), LOGOUT) == ENDED


def test_a_cookie_that_is_dropped_changes_nothing_in_any_store(stored: Any) -> None:
    """`test_seed_E10`: the row lives on, whatever the browser forgot."""
    run, _, _ = stored
    for one in run.columns:
        assert one.ledger[-1].request_id == "r9"
        assert changes_between(one.ledger[-2], one.ledger[-1]) == ()
    sessions = [len(one.ledger[-1].tables[1].rows) for one in run.columns]
    assert sessions == [0, 1, 1, 1]


def test_no_credential_is_anywhere_in_the_database_file(stored: Any) -> None:
    """But their digests are, or the search would prove nothing."""
    run, files, secrets = stored
    assert len(secrets) == 4 + 2 + 4
    assert set(files) == {one.name for one in run.columns}
    everything = b"\n".join(files.values())
    digest = {hashlib.sha256(one.encode()).hexdigest() for one in secrets}
    found = [one for one in digest if one.encode() in everything.lower()]
    assert len(found) == 3
    for secret in secrets:
        for spelled in spellings(secret):
            if spelled.lower() not in digest:
                assert spelled.encode() not in everything


def test_nor_are_they_on_the_page(stored: Any) -> None:
    run, _, secrets = stored
    assert leaks(secrets, page_of(run)) == []
    assert leaks(secrets, json.dumps(run.as_json())) == []


def test_no_secret_is_on_the_page(recorded: Recorded) -> None:
    assert leaks(recorded.secrets, page_of(recorded.run)) == []


def test_a_setup_that_keeps_nothing_says_that_it_is_by_design(stored: Any) -> None:
    run, _, _ = stored
    why = {record.name: record.why_empty for record in records_of(column(run, "jwt-only"))}
    assert why["sessions"].startswith("0 rows, by design")
    page = page_of(dataclasses.replace(run, columns=(column(run, "jwt-only"),)))
    assert page.count("0 rows, by design") == 3
    assert "by design" not in page_of(dataclasses.replace(run, columns=(column(run, "session"),)))


def test_each_row_says_which_request_made_and_ended_it(run: Run) -> None:
    one = column(run, "session")
    records = {record.name: record for record in records_of(one)}
    (session,) = records["sessions"].lives
    assert session.created is not None
    assert session.removed is not None
    assert one.step_of[session.created] == LOGIN.name
    assert one.step_of[session.removed] == LOGOUT.name
    (account,) = records["accounts"].lives
    assert (account.created, account.changed, account.removed) == (None, None, None)
    assert account.cells["password hash"]["v"] == "argon2id$v=19$m=19456,t=2,p=1"
    page = page_of(run)
    assert "argon2id$v=19$m=19456,t=2,p=1" in page
    assert f'href="#session-{session.removed}"' in page


def test_a_use_after_some_time_moves_the_idle_end_and_the_page_shows_from_what_to_what(
    played: Played,
) -> None:
    run = played("expiry").run
    moved = [
        change
        for each in effects_of(column(run, "session"))
        for change in each.changes
        if change.table == "sessions" and change.effect is Effect.CHANGED
    ]
    assert moved
    assert [one.name for one in moved[0].cells] == ["last use"]
    cell = moved[0].cells[0]
    assert cell.before is not None
    assert cell.after is not None
    assert float(cell.after["v"]) - float(cell.before["v"]) > 300
    assert "became" in page_of(run)


def test_a_family_is_a_chain_of_digests(played: Played) -> None:
    one = column(played("refresh").run, "jwt")
    record = next(each for each in records_of(one) if each.name == "credentials at rest")
    links = family_of(record)
    assert len(links) == len(record.lives)
    assert max(link.depth for link in links) >= 1
    for before, after in pairwise(links):
        if after.depth == before.depth + 1:
            assert before.life.cells["successor"]["label"] == after.label["label"]
    assert "replaced by" in page_of(played("refresh").run)


def test_a_circle_of_digests_ends(run: Run) -> None:
    record = next(
        each for each in records_of(column(run, "jwt")) if each.name == "credentials at rest"
    )
    (life,) = record.lives
    circle = dataclasses.replace(life, cells={**life.cells, "successor": life.cells["digest of"]})
    assert len(family_of(dataclasses.replace(record, lives=(circle, circle)))) < 10


def test_reads_and_writes_are_those_of_the_trace(run: Run) -> None:
    for one in run.columns:
        counted = effects_of(one)
        assert sum(each.reads for each in counted) == sum(event.reads for event in one.events)
        assert sum(each.writes for each in counted) == sum(event.writes for event in one.events)
    reads = {
        name: [each.reads for each in effects_of(column(run, name)) if each.step == READ.name]
        for name in ("jwt", "session", "hybrid")
    }
    assert reads == {"jwt": [0], "session": [1], "hybrid": [0]}


def test_what_the_trace_says_was_written_is_what_the_file_shows(run: Run) -> None:
    """Two witnesses: the server's own trace, and the rows that it left."""
    for one in run.columns:
        by_request = {each.request_id: each for each in effects_of(one)}
        for event in one.events:
            effects = {operation.effect for operation in event.operations}
            changes = (
                {(change.effect, change.table) for change in by_request[event.request_id].changes}
                if event.request_id in by_request
                else set()
            )
            if OpenSession.__name__ in effects and one.name != "jwt-only":
                assert (Effect.ADDED, "sessions") in changes
            if Revoke.__name__ in effects:
                assert (Effect.REMOVED, "sessions") in changes


# -- differences, by themselves


def snapshot(**rows: dict[str, Any]) -> Snapshot:
    cells = {
        key: {name: {"k": "public", "v": value} for name, value in row.items()}
        for key, row in rows.items()
    }
    return Snapshot("r1", (Table("things", ("a", "b"), cells),))


def test_a_difference_tells_added_changed_and_removed_apart() -> None:
    before = snapshot(x={"a": 1, "b": 1}, y={"a": 1, "b": 1}, z={"a": 1, "b": 1})
    after = snapshot(y={"a": 1, "b": 2}, z={"a": 1, "b": 1}, w={"a": 1, "b": 1})
    told = {change.key: change for change in changes_between(before, after)}
    assert {key: change.effect for key, change in told.items()} == {
        "x": Effect.REMOVED,
        "y": Effect.CHANGED,
        "w": Effect.ADDED,
    }
    assert [cell.name for cell in told["y"].cells] == ["b"]
    assert isinstance(told["y"], Change)
    assert changes_between(before, before) == ()


# -- the dump


@pytest.fixture(scope="module")
def dump() -> Run:
    return dumped(ATTACKED)


def test_a_dump_cannot_be_replayed(dump: Run) -> None:
    trials = {
        (step.name, trial.column): trial for step, given in trials_of(dump) for trial in given
    }
    assert all(trial.accepted == 0 for trial in trials.values())
    presented = {key: trial.presented for key, trial in trials.items()}
    for name in ("jwt", "session", "hybrid"):
        assert presented[AS_ACCESS.name, name] == 2
        assert presented[AS_REFRESH.name, name] == 2
    assert presented[AS_ACCESS.name, "jwt-only"] == 0
    assert all(presented[AS_PASSPHRASE.name, one.name] == 1 for one in dump.columns)
    # In the shape of a credential it is looked up, and found to be nobody's.
    assert "unknown_session" in trials[AS_ACCESS.name, "session"].reasons
    assert "unknown_session" in trials[AS_REFRESH.name, "jwt"].reasons


def test_whose_dump_it_was_goes_on_as_if_nothing_had_been(dump: Run) -> None:
    for one in dump.columns:
        last = [each for each in one.exchanges if one.step_of[each.request_id] == AFTERWARDS.name]
        assert [each.status for each in last] == [200]
        removed = [
            change
            for each in effects_of(one)
            for change in each.changes
            if change.effect is Effect.REMOVED
        ]
        assert removed == []


def test_what_was_presented_is_not_on_the_page(dump: Run) -> None:
    page = page_of(dump)
    assert "refused, all 2" in page
    assert "nothing of that kind is in the file" in page
    assert not re.search(r"lm[sr]_[\w-]{43}", page + json.dumps(dump.as_json()))
    assert "$argon2id$" not in page + json.dumps(dump.as_json())


def test_a_store_that_keeps_credentials_themselves_would_be_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The guard taken out: what is presented is what her browser holds."""
    real = dumps._ask

    def knowing(thief: Any, owner: Any, text: str) -> None:
        del text
        real(thief, owner, owner.credential(ACCESS))

    monkeypatch.setattr(dumps, "_ask", knowing)
    run = dumped((SETUPS["session"],))
    trials = {step.name: given[0] for step, given in trials_of(run)}
    assert trials[AS_ACCESS.name].accepted == trials[AS_ACCESS.name].presented == 2
    assert "accepted 2 of 2" in page_of(run)


def test_the_button_presents_a_dump_and_shows_the_refusals(serve: Serve, run: Run) -> None:
    served = serve(lambda: run)
    with served.admitted() as client:
        token = client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]
        own = {"Origin": served.url}
        client.post("/runs", data={"csrf": token, "scenario": "logout"}, headers=own)
        assert "refused, all" not in client.get(f"/runs/{run.id}/store").text
        address = f"/runs/{run.id}/store/dump"
        assert client.post(address, data={"csrf": "x"}, headers=own).status_code == 403
        assert client.post(address, data={"csrf": token}).status_code == 403
        gone = client.post("/runs/x/store/dump", data={"csrf": token}, headers=own)
        assert gone.status_code == 404
        answer = client.post(address, data={"csrf": token}, headers=own, timeout=PATIENT_S)
        assert answer.status_code == 303
        page = client.get(answer.headers["location"].partition("#")[0]).text
        assert "refused, all 2" in page
        assert "accepted" not in re.sub(r"<title>.*?</title>", "", page)


# -- the page


def test_ids_are_there_once_and_links_lead_somewhere(run: Run) -> None:
    page = page_of(run)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in ids


def test_a_run_without_a_file_says_so(run: Run) -> None:
    blind = [dataclasses.replace(one, ledger=()) for one in run.columns]
    assert "no file that anybody" in page_of(dataclasses.replace(run, columns=tuple(blind)))
    some = dataclasses.replace(run, columns=(blind[0], *run.columns[1:]))
    assert "No file was read" in page_of(some)


@pytest.mark.parametrize("text", XSS)
def test_hostile_text_in_a_row_is_shown_as_text(text: str, run: Run) -> None:
    first, *others = run.columns
    hostile = {"k": "public", "v": text}
    ledger = [
        dataclasses.replace(
            each,
            tables=tuple(
                dataclasses.replace(
                    table,
                    rows={
                        f"{text}{number}": dict.fromkeys(table.columns, hostile)
                        for number in range(len(table.rows))
                    },
                )
                for table in each.tables
            ),
        )
        for each in first.ledger
    ]
    changed_column = dataclasses.replace(first, ledger=tuple(ledger))
    page = page_of(dataclasses.replace(run, columns=(changed_column, *others)))
    assert "<script" not in page
    assert "<img" not in page
    assert "<svg" not in page


def test_the_name_of_a_person_does_not_reach_the_page(run: Run) -> None:
    assert HOSTILE_NAME not in page_of(run)
    assert "onerror" not in page_of(run)
