"""The quiz: what a run's trace cannot answer in exactly one way is not asked."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl

import pytest
from browsers import Heard, launched, ready
from canaries import leaks
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import Recorded, Serve, Served
from playwright.sync_api import Locator
from starlette.datastructures import QueryParams

from limen.lab.exports.foreign import run_from
from limen.lab.exports.schema import read_trace
from limen.lab.exports.trace_json import trace_json
from limen.lab.quiz.causes import SWITCHES
from limen.lab.quiz.deal import SIZE, Asked, deal, items_of
from limen.lab.quiz.item import Draft, Item, Option, settled
from limen.lab.quiz.sheet import Part, Reading, Sheet
from limen.lab.reading.answers import answers_of
from limen.lab.reading.findings import finding_of
from limen.lab.reading.holders import holdings
from limen.lab.run import Column, Run
from limen.lab.scenarios import SCENARIOS
from limen.lab.setups import Setup
from limen.lab.views.compare import run_page
from limen.lab.views.quiz import next_seed, quiz_page
from limen.phase import Phase
from limen.trace import TraceEvent

Played = Callable[[str], Recorded]
PLAYED = ("logout", "expiry", "wrong-password")


@pytest.fixture(scope="module")
def story(played: Played) -> Callable[[str, int], Run]:
    """Give a run with some of its columns: the bits of a number choose them."""

    @cache
    def chosen(name: str, bits: int) -> Run:
        run = played(name).run
        columns = tuple(one for place, one in enumerate(run.columns) if bits >> place & 1)
        return dataclasses.replace(run, columns=columns)

    return chosen


@pytest.fixture(scope="module")
def items(story: Callable[[str, int], Run]) -> Callable[[str, int], tuple[Sheet, tuple[Item, ...]]]:
    """Give the questions of such a run."""

    @cache
    def asked(name: str, bits: int) -> tuple[Sheet, tuple[Item, ...]]:
        sheet = Sheet(story(name, bits))
        return sheet, items_of(sheet)

    return asked


any_run = given(st.sampled_from(PLAYED), st.integers(1, 7), st.integers(0, 500).map(str))


@any_run
@settings(max_examples=40, deadline=None)
def test_every_question_has_one_answer_and_its_hint_shows_it(
    items, story, name, bits, seed
) -> None:
    sheet, every = items(name, bits)
    assert len({one.id for one in every}) == len(every)
    quiz = deal(story(name, bits), seed)
    assert quiz.asked
    assert len(quiz.asked) <= SIZE
    for asked in quiz.asked:
        assert asked.item in every
        assert sum(asked.is_right(place) for place in range(len(asked.options))) == 1
        assert len({option.text for option in asked.options}) == len(asked.options)
        assert 2 <= len(asked.options) <= 4
        assert all(sheet.shows(option.shown_by) for option in asked.options)
        assert asked.item.hint.row in sheet.rows


@any_run
@settings(max_examples=25, deadline=None)
def test_the_key_agrees_with_what_another_reader_finds(items, name, bits, seed) -> None:
    """The keys are recomputed here from the run by other means than the templates'."""
    sheet, every = items(name, bits)
    found = [one for one in every if one.template in READERS]
    for item in found:
        READERS[item.template](sheet.run, item)
    assert found


def _column(run: Run, item: Item) -> Column:
    column = run.column(item.id.rpartition(".")[2])
    assert column is not None
    return column


def _step(run: Run, item: Item) -> str:
    slug = item.id.split(".")[-2]
    (name,) = (s.name for s in run.plot.steps if re.sub(r"[^A-Za-z0-9.]+", "-", s.name) == slug)
    return name


def _read_status(run: Run, item: Item) -> None:
    if ".status." not in item.id:
        return
    column = _column(run, item)
    place = run.columns.index(column)
    answers = {step.name: given[place] for step, given in answers_of(run)}
    answer = answers[_step(run, item)]
    assert answer is not None
    assert item.right.text.startswith(str(answer.status))
    assert item.hint.says == (f"status {answer.status}",)


def _read_holders(run: Run, item: Item) -> None:
    (label,) = re.findall(r"holds `([^`]+)`", item.question)
    (row,) = re.findall(r"after row (\d+)", item.question)
    hands = holdings(run)[_column(run, item).name][int(row)]
    holding = {who for who, held in hands.items() if label in [one.text for one in held]}
    assert item.right.value == holding


