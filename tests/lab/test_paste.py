"""The paste box in a real browser: it decodes, asks nobody, and says that it verifies nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from browsers import Heard, Ready, launched, ready
from labs import Serve
from playwright.sync_api import Browser, Page
from test_exchange import XSS

from limen.lab.run import Run


def token(header: object, claims: object, signature: str = "c2lnbmF0dXJl") -> str:
    parts = [json.dumps(one, ensure_ascii=False).encode() for one in (header, claims)]
    encoded = [base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts]
    return ".".join([*encoded, signature])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened:
        yield opened


@pytest.fixture
def lab(browser: Browser, serve: Serve, run: Run) -> Ready:
    return ready(browser, serve(lambda: run), run.plot.title)


def pasted(page: Page, text: str) -> tuple[str, str]:
    """Return what the box says of a text, and what it shows of it."""
    page.locator("#paste-text").fill(text)
    return page.locator("#paste-note").inner_text(), page.locator("#paste-parts").inner_text()


def test_a_token_is_taken_apart_without_a_request(browser: Browser, lab: Ready, run: Run) -> None:
    heard = Heard()
    with lab.page(browser, heard) as page:
        page.goto(f"{lab.url}/runs/{run.id}/wire")
        page.wait_for_load_state("networkidle")
        heard.asked.clear()

        note, shown = pasted(page, token({"alg": "EdDSA"}, {"sub": "Zoë", "exp": 1_000_000_000}))
        assert note == "Decoded, not verified. There is a signature, and nobody has checked it."
        assert "EdDSA" in shown
        assert "Zoë" in shown
        assert "2001-09-09T01:46:40Z" in shown
        assert "expired" in shown

        later = token({"alg": "none"}, {"exp": 4_000_000_000, "nested": {"a": [1]}}, "")
        note, shown = pasted(page, f"Bearer {later}")
        assert "There is no signature" in note
        assert "in " in shown
        assert '{"a":[1]}' in shown

        for wrong, told in {
            "": "",
            "a.b": "this has 2",
            "a.b.c.d.e": "encrypted",
            "a.b.c": "cannot be read",
            token([1], {}): "cannot be read",
            "x" * 20_000: "longer than",
        }.items():
            note, shown = pasted(page, wrong)
            assert told in note
            assert shown == ""

        for text in XSS:
            _, shown = pasted(page, token({text: text}, {text: [text], "exp": text, "iat": 9e99}))
            assert text[:8] in shown
            assert page.locator("#paste-parts :is(script, img, svg)").count() == 0
        # The browser fetches the icon whenever it likes.
        assert [address for address in heard.asked if not address.endswith("/icon.svg")] == []
    assert heard.complaints == []


def test_without_scripts_the_box_is_not_there_and_says_why(
    browser: Browser, lab: Ready, run: Run
) -> None:
    with lab.page(browser, java_script_enabled=False) as page:
        page.goto(f"{lab.url}/runs/{run.id}/wire")
        assert page.locator("textarea").count() == 0
        assert "needs JavaScript" in page.locator("main").inner_text()
        assert page.locator("button", has_text="Copy").count() == 0


def test_an_address_of_a_request_leads_to_it_and_code_can_be_copied(
    browser: Browser, lab: Ready, run: Run
) -> None:
    with lab.page(browser, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto(f"{lab.url}/runs/{run.id}/wire#session-r4")
        there = page.locator("#session-r4")
        assert there.evaluate("one => one.matches(':target')")
        there.get_by_text("As curl").click()
        there.get_by_role("button", name="Copy curl").click()
        there.get_by_role("button", name="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()").startswith("curl --request")
