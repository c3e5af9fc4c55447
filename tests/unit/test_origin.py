"""Which pages may act with a credential that the browser attaches by itself."""

import pytest

from limen import ConfigurationError
from limen.transports import OriginRule
from limen.transports.origin import Provenance, origin_of

OWN = "https://app.example"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example/path?q#f", "https://app.example"),
        ("HTTPS://APP.Example:443/", "https://app.example"),
        ("http://app.example:80", "http://app.example"),
        ("http://app.example:443", "http://app.example:443"),
        ("https://user:pass@app.example/", "https://app.example"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
        ("app.example", None),
        ("//app.example", None),
        ("/path", None),
        ("", None),
        ("null", None),
        ("https://", None),
        ("https://app.example:port", None),
        ("https://app.example:99999", None),
        ("http://[::1", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
    ],
)
def test_an_origin_is_scheme_host_and_unusual_port(url, origin):
    assert origin_of(url) == origin


@pytest.mark.proves("asvs:3.7.5", "asvs:3.5.1")
@pytest.mark.parametrize(
    ("origin", "referer", "judged"),
    [
        (OWN, None, Provenance.TRUSTED),
        (None, OWN + "/page?x=y", Provenance.TRUSTED),
        ("https://evil.example", OWN + "/", Provenance.FOREIGN),
        (None, "https://evil.example/" + OWN, Provenance.FOREIGN),
        ("http://app.example", None, Provenance.FOREIGN),
        ("https://app.example:8443", None, Provenance.FOREIGN),
        ("https://app.example.evil.example", None, Provenance.FOREIGN),
        ("https://evilapp.example", None, Provenance.FOREIGN),
        ("https://sub.app.example", None, Provenance.FOREIGN),
        (f"{OWN}@evil.example", None, Provenance.FOREIGN),
        (f"{OWN}, https://evil.example", None, Provenance.FOREIGN),
        (f"{OWN} https://evil.example", None, Provenance.FOREIGN),
        ("garbage", None, Provenance.FOREIGN),
        (None, None, Provenance.MISSING),
        ("", "", Provenance.MISSING),
        ("null", None, Provenance.MISSING),
        ("null", OWN, Provenance.MISSING),
    ],
)
def test_a_request_is_judged_by_what_a_page_cannot_forge(origin, referer, judged):
    assert OriginRule(OWN).judge(origin, referer, None) is judged


def test_without_a_base_url_the_host_that_the_request_names_is_ours():
    rule = OriginRule(None)
    assert rule.judge(OWN, None, OWN) is Provenance.TRUSTED
    assert rule.judge(OWN, None, "https://other.example") is Provenance.FOREIGN
    assert rule.judge(OWN, None, None) is Provenance.FOREIGN


def test_a_configured_origin_is_not_overruled_by_what_a_request_names():
    assert OriginRule(OWN).judge("https://evil.example", None, "https://evil.example") is (
        Provenance.FOREIGN
    )


@pytest.mark.parametrize(
    ("entry", "trusted", "foreign"),
    [
        ("https://shop.example", ["https://shop.example/x"], ["http://shop.example"]),
        (
            "https://*.example.org",
            ["https://a.example.org", "https://a.b.example.org"],
            [
                "https://example.org",
                "http://a.example.org",
                "https://a.example.org.evil.example",
                "https://aexample.org",
                "https://a.example.org:8443",
                "https://evil.example/.example.org",
                "https://evil.example?.example.org",
                "https://evil.example#.example.org",
                "https://evil.example\\.example.org",
            ],
        ),
        (
            "*.example.org",
            ["https://a.example.org", "http://a.example.org"],
            ["https://example.org", "https://a.example.org.evil.example"],
        ),
        (
            "https://a?.example",
            ["https://ab.example"],
            ["https://a.example", "https://abc.example"],
        ),
        ("http://localhost:*", ["http://localhost:3000"], ["http://localhost.evil.example:3000"]),
    ],
)
def test_a_wildcard_matches_within_its_place_only(entry, trusted, foreign):
    rule = OriginRule(OWN, [entry])
    for url in trusted:
        assert rule.trusts(url, None), url
    for url in foreign:
        assert not rule.trusts(url, None), url


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/welcome",
        "/a/b.c-d_e+f@g",
        "/x?next=1&y=a%20b",
        "/x?next=//y",
        "/@evil.example",
        OWN,
        OWN + "/deep?x=1",
    ],
)
def test_a_redirect_to_ourselves_is_allowed(target):
    assert OriginRule(OWN).trusts_target(target, None)


@pytest.mark.proves("asvs:3.7.2")
@pytest.mark.parametrize(
    "target",
    [
        "",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%2fevil.example",
        "/%2Fevil.example",
        "/%5Cevil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/x\r\nLocation: https://evil.example",
        "/ /evil.example",
        "https://evil.example",
        "https:evil.example",
        "https:/evil.example",
        "///evil.example",
        "/.//evil.example",
        "/..//evil.example",
        "/a/..//evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "?x",
        "/welcome\n",
        "/é",
        "http://app.example",
        f"{OWN}.evil.example/",
        f"{OWN}@evil.example/",
        "https://evil.example\\@app.example/",
        "https://evil.example%2f.app.example/",
        "https://x:y@app.example/",
        f"{OWN}/\r\nSet-Cookie: a=b",
        f"{OWN}/\u2603",
    ],
)
def test_a_redirect_to_anywhere_else_is_not(target):
    assert not OriginRule(OWN).trusts_target(target, None)


def test_an_entry_that_is_no_origin_is_refused_with_its_setting():
    with pytest.raises(ConfigurationError, match=r"trusted_origins: 'shop\.example'"):
        OriginRule(OWN, ["shop.example"])
    with pytest.raises(ConfigurationError, match="base_url"):
        OriginRule("app.example")


@pytest.mark.parametrize(
    "target", ["javascript://a.partner.example/%0aalert(1)", "data://a.partner.example/x"]
)
def test_a_host_pattern_is_for_web_pages_only(target):
    rule = OriginRule(OWN, ["*.partner.example"])
    assert rule.trusts_target("https://a.partner.example/x", None)
    assert not rule.trusts_target(target, None)
    assert not rule.trusts(target, None)