def _read_counts(run: Run, item: Item) -> None:
    column = _column(run, item)
    (step,) = re.findall(r"step “([^”]+)”", item.question)
    events = column.in_step(step)
    if ".reads." in item.id:
        assert item.right.value == sum(op.access == "read" for e in events for op in e.operations)
    else:
        passed = [
            check for e in events if e.phase is Phase.CREDENTIAL_VALIDATE for check in e.checks
        ]
        assert item.right.value == len(passed)
        assert len(item.hint.says) == len(passed)


def _read_windows(run: Run, item: Item) -> None:
    seen = finding_of(_column(run, item)).access
    if seen.accepted == 0:
        assert item.right.text.startswith("no request")
        assert "refused" in item.hint.says
    else:
        assert item.right.text.startswith("for more than two seconds")
        assert seen.watched > 2


def _read_order(run: Run, item: Item) -> None:
    column = _column(run, item)
    seqs = [
        [e.seq for e in column.in_step(_step(run, item)) if e.phase is phase]
        for phase in item.right.value
    ]
    flat = [seq for one in seqs for seq in one]
    assert flat == sorted(flat)


READERS: dict[str, Callable[[Run, Item], None]] = {
    "T2": _read_holders,
    "T3": _read_status,
    "T5": _read_counts,
    "T6": _read_windows,
    "T8": _read_order,
}


def test_every_template_asks_something(played: Played, forgotten: Run) -> None:
    found = Counter(one.template for name in PLAYED for one in items_of(Sheet(played(name).run)))
    assert set(found) == {f"T{number}" for number in range(1, 10)}
    # Her own next request and the thief's, which the lesson takes for one and the same.
    both = {
        one.id.rpartition(".")[2]: one for one in items_of(Sheet(forgotten)) if "both" in one.id
    }
    assert set(both) == {one.name for one in forgotten.columns}
    assert {one.right.text for one in both.values()} == {"hers 401, the thief's 200"}


def test_the_three_questions_of_the_lesson_are_asked_with_the_answers_of_the_run(told: Run) -> None:
    by_id = {one.id: one for one in items_of(Sheet(told))}
    for column in told.columns:
        begins = by_id[f"T1.begins.{column.name}"]
        assert begins.right.text.endswith("Make the credential")
        label = "sid#1" if column.name == "session" else "tok#1"
        assert f"credential {label}" in begins.hint.says
        password = by_id[f"T9.password.{column.name}"]
        assert password.right.text == "“login”"
    assert by_id["T3.let-in.replay"].right.text == "`jwt-only` and `jwt`"
    # One choice apart: only what is asked on each request differs between these two.
    assert "asked on each request" in by_id["T4.replay.jwt.hybrid"].right.text
    assert "T4.replay.jwt-only.session" not in by_id


def test_dropping_a_copy_is_told_apart_from_ending_a_session(told: Run, forgotten: Run) -> None:
    ended = {one.id: one.right.text for one in items_of(Sheet(told))}
    dropped = {one.id: one.right.text for one in items_of(Sheet(forgotten))}
    assert ended["T9.copies.jwt"].startswith("The server wrote the end down, and the thief's")
    assert ended["T9.copies.session"].startswith("The server ended the sign-in")
    assert ended["T9.rows.session"].startswith("The server deleted the row")
    assert ended["T9.rows.jwt-only"].startswith("There was no row")
    assert dropped["T9.copies.session"].startswith("One copy was dropped, nothing was ended")
    assert dropped["T9.rows.session"].endswith("the row is still there.")


def _refused(event: TraceEvent) -> TraceEvent:
    """Return the event as if the thief had been refused."""
    if event.client != "thief" or "status" not in event.outcome:
        return event
    outcome = {**event.outcome, "status": {"k": "public", "v": 401}}
    checks = tuple(dataclasses.replace(one, ok=False) for one in event.checks)
    return dataclasses.replace(event, outcome=outcome, checks=checks)


def _with_events(run: Run, name: str, change: Callable[[TraceEvent], TraceEvent]) -> Run:
    columns = [
        dataclasses.replace(one, events=tuple(map(change, one.events))) if one.name == name else one
        for one in run.columns
    ]
    return dataclasses.replace(run, columns=tuple(columns))


