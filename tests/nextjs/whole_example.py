"""What a person does on the pages of examples/nextjs, and how its pages are looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.sync_api import expect
from sites import Device

PASSWORD: Final = "seven golden teapots"
AXE: Final = Path(__file__).parents[1] / "npm" / "node_modules" / "axe-core" / "axe.min.js"


def sign_up(device: Device, email: str, page: str = "/sign-up") -> None:
    device.page.goto(page)
    device.page.get_by_label("Name").fill("Ada")
    device.page.get_by_label("E-mail").fill(email)
    device.page.get_by_label("Password").fill(PASSWORD)
    device.page.get_by_role("main").get_by_role("button", name="Create account").click()
    expect_name(device)


def sign_in(device: Device, email: str, page: str = "/sign-in", password: str = PASSWORD) -> None:
    device.page.goto(page)
    device.page.get_by_label("E-mail").fill(email)
    device.page.get_by_label("Password").fill(password)
    device.page.get_by_role("button", name="Sign in").click()
    expect_name(device)


def expect_name(device: Device) -> None:
    expect(device.page.get_by_role("banner")).to_contain_text("Ada")


def looked_at(device: Device, page: str) -> list[str]:
    """Return what axe finds on a page, by day and by night, and whether it is too wide."""
    device.page.goto(page)
    wider = device.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    found = ["wider than its window"] * wider
    for scheme in ("light", "dark"):
        device.page.emulate_media(color_scheme=scheme)
        axe = device.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [
            f"{scheme}, {one['id']}: {one['nodes'][0]['target']}" for one in axe["violations"]
        ]
    return found
