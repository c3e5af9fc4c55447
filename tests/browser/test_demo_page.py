"""The page itself: for keyboards, for small screens, and closed to foreign scripts."""

from __future__ import annotations

import pytest
from devices import PASSWORD, Device, OpenDevice
from playwright.sync_api import Browser, Error, expect

NARROW = 320  # WCAG 2.2, 1.4.10


def test_sign_in_needs_no_mouse(device: OpenDevice, email: str):
    ada = device()
    ada.sign_up(email)
    ada.sign_out()
    ada.page.reload()
    tab_to(ada, "#sign-up [data-show=sign-in]")
    ada.page.keyboard.press("Enter")
    expect(ada.page.locator("#sign-in [name=email]")).to_be_focused()
    ada.page.keyboard.type(email)
    ada.page.keyboard.press("Tab")
    ada.page.keyboard.type(PASSWORD)
    ada.page.keyboard.press("Enter")
    ada.expect_signed_in()
    tab_to(ada, "[data-call=me]")
    ada.page.keyboard.press("Enter")
    expect(ada.page.locator("#call-result")).to_contain_text("200, accepted")


def test_arrow_keys_choose_the_strategy(device: OpenDevice):
    ada = device()
    tab_to(ada, "[name=strategy]:checked")
    ada.page.keyboard.press("ArrowDown")
    expect(ada.page.get_by_role("radio", name="hybrid")).to_be_checked()


def tab_to(one: Device, selector: str) -> None:
    for _ in range(30):
        one.page.keyboard.press("Tab")
        if one.page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            focused = one.page.locator(":focus-visible")
            assert focused.count() == 1, "the focus must be seen"
            return
    pytest.fail(f"the Tab key never reached {selector}")


def test_nothing_is_wider_than_a_small_screen(device: OpenDevice, email: str):
    ada = device("jwt", width=NARROW)
    assert too_wide(ada) == []
    ada.sign_up(email)
    ada.call()
    assert too_wide(ada) == []


def too_wide(one: Device) -> list[str]:
    """Return what reaches past the right edge; the document first, if it scrolls sideways."""
    return one.page.evaluate("""() => {
        const root = document.documentElement;
        const reach = (one) => one.getBoundingClientRect().right > root.clientWidth;
        const past = [...document.body.querySelectorAll("*")].filter(reach);
        const names = past.map((one) => one.id || one.tagName);
        return root.scrollWidth > root.clientWidth ? ["document", ...names] : names;
    }""")


def test_every_field_is_labelled_and_says_what_fills_it(device: OpenDevice):
    page = device().page
    fields = page.locator("form input:not([type=hidden])").all()
    assert len(fields) == 6
    for field in fields:
        assert field.evaluate("(input) => input.labels.length") == 1
    fillers = [field.get_attribute("autocomplete") for field in fields]
    sign_up, sign_in = ["name", "email", "new-password"], ["email", "current-password"]
    assert fillers == [*sign_up, *sign_in, "current-password"]


@pytest.mark.proves("asvs:3.2.2", "asvs:3.4.3")
def test_foreign_scripts_do_not_run(browser: Browser, origin: str):
    context = browser.new_context()
    page = context.new_page()
    page.goto(origin)
    with pytest.raises(Error, match="TrustedScript"):
        page.evaluate("() => { document.createElement('script').textContent = 'alert(1)' }")
    with pytest.raises(Error, match=r"Content Security Policy|TrustedHTML"):
        page.evaluate("() => { document.body.innerHTML = '<img src=x onerror=alert(1)>' }")
    context.close()


@pytest.mark.proves("asvs:3.4.6")
def test_no_other_site_may_frame_the_page(browser: Browser, origin: str):
    context = browser.new_context()
    policy = context.new_page().goto(origin).headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    context.close()
