"""A real OpenID provider, and the way of a browser through it."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from live import Live
from nodes import node

from limen.social import Provider, oidc

NPM = Path(__file__).parents[1] / "npm"
ID = "hub"


@dataclass(frozen=True)
class Identities:
    """A running provider from npm."""

    issuer: str
    origin: str

    def registered(self, client: str = "limen", **changes: Any) -> Provider:
        """Give the record of an application that is registered there."""
        changes.setdefault("id", ID)
        return oidc(changes.pop("id"), self.issuer, client, f"secret-of-{client}", **changes)


@contextlib.contextmanager
def running(**wanted: Any) -> Iterator[Identities]:
    """Run tests/npm/provider.mjs until the block ends."""
    process = subprocess.Popen(
        [node(), "provider.mjs", json.dumps(wanted)],
        cwd=NPM,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Identities(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def begin(browser: httpx.Client, provider: str = ID, **body: Any) -> str:
    """Ask for a sign-in, as a page does; give the address at the provider."""
    answer = browser.post("/sign-in/social", json={"provider": provider, **body})
    assert answer.status_code == 200, answer.text
    assert answer.json()["redirect"] is True
    assert answer.headers["location"] == answer.json()["url"]
    return str(answer.json()["url"])


def walk(browser: httpx.Client, url: str, name: str) -> httpx.Response:
    """Go to the provider and be `name` there; give the answer that leads back."""
    answer = browser.get(url)
    for _ in range(10):
        if answer.is_redirect:
            target = str(httpx.URL(str(answer.url)).join(answer.headers["location"]))
            if "/callback/" in target:
                return answer
            answer = browser.get(target)
        elif "/callback/" in answer.text:
            return answer  # a form that posts itself
        else:
            assert answer.status_code == 200, answer.text
            answer = browser.post(str(answer.url), data={"login": name})
    raise AssertionError("the provider leads nowhere")


def returned(browser: httpx.Client, url: str, name: str) -> str:
    """Give the address at our service that the provider sends `name` back to."""
    return str(walk(browser, url, name).headers["location"])


def sign_in(browser: httpx.Client, name: str, provider: str = ID, **body: Any) -> httpx.Response:
    """Sign in at a provider from beginning to end; give the last answer of our service."""
    return browser.get(returned(browser, begin(browser, provider, **body), name))


def error_of(answer: httpx.Response) -> str:
    """Give the error with which a browser was sent on."""
    assert answer.status_code == 302, answer.text
    (code,) = parse_qs(urlsplit(answer.headers["location"]).query)["error"]
    return code


def landed(answer: httpx.Response) -> str:
    """Give where a browser was sent after a success."""
    assert answer.status_code == 302, answer.text
    assert "error=" not in answer.headers["location"]
    return str(answer.headers["location"])


def user_of(browser: httpx.Client) -> dict[str, Any] | None:
    """Give who is signed in in a browser."""
    session = browser.get("/get-session").json()
    return None if session is None else session["user"]


def changed(url: str, **members: str | None) -> str:
    """Give a URL with other query members; `None` takes one away."""
    before, _, query = url.partition("?")
    said = {name: values[0] for name, values in parse_qs(query).items()} | members
    return f"{before}?{urlencode({name: one for name, one in said.items() if one is not None})}"


def query_of(url: str) -> dict[str, str]:
    """Give the query of a URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def verified(live: Live, email: str) -> None:
    """Say that an address is verified, as a link in a mail would."""
    account = live.run(live.auth.account_by_email(email))
    assert account is not None
    live.run(live.auth.set_email(account.id, email, verified=True))
