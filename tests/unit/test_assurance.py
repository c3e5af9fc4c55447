"""What methods are worth, what a sensitive action asks, and what a token may say of it."""

import math

import pytest
from limens import blocking

from limen import Authenticated, Authentication, ConfigurationError, Freshness, Reason, Refused
from limen.assurance import acr_of, reaches
from limen.claims import examine
from limen.jose import sign, strict_json
from limen.principal import Principal
from limen.testing import FrozenClock
from limen.web import fastapi, starlette

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("methods", "acr"),
    [
        ((), "aal0"),
        (("pwd",), "aal1"),
        (("fed",), "aal1"),
        (("pwd", "pin"), "aal1"),
        (("pwd", "fed"), "aal1"),
        (("otp", "hwk"), "aal1"),
        (("pwd", "otp"), "aal2"),
        (("hwk", "fpt"), "aal2"),
        (("mfa",), "aal2"),
        (("hwk", "pin", "face"), "aal2"),
        (("aal3",), "aal1"),
    ],
)
def test_a_level_takes_factors_of_two_kinds(methods: tuple[str, ...], acr: str) -> None:
    assert acr_of(methods) == acr


def test_a_level_reaches_those_below_it_and_no_made_up_one() -> None:
    assert reaches("aal2", "aal1")
    assert reaches("aal2", "aal2")
    assert not reaches("aal1", "aal2")
    assert not reaches("urn:anything", "aal1")
    assert not reaches("aal2", "urn:anything")


def principal(age_s: float, *methods: str) -> Principal:
    return Principal("usr_ada", "ses_1", "session", NOW - round(age_s * 1000), NOW, methods)


@pytest.mark.proves("asvs:7.5.3")
@pytest.mark.parametrize(
    ("wanted", "who", "reason"),
    [
        (Freshness(300), principal(300, "pwd"), None),
        (Freshness(300), principal(300.001, "pwd"), Reason.NOT_FRESH),
        (Freshness(0), principal(0, "pwd"), None),
        (Freshness(acr="aal1"), principal(10**6, "pwd"), None),
        (Freshness(acr="aal2"), principal(0, "pwd"), Reason.TOO_WEAK),
        (Freshness(acr="aal1"), principal(0), Reason.TOO_WEAK),
        (Freshness(300, "aal2"), principal(0, "pwd", "otp"), None),
        (Freshness(methods={"hwk"}), principal(0, "pwd", "otp"), Reason.TOO_WEAK),
        (Freshness(methods={"otp"}), principal(0, "pwd", "otp"), None),
    ],
)
def test_age_level_and_methods_are_each_asked(wanted, who, reason) -> None:
    assert wanted.reason(who, NOW) is reason


@pytest.mark.proves("asvs:7.5.3")
def test_the_challenge_says_how_to_sign_in_again() -> None:
    assert Freshness(300.9, "aal2", {"otp"}).challenge() == (
        'Bearer error="insufficient_user_authentication", '
        'error_description="Sign in again with otp to do this", max_age="300", acr_values="aal2"'
    )
    forged = Freshness(methods={'x", max_age="9\r\nSet-Cookie: a=b'})
    assert forged.challenge().count('"') == 4
    assert "\r" not in forged.challenge()


@pytest.mark.parametrize(
    "wrong",
    [
        *({"max_age": age} for age in (-1, math.inf, math.nan)),
        {"acr": "high"},
        {"methods": "otp"},
    ],
)
def test_what_no_sign_in_could_satisfy_is_refused_at_once(wrong) -> None:
    for ask in (Freshness, fastapi.requires_fresh, starlette.requires_fresh):
        with pytest.raises(ConfigurationError, match=next(iter(wrong))):
            ask(**wrong)


@pytest.mark.proves("nist:6")
@pytest.mark.parametrize(
    ("acr", "accepted"),
    [
        ("aal1", True),
        ("aal0", True),
        ("urn:example:gold", True),
        ("aal2", False),
        ("aal3", False),
        (2, False),
        (None, False),
        (["aal1"], False),
        ("", False),
    ],
)
def test_a_token_states_no_more_than_its_methods_reach(acr: object, accepted: bool) -> None:
    clock = FrozenClock()
    with blocking("jwt", clock=clock) as limen:
        limen.add_account("ada@example.org", "correct horse battery")
        token = limen.sign_in("ada@example.org", "correct horse battery").issued.access
        parts = limen.assembly.parts
        claims = strict_json(_payload(token.reveal()))
        assert (claims["acr"], claims["amr"]) == ("aal1", ["pwd"])
        forged = sign({**claims, "acr": acr}, parts.keys.keyring.signing, parts.policy.typ)
        seen = examine(forged.reveal(), parts.keys.keyring, parts.policy, clock.now())
        assert seen.reason is (None if accepted else Reason.BAD_CLAIMS)


def _payload(token: str) -> bytes:
    from limen.jose import parse

    return parse(token).payload


@pytest.mark.parametrize("strategy", ["session", "jwt", "hybrid"])
def test_what_an_application_proved_itself_is_told_by_the_principal(strategy: str) -> None:
    with blocking(strategy) as limen:
        proven = Authentication("usr_elsewhere", limen.assembly.clock.now(), ("pwd", "otp"))
        issued = limen.remember(proven).issued
        for _ in range(2):  # judged, then recognised
            verdict = limen.authenticate(issued.access.reveal())
            assert isinstance(verdict, Authenticated)
            assert verdict.principal.acr == "aal2"
            assert limen.require_fresh(verdict.principal, Freshness(60, "aal2")) is None
            weak = limen.require_fresh(verdict.principal, Freshness(acr="aal3"))
            assert weak == Refused(Reason.TOO_WEAK)
