"""Nothing that opens anything leaves the run, and what people chose cannot act in the page."""

from __future__ import annotations

import dataclasses
import json

import pytest
from canaries import leaks, spellings
from labs import HOSTILE_NAME, PASSPHRASE, Recorded, Served

from limen.lab.run import Run
from limen.lab.views.compare import run_page

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def test_the_canaries_are_real_secrets_of_this_run(recorded: Recorded) -> None:
    # A passphrase; of jwt and hybrid a token, its signature and a refresh token; a session id.
    assert len(set(recorded.secrets)) == 1 + 2 * 3 + 1
    assert all(len(one) >= 32 for one in recorded.secrets)


def test_no_secret_is_in_the_page(recorded: Recorded) -> None:
    assert leaks(recorded.secrets, run_page(recorded.run)) == []


def test_no_secret_is_in_the_trace(recorded: Recorded) -> None:
    assert leaks(recorded.secrets, json.dumps(recorded.run.as_json())) == []


def test_no_secret_is_in_what_the_server_sends(recorded: Recorded, served: Served) -> None:
    with served.admitted() as client:
        client.post(
            "/runs",
            data={"csrf": _csrf(client.get("/").text), "scenario": "logout"},
            headers=_own(served),
        )
        for path in ("", "/trace.json", "/events/jwt/6"):
            answer = client.get(f"/runs/{recorded.run.id}{path}")
            assert answer.status_code == 200
            assert leaks(recorded.secrets, answer.text) == []


def test_no_secret_is_in_the_log(recorded: Recorded) -> None:
    assert recorded.log
    assert leaks(recorded.secrets, "\n".join(recorded.log)) == []


@pytest.mark.parametrize("spelling", list(spellings(PASSPHRASE)))
def test_a_secret_is_found_however_it_is_spelled(spelling: str) -> None:
    assert leaks([PASSPHRASE], f"<td>{spelling}</td>") == [PASSPHRASE]


def test_the_name_of_a_person_does_not_reach_the_page(run: Run) -> None:
    page = run_page(run)
    assert HOSTILE_NAME not in page
    assert "onerror" not in page


def _hostile(run: Run) -> Run:
    """Put a hostile text wherever an event could carry one."""
    first, *others = run.columns
    events = []
    for event in first.events:
        given = {**event.given, HOSTILE: {"k": "public", "v": HOSTILE}}
        events.append(dataclasses.replace(event, given=given, outcome=given, client=HOSTILE))
    column = dataclasses.replace(first, events=tuple(events))
    environment = {HOSTILE: HOSTILE}
    return dataclasses.replace(run, columns=(column, *others), environment=environment)


def test_hostile_text_in_an_event_is_shown_as_text(run: Run) -> None:
    page = run_page(_without_findings(_hostile(run)))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("<script") == page.count('<script type="module" src="/static/') == 1
    assert "<img" not in page


def _without_findings(run: Run) -> Run:
    """Give replays back their statuses, which the page reads."""
    columns = []
    for column in run.columns:
        events = []
        for event in column.events:
            known = {"status": {"k": "public", "v": 200}}
            since = {"since the end": {"k": "duration_s", "v": 0.1}}
            outcome = {**event.outcome, **known, **since}
            events.append(dataclasses.replace(event, outcome=outcome))
        columns.append(dataclasses.replace(column, events=tuple(events)))
    return dataclasses.replace(run, columns=tuple(columns))


def _csrf(page: str) -> str:
    return page.partition('name="csrf" value="')[2].partition('"')[0]


def _own(served: Served) -> dict[str, str]:
    return {"Origin": served.url}
