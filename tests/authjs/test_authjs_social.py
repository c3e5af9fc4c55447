"""Signing in at a real provider through the second mount, as both clients begin it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from authjs_visitors import VERSIONS, Visitor, encrypted, person, query_of
from live import EMAIL, Live

# The real provider is that of tests/social.
sys.path.append(str(Path(__file__).parents[1] / "social"))

from walks import ID, Identities, changed, returned, running, verified


@pytest.fixture(scope="module")
def identities(installed: Path) -> Iterator[Identities]:
    with running() as one:
        yield one


@pytest.fixture(params=VERSIONS)
def abroad(
    request: pytest.FixtureRequest, start: Callable[..., Live], identities: Identities
) -> Visitor:
    """Give a browser before a service with a provider, under each version."""
    version = request.param
    providers = [identities.registered(name="The Hub")]
    return Visitor(start(version, "hybrid", authjs=encrypted(version), providers=providers))


def begun(visitor: Visitor, **fields: str) -> str:
    answer = visitor.post(f"/signin/{ID}", **fields)
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["url"]
    return url


def test_a_person_comes_back_signed_in(abroad: Visitor, identities: Identities) -> None:
    assert abroad.get("/providers").json()[ID] == {
        "id": ID,
        "name": "The Hub",
        "type": "oidc",
        "signinUrl": f"{abroad.base}/signin/{ID}",
        "callbackUrl": f"{abroad.base}/callback/{ID}",
    }
    url = begun(abroad, callbackUrl="/private")
    assert url.startswith(identities.origin)
    assert query_of(url)["redirect_uri"] == f"{abroad.base}/callback/{ID}"
    answer = abroad.client.get(returned(abroad.client, url, "ada"))
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{abroad.live.url}/private"
    session = abroad.session()
    assert session["user"]["email"] == "ada@example.org"
    assert abroad.token_name in abroad.cookies
    abroad.sign_out()
    assert abroad.session() == abroad.nobody


def test_the_plain_page_begins_it_too(abroad: Visitor) -> None:
    page = abroad.get("/signin?callbackUrl=/private")
    assert "Sign in with The Hub" in page.text
    assert "form-action 'self' https: http:;" in page.headers["content-security-policy"]
    fields = {"csrfToken": abroad.csrf(), "callbackUrl": "/private"}
    answer = abroad.client.post(f"{abroad.base}/signin/{ID}", data=fields)
    assert answer.status_code == 302
    back = returned(abroad.client, answer.headers["location"], "bob")
    assert abroad.client.get(back).headers["location"] == f"{abroad.live.url}/private"
    assert abroad.session()["user"]["name"] == "bob"


def test_a_callback_works_once_and_in_its_browser_only(abroad: Visitor) -> None:
    back = returned(abroad.client, begun(abroad), "carol")
    stranger = Visitor(abroad.live)
    failed = "OAuthCallbackError" if abroad.version == 5 else "OAuthCallback"
    answer = stranger.client.get(back)
    assert query_of(answer.headers["location"])["error"] == failed
    assert stranger.session() == stranger.nobody
    assert abroad.client.get(back).status_code == 302
    for url in (back, changed(back, state=None), changed(back, code="x", state="y")):
        location = abroad.client.get(url).headers["location"]
        assert location.startswith(f"{abroad.base}/signin?")
        assert query_of(location)["error"] == failed


def test_an_account_is_not_joined_by_an_address_that_nobody_verified(abroad: Visitor) -> None:
    person(abroad.live, "ada@example.org")
    back = returned(abroad.client, begun(abroad), "ada")
    location = abroad.client.get(back).headers["location"]
    assert query_of(location)["error"] == "OAuthAccountNotLinked"
    assert abroad.session() == abroad.nobody
    verified(abroad.live, EMAIL)
    back = returned(abroad.client, begun(abroad), "ada")
    abroad.client.get(back)
    assert abroad.session()["user"]["email"] == EMAIL


def test_a_foreign_page_begins_nothing(abroad: Visitor) -> None:
    token = abroad.csrf()
    abroad.client.headers["origin"] = "https://evil.test"
    answer = abroad.post(f"/signin/{ID}", token=token)
    assert query_of(answer.json()["url"])["error"] == "MissingCSRF"


def test_what_a_provider_posts_comes_round_by_link(abroad: Visitor) -> None:
    back = returned(abroad.client, begun(abroad), "dora")
    said = query_of(back)
    stranger = Visitor(abroad.live)
    posted = stranger.client.post(back.partition("?")[0], data=said)
    assert posted.status_code == 303
    assert stranger.session() == stranger.nobody
    abroad.client.get(posted.headers["location"])
    assert abroad.session()["user"]["email"] == "dora@example.org"


def test_a_target_elsewhere_is_the_start_page(abroad: Visitor) -> None:
    back = returned(abroad.client, begun(abroad, callbackUrl="https://evil.test/x"), "erin")
    assert abroad.client.get(back).headers["location"] == abroad.live.url
