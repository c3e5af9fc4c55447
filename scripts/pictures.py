"""Takes the pictures of the README from the Lab itself: real runs, in a real browser.

    .venv/bin/python scripts/pictures.py [FOLDER]

Writes `lab-compare.png` and `lab-measure.png`, by default to docs/pictures. Needs what
`make test` installs.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from playwright.sync_api import Page, sync_playwright

from limen.lab.app import create_app

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--hide-scrollbars"]
WIDTH, HEIGHT = 1440, 860
PATIENCE_MS = 300_000
SETTLED_MS = 500


def main() -> None:
    """Start a Lab, do what a person would do, and take the pictures."""
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures"
    place.mkdir(parents=True, exist_ok=True)
    with lab() as launch_url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(launch_url)
        compare(page, place / "lab-compare.png")
        measure(page, place / "lab-measure.png")
        browser.close()


@contextlib.contextmanager
def lab() -> Iterator[str]:
    """Serve a Lab on a free port and give the address that opens it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        made = create_app(listening.getsockname()[1])
        config = uvicorn.Config(made.app, log_level="warning", access_log=False, ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield made.launch_url
        server.should_exit = True
        thread.join()


def compare(page: Page, file: Path) -> None:
    """Run the first scenario and show the step in which the copy is judged."""
    page.get_by_role("button", name="login, read, logout, replay").click()
    page.locator("#scrub-range").wait_for()
    row = page.locator('tr[data-title="Validate the credential"]').last
    page.evaluate("step => { location.hash = `step=${step}` }", row.get_attribute("data-step"))
    page.wait_for_timeout(SETTLED_MS)
    page.locator("#steps").evaluate("one => scrollTo(0, one.offsetTop - 16)")
    page.wait_for_timeout(SETTLED_MS)
    below = page.locator("#execution").evaluate("one => one.getBoundingClientRect().top")
    page.screenshot(path=file, clip={"x": 0, "y": 0, "width": WIDTH, "height": below - 16})
    print(file)


def measure(page: Page, file: Path) -> None:
    """Measure, and show how long a copy works after a revocation."""
    page.get_by_role("link", name="Measure").click()
    page.get_by_role("button", name="Measure").click()
    page.wait_for_url("**/measure/*")
    page.locator("#hero").evaluate("one => scrollTo(0, one.offsetTop - 16)")
    page.screenshot(path=file)
    print(file)


if __name__ == "__main__":
    main()