def test_a_run_that_came_out_otherwise_has_other_answers(played: Played) -> None:
    run = played("logout").run
    before = {one.id: one for one in items_of(Sheet(run))}
    after = {one.id: one for one in items_of(Sheet(_with_events(run, "jwt", _refused)))}
    assert before["T3.status.replay.jwt"].right.value == 200
    assert after["T3.status.replay.jwt"].right.value == 401
    assert before["T3.let-in.replay"].right.text == "`jwt`"
    assert after["T3.let-in.replay"].right.text == "in none"
    assert before["T6.jwt"].right.text.startswith("for more than two seconds")
    assert after["T6.jwt"].right.text.startswith("no request")
    assert before["T9.copies.jwt"].right.value == (True, True)
    assert after["T9.copies.jwt"].right.value == (True, False)
    assert "T4.replay.jwt.hybrid" in before
    assert "T4.replay.jwt.hybrid" not in after
    # Of the sentences, what was true is now the false one.
    sentence = "In the step “replay” the thief's copy is refused."
    assert sentence in {one.right.text for one in before.values() if one.template == "T7"}
    assert sentence not in {
        one.right.text for one in after.values() if one.id.startswith("T7.jwt.")
    }


def test_whatever_two_setups_can_differ_in_is_a_switch() -> None:
    """A field that is no switch would let another one take the blame for its effect."""
    switched = {"strategy", "check", "refresh", "storage", "memory", "trusted_origins"}
    assert {one.name for one in dataclasses.fields(Setup)} == {"name"} | switched
    assert {one.id for one in SWITCHES} == {
        "format",
        "check",
        "refresh",
        "storage",
        "memory",
        "origins",
    }


def test_what_has_no_answer_or_two_or_none_to_show_is_not_asked(run: Run) -> None:
    sheet = Sheet(run)
    shown = sheet.quote(1, "jwt")
    options = (Option(1, "one", shown), Option(2, "two", shown))

    def asked(options: tuple[Option[int], ...], *right: int) -> Item | None:
        return settled(Draft("T0.x", "?", options, lambda value: value in right), sheet)

    item = asked(options, 2)
    assert item is not None
    assert item.right.text == "two"
    assert asked(options, 1, 2) is None
    assert asked(options) is None
    assert asked(options[:1], 1) is None
    assert asked((options[0], Option(2, "one", shown)), 1) is None
    for unshown in (
        Reading(1, "jwt", ("what does not stand there",)),
        Reading(1, "jwt", ()),
        Reading(999, "jwt", ("ok",)),
        Reading(1, "jwt", ("ok",), Part.HOLDERS),
    ):
        assert asked((options[0], Option(2, "two", unshown)), 1) is None


def test_a_seed_deals_the_same_quiz_from_another_run_and_another_seed_does_not(
    played: Played, recorded: Recorded
) -> None:
    first, second = played("logout").run, recorded.run
    assert first.id != second.id

    def asked(run: Run, seed: str) -> list[tuple[str, list[str]]]:
        return [(one.item.id, [o.text for o in one.options]) for one in deal(run, seed).asked]

    assert asked(first, "7") == asked(second, "7")
    assert asked(first, "7") != asked(first, "8")
    seeds = [asked(first, str(seed)) for seed in range(12)]
    assert len({str(one) for one in seeds}) == 12
    # Right answers stand in every place: the order tells nothing.
    places = Counter(
        next(place for place in range(len(one.options)) if one.is_right(place))
        for seed in range(12)
        for one in deal(first, str(seed)).asked
    )
    assert set(places) == {0, 1, 2, 3}
    assert max(places.values()) < sum(places.values()) / 2


class _Rows(HTMLParser):
    """Reads the text of each row of the table by its number."""

    def __init__(self) -> None:
        super().__init__()
        self.text: dict[int, list[str]] = {}
        self._row: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("id") or ""
        if tag == "tr":
            self._row = int(name.removeprefix("row-")) if name.startswith("row-") else None

    def handle_data(self, data: str) -> None:
        if self._row is not None:
            self.text.setdefault(self._row, []).append(data)


