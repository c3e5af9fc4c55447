"""The pages and scripts that Limen ships: safe sinks, no storage, fields for password managers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sources import ROOT
from tree import files

MARKUP = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|srcdoc)\b"
    r"|document\.write|createContextualFragment|\beval\(|new Function\(|\bjavascript:"
)
STORAGE = re.compile(r"\b(localStorage|sessionStorage|indexedDB)\b")
# `document` and `window` also have a member for each element that has a name or an id.
NAMED = re.compile(r"\b(?:document|window|self|globalThis)\.(\w+)")
KNOWN = frozenset(
    """
    activeElement addEventListener body clearInterval createElement createElementNS createTextNode
    currentScript documentElement forms getElementById head hidden history limenWhy location
    matchMedia open querySelector querySelectorAll removeEventListener requestAnimationFrame
    scrollTo scrollY setInterval setTimeout title visibilityState
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
# It keeps whether single keys are on, which is about nobody.
KEEPS = {"src/limen/lab/static/scrub.js"}
FIELD = re.compile(r"<input[^>]*?(?:name=\"(?:new|current)?[pP]assword\"|type=\"password\")[^>]*>")


def texts(*endings: str) -> Iterator[tuple[str, str]]:
    """Yield what is shipped with Limen or shown as an example."""
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(("src/limen/", "examples/")) and name.endswith(endings):
            yield name, path.read_text()


@pytest.mark.proves("asvs:3.2.2")
def test_no_script_makes_markup_of_text() -> None:
    found = [
        f"{name}: {hit[0]}"
        for name, text in texts(".js", ".ts", ".tsx", ".html")
        for hit in MARKUP.finditer(text)
    ]
    assert found == []


@pytest.mark.proves("asvs:3.2.3")
def test_no_script_takes_a_named_element_for_something_else() -> None:
    found = {
        f"{name}: {hit[0]}"
        for name, text in texts(".js")
        for hit in NAMED.finditer(text)
        if hit[1] not in KNOWN
    }
    assert found == set()


@pytest.mark.proves("asvs:14.3.3")
def test_nothing_of_a_session_is_in_the_storage_of_a_browser() -> None:
    found = {name for name, text in texts(".js", ".ts", ".tsx", ".html") if STORAGE.search(text)}
    assert found == KEEPS


@pytest.mark.proves("asvs:6.2.6", "asvs:6.2.7")
def test_every_field_for_a_password_hides_it_and_lets_a_manager_fill_it() -> None:
    seen = 0
    for name, text in texts(".py", ".html", ".tsx"):
        for field in FIELD.finditer(text):
            seen += 1
            assert 'type="password"' in field[0], (name, field[0])
            filler = r"auto[cC]omplete=(?:\"(?:new|current)-password\"|\{isNew \?)"
            assert re.search(filler, field[0]), (name, field[0])
            assert not re.search(r"onpaste|onPaste|readonly|readOnly", field[0]), name
    assert seen >= 8


def test_what_is_banned_is_found() -> None:
    assert MARKUP.search("one.innerHTML = name")
    assert STORAGE.search("localStorage.setItem(a, b)")
    assert [hit[1] for hit in NAMED.finditer("document.config.url")] == ["config"]
    assert FIELD.search('<input name="password" type="text">')
