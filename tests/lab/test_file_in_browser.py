"""trace.html from a disk in a real browser, with the network off: the page's own text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import Heard, launched
from labs import Served
from playwright.sync_api import Browser

from limen.lab.exports.files import file_of
from limen.lab.run import Run

A4_ACROSS = 1047  # pixels between its margins of 10 mm


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened:
        yield opened


@pytest.mark.parametrize("width", [1280, A4_ACROSS, 320])
def test_the_file_shows_what_the_page_shows_and_asks_for_nothing(
    browser: Browser, served: Served, run: Run, tmp_path: Path, width: int
) -> None:
    file = file_of(run, "trace.html")
    assert file is not None
    saved = tmp_path / "trace.html"
    saved.write_text(file.text)
    size = {"width": width, "height": 800}
    with browser.new_context(java_script_enabled=False, viewport=size) as context:
        page = context.new_page()
        page.goto(served.launch_url)
        page.locator("button[value=logout]").click()
        page.wait_for_url("**/runs/*")
        shown = page.locator("main").inner_text()
    with browser.new_context(offline=True, viewport=size) as context:
        heard = Heard()
        page = heard.listen(context.new_page())
        page.goto(saved.as_uri())
        assert page.locator("main").inner_text() == shown
        assert len(shown) > 5_000
        assert "0 found" in page.locator("footer").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        # The style sheets of the page apply: the policy names their hashes.
        assert page.locator(".skip").count() == 0
        band = page.locator("thead th").first.evaluate("e => getComputedStyle(e).fontWeight")
        assert band == "600"
        if width == A4_ACROSS:
            page.emulate_media(media="print")
            assert page.evaluate("document.documentElement.scrollWidth") == width
        assert heard.complaints == []
        assert heard.asked == [saved.as_uri()]