def test_what_is_quoted_stands_in_that_row_of_the_page(played: Played) -> None:
    for name in PLAYED:
        run = played(name).run
        rows = _Rows()
        rows.feed(run_page(run))
        told = {number: " ".join(" ".join(text).split()) for number, text in rows.text.items()}
        for item in items_of(Sheet(run)):
            for option in (item.right, *item.wrong):
                if option.shown_by.part is Part.TABLE:
                    for says in option.shown_by.says:
                        assert says in told[option.shown_by.row], (item.id, option.shown_by)


def _told_of_hands(page: str, place: int, holder: str, row: int) -> str:
    """Return what the page says that a holder has in a column after a row."""
    table = page.partition('id="holders"')[2].partition("</table>")[0]
    (line,) = [one for one in table.split("<tr>") if f'<th scope="row">{holder}</th>' in one]
    spans = re.findall(
        r'data-from="(\d+)" data-to="(\d+)"><span class="from-to">.*?</span>(.*?)</li>',
        line.split("<td>")[place + 1],
        re.DOTALL,
    )
    (told,) = [text for first, last, text in spans if int(first) <= row <= int(last)]
    return " ".join(unescape(re.sub(r"<[^>]+>", "", told)).split())


def test_who_holds_what_is_told_by_the_page_as_by_the_quiz(told: Run) -> None:
    page, names = run_page(told), [one.name for one in told.columns]
    readings = [one.hint for one in items_of(Sheet(told)) if one.hint.part is Part.HOLDERS]
    assert readings
    for reading in readings:
        for says in reading.says:
            holder, _, held = says.partition(": ")
            there = _told_of_hands(page, names.index(reading.column), holder, reading.row)
            assert there == held


def _fields(page: str) -> Iterator[tuple[str, str, bool]]:
    for name, value, rest in re.findall(
        r'<input type="radio" name="([^"]+)" value="(\d)"([^>]*)>', page
    ):
        yield unescape(name), value, "data-right" in rest


def test_without_scripts_answers_are_told_and_what_was_missed_comes_back(
    served: Served, recorded: Recorded
) -> None:
    with served.admitted() as client:
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/").text)
        assert token is not None
        client.post(
            "/runs", data={"csrf": token[1], "scenario": "logout"}, headers={"Origin": served.url}
        )
        address = f"/runs/{recorded.run.id}/quiz"
        page = client.get(address, params={"seed": "5"}).text
        assert "How did I do?" in page
        assert "Right." in page  # every answer can be opened, no script needed
        fields = list(_fields(page))
        right = {name: value for name, value, is_right in fields if is_right}
        assert len(right) == SIZE
        missed = min(right)
        wrong = next(value for name, value, is_right in fields if name == missed and not is_right)
        sent = {"seed": "5", "check": "1", **right, missed: wrong}
        checked = client.get(address, params=sent).text
        assert f"{SIZE - 1} of {SIZE} right at the first try" in checked
        assert "Ask me the 1 missed again" in checked
        again = re.search(r'<a class="button" href="([^"]+)">Ask me', checked)
        assert again is not None
        retried = client.get(unescape(again[1])).text
        assert {name for name, _, _ in _fields(retried)} == {missed}
        sent = dict(parse_qsl(unescape(again[1]).partition("?")[2]))
        sent |= {name: value for name, value, is_right in _fields(retried) if is_right}
        assert "1 of 1 right" in client.get(address, params={**sent, "check": "1"}).text
        everything = page + checked + retried
        assert leaks(recorded.secrets, everything) == []


def test_a_wrong_answer_shows_what_contradicts_it_and_where(run: Run) -> None:
    quiz = deal(run, "3")
    asked: Asked = next(one for one in quiz.asked if one.item.template == "T3")
    place = next(i for i in range(len(asked.options)) if not asked.is_right(i))
    page = quiz_page(run, QueryParams({"seed": "3", "check": "1", asked.item.id: str(place)}))
    verdicts = re.findall(r'<p class="verdict" role="status">(.*?)</p>', page, re.DOTALL)
    (told,) = [one for one in verdicts if "Not answered" not in one]
    reading = asked.options[place].shown_by
    assert "Not this one." in told
    assert f'href="/runs/{run.id}#row-{reading.row}"' in told
    assert reading.says[0] in unescape(told)
    assert page.count("Not answered.") == len(quiz.asked) - 1


