"""Every endpoint that signs somebody in is documented with what protects it."""

from __future__ import annotations

import dataclasses
import re
import secrets

import pytest
from sources import ROOT

from limen import BetterAuthSettings, EmailPolicy, Limen, Settings, UsernamePolicy
from limen.service.better_auth.routes import endpoints_of
from limen.social import google
from limen.stores.memory import MemoryStore

DOCS = ROOT / "docs"
PAGE = (DOCS / "pathways.md").read_text()
ENDPOINT = re.compile(r"`(GET|POST) (/[^`]+)`")
DAY = 86_400


def part(title: str) -> str:
    """Return the text below a heading."""
    _, _, rest = PAGE.partition(f"## {title}\n")
    assert rest, title
    return rest.partition("\n## ")[0]


def open_endpoints() -> set[tuple[str, str]]:
    """Return what anybody may ask of a Limen with everything switched on."""
    auth = Limen(
        "hybrid",
        secret=secrets.token_urlsafe(32),
        store=MemoryStore(),
        base_url="https://app.example",
        usernames=UsernamePolicy(enabled=True),
        better_auth=BetterAuthSettings(multi_session=3, session_jwt=True),
        email=EmailPolicy(required=True, signs_in=True),
        providers=[dataclasses.replace(google("id", "secret"), form_post=True)],
    )
    return {
        (one.method, one.path.replace("/callback/google", "/callback/{id}"))
        for one in endpoints_of(auth)
        if not one.session
    }


@pytest.mark.proves("asvs:6.1.3", "asvs:6.3.4")
def test_every_endpoint_that_asks_for_nobody_is_documented() -> None:
    opening = set(ENDPOINT.findall(part("Ways that open a session")))
    others = set(ENDPOINT.findall(part("Open to everybody, and opening nothing")))
    assert opening & others == set()
    assert opening | others == open_endpoints()


@pytest.mark.proves("asvs:6.1.3")
def test_every_way_in_says_what_proves_and_what_protects() -> None:
    rows = [line for line in part("Ways that open a session").splitlines() if line[:3] == "| `"]
    assert len(rows) >= 10
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 4, row
        assert all(cells), row


@pytest.mark.proves("asvs:7.1.3", "asvs:7.6.1")
def test_the_lives_of_sessions_here_and_elsewhere_are_those_of_the_settings() -> None:
    settings = Settings(secret=secrets.token_urlsafe(32), database="sqlite+aiosqlite:///x")
    told = part("Whose session ends when")
    assert f"after {settings.idle / DAY:g} days unused" in told
    assert f"after {settings.absolute / DAY:g} in any case" in told
    assert f"for {settings.access_lifetime:g} s at most" in told
    assert f"within {settings.max_lag:g} s of the revocation" in told
    for place in ("at the provider", "of a second service", "of another server"):
        assert f"\n| {place}" in told, place


@pytest.mark.proves("asvs:3.1.1", "asvs:3.5.4", "asvs:3.7.5")
def test_what_is_expected_of_browsers_is_documented() -> None:
    page = (DOCS / "browser-security.md").read_text()
    _, _, relied = page.partition("## What is relied on\n")
    for feature in (
        "`Origin`",
        "`SameSite=Lax`",
        "`__Host-`",
        "`Sec-Fetch-Site`",
        "`Content-Security-Policy`",
    ):
        row = next(line for line in relied.splitlines() if feature in line and line[:2] == "| ")
        assert row.count("|") == 4, feature
        assert row.rsplit("|", 2)[1].strip(), feature
    assert "separate hosts" in relied


@pytest.mark.proves("asvs:6.1.2")
def test_the_words_that_no_password_is_made_of_are_documented() -> None:
    page = (DOCS / "passwords.md").read_text()
    _, _, words = page.partition("## Words of the context\n")
    for named in ("context_words", "LIMEN_PASSWORD_CONTEXT_WORDS", "issuer", "`base_url`"):
        assert named in words.partition("\n## ")[0], named


@pytest.mark.proves("asvs:11.1.1")
def test_how_keys_live_and_end_is_documented() -> None:
    page = (DOCS / "how-to.md").read_text()
    for title, said in (
        ("Rotate the signing keys", ("limen keys rotate", "limen keys retire")),
        ("Rotate the secret", ("newest first", "retire")),
    ):
        _, _, told = page.partition(f"## {title}\n")
        for one in said:
            assert one in told.partition("\n## ")[0], (title, one)


@pytest.mark.proves("asvs:6.4.6")
def test_no_command_gives_an_existing_account_a_password() -> None:
    text = (DOCS / "reference" / "cli.md").read_text()
    asking = re.findall(r"## `(limen [^`]+)`\n\n```text\n(.*?)```", text, re.DOTALL)
    users = {name for name, told in asking if re.search(r"--password|[Pp]assword", told)}
    assert "limen users add" in users
    assert not [name for name in users if re.search(r"users (set|reset|password|change)", name)]
