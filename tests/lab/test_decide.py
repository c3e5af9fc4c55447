"""The advisor: its rules are data, its results follow from them, and nothing is dropped."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from itertools import product
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from canaries import leaks
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import Recorded, Served

from limen.lab.admission import Admission
from limen.lab.attacks import CARDS
from limen.lab.decide.advisor import flips_of, removed_by, verdict_of
from limen.lab.decide.measured import Kept, promise, reported
from limen.lab.decide.promises import options
from limen.lab.decide.record import record_of
from limen.lab.decide.rulebook import HERE, RULEBOOK, Effect, read_rulebook
from limen.lab.desk import Desk
from limen.lab.measure import BRIEF, Measurement
from limen.lab.measure.result import Measured
from limen.lab.measure.window import Track, Try, Window
from limen.lab.run import Run
from limen.lab.scenarios import SCENARIOS
from limen.lab.setups import SETUPS
from limen.lab.views.decide import decide_page

QUESTIONS = (HERE / "questions.toml").read_text()
RULES = (HERE / "rules.toml").read_text()
POSSIBLE = {one.id: [answer.id for answer in one.answers] for one in RULEBOOK.questions}
any_answers = st.fixed_dictionaries({name: st.sampled_from(ids) for name, ids in POSSIBLE.items()})
EXCLUDING = sorted(
    {name for one in RULEBOOK.rules if one.effect is Effect.REMOVE for name in one.when}
)


def profile(name: str) -> Mapping[str, str]:
    return next(one.answers for one in RULEBOOK.profiles if one.id == name)


def result(answers: Mapping[str, str]) -> str | None:
    option = verdict_of(answers).option
    return option.name if option else None


def test_the_traits_of_the_options_are_what_limen_promises(run: Run) -> None:
    assert list(options()) == list(SETUPS)
    for column in run.columns:
        traits, promised = options()[column.name], column.guarantees
        assert traits.window_ms == promised.revocation_window
        assert (traits.format, traits.check) == (promised.format, promised.check)
        assert traits.reads == promised.store_reads_per_request
        assert traits.needs_store is promised.needs_store


@pytest.mark.parametrize("rule", RULEBOOK.rules, ids=lambda rule: rule.id)
def test_every_rule_is_reached_and_says_where_it_comes_from(rule) -> None:
    needed = {**RULEBOOK.assumed, **{name: str(wanted[0]) for name, wanted in rule.when.items()}}
    varied = [name for name in ("outage", "verifiers", "clients") if name not in rule.when]
    tried = [
        {**needed, **dict(zip(varied, chosen, strict=True))}
        for chosen in product(*(POSSIBLE[name] for name in varied))
    ]
    fired = [{one.rule.id for one in verdict_of(answers).fired} for answers in tried]
    fired += [{one.rule.id for one in verdict_of(one.answers).fired} for one in RULEBOOK.profiles]
    assert any(rule.id in ids for ids in fired)
    assert rule.because
    assert rule.evidence
    assert all(one.cite and one.says for one in rule.evidence)
    assert "://" not in str(rule)


def test_every_rule_that_excludes_or_prefers_makes_a_difference_or_is_a_bound() -> None:
    idle = {
        one.id
        for one in RULEBOOK.rules
        if one.choice and not any(one.choice.fits(option) for option in options().values())
    }
    assert idle == {"H3"}  # five minutes is what the longest preset promises


def test_every_option_is_the_result_of_some_answers() -> None:
    found = {result(one.answers) for one in RULEBOOK.profiles}
    for one in RULEBOOK.profiles:
        found |= {flip.to for flip in flips_of(one.answers, verdict_of(one.answers))}
    assert found == {*SETUPS, None}


def test_no_answers_end_without_a_result_or_a_named_conflict() -> None:
    """Every combination of the answers by which options are excluded."""
    tried = list(product(*(POSSIBLE[name] for name in EXCLUDING)))
    assert len(tried) > 10_000
    for chosen in tried:
        _holds({**RULEBOOK.assumed, **dict(zip(EXCLUDING, chosen, strict=True))})


@given(any_answers)
@settings(max_examples=200, deadline=None)
def test_any_answers_lead_somewhere_by_rules_that_are_named(answers: dict[str, str]) -> None:
    _holds(answers)


def _holds(answers: Mapping[str, str]) -> None:
    verdict = verdict_of(answers)
    removed = removed_by(verdict)
    assert set(removed) | set(verdict.kept) == set(SETUPS)
    assert not set(removed) & set(verdict.kept)
    if verdict.option is not None:
        assert verdict.conflicts == ()
        assert verdict.kept[0] == verdict.option.name
        return
    assert verdict.conflicts
    named = {one.rule.id: set(one.against) for one in verdict.fired}
    for conflict in verdict.conflicts:
        assert conflict.answers
        assert all(answers[question] == answer for question, answer in conflict.answers)
        # What is named is enough by itself, and none of it is to spare.
        assert set().union(*(named[one] for one in conflict.rules)) == set(SETUPS)
        for spared in conflict.rules:
            others = [one for one in conflict.rules if one != spared]
            assert set().union(*(named[one] for one in others)) != set(SETUPS)


@given(any_answers, st.sampled_from(sorted(POSSIBLE)), st.data())
@settings(max_examples=200, deadline=None)
def test_one_changed_answer_drops_no_duty_that_still_holds(
    answers: dict[str, str], question: str, data: st.DataObject
) -> None:
    changed = {**answers, question: data.draw(st.sampled_from(POSSIBLE[question]))}
    after = verdict_of(changed)
    for rule in verdict_of(answers).duties:
        holds = all(changed[name] in wanted for name, wanted in rule.when.items())
        meant = rule.result is None or (after.option and rule.result.fits(after.option))
        assert (rule in after.duties) == bool(holds and meant)


@given(any_answers)
@settings(max_examples=40, deadline=None)
def test_flips_are_true_and_complete(answers: dict[str, str]) -> None:
    verdict = verdict_of(answers)
    flips = {(one.question, one.answer): one.to for one in flips_of(answers, verdict)}
    for question, ids in POSSIBLE.items():
        for answer in ids:
            other = result({**answers, question: answer})
            if other == result(answers):
                assert (question, answer) not in flips
            else:
                assert flips[question, answer] == other


@pytest.mark.parametrize(
    ("name", "option", "because", "flips"),
    [
        ("shop", "session", {"P1", "H5"}, {("verifiers", "others"): "jwt"}),
        (
            "spa",
            "hybrid",
            {"P3", "H5", "P7"},
            {("revoke", "request"): "hybrid-store", ("outage", "go-on"): "jwt"},
        ),
        ("services", "jwt-only", {"P2", "N2"}, {("claims", "asvs1"): "hybrid"}),
        ("hospital", "session", {"H1", "H4", "H7", "H8", "P1"}, {("outage", "go-on"): None}),
        (
            "edge",
            "jwt-only",
            {"H13"},
            {("claims", "asvs1"): None, ("store", "far"): "session-feed"},
        ),
        ("field", "jwt-only", {"H10", "H11", "D9"}, {("claims", "asvs1"): None}),
    ],
)
def test_typical_situations(
    name: str, option: str, because: set[str], flips: dict[tuple[str, str], str | None]
) -> None:
    answers = profile(name)
    verdict = verdict_of(answers)
    assert result(answers) == option
    assert because <= {one.rule.id for one in verdict.fired}
    found = {(one.question, one.answer): one.to for one in flips_of(answers, verdict)}
    assert flips.items() <= found.items()


def test_answers_that_exclude_each_other_are_named_in_words() -> None:
    conflicts = verdict_of({**RULEBOOK.assumed, "outage": "go-on"}).conflicts
    assert [one.answers for one in conflicts] == [
        (("revoke", "request"), ("outage", "go-on")),
        (("roles", "request"), ("outage", "go-on")),
    ]
    assert all("is down" in (one.says or "") for one in conflicts)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("remove = { window_over_ms = 0 }", 'remove = { owner = ["x"] }'),
        ("remove = { window_over_ms = 0 }", "remove = { }"),
        ("remove = { window_over_ms = 0 }", 'note = "x"\nduty = "y"'),
        ("remove = { window_over_ms = 0 }", 'run = "import os"'),
        ('when = { revoke = ["request"] }', 'when = { revoke = ["soon"] }'),
        ('when = { revoke = ["request"] }', 'when = { mood = ["good"] }'),
        ('grade = "standard"', 'grade = "rumour"'),
        ('"jwt", "jwt-only"]', '"jwt"]'),
    ],
)
def test_a_rule_that_says_what_there_is_not_is_not_read(was: str, becomes: str) -> None:
    assert was in RULES
    with pytest.raises(ValueError):
        read_rulebook(QUESTIONS, RULES.replace(was, becomes, 1))


def test_what_is_measured_here_names_a_scenario_or_an_attack_that_there_is() -> None:
    named = {one.cite for rule in RULEBOOK.rules for one in rule.evidence if one.played}
    known = {f"scenario {name}" for name in SCENARIOS} | {f"attack {name}" for name in CARDS}
    assert len(named) > 5
    assert named <= known


def test_the_record_has_all_that_a_reader_of_it_asks_for(run: Run) -> None:
    answers = profile("hospital")
    text = record_of(answers, Kept([run]), 1_700_000_000_000, "9.9.9")
    verdict = verdict_of(answers)
    for one in verdict.reasons:
        assert f"**{one.rule.id}** " in text
        assert all(evidence.cite in text for evidence in one.rule.evidence)
    for rule in verdict.duties:
        assert f"- [ ] {rule.text}" in text
    for question in RULEBOOK.questions:
        assert f"{question.asks} **{question.says(answers[question.id])}**" in text
    assert 'Limen("session", ...)' in text
    assert "2023-11-14 22:13:20 UTC" in text
    assert f"Rules checked on {RULEBOOK.checked}" in text
    assert "Measured: refused on request 1" in text
    assert "One run, one server, " in text


def test_a_record_without_a_run_says_that_nothing_was_measured() -> None:
    text = record_of(profile("hospital"), Kept(), 0, "9.9.9")
    assert "It was not measured." in text
    assert "Measured:" not in text


@pytest.mark.parametrize(
    ("tries", "told"),
    [
        ([(-5, 200), (1, 401)], "not one request let in, refused at the latest 1 ms after"),
        ([(-5, 200), (40, 200), (60, 401)], "let in for 40 ms, refused at the latest 60 ms after"),
        ([(-5, 200), (40, 200)], "never refused while it was watched"),
    ],
)
def test_a_measurement_between_servers_is_told_in_its_numbers(
    tries: list[tuple[float, int]], told: str
) -> None:
    track = Track("server B", 1, tuple(Try(*one) for one in tries))
    window = Window(2_000, 2_000, (track,))
    column = _with(Measured, setup=SETUPS["hybrid"], revocation=window)
    machine = {"processor": "a processor, 2 cores"}
    measurement = _with(
        Measurement, id="m1", at=0, sizes=BRIEF, machine=machine, busy=True, columns=(column,)
    )
    kept = Kept(measurements=[measurement])
    (one,) = reported(options()["hybrid"], kept)
    assert told in one.text
    assert f"{BRIEF.endings} endings, two servers, a processor" in one.basis
    assert one.basis.endswith("busy with other work as well")
    assert one.address == "/measure/m1#window"
    assert reported(options()["session"], kept) == ()


def _with(record: type, **parts: object) -> Any:
    """Return a record with these parts; the advisor reads no others."""
    return record(**{one.name: None for one in dataclasses.fields(record)} | parts)


def test_what_is_promised_is_told_by_what_bounds_it() -> None:
    told = {name: promise(option) for name, option in options().items()}
    assert "until it expires, at most 300.0 s" in told["jwt"]
    assert "until it expires, at most 300.0 s" in told["jwt-only"]
    assert "for at most 2.0 s" in told["hybrid"]
    assert "not one request" in told["session"]


def test_over_http_without_scripts(served: Served, recorded: Recorded) -> None:
    with served.admitted() as client:
        asked = client.get("/decide")
        assert asked.status_code == 200
        assert 'aria-labelledby="result"' not in asked.text
        fields = set(re.findall(r'<input type="radio" name="(\w+)"', asked.text))
        assert fields == set(POSSIBLE)
        shop = client.get("/decide", params=dict(profile("shop")))
        assert "<code>session</code></h2>" in shop.text
        assert "not measured yet" in shop.text
        form = re.search(r'<form method="post" action="/runs">.*?</form>', shop.text, re.DOTALL)
        assert form is not None
        sent = re.findall(r'name="(\w+)" value="([^"]+)"', form[0])
        data = {name: [value for key, value in sent if key == name] for name, _ in sent}
        assert data["column"][0] == "session"
        begun = client.post("/runs", data=data, headers={"Origin": served.url})
        assert begun.status_code == 303
        again = client.get("/decide", params=dict(profile("shop"))).text
        assert "Measured: refused on request 1" in again
        assert f"/runs/{recorded.run.id}#findings" in again
        record = client.get("/decide/record.md", params=dict(profile("shop")))
        assert record.headers["content-type"].startswith("text/markdown")
        assert "attachment" in record.headers["content-disposition"]
        assert leaks(recorded.secrets, again + record.text) == []


def test_what_was_read_from_a_file_was_not_measured_here(run: Run) -> None:
    desk = Desk(Admission(1), SCENARIOS)
    desk.shelf.keep(dataclasses.replace(run, imported=True))
    assert "not measured yet" in decide_page(desk, profile("shop"))
    desk.shelf.keep(run)
    assert "not measured yet" not in decide_page(desk, profile("shop"))


def test_a_flip_is_a_link_to_its_result(served: Served) -> None:
    with served.admitted() as client:
        page = client.get("/decide", params=dict(profile("edge"))).text
        links = re.findall(r'<li><a href="([^"]+)"><span>[^<]+</span> “[^”]+”</a>', page)
        assert links
        for link in links:
            target = dict(parse_qsl(urlsplit(link.replace("&amp;", "&")).query))
            assert result(target) != "jwt-only"


@pytest.mark.parametrize(
    "query",
    [
        "revoke=<script>alert(1)</script>",
        "revoke=request&revoke=expiry",
        "mood=good",
        "revoke=",
        "__class__=x",
        "revoke=request%00",
        "x" * 2_000,
    ],
)
def test_an_answer_that_there_is_not_is_refused_and_not_repeated(
    served: Served, query: str
) -> None:
    with served.admitted() as client:
        for path in ("/decide", "/decide/record.md"):
            refused = client.get(f"{path}?{query}")
            assert refused.status_code == 400
            assert "<script>" not in refused.text


def test_the_door_stands_before_the_advisor(served: Served) -> None:
    with served.client() as client:
        assert client.get("/decide").status_code == 403
        assert client.get("/decide/record.md").status_code == 403
