"""The whole way in a real browser: launch, press the button, read the table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from labs import Serve
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]
SIZES = [(1280, "light"), (1280, "dark"), (320, "light"), (320, "dark")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


def listened_to(page: Page) -> list[str]:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def test_a_person_launches_the_lab_runs_the_scenario_and_reads_the_table(
    browser: Browser, serve: Serve
) -> None:
    served = serve()
    with browser.new_context() as context:
        page = context.new_page()
        complaints = listened_to(page)
        page.goto(served.launch_url)
        assert page.url == f"{served.url}/"
        page.get_by_role("button", name="login, read, logout, replay").click()
        page.wait_for_url("**/runs/*")
        findings = page.get_by_role("region", name="What a copied credential")
        cells = findings.get_by_role("row", name="replay of the access credential")
        words = [cell.strip().split()[0] for cell in cells.get_by_role("cell").all_inner_texts()]
        assert words == ["accepted", "refused", "refused"]
        heads = page.locator(".execution thead").inner_text()
        assert all(name in heads for name in ("jwt", "session", "hybrid"))
        empty = page.locator(".execution td").evaluate_all(
            "cells => cells.filter(one => !one.innerText.trim()).length"
        )
        assert empty == 0
        state = context.storage_state()
        for width, scheme in SIZES:
            with browser.new_context(
                viewport={"width": width, "height": 800},
                color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
                storage_state=state,
            ) as sized:
                shown = sized.new_page()
                complaints += listened_to(shown)
                shown.goto(page.url)
                assert shown.evaluate("document.documentElement.scrollWidth") == width
        assert complaints == []
