"""A real Chromium before a real Lab, listening to everything that a page does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labs import Served
from playwright.sync_api import Browser, Page, sync_playwright

from limen.lab.menu import OF_A_RUN, OF_THE_LAB

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]
AXE = Path(__file__).parents[1] / "npm" / "node_modules" / "axe-core" / "axe.min.js"
# Tells of every violation of the policy, also of those that the console does not print.
_WATCH = """
addEventListener('securitypolicyviolation', event =>
  console.error('CSP: ' + event.violatedDirective + ' ' + event.blockedURI))
"""


@dataclass
class Heard:
    """What a page complained about, and every address that it asked for."""

    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> Page:
        """Listen to a page."""
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        return page


@contextmanager
def launched() -> Iterator[Browser]:
    """Give a Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@dataclass
class Ready:
    """A Lab with a run on its shelf, and the state of a browser that is admitted to it."""

    url: str
    state: Any

    @contextmanager
    def page(self, browser: Browser, heard: Heard | None = None, **settings: Any) -> Iterator[Page]:
        """Give a page of a new browser with these settings of Playwright's."""
        with browser.new_context(storage_state=self.state, **settings) as context:
            context.add_init_script(_WATCH)
            yield (heard or Heard()).listen(context.new_page())


def ready(browser: Browser, served: Served, scenario: str) -> Ready:
    """Launch the Lab in a browser and press the button of a scenario."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(served.launch_url)
        page.get_by_role("button", name=scenario).click()
        page.wait_for_url("**/runs/*")
        return Ready(served.url, context.storage_state())


def views_of(run_id: str) -> list[str]:
    """Return the address of every view: those of the Lab, and those of one run."""
    of_the_run = [f"/runs/{run_id}{path}" for _, path in OF_A_RUN if not path.endswith(".json")]
    return [*(path for _, path in OF_THE_LAB), *of_the_run]


def axe_findings(page: Page) -> list[str]:
    """Return what axe holds for serious or worse, each with an element that shows it."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['target']} "
        f"{one['nodes'][0].get('failureSummary', '')}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
