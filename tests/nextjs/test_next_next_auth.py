"""examples/nextjs-next-auth: the unmodified React client of NextAuth.js, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from short_page import (
    an_api_that_is_down_signs_nobody_out,
    an_identity_provider_signs_in,
    try_to_sign_in,
    two_browsers_follow,
)
from sites import STRATEGIES, Site, registered

EXAMPLE = "nextjs-next-auth"
pytestmark = pytest.mark.timeout(300)  # the first test builds the application


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_hooks_of_next_auth_follow_what_the_api_says(
    site: Site, email: str, strategy: str
) -> None:
    site.use(strategy)
    two_browsers_follow(site.device(), site.device(), email)


def test_the_client_of_next_auth_outlasts_an_api_that_is_down(site: Site, email: str) -> None:
    site.use("hybrid")
    laptop = site.device()
    an_api_that_is_down_signs_nobody_out(laptop, email, "no answer of the API")
    laptop.complaints.clear()  # the client reports to the console what it cannot fetch
    laptop.page.get_by_role("button", name="Sign out", exact=True).click()
    expect(laptop.page.get_by_text("A server component saw: nobody.")).to_be_visible()
    try_to_sign_in(laptop, f"not.{email}")
    expect(laptop.page.get_by_role("main").get_by_role("alert")).to_contain_text("is wrong")


def test_an_identity_provider_signs_in_by_next_auth(site: Site, email: str, issuer: str) -> None:
    site.use("session", **registered(issuer))
    an_identity_provider_signs_in(site.device(), issuer, email)
