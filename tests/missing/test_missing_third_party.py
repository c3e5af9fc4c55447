"""A Chromium that blocks third-party cookies, as its user may have set it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from places import CHROMIUM, SWITCHES, Tls, Visit, World, allowing, named
from playwright.sync_api import sync_playwright

from limen import CookieSettings


@pytest.mark.parametrize("blocks", [True, False])
def test_a_browser_may_block_third_party_cookies(
    world: World, tls: Tls, tmp_path: Path, blocks: bool
) -> None:
    chosen = {"cookie_controls_mode": int(blocks), "block_third_party_cookies": blocks}
    profile = tmp_path / "profile" / "Default"
    profile.mkdir(parents=True)
    (profile / "Preferences").write_text(json.dumps({"profile": chosen}))
    page = named(world.pages(tls), "app.example", "https")
    live = world.service(
        allowing(page),
        tls=tls,
        base_url="https://localhost",  # over https, and of this machine: development
        trusted_origins=[page],
        cookies=CookieSettings(same_site="none"),
    )
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile.parent,
            executable_path=CHROMIUM,
            headless=False,
            args=SWITCHES,
            ignore_https_errors=True,
        )
        at = Visit(context.new_page(), named(live.url, "api.other", "https"))
        at.page.goto(page)
        assert at.sign_up() == 200
        assert at.has_cookie is at.is_signed_in is not blocks
        assert at.why()["cause"] == ("third-party-blocked" if blocks else "arrived")
        context.close()
