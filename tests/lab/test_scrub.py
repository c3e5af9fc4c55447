"""Stepping through a run in a real browser: by range, buttons, number, links, keys, address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsers import Heard, Ready, launched, ready
from labs import Serve
from playwright.sync_api import Browser, Page, expect

from limen.lab.reading.lanes import align
from limen.lab.run import Run

# What would move if a panel grew or shrank: the top of every section, and the height of the page.
PLACES = """() => [document.documentElement.scrollHeight,
  ...[...document.querySelectorAll('main h2, main .panel, main .scroll')]
    .map(one => Math.round(one.getBoundingClientRect().top + scrollY))]"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened:
        yield opened


@pytest.fixture
def lab(browser: Browser, serve: Serve, run: Run) -> Ready:
    return ready(browser, serve(lambda: run), run.plot.title)


@pytest.fixture
def last(run: Run) -> int:
    return sum(len(section.rows) for section in align(run))


def current(page: Page) -> int:
    """Return the step that every part of the page names; they must agree."""
    row = page.locator("tr[aria-current='step']")
    assert row.count() == 1
    step = int(row.get_attribute("data-step") or 0)
    assert page.locator("#scrub-now").inner_text().startswith(f"Step {step} of ")
    assert page.locator("#scrub-range").input_value() == str(step)
    assert page.locator("#scrub-number").input_value() == str(step)
    assert page.locator(".now .when.current").get_attribute("data-from") == str(step)
    assert page.locator(".tracker .at.current").get_attribute("data-from") == str(step)
    return step


def test_every_way_of_stepping_leads_to_the_same_step(
    browser: Browser, lab: Ready, run: Run, last: int
) -> None:
    heard = Heard()
    with lab.page(browser, heard, viewport={"width": 1280, "height": 800}) as page:
        page.goto(f"{lab.url}/runs/{run.id}")
        assert current(page) == 1
        page.get_by_role("button", name="Next step").click()
        assert current(page) == 2
        page.get_by_role("button", name="Last step").click()
        assert current(page) == last
        page.get_by_role("button", name="Previous step").click()
        page.get_by_role("button", name="First step").click()
        assert current(page) == 1
        page.locator("body").press("ArrowRight")
        page.locator("body").press("ArrowRight")
        page.locator("body").press("ArrowLeft")
        assert current(page) == 2
        page.locator("body").press("End")
        assert current(page) == last
        page.locator("body").press("Home")
        assert current(page) == 1
        page.locator("#scrub-number").fill("7")
        page.locator("#scrub-number").press("Enter")
        assert current(page) == 7
        page.locator("#scrub-range").focus()
        page.locator("#scrub-range").press("ArrowRight")
        assert current(page) == 8
        page.locator("#row-12 a.number").click()
        assert current(page) == 12
        assert page.url.endswith("#step=12")
        page.locator("#scrub-number").fill("999")
        page.locator("#scrub-number").press("Enter")
        assert current(page) == last
    assert heard.complaints == []


def test_the_address_keeps_the_step_over_back_and_forward(
    browser: Browser, lab: Ready, run: Run
) -> None:
    with lab.page(browser) as page:
        page.goto(f"{lab.url}/runs/{run.id}#step=5")
        assert current(page) == 5
        page.locator("#row-9 a.number").click()
        page.goto(f"{lab.url}/")
        page.go_back()
        assert current(page) == 9
        page.go_back()
        assert current(page) == 5
        page.go_forward()
        assert current(page) == 9


def test_the_step_is_told_with_the_result_of_each_column(
    browser: Browser, lab: Ready, run: Run
) -> None:
    with lab.page(browser) as page:
        page.goto(f"{lab.url}/runs/{run.id}")
        page.locator("#scrub-range").focus()
        page.locator("#scrub-range").press("End")
        told = page.locator("#scrub-range").get_attribute("aria-valuetext") or ""
        assert told.endswith("jwt: refused, session: no step, hybrid: refused")
        page.get_by_role("button", name="First step").click()
        expect(page.locator("#scrub-said")).to_contain_text("Step 1 of", timeout=10_000)


def test_nothing_moves_while_stepping(browser: Browser, lab: Ready, run: Run, last: int) -> None:
    for width in (1280, 320):
        with lab.page(browser, viewport={"width": width, "height": 800}) as page:
            page.goto(f"{lab.url}/runs/{run.id}")
            page.locator("#scrub-number").scroll_into_view_if_needed()
            places = page.evaluate(PLACES)
            for _ in range(last - 1):
                page.locator("body").press("ArrowRight")
            assert current(page) == last
            assert page.evaluate(PLACES) == places


