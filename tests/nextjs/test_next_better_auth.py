"""examples/nextjs-better-auth: the unmodified React client of better-auth, in a real browser."""

from __future__ import annotations

import pytest
from short_page import (
    an_api_that_is_down_signs_nobody_out,
    an_identity_provider_signs_in,
    two_browsers_follow,
)
from sites import STRATEGIES, Site, registered

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


def test_an_identity_provider_signs_in_by_better_auth(site: Site, email: str, issuer: str) -> None:
    site.use("session", **registered(issuer))
    an_identity_provider_signs_in(site.device(), issuer, email)
