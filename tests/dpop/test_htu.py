"""When two spellings of an address are the same (RFC 3986 section 6.2)."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.urls import MAXIMUM_URL, normalised

pytestmark = pytest.mark.proves("dpop:9")
SEGMENTS = st.lists(st.text(max_size=6), max_size=5)
HOSTS = st.sampled_from(["app.example", "127.0.0.1", "[::1]", "a-b.c"])
ESCAPES = st.lists(st.booleans(), min_size=24, max_size=24)
SCHEMES = st.sampled_from(["http", "https"])


@pytest.mark.parametrize(
    ("spelt", "normal"),
    [
        ("HTTPS://APP.Example/a", "https://app.example/a"),
        ("https://app.example:443/a", "https://app.example/a"),
        ("http://app.example:80/a", "http://app.example/a"),
        ("https://app.example:80/a", "https://app.example:80/a"),
        ("https://app.example:0443/a", "https://app.example/a"),
        ("https://app.example:/a", "https://app.example/a"),
        ("https://app.example", "https://app.example/"),
        ("https://app.example?q=/a#b", "https://app.example/"),
        ("https://app.example/%7Eada/%c3%a9%2F", "https://app.example/~ada/%C3%A9%2F"),
        ("https://app.example/a/./b/../c/", "https://app.example/a/c/"),
        ("https://app.example/../../a/..", "https://app.example/"),
        ("https://app.example/a/%2e%2e/b", "https://app.example/b"),
        ("https://app.example/a//b", "https://app.example/a//b"),
        ("https://[::A]:8443/x", "https://[::a]:8443/x"),
    ],
)
def test_each_rule_of_the_normal_spelling(spelt: str, normal: str) -> None:
    assert normalised(spelt) == normal


@pytest.mark.parametrize(
    "text",
    [
        *("", "app.example/a", "//app.example/a", "ftp://app.example/", "https:///a"),
        *("https://u@app.example/", "https://app.example:x/", "https://app.example:123456/"),
        *("https://app.example/%", "https://app.example/%2", "https://app.example/%zz"),
        *("https://app.example\\@evil.example/", "https://app.example/a b", "https://a/\n"),
        *(
            "https://[::1/",
            "https://app.example/\u00e9",
            "https://app.example/" + "a" * MAXIMUM_URL,
        ),
    ],
)
def test_what_is_no_address_has_no_spelling(text: str) -> None:
    assert normalised(text) is None


def respelt(path: str, escape: list[bool]) -> str:
    """Escape letters and digits that need it not."""
    return "".join(
        f"%{ord(one):02x}" if wanted and one.isalnum() else one
        for one, wanted in zip(path, escape, strict=False)
    )


@given(SCHEMES, HOSTS, SEGMENTS)
def test_a_normal_spelling_is_its_own(scheme: str, host: str, segments: list[str]) -> None:
    path = "".join("/" + quote(one, safe="") for one in segments)
    normal = normalised(f"{scheme}://{host}{path}")
    assert normal is not None
    assert normalised(normal) == normal


@given(SCHEMES, HOSTS, st.from_regex(r"(/[a-z0-9~_-]{0,5}){1,4}", fullmatch=True), ESCAPES)
def test_every_other_spelling_has_the_same_normal_one(
    scheme: str, host: str, path: str, escape: list[bool]
) -> None:
    port = {"http": 80, "https": 443}[scheme]
    spelt = f"{scheme.upper()}://{host.upper()}:{port}/x/..{respelt(path, escape)}?a=1#b"
    assert normalised(spelt) == normalised(f"{scheme}://{host}{path}") == f"{scheme}://{host}{path}"


@given(st.text(alphabet="htps:/[]@%.?#a0\\ \u00e9", max_size=40), SCHEMES)
def test_any_text_has_one_spelling_or_none_and_no_part_of_it_is_lost(
    text: str, scheme: str
) -> None:
    found = normalised(f"{scheme}://{text}")
    if found is not None:
        assert normalised(found) == found
        parts = urlsplit(found)
        assert (parts.scheme, parts.query, parts.fragment, parts.username) == (scheme, "", "", None)
        assert not {".", ".."} & set(parts.path.split("/"))
