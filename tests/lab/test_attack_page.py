"""Predict, run, result, fix: the whole way over HTTP, by forms alone."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from labs import HOSTILE_NAME, Serve, Served

from limen.lab.attacks import CARDS
from limen.lab.attacks.attempt import Attempts, judged, matrix
from limen.lab.attacks.card import Card
from limen.lab.run import Run
from limen.lab.views import attack
from limen.lab.views.attack import FIELD, columns_of, predictions


@dataclasses.dataclass
class Known:
    """A card whose run was made already; it counts how often it was asked for."""

    run: Run
    asked: int = 0

    def __call__(self, *_: Any, **__: Any) -> Run:
        self.asked += 1
        return dataclasses.replace(self.run, id=f"{self.run.id}{self.asked}")


@pytest.fixture
def known(run: Run, monkeypatch: pytest.MonkeyPatch) -> Known:
    """Let every card show the run that was made already, of which A3 knows what to think."""
    made = Known(run)
    monkeypatch.setattr(Card, "__call__", made.__call__)
    return made


@pytest.fixture
def lab(serve: Serve) -> Iterator[tuple[Served, httpx.Client]]:
    served = serve()
    with served.admitted() as client:
        client.headers["Origin"] = served.url
        client.timeout = 60  # a card takes as long as a busy machine lets it
        yield served, client


def csrf(client: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/attack/A3").text)
    assert found is not None
    return found[1]


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_a_person_predicts_runs_reads_and_runs_again_with_the_fix(
    lab: tuple[Served, httpx.Client],
) -> None:
    _, client = lab
    listed = client.get("/attack")
    assert "All attacks" in listed.text
    assert 'href="/attack/A2"' in listed.text
    asked = client.get("/attack/A4")
    assert CARDS["A4"].question in words(asked.text).replace("&#39;", "'")
    form = {"csrf": csrf(client), **dict.fromkeys(names(CARDS["A4"]), "200")}
    ran = client.post("/attack/A4", data=form)
    assert ran.status_code == 303
    told = client.get(ran.headers["location"]).text
    assert "2 of 4" in told
    assert words(told).count("200 : right") == 2
    assert words(told).count("200 : wrong") == 2
    assert "revoked" in told
    assert "unknown_session" in told
    assert "Not as expected" not in told
    trace = re.search(r'href="(/runs/[^"]+)"', told)
    assert trace is not None
    assert client.get(trace[1]).status_code == 200
    again = re.search(r'<form method="post" action="([^"]+)" class="again">', told)
    assert again is not None
    fixed = client.post(again[1], data={"csrf": form["csrf"]}, follow_redirects=True)
    assert "You predicted nothing" in fixed.text
    assert words(fixed.text).count("401 : as measured") == 4
    assert words(fixed.text).count("401 , as here") == 2  # of session and hybrid
    assert "goes with what is asked on each request , column by column" in words(told)
    table = client.get("/attack").text
    assert table.count(">as expected</a>") == 8


def names(card: Card) -> list[str]:
    return [f"{FIELD}{one.name}" for one in card.setups]


def test_a_card_that_measures_something_else_says_so(
    lab: tuple[Served, httpx.Client], known: Known
) -> None:
    _, client = lab
    token = csrf(client)
    ran = client.post("/attack/A1", data={"csrf": token}, follow_redirects=True)
    assert known.asked == 1
    assert "Not as expected" in ran.text
    assert "answered <code>no step</code>, and <code>200</code> was expected" in ran.text
    assert "differs" in client.get("/attack").text


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/attack/A0", "GET"),
        ("/attack/A0", "POST"),
        ("/attack/a3", "GET"),
        ("/attack/A3/x", "GET"),
        ("/attack/%3Cscript%3E", "GET"),
        ("/attack/A3-asking/x", "GET"),
    ],
)
def test_what_there_is_not_is_not_found(
    lab: tuple[Served, httpx.Client], path: str, method: str
) -> None:
    _, client = lab
    answer = client.request(method, path, data={"csrf": csrf(client)} if method == "POST" else None)
    assert answer.status_code == 404
    assert "<script" not in answer.text


def test_the_result_of_one_card_is_not_shown_as_that_of_another(
    lab: tuple[Served, httpx.Client], known: Known
) -> None:
    _, client = lab
    place = client.post("/attack/A3", data={"csrf": csrf(client)}).headers["location"]
    assert client.get(place).status_code == 200
    assert client.get(place.replace("A3", "A2")).status_code == 404


@pytest.mark.parametrize("path", ["/attack/A3", "/attack/all"])
@pytest.mark.parametrize("token", [None, "", "0" * 64, HOSTILE_NAME])
def test_nothing_runs_without_the_token(
    lab: tuple[Served, httpx.Client], known: Known, path: str, token: str | None
) -> None:
    _, client = lab
    form = {} if token is None else {"csrf": token}
    assert client.post(path, data=form).status_code == 403
    assert known.asked == 0


@pytest.mark.parametrize(
    "form",
    [
        {f"{FIELD}jwt": "500"},
        {f"{FIELD}jwt": HOSTILE_NAME},
        {f"{FIELD}jwt": ""},
        {f"{FIELD}jwt": ["200", "401"]},
        {f"{FIELD}nothing": "200"},
        {f"{FIELD}": "200"},
        {f"{FIELD}{HOSTILE_NAME}": "200"},
    ],
)
def test_a_prediction_that_the_card_does_not_offer_is_refused(
    lab: tuple[Served, httpx.Client], known: Known, form: dict[str, Any]
) -> None:
    _, client = lab
    # An empty value is no value in a form.
    expected = 303 if form == {f"{FIELD}jwt": ""} else 422
    answer = client.post("/attack/A3", data={"csrf": csrf(client), **form})
    assert answer.status_code == expected
    assert HOSTILE_NAME not in answer.text
    assert known.asked == (expected == 303)


def test_predictions_are_taken_by_column() -> None:
    card = CARDS["A3"]
    assert predictions(card, {"csrf": ["x"]}) == {}
    assert predictions(card, {f"{FIELD}session": ["401"]}) == {"session": "401"}
    assert predictions(card, {f"{FIELD}session": ["402"]}) is None


def test_all_cards_are_run_one_after_the_other_and_the_page_says_how_far(
    lab: tuple[Served, httpx.Client], known: Known
) -> None:
    _, client = lab
    every = [one for base in CARDS.values() for one in base.under_each_condition()]
    begun = client.post("/attack/all", data={"csrf": csrf(client)})
    assert begun.headers["location"] == "/attack/all"
    until = time.monotonic() + 60
    while client.get("/attack/all.json").json()["going_on"]:
        assert time.monotonic() < until
        time.sleep(0.05)
    state = client.get("/attack/all.json").json()
    assert state == {"done": len(every), "of": len(every), "card": None, "going_on": False}
    told = client.get("/attack/all").text
    assert f"{len(every)} of {len(every)} are done" in told
    assert "not as expected" in told  # the one run fits one card only
    assert "could not be run" not in told


def test_a_card_that_cannot_be_run_does_not_stop_the_others(
    lab: tuple[Served, httpx.Client], known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    def runs(self: Card) -> Run:
        if self.id == "A2":
            raise RuntimeError("the application under observation did not start")
        return known()

    monkeypatch.setattr(Card, "__call__", runs)
    _, client = lab
    client.post("/attack/all", data={"csrf": csrf(client)})
    until = time.monotonic() + 60
    while client.get("/attack/all.json").json()["going_on"]:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert words(client.get("/attack/all").text).count("could not be run") == 1


def test_the_matrix_has_every_card_and_every_column(run: Run) -> None:
    attempts, columns = Attempts(), columns_of(CARDS)
    attempts.keep(judged(CARDS["A3"], run, {}))
    rows = {
        card.id: dict(zip(columns, cells, strict=True))
        for card, cells in matrix(CARDS, attempts, columns)
    }
    assert set(CARDS) <= set(rows)
    assert rows["A3"]["session"].state == "as expected"
    assert rows["A3"]["session"].measured == "401"
    assert rows["A3"]["hybrid-store"].state == "not tried"
    assert rows["A2"]["session"].state == "not run yet"


def test_what_people_call_trouble_with_tokens_stands_first() -> None:
    assert attack.FIRST == ("A18", "A19")
    assert set(attack.FIRST) <= set(CARDS)