def test_the_hands_at_a_step_are_those_of_that_step(browser: Browser, lab: Ready, run: Run) -> None:
    with lab.page(browser, viewport={"width": 1280, "height": 800}) as page:
        page.goto(f"{lab.url}/runs/{run.id}#step=1")
        thief = page.locator(".hands tr", has=page.locator("th", has_text="thief"))
        seen = thief.locator("td").first.locator(".when.current")
        assert seen.inner_text() == "nothing"
        page.locator("body").press("End")
        assert "tok#1" in seen.inner_text()
        assert thief.locator("td").first.locator(".when:visible").count() == 1


def test_single_keys_can_be_turned_off_and_stay_off(browser: Browser, lab: Ready, run: Run) -> None:
    with lab.page(browser) as page:
        page.goto(f"{lab.url}/runs/{run.id}")
        page.locator("body").press("?")
        assert page.locator("#keys").is_visible()
        page.get_by_role("checkbox", name="single keys").uncheck()
        page.reload()
        page.locator("body").press("ArrowRight")
        page.locator("body").press("?")
        assert current(page) == 1
        assert not page.locator("#keys").is_visible()


def test_keys_are_left_alone_in_fields_and_lead_to_columns_and_views_elsewhere(
    browser: Browser, lab: Ready, run: Run
) -> None:
    with lab.page(browser) as page:
        page.goto(f"{lab.url}/runs/{run.id}#step=6")
        page.locator("#scrub-number").press("Home")
        assert current(page) == 6
        page.locator("h1").click()
        page.locator("body").press("2")
        focused = page.evaluate("document.activeElement.closest('[data-column]').dataset.column")
        assert focused == "2"
        assert current(page) == 6
        page.locator("body").press("w")
        page.wait_for_url("**/wire")


def test_a_label_marks_every_place_of_the_same_secret_and_no_other(
    browser: Browser, lab: Ready, run: Run
) -> None:
    with lab.page(browser) as page:
        page.goto(f"{lab.url}/runs/{run.id}")
        button = page.locator(".follow button", has_text="tok#1").first
        mark = button.get_attribute("data-fp")
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        marked = page.locator(".chosen").evaluate_all("all => all.map(one => one.dataset.fp)")
        assert len(marked) > 5
        assert set(marked) == {mark}
        assert page.locator(f"[data-fp='{mark}']:not(.chosen)").count() == 0
        button.click()
        assert page.locator(".chosen").count() == 0


def test_layers_show_more_and_hide_nothing_of_the_plain_one(
    browser: Browser, lab: Ready, run: Run
) -> None:
    with lab.page(browser, viewport={"width": 1280, "height": 800}) as page:
        page.goto(f"{lab.url}/runs/{run.id}")
        checks, effects = page.locator(".execution .checks").first, page.locator(".store").first
        shown = []
        for layer in ("plain", "protocol", "code"):
            page.get_by_role("radio", name=layer).check()
            shown.append((checks.is_visible(), effects.is_visible()))
            assert page.locator(".execution .told").first.is_visible()
        assert shown == [(False, False), (True, False), (True, True)]


def test_play_goes_on_by_itself_and_stops_on_any_key(
    browser: Browser, lab: Ready, run: Run
) -> None:
    with lab.page(browser) as page:
        page.clock.install()
        page.goto(f"{lab.url}/runs/{run.id}")
        page.get_by_role("button", name="Play").click()
        page.clock.run_for(900)
        assert current(page) == 1
        page.clock.run_for(3_000)
        reached = current(page)
        assert 2 <= reached <= 4
        page.locator("h1").click()
        page.locator("body").press("Shift")
        page.clock.run_for(5_000)
        assert current(page) == reached
    with lab.page(browser, reduced_motion="reduce") as page:
        page.goto(f"{lab.url}/runs/{run.id}")
        assert page.get_by_role("button", name="Play").count() == 0


def test_without_scripts_every_step_is_there_and_nothing_that_cannot_work(
    browser: Browser, lab: Ready, run: Run, last: int
) -> None:
    with lab.page(browser, java_script_enabled=False) as page:
        page.goto(f"{lab.url}/runs/{run.id}")
        assert not page.locator(".scrub").is_visible()
        assert page.locator("tr[data-step]:visible").count() == last
        assert page.locator(".transcript li:visible").count() == last
        assert page.locator(".hands .when:visible").count() == page.locator(".hands .when").count()
        assert page.locator(".execution .checks").first.is_visible()
        page.locator(".points a.row-link").first.click()
        assert "#row-" in page.url


def test_narrow_rows_become_cards_that_name_their_columns(
    browser: Browser, lab: Ready, run: Run
) -> None:
    with lab.page(browser, viewport={"width": 320, "height": 800}) as page:
        page.goto(f"{lab.url}/runs/{run.id}")
        row = page.locator("tr.differs").first
        for column in run.columns:
            assert row.get_by_text(f"{column.name} · Output/State Change").is_visible()
        assert row.get_by_role("cell").count() == 4 + 2 * len(run.columns) + 1
