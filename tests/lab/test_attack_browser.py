"""The pages of an attack in a real browser: by keyboard, for everybody, and while all are run."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import pytest
from browsers import Heard, Ready, axe_findings, launched, ready
from labs import Serve
from playwright.sync_api import Browser

from limen.lab.attacks.card import Card
from limen.lab.run import Run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened:
        yield opened


@pytest.fixture
def lab(browser: Browser, serve: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> Ready:
    """A Lab whose cards all show the run that was made already."""
    numbers = itertools.count(1)
    made = lambda *_, **__: dataclasses.replace(run, id=f"{run.id}{next(numbers)}")  # noqa: E731 - takes what a card takes
    monkeypatch.setattr(Card, "__call__", made)
    return ready(browser, serve(lambda: run), run.plot.title)


def test_the_whole_way_by_keyboard_and_every_page_of_it_for_everybody(
    browser: Browser, lab: Ready
) -> None:
    heard = Heard()
    with lab.page(browser, heard, viewport={"width": 320, "height": 800}) as page:
        page.goto(f"{lab.url}/attack/A3")
        findings = {"card": axe_findings(page)}
        page.get_by_role("group", name="session", exact=True).get_by_label("401").focus()
        page.keyboard.press("Space")
        page.get_by_role("button", name="Run").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/attack/A3/*")
        assert "right in 1 of 1 columns" in page.locator("main").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        findings["result"] = axe_findings(page)
        page.goto(f"{lab.url}/attack/all")
        findings["all"] = axe_findings(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        heard.complaints.clear()  # axe itself may try what the policy forbids
        page.get_by_role("button", name="Run all").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Run all again").wait_for()
        assert page.locator("progress").get_attribute("value") == page.locator(
            "progress"
        ).get_attribute("max")
        findings["all, done"] = axe_findings(page)
        assert {place: found for place, found in findings.items() if found} == {}
    assert all(address.startswith(lab.url) for address in heard.asked)
