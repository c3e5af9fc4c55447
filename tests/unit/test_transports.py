"""Cookies and headers: exactly one, or nothing, or refused. Whoever sends them is hostile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen import ConfigurationError, CookieSettings, Issued, Principal, Secret, Session
from limen.transports import BearerTransport, Carrier, CookieTransport, Presented
from limen.transports.bearer import MAX_HEADER_OCTETS
from limen.transports.cookie import MAX_AGE_S
from limen.verdict import Reason, Refused

NOW = 1_800_000_000_000
COOKIES = CookieTransport(CookieSettings(), secure=True)
NAME = COOKIES.access_name
REFRESH = COOKIES.refresh_name
TOKEN = "lms_" + "a" * 43


def read(*lines):
    raw = [line if isinstance(line, bytes) else line.encode("latin-1") for line in lines]
    return COOKIES.read([(b"cookie", line) for line in raw])


def bearer(*lines):
    raw = [line if isinstance(line, bytes) else line.encode("latin-1") for line in lines]
    return BearerTransport().read([(b"authorization", line) for line in raw])


def issued(refresh=True, remembered=True, access=TOKEN):
    principal = Principal("usr_ada", "ses_1", "hybrid", NOW, NOW + 300_000)
    ends_at = NOW + 7 * 86_400_000
    session = Session("ses_1", "usr_ada", "hybrid", NOW, NOW, NOW, ends_at, 86_400_000)
    return Issued(
        principal=principal,
        session=session if refresh else None,
        access=Secret(access),
        access_expires_at=NOW + 300_000,
        refresh=Secret("lmr_" + "b" * 43) if refresh else None,
        refresh_expires_at=NOW + 7 * 86_400_000 if refresh else None,
        remembered=remembered,
    )


# -- reading cookies


@pytest.mark.parametrize(
    "line",
    [
        f"{NAME}={TOKEN}",
        f"a=b; {NAME}={TOKEN}; c=d",
        f"{NAME}={TOKEN};",
        f"  {NAME}={TOKEN}  ",
        f";;{NAME}={TOKEN}",
    ],
)
def test_one_cookie_is_read(line):
    assert read(line) == Presented(Carrier.COOKIE, access=Secret(TOKEN))


def test_both_cookies_are_read_from_one_line_or_two():
    both = Presented(Carrier.COOKIE, Secret("one"), Secret("two"))
    assert read(f"{NAME}=one; {REFRESH}=two") == both
    assert read(f"{REFRESH}=two", f"{NAME}=one") == both


@pytest.mark.proves("cookie:2", "cookie:3")
@pytest.mark.parametrize(
    "line",
    [
        "",
        "=",
        ";",
        f"={NAME}={TOKEN}",  # a nameless cookie that pretends
        f"{NAME}",
        f"{NAME}=",
        f"{NAME.lower()}={TOKEN}",
        f"{NAME.upper()}={TOKEN}",
        f"__Secure-{NAME}={TOKEN}",
        f"better-auth.session_token={TOKEN}",
        f"x{NAME}={TOKEN}",
        f"{NAME} ={TOKEN}",
        f"{NAME}x={TOKEN}",
        f"{NAME}%20={TOKEN}",
        f"\u00a0{NAME}={TOKEN}",
    ],
)
def test_what_only_looks_like_our_cookie_is_a_stranger(line):
    assert read(line) is None


@pytest.mark.proves("cookie:8", "asvs:15.3.7")
@pytest.mark.parametrize(
    "lines",
    [
        (f"{NAME}=one; {NAME}=two",),
        (f"{NAME}=one", f"{NAME}=two"),
        (f"{NAME}=one; {NAME}=one",),
        (f"{NAME}=; {NAME}=one",),
        (f"{NAME}=one; {NAME}=",),
        (f"{REFRESH}=one; {NAME}=x; {REFRESH}=two",),
    ],
)
def test_two_of_one_name_are_refused(lines):
    assert read(*lines) == Refused(Reason.AMBIGUOUS)


def test_a_comma_does_not_separate_cookies():
    found = read(f"{NAME}=one, {NAME}=two")
    assert isinstance(found, Presented)
    assert found.access == Secret(f"one, {NAME}=two")


@pytest.mark.proves("asvs:4.2.5")
def test_a_header_of_sixty_kilobytes_is_read_and_yields_one_value():
    filler = "; ".join(f"c{number}=" + "x" * 50 for number in range(1_000))
    assert len(filler) > 55_000
    assert read(f"{filler}; {NAME}={TOKEN}") == Presented(Carrier.COOKIE, Secret(TOKEN))


@given(st.binary(max_size=200))
def test_no_octets_make_the_reader_raise(octets):
    found = read(octets)
    assert found is None or isinstance(found, Presented | Refused)
    bearer(octets)


@given(st.binary(max_size=40).filter(lambda one: b";" not in one and one.strip(b" \t")))
def test_a_value_arrives_as_it_was_sent(value):
    found = read(NAME.encode() + b"=" + value)
    sent = value.rstrip(b" \t")
    assert found.access.reveal().encode("latin-1") == sent


# -- writing cookies


def attributes(line):
    name, value = line
    assert name == b"set-cookie"
    first, *rest = value.decode().split("; ")
    return first.partition("="), set(rest)


@pytest.mark.proves(
    "asvs:3.3.1", "asvs:3.3.2", "asvs:3.3.3", "asvs:3.3.4", "cookie:1", "cookie:6", "asvs:3.5.4"
)
def test_cookies_are_host_bound_and_out_of_reach_of_scripts():
    lines = COOKIES.deliver(issued(), NOW)
    assert len(lines) == 2
    for line, name in zip(lines, (NAME, REFRESH), strict=True):
        (found, _, _), flags = attributes(line)
        assert found == name
        assert name.startswith("__Host-")
        assert {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"} <= flags
        assert not [flag for flag in flags if flag.startswith("Domain")]
        assert "Max-Age=604800" in flags


def test_whoever_asked_to_be_forgotten_gets_cookies_without_an_age():
    for line in COOKIES.deliver(issued(remembered=False), NOW):
        assert not [flag for flag in attributes(line)[1] if flag.startswith(("Max-Age", "Expires"))]


@pytest.mark.proves("cookie:4")
@pytest.mark.parametrize(("offset", "age"), [(0, 0), (-5_000, 0), (1_001, 2), (10**12, MAX_AGE_S)])
def test_an_age_is_whole_seconds_and_never_more_than_browsers_keep(offset, age):
    from dataclasses import replace

    one = replace(issued(refresh=False), access_expires_at=NOW + offset)
    assert f"Max-Age={age}" in attributes(COOKIES.deliver(one, NOW)[0])[1]


@pytest.mark.proves("cookie:1")
def test_withdrawing_expires_both_with_the_attributes_they_were_set_with():
    set_, withdrawn = COOKIES.deliver(issued(), NOW), COOKIES.withdraw()
    for one, other in zip(set_, withdrawn, strict=True):
        (name, _, _), flags = attributes(one)
        (gone, _, value), ended = attributes(other)
        assert (name, value) == (gone, "")
        assert flags - {"Max-Age=604800"} == ended - {"Max-Age=0"}
        assert "Max-Age=0" in ended


@pytest.mark.proves("asvs:3.3.5", "cookie:5")
def test_a_token_that_browsers_would_drop_is_refused_with_a_remedy():
    with pytest.raises(ConfigurationError, match=r"roles: .* 5000 octets"):
        COOKIES.deliver(issued(access="a" * 5_000), NOW)


@pytest.mark.proves("asvs:3.3.3", "cookie:1")
@pytest.mark.parametrize(
    ("settings", "secure", "name"),
    [
        (CookieSettings(), False, "better-auth.session_token"),
        (CookieSettings(host_prefix=False), True, "__Secure-better-auth.session_token"),
        (CookieSettings(domain="example.org"), True, "__Secure-better-auth.session_token"),
        (CookieSettings(prefix="shop"), True, "__Host-shop.session_token"),
    ],
)
def test_the_prefix_is_the_strictest_that_the_settings_allow(settings, secure, name):
    transport = CookieTransport(settings, secure=secure)
    assert transport.access_name == name
    flags = attributes(transport.deliver(issued(), NOW)[0])[1]
    assert ("Secure" in flags) is secure
    assert ("Domain=example.org" in flags) is (settings.domain is not None)


@pytest.mark.parametrize("prefix", ["", "a b", "a;b", "a=b", "a,b", "é", "a\r\nSet-Cookie: x"])
def test_a_prefix_that_no_cookie_can_have_is_refused(prefix):
    with pytest.raises(ConfigurationError, match=r"cookies\.prefix"):
        CookieSettings(prefix=prefix)


@pytest.mark.proves("asvs:3.3.2", "cookie:6")
def test_settings_that_a_browser_would_drop_are_refused():
    with pytest.raises(ConfigurationError, match=r"cookies\.same_site"):
        CookieSettings(same_site="sometimes")
    with pytest.raises(ConfigurationError, match=r"cookies\.same_site: .*https"):
        CookieTransport(CookieSettings(same_site="none"), secure=False)


# -- the Authorization header


@pytest.mark.parametrize(
    "line", ["Bearer abc", "bearer abc", "BEARER abc", "Bearer  abc", " Bearer abc "]
)
def test_one_bearer_credential_is_read(line):
    assert bearer(line) == Presented(Carrier.BEARER, access=Secret("abc"))


@pytest.mark.parametrize("line", ["Basic dTpw", "", "Token abc", "Bearerabc", "Digest x=y"])
def test_another_scheme_is_none_of_our_business(line):
    assert bearer(line) is None


def test_no_header_is_nothing():
    assert BearerTransport().read([(b"cookie", b"Authorization=Bearer abc")]) is None


@pytest.mark.proves("attack:63")
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Bearer", Reason.MALFORMED),
        ("Bearer ", Reason.MALFORMED),
        ("Bearer é", Reason.MALFORMED),
        ("Bearer " + "a" * (MAX_HEADER_OCTETS - 6), Reason.MALFORMED),
        ("Bearer " + "a" * 60_000, Reason.MALFORMED),
        ("Bearer a b", Reason.AMBIGUOUS),
        ("Bearer a,Bearer b", Reason.AMBIGUOUS),
        ("Bearer a, Basic b", Reason.AMBIGUOUS),
    ],
)
def test_a_hostile_header_is_refused(line, reason):
    assert bearer(line) == Refused(reason)


def test_the_longest_header_that_is_allowed_is_read():
    longest = "Bearer " + "a" * (MAX_HEADER_OCTETS - 7)
    assert isinstance(bearer(longest), Presented)


@pytest.mark.proves("asvs:15.3.7", "attack:63")
def test_two_lines_are_refused_also_when_they_agree():
    assert bearer("Bearer a", "Bearer a") == Refused(Reason.AMBIGUOUS)
    assert bearer("Bearer a", "Basic b") == Refused(Reason.AMBIGUOUS)


def test_a_bearer_is_told_in_the_body_and_forgets_by_itself():
    assert BearerTransport().deliver(issued(), NOW) == ()
    assert BearerTransport().withdraw() == ()


# -- one look


PIECES = [
    NAME.encode(),
    REFRESH.encode(),
    NAME.encode()[7:],
    b"__HOST-better-auth.session_token",
    b"=",
    b"=",
    b";",
    b"; ",
    b" ",
    b"\t",
    b",",
    b'"',
    b"a",
    b"\xff",
    TOKEN.encode(),
    b"x" * 4097,
]
lines_of_pieces = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
plausible = st.tuples(
    st.sampled_from([b"", b"a=b; ", b"a=b;", b" ", REFRESH.encode() + b"=r; "]),
    st.just(NAME.encode() + b"=" + TOKEN.encode()),
    st.sampled_from([b"", b" ", b"; c=d", f"; {REFRESH}=r".encode(), f";{NAME}=x".encode()]),
    st.sampled_from([b"", f"; {REFRESH}=s".encode(), b";"]),
).map(b"".join)


@given(lines_of_pieces | plausible)
def test_one_look_at_a_cookie_line_sees_what_reading_it_sees(line):
    seen = COOKIES.glance(line)
    if seen is not None:
        carried = COOKIES.read([(b"cookie", line)])
        assert carried.access.reveal().encode("latin-1") == seen


SCHEMES = [b"Bearer ", b"Bearer  ", b"bearer ", b"Bearer", b"Basic ", b" Bearer "]
BEARERS = [*PIECES, b"\x0b", b"x" * 8192]


@given(
    st.tuples(
        st.sampled_from(SCHEMES), st.lists(st.sampled_from(BEARERS), max_size=4).map(b"".join)
    ).map(b"".join)
)
def test_one_look_at_an_authorization_line_sees_what_reading_it_sees(line):
    seen = BearerTransport().glance(line)
    if seen is not None:
        carried = BearerTransport().read([(b"authorization", line)])
        assert carried.access.reveal().encode("ascii") == seen


def test_one_look_is_enough_for_what_browsers_and_scripts_send():
    sent = f"theme=dark; {NAME}={TOKEN}; {REFRESH}=lmr_x".encode()
    assert COOKIES.glance(sent) == TOKEN.encode()
    assert BearerTransport().glance(b"Bearer " + TOKEN.encode()) == TOKEN.encode()
