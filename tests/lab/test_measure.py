"""What is measured is what happened: bounds and counts are asserted, a clock never is."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsers import Heard, axe_findings, launched
from canaries import leaks
from labs import Serve, Served

from limen.effects import Ended, Revoke
from limen.lab.admission import Admission
from limen.lab.desk import Desk
from limen.lab.measure import BRIEF, Measurement, Sizes, measure, reading
from limen.lab.measure.axis import TimeAxis, apart
from limen.lab.measure.caller import Caller
from limen.lab.measure.costs import AGAIN
from limen.lab.measure.outage import Outage, outage
from limen.lab.measure.process import Process
from limen.lab.measure.result import Measured, Sample
from limen.lab.measure.servers import Grounds
from limen.lab.measure.window import HERE, THERE, Track, Try, Window
from limen.lab.scenarios import SCENARIOS
from limen.lab.servers.site import Person, Premises
from limen.lab.setups import SETUPS, USUAL
from limen.lab.views import measure as view
from limen.lab.views.measure import measure_page
from limen.stores.sql import SqlStore

ONE_SETUP = Sizes(
    calls=5,
    first_calls=2,
    requests=5,
    warm_up=1,
    endings=1,
    sign_ins=2,
    access_lifetime=3.0,
    outage=0.0,
)


@dataclass
class Taken:
    """A measurement, what it said meanwhile, and the secrets that were used in it."""

    measurement: Measurement
    said: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)


@contextmanager
def secrets_noted() -> Iterator[set[str]]:
    noted: set[str] = set()
    ask, generated, build = Caller._ask, Person.generated, Premises.build

    def asked(self: Caller, *stated: Any) -> int:
        status = ask(self, *stated)
        noted.update(self._cookies.values())
        return status

    def made() -> Person:
        person = generated()
        noted.add(person.passphrase)
        return person

    def built(*stated: Any) -> Premises:
        premises = build(*stated)
        noted.add(premises.secret)
        return premises

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Premises, "build", built)
        patched.setattr(Caller, "_ask", asked)
        patched.setattr(Person, "generated", made)
        yield noted


@pytest.fixture(scope="session")
def taken() -> Taken:
    """Measure the usual columns once, briefly."""
    said: list[str] = []
    with secrets_noted() as secrets:
        measurement = measure(USUAL, BRIEF, say=said.append)
    return Taken(measurement, said, {one for one in secrets if one})


def column(taken: Taken, name: str) -> Measured:
    return next(one for one in taken.measurement.columns if one.name == name)


def page_with(measurement: Measurement | None) -> str:
    admission = Admission(1)
    desk = Desk(admission, SCENARIOS, BRIEF)
    if measurement is not None:
        desk.measurements.keep(measurement)
    return measure_page(desk, measurement)


NAMES = ["jwt", "session", "hybrid"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["revocation", "staleness"])
def test_no_copy_outlives_the_promise_at_either_server(taken: Taken, name: str, which: str) -> None:
    window: Window = getattr(column(taken, name), which)
    assert [len(window.at(place)) for place in (HERE, THERE)] == [BRIEF.endings] * 2
    assert window.kept
    for track in window.tracks:
        assert track.refusal is not None
        assert track.tries[0].accepted, "nobody watched before the ending"
        assert track.tries[0].since < 0


def test_a_session_is_accepted_not_once_after_the_sign_out(taken: Taken) -> None:
    window = column(taken, "session").revocation
    assert (window.promised, window.last_accepted) == (0, None)
    assert [len(one.accepted) for one in window.tracks] == [0] * len(window.tracks)


def test_a_jwt_is_accepted_until_it_expires_and_then_no_more(taken: Taken) -> None:
    window = column(taken, "jwt").revocation
    assert window.promised == BRIEF.access_lifetime * 1000
    assert window.by_default == 300_000
    assert window.last_accepted is not None
    assert 0 < window.last_accepted <= window.promised
    for track in window.tracks:
        # Time alone ends it, so it does not flicker: accepted, then refused.
        assert [one.accepted for one in track.tries] == sorted(
            (one.accepted for one in track.tries), reverse=True
        )


def test_a_hybrid_is_refused_within_its_lag(taken: Taken) -> None:
    window = column(taken, "hybrid").revocation
    assert window.promised == window.by_default == 2_000
    assert (window.last_accepted or 0) <= 2_000


def test_a_role_is_seen_to_be_gone_by_its_status(taken: Taken) -> None:
    refusals = {
        name: {
            track.refusal.status for track in column(taken, name).staleness.tracks if track.refusal
        }
        for name in NAMES
    }
    assert refusals == {"session": {403}, "hybrid": {401}, "jwt": {401}}


@pytest.mark.parametrize("name", NAMES)
def test_a_request_reads_the_store_as_often_as_promised(taken: Taken, name: str) -> None:
    costs = column(taken, name).costs
    seen = costs.accesses[AGAIN.name]
    assert seen is not None
    assert (seen.reads, seen.writes) == (costs.guarantees.store_reads_per_request, 0)
    assert costs.kept
    assert not dataclasses.replace(
        costs, guarantees=dataclasses.replace(costs.guarantees, store_reads_per_request=-1)
    ).kept


def test_octets_are_those_of_the_credential_and_its_line(taken: Taken) -> None:
    lines = {name: column(taken, name).costs.line for name in NAMES}
    assert lines["session"] < 100 < lines["jwt"] == lines["hybrid"]
    assert {column(taken, name).costs.http for name in NAMES} == {"HTTP/1.1"}
    assert [column(taken, name).costs.cookies for name in NAMES] == [2, 1, 2]
    assert column(taken, "session").costs.accesses["refresh"] is None


def test_every_sample_has_its_number(taken: Taken) -> None:
    for one in taken.measurement.columns:
        timed = one.latency
        assert [timed.warm.n, timed.first.n, timed.request.n] == [
            BRIEF.calls,
            BRIEF.first_calls,
            BRIEF.requests,
        ]
    assert taken.measurement.unprotected.n == BRIEF.requests


def test_what_goes_on_is_said_column_by_column(taken: Taken) -> None:
    assert taken.said[0] == "counting octets, reads and writes"
    for number, name in enumerate(NAMES, start=1):
        assert sum(one.startswith(f"column {number} of 3, {name}: ") for one in taken.said) == 3


def test_quantiles_are_values_that_were_measured() -> None:
    sample = Sample(tuple(range(100, 0, -1)))
    assert (sample.n, sample.p50, sample.p95, sample.longest) == (100, 50, 95, 100)
    assert (Sample((7,)).p50, Sample((7,)).p95) == (7, 7)


def test_the_axis_keeps_order_and_stays_inside() -> None:
    axis = TimeAxis()
    moments = [-99, -30, -1, 0, 0.5, 1, 4, 2_000, 5_000, 300_000, 9e9]
    places = [axis.at(one) for one in moments]
    assert places == sorted(places)
    assert all(0 < one < 100 for one in places)
    assert len(set(places[1:])) == len(places[1:])
    assert apart([5.0, 1.0, 1.1, 1.2, 9.0], 0.5) == (1.0, 5.0, 9.0)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (0.44, "0.4 ms"),
        (3, "3 ms"),
        (44.4, "44 ms"),
        (2_000, "2 s"),
        (4_870, "4.9 s"),
        (300_000, "300 s"),
    ],
)
def test_spans_read_with_their_units(milliseconds: float, text: str) -> None:
    assert reading.span(milliseconds) == text


def test_the_picture_says_in_words_what_it_shows_and_the_table_has_the_same(taken: Taken) -> None:
    page = page_with(taken.measurement)
    pictures = re.findall(
        r'<svg class="lane" role="img".*?aria-labelledby="(\S+) (\S+)".*?>\s*'
        r'<title id="(\S+)">(.+?)</title>\s*<desc id="(\S+)">(.+?)</desc>',
        page,
        re.DOTALL,
    )
    assert len(pictures) == 2 * len(NAMES)
    for title_id, desc_id, title, named, desc, _ in pictures:
        assert (title, desc) == (title_id, desc_id)
        assert named.split(":")[0] in NAMES
    lasted = column(taken, "jwt").revocation.last_accepted
    assert lasted is not None
    text = reading.span(lasted)
    described = next(words for *_, named, _, words in pictures if named.startswith("jwt"))
    assert f"was sent {text} after" in described
    table = page.partition('id="window-table"')[2].partition("</table>")[0]
    assert f"<td>{text} after</td>" in table
    assert f'<p class="big accepted">{text}</p>' in page


def test_every_mark_of_the_picture_is_something_that_was_measured(taken: Taken) -> None:
    page = page_with(taken.measurement)
    first = page.partition('<svg class="lane"')[2].partition("</svg>")[0]
    window = column(taken, "jwt").revocation
    tracks = (*window.at(HERE), *window.at(THERE))
    axis = TimeAxis()
    drawn = {float(one) for one in re.findall(r'class="accepted-dot" cx="([\d.]+)%"', first)}
    assert drawn
    assert drawn <= {axis.at(one.since) for track in tracks for one in track.accepted}
    marks = [float(one) for one in re.findall(r'class="refused-mark" x="([\d.]+)%"', first)]
    assert marks == [axis.at(track.refusal.since) for track in tracks if track.refusal]


def test_the_page_names_the_machine_and_every_n(taken: Taken) -> None:
    page = page_with(taken.measurement)
    for value in taken.measurement.machine.values():
        assert value in page
    assert f"{BRIEF.endings} endings a column" in page
    assert "loopback: your network will dominate" in page
    for count in (BRIEF.calls, BRIEF.first_calls, BRIEF.requests):
        assert f"<td>{count}</td>" in page


def test_servers_are_processes_of_their_own_and_the_page_says_so(taken: Taken) -> None:
    assert "each a process of its own" in page_with(taken.measurement)


def test_a_server_that_does_not_come_up_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with Process("[]") as process, pytest.raises(RuntimeError, match="did not start"):
        process.port()
    assert "Traceback" in capfd.readouterr().err


def test_what_a_server_is_told_is_what_it_serves(tmp_path: Path) -> None:
    told = Grounds(SETUPS["hybrid-store"], tmp_path / "x.db", "s" * 43, 3.0)
    assert Grounds.from_json(told.as_json()) == told
    assert "sss" not in repr(told)


def test_without_a_measurement_no_number_is_shown() -> None:
    page = page_with(None)
    assert "<strong>Not measured.</strong>" in page
    assert "<svg" not in page
    assert "<table" not in page


def test_no_secret_is_in_what_is_shown_or_taken_away(taken: Taken) -> None:
    assert len(taken.secrets) > 20
    assert all(len(one) >= 32 for one in taken.secrets)
    shown = page_with(taken.measurement) + json.dumps(taken.measurement.as_json())
    assert leaks(sorted(taken.secrets), shown + "".join(taken.said)) == []


class _KeepsEverything(SqlStore):
    """A store with the guard taken out: it says that it ended sessions and ends none."""

    async def perform(self, effect: Any) -> Any:
        if isinstance(effect, Revoke):
            return Ended(1)
        return await super().perform(effect)


def test_a_revocation_that_ends_nothing_is_an_error_on_the_page() -> None:
    found = measure((SETUPS["session"],), ONE_SETUP, store_for=_KeepsEverything)
    window = found.columns[0].revocation
    assert not window.kept
    assert window.refused_from is None
    assert window.last_accepted is not None
    page = page_with(found)
    assert page.count('<p class="big failed">outside the promise</p>') == 1
    assert '<strong class="failed">Error:</strong> a request that was sent' in page
    table = page.partition('id="window-table"')[2].partition("</table>")[0]
    assert "not all were refused" in table
    assert "kept</strong>" not in table
    assert found.machine["servers"] == "threads of one process"


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outage]:
    """Give a function that kills the store under a setup, once, for longer than a lease."""
    premises = Premises.build(tmp_path_factory.mktemp("outage"), Person.generated())

    @cache
    def fall(name: str) -> Outage:
        setup = SETUPS[name]
        grounds = Grounds(setup, premises.copy_for(setup), premises.secret)
        return outage(grounds, premises.person, 2.5)

    return fall


def test_whoever_asks_the_store_each_time_is_served_nothing_while_it_is_gone(
    fallen: Callable[[str], Outage],
) -> None:
    seen = fallen("session")
    assert seen.meanwhile
    assert (seen.served, seen.statuses) == (0, (503,))
    assert seen.recovered is not None


def test_whoever_has_a_copy_of_the_log_goes_on_for_as_long_as_it_is_believed(
    fallen: Callable[[str], Outage],
) -> None:
    seen = fallen("hybrid")
    assert seen.served > 0
    assert seen.statuses == (503,)
    assert [one for one in seen.meanwhile if one.served and one.sent > 2_000] == []
    assert seen.recovered is not None


def test_an_outage_is_shown_as_it_was_and_else_as_not_measured(
    taken: Taken, fallen: Callable[[str], Outage]
) -> None:
    assert "<strong>Not measured.</strong>" in page_with(taken.measurement)
    columns = tuple(
        dataclasses.replace(one, outage=fallen(one.name))
        for one in taken.measurement.columns
        if one.name != "jwt"
    )
    sizes = dataclasses.replace(BRIEF, outage=2.5)
    page = page_with(dataclasses.replace(taken.measurement, sizes=sizes, columns=columns))
    for one in columns:
        assert one.outage is not None
        assert f"<td>{one.outage.served} of {len(one.outage.meanwhile)} requests</td>" in page
    assert "at once, with 503" in page
    assert "Not measured." not in page


def test_growth_is_stated_with_how_far_it_may_be_off(taken: Taken) -> None:
    grown = column(taken, "hybrid").growth
    assert grown.entries == grown.n == BRIEF.sign_ins
    assert grown.per_sign_in * grown.n % grown.page == 0
    assert grown.kept_for > 0
    off = reading.octets(grown.page / grown.n)
    assert f"may be off by some {off}." in page_with(taken.measurement)
    steady = dataclasses.replace(grown, per_sign_out=100.0, kept_for=360.0)
    assert steady.log_octets(1_000) == 10_000


@pytest.mark.parametrize("busy", [True, False])
def test_a_busy_machine_is_named_where_durations_are(taken: Taken, busy: bool) -> None:
    page = page_with(dataclasses.replace(taken.measurement, busy=busy))
    assert ("This machine was busy" in page) == busy


def test_a_refusal_that_comes_too_late_is_not_kept() -> None:
    def window(*tries: tuple[float, int]) -> Window:
        seen = tuple(Try(since, status) for since, status in tries)
        return Window(100, 100, (Track(HERE, 1, seen), Track(THERE, 1, seen)))

    assert window((-1, 200), (100, 200), (101, 401)).kept
    assert not window((-1, 200), (100.1, 200), (101, 401)).kept
    assert not window((-1, 200), (50, 200)).kept
    assert not window((-1, 200), (50, 401), (150, 200), (151, 401)).kept
    assert window((-2, 200), (-1, 401)).kept


def token_in(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def press(client: httpx.Client, served: Served, **fields: object) -> httpx.Response:
    form = {"csrf": token_in(client.get("/measure").text), **fields}
    return client.post("/measure", data=form, headers={"Origin": served.url})


def test_the_button_leads_over_the_progress_to_the_result_without_a_script(serve: Serve) -> None:
    served = serve(sizes=ONE_SETUP)
    with served.admitted() as client:
        assert "Not measured." in client.get("/measure").text
        begun = press(client, served, column="session")
        assert begun.status_code == 303
        followed = client.get(begun.headers["location"])
        assert followed.status_code == 200
        assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in followed.text
        state = client.get(f"{begun.headers['location']}/state").json()
        assert (state["state"], state["result"]) == ("running", None)
        assert press(client, served, column="jwt").status_code == 409
        while client.get(f"{begun.headers['location']}/state").json()["state"] == "running":
            threading.Event().wait(0.1)
        arrived = client.get(begun.headers["location"])
        assert arrived.status_code == 303
        address = arrived.headers["location"]
        page = client.get(address)
        assert "How long a stolen credential works after the sign-out" in page.text
        assert client.get("/measure").text.count('<svg class="lane"') == 2
        data = client.get(f"{address}.json")
        assert [one["name"] for one in data.json()["columns"]] == ["session"]
        assert data.headers["content-disposition"].startswith("attachment")


def test_a_measurement_can_be_stopped_and_leaves_nothing(serve: Serve) -> None:
    served = serve(sizes=ONE_SETUP)
    with served.admitted() as client:
        begun = press(client, served).headers["location"]
        form = {"csrf": token_in(client.get(begun).text)}
        assert client.post(f"{begun}/stop", data=form).status_code == 403
        stopped = client.post(f"{begun}/stop", data=form, headers={"Origin": served.url})
        assert stopped.status_code == 303
        while client.get(f"{begun}/state").json()["state"] == "running":
            threading.Event().wait(0.1)
        assert client.get(f"{begun}/state").json()["state"] == "stopped"
        assert "nothing of it was kept" in client.get(begun).text
        assert "Not measured." in client.get("/measure").text


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"csrf": "0" * 64}, 403), ({"column": "x"}, 422), ({"column": "../jwt"}, 422)],
)
def test_a_form_that_is_not_ours_measures_nothing(
    serve: Serve, fields: dict[str, object], status: int
) -> None:
    served = serve(sizes=ONE_SETUP)
    with served.admitted() as client:
        assert press(client, served, **fields).status_code == status
        assert "Not measured." in client.get("/measure").text


@pytest.mark.parametrize("path", ["/measure/x", "/measure/x.json", "/jobs/x", "/jobs/x/state"])
def test_what_was_not_measured_is_not_found(serve: Serve, path: str) -> None:
    with serve().admitted() as client:
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/measure", "/measure/x.json", "/jobs/x", "/jobs/x/state"])
def test_nothing_is_shown_to_strangers(serve: Serve, path: str) -> None:
    with serve().client() as client:
        assert client.get(path).status_code == 403


def test_a_person_measures_and_reads_the_pictures_whatever_the_screen(
    serve: Serve, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "measure", lambda *_, **__: taken.measurement)
    served, heard = serve(sizes=BRIEF), Heard()
    with launched() as browser:
        with browser.new_context() as context:
            page = heard.listen(context.new_page())
            page.goto(served.launch_url)
            page.get_by_role("link", name="Measure").click()
            page.get_by_role("button", name="Measure").click()
            page.wait_for_url("**/measure/*")  # led there by the script of the job
            named = page.get_by_role("img", name="session: how long a copy was accepted after")
            assert named.count() == 2
            admitted, address = context.storage_state(), page.url
        for width, scheme in ((320, "dark"), (1280, "light")):
            sized: Any = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
            with browser.new_context(storage_state=admitted, **sized) as context:
                page = heard.listen(context.new_page())
                page.goto(address)
                assert page.evaluate("document.documentElement.scrollWidth") == width
                assert heard.complaints == []
                assert axe_findings(page) == []
                heard.complaints.clear()  # axe itself may try what the policy forbids