@pytest.mark.parametrize(
    "query",
    [
        {"seed": "<script>alert(1)</script>"},
        {"seed": "1" * 17},
        {"seed": ""},
        {"only": "<script>alert(1)</script>", "missed": "<script>alert(1)</script>"},
        {"only": "T9.nothing"},
        {"T3.status.replay.jwt": "99", "check": "1"},
        {"T3.status.replay.jwt": "<script>alert(1)</script>"},
    ],
)
def test_hostile_addresses_are_ignored_and_not_repeated(run: Run, query: dict[str, str]) -> None:
    page = quiz_page(run, QueryParams(query))
    assert "<script>" not in page
    assert page.count("<script") == 1  # its own


def test_the_next_seed_is_another_one() -> None:
    assert next_seed("1") == "2"
    assert next_seed("class-7") == "class-7-2"
    assert len(next_seed("x" * 16)) == 16


def test_there_is_no_quiz_of_a_run_that_is_not_kept(served: Served) -> None:
    with served.admitted() as client:
        assert client.get("/runs/nothing/quiz").status_code == 404
    with served.client() as stranger:
        assert stranger.get("/runs/nothing/quiz").status_code == 403


def test_a_run_from_a_file_is_asked_about_as_well(run: Run) -> None:
    imported = run_from(read_trace(trace_json(run).encode()))
    assert imported.imported
    told = {one.id: one.right.text for one in items_of(Sheet(run))}
    assert told == {one.id: one.right.text for one in items_of(Sheet(imported))}


def test_a_trace_that_lacks_most_of_it_is_asked_about_less_and_breaks_nothing(run: Run) -> None:
    every = len(items_of(Sheet(run)))
    for changed in (
        {"step_of": {}},
        {"events": ()},
        {"events": run.columns[0].events[::3]},
        {"ledger": ()},
        {"tokens": None},
    ):
        columns = (dataclasses.replace(run.columns[0], **changed), *run.columns[1:])
        lacking = dataclasses.replace(run, columns=columns)
        assert len(items_of(Sheet(lacking))) < every or "tokens" in changed
        assert quiz_page(lacking, QueryParams())


def test_no_secret_is_in_any_question_of_any_scenario(played: Played) -> None:
    for name in PLAYED:
        recorded = played(name)
        texts = [
            f"{item.question} {option.text} {option.shown_by}"
            for item in items_of(Sheet(recorded.run))
            for option in (item.right, *item.wrong)
        ]
        assert texts
        assert leaks(recorded.secrets, "\n".join(texts)) == []
        for seed in ("1", "2"):
            assert leaks(recorded.secrets, quiz_page(recorded.run, QueryParams(seed=seed))) == []


def test_the_scenarios_of_these_tests_are_scenarios() -> None:
    assert set(PLAYED) <= set(SCENARIOS)


def test_with_scripts_each_answer_is_told_at_once_and_the_first_try_counts(
    serve: Serve, run: Run
) -> None:
    heard = Heard()
    with launched() as browser:
        lab = ready(browser, serve(lambda: run), run.plot.title)
        with lab.page(browser, heard) as page:
            page.goto(f"{lab.url}/runs/{run.id}/quiz?seed=5")
            item = page.locator("[data-item]").first
            answers = item.locator(".answers li")
            wrong = item.locator("input[type=radio]:not([data-right])").first
            wrong.check()
            assert item.get_by_role("status").inner_text().startswith("Not this one.")
            assert _shown(answers) == [wrong.input_value()]
            right = item.locator("[data-right]")
            right.focus()
            page.keyboard.press("Space")
            assert item.get_by_role("status").inner_text() == "Right."
            assert len(_shown(answers)) == answers.count()
            assert "0 of 1 right at the first try" in page.locator("output").inner_text()
            for one in page.locator("[data-item]").all()[1:]:
                one.locator("[data-right]").check()
            page.get_by_role("button", name="How did I do?").click()
            assert page.get_by_role("heading", name=f"{SIZE - 1} of {SIZE} right").is_visible()
            page.get_by_role("link", name="missed again").click()
            assert page.locator("[data-item]").count() == 1
    assert heard.complaints == []


def _shown(answers: Locator) -> list[str | None]:
    return [one.get_attribute("data-option") for one in answers.all() if one.is_visible()]
