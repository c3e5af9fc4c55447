"""Every view for everybody: axe, no script, small and large, no motion, forced colours, keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsers import Heard, Ready, axe_findings, launched, ready, views_of
from labs import Serve
from playwright.sync_api import Browser

from limen.lab.run import Run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened:
        yield opened


@pytest.fixture
def lab(browser: Browser, serve: Serve, run: Run) -> Ready:
    """A Lab with a run on its shelf."""
    return ready(browser, serve(lambda: run), run.plot.title)


@pytest.mark.proves("asvs:3.6.1")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_no_page_complains_or_asks_elsewhere(
    browser: Browser, lab: Ready, run: Run, scheme: str
) -> None:
    heard = Heard()
    with lab.page(browser, heard, color_scheme=scheme) as page:
        found = {}
        for path in views_of(run.id):
            answer = page.goto(lab.url + path)
            assert answer is not None
            assert answer.status == 200, path
            page.wait_for_load_state("networkidle")
            assert heard.complaints == [], path
            found[path] = axe_findings(page)
            heard.complaints.clear()  # axe itself may try what the policy forbids
        assert {path: each for path, each in found.items() if each} == {}
    assert all(address.startswith(lab.url) for address in heard.asked)


@pytest.mark.parametrize("width", [320, 640, 1280, 2200])
def test_no_page_is_wider_than_its_window(
    browser: Browser, lab: Ready, run: Run, width: int
) -> None:
    with lab.page(browser, viewport={"width": width, "height": 800}) as page:
        for path in views_of(run.id):
            page.goto(lab.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") == width, path


def test_text_of_twice_the_size_still_fits(browser: Browser, lab: Ready, run: Run) -> None:
    with lab.page(browser, viewport={"width": 1280, "height": 800}) as page:
        for path in views_of(run.id):
            page.goto(lab.url + path)
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert page.evaluate("document.documentElement.scrollWidth") == 1280, path


def test_nothing_moves_for_whoever_asks_for_stillness(
    browser: Browser, lab: Ready, run: Run
) -> None:
    moving = """[...document.querySelectorAll('*')].filter(one => {
      const style = getComputedStyle(one);
      return style.transitionDuration.split(', ').some(span => parseFloat(span) > 0)
        || style.animationName !== 'none' || style.scrollBehavior === 'smooth';
    }).length"""
    heard = Heard()
    with lab.page(browser, heard, reduced_motion="reduce") as page:
        for path in views_of(run.id):
            page.goto(lab.url + path)
            assert page.evaluate(moving) == 0, path
            assert page.evaluate("document.getAnimations().length") == 0, path


def test_forced_colours_take_no_word_and_no_edge_away(
    browser: Browser, lab: Ready, run: Run
) -> None:
    # A control whose edge and text have the colour of the page would be invisible.
    unseen = """[...document.querySelectorAll('button, a, input, select')].filter(one => {
      const style = getComputedStyle(one), page = getComputedStyle(document.body);
      return one.checkVisibility() && style.color === page.backgroundColor
        && (style.borderStyle === 'none' || style.borderColor === page.backgroundColor);
    }).map(one => one.outerHTML)"""
    heard = Heard()
    with lab.page(browser, heard, forced_colors="active") as page:
        for path in views_of(run.id):
            page.goto(lab.url + path)
            assert page.evaluate("matchMedia('(forced-colors: active)').matches")
            assert page.evaluate(unseen) == [], path
    assert heard.complaints == []


def test_everything_can_be_read_without_scripts(browser: Browser, lab: Ready, run: Run) -> None:
    with lab.page(browser, java_script_enabled=False) as page:
        for path in views_of(run.id):
            page.goto(lab.url + path)
            assert page.locator("main h1, main h2").count() >= 1, path
            assert page.locator("main [hidden]").count() == 0, path
        page.goto(f"{lab.url}/runs/{run.id}")
        text = page.locator("main").inner_text()
        for column in run.columns:
            assert column.name in text


def test_every_stop_of_the_tab_key_can_be_seen(browser: Browser, lab: Ready, run: Run) -> None:
    seen = """() => {
      const one = document.activeElement, style = getComputedStyle(one);
      const box = one.getBoundingClientRect();
      const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
      return [one === document.body, outlined,
        box.width > 0 && box.height > 0, one.outerHTML.slice(0, 120)];
    }"""
    with lab.page(browser, viewport={"width": 1280, "height": 800}) as page:
        for path in views_of(run.id):
            page.goto(lab.url + path)
            for _ in range(25):
                page.keyboard.press("Tab")
                at_the_end, outlined, has_size, told = page.evaluate(seen)
                if at_the_end:
                    break
                assert outlined, (path, told)
                assert has_size, (path, told)


def test_a_run_is_started_and_read_by_keys_alone(serve: Serve, run: Run, browser: Browser) -> None:
    served, heard = serve(lambda: run), Heard()
    with browser.new_context() as context:
        page = heard.listen(context.new_page())
        page.goto(served.launch_url)
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.value") == "logout":
                break
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/runs/{run.id}*")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")
    assert heard.complaints == []
