"""examples/nextjs-better-auth: the unmodified React client of better-auth, in a real browser."""

from __future__ import annotations

import pytest
from short_page import an_api_that_is_down_signs_nobody_out, two_browsers_follow
from sites import STRATEGIES, Site

EXAMPLE = "nextjs-better-auth"
pytestmark = pytest.mark.timeout(300)  # the first test builds the application


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_hooks_of_better_auth_follow_what_the_api_says(
    site: Site, email: str, strategy: str
) -> None:
    site.use(strategy)
    two_browsers_follow(site.device(), site.device(), email)


def test_the_client_of_better_auth_outlasts_an_api_that_is_down(site: Site, email: str) -> None:
    site.use("hybrid")
    an_api_that_is_down_signs_nobody_out(site.device(), email, "the API does not answer")
