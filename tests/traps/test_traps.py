"""Mistakes that are easy to make here, each with the test that would see it."""

import base64
import typing

import pytest
from limens import STRATEGIES, blocking

from limen import Authenticated, Authentication, Reason, Refused, Secret, Target
from limen.account import Account
from limen.effects import (
    Access,
    AskFeed,
    Effect,
    FindSession,
    HashPassword,
    LocalEffect,
    StoreEffect,
    TouchSession,
)
from limen.session import Session, Standing
from limen.stores.memory import BlockingMemoryStore
from limen.strategies import SessionStrategy
from limen.testing import FrozenClock, feed
from limen.trace import RingSink, traced_as
from limen.transports import BearerTransport, CookieSettings, CookieTransport

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NOW = 1_800_000_000_000
PROOF = Authentication("usr_ada", NOW)


@pytest.mark.parametrize("strategy", ["jwt", "hybrid"])
def test_no_other_spelling_of_a_signature_is_accepted(strategy):
    """The last character of 64 bytes in base64url has 4 bits that decode to nothing."""
    with blocking(strategy) as limen:
        token = limen.remember(PROOF).issued.access.reveal()
        body, signature = token.rsplit(".", 1)
        octets = base64.urlsafe_b64decode(signature + "==")
        same = [
            spelling
            for last in ALPHABET
            if base64.urlsafe_b64decode((spelling := signature[:-1] + last) + "==") == octets
        ]
        assert len(same) == 16
        spellings = [one for one in same if one != signature]
        spellings += [signature + "=", signature + "==", signature + "\n", " " + signature]
        for spelling in spellings:
            assert isinstance(limen.authenticate(f"{body}.{spelling}"), Refused)
        assert isinstance(limen.authenticate(token), Authenticated)


@pytest.mark.parametrize("strategy", ["session", "hybrid"])
@pytest.mark.parametrize("target", [Target.user("usr_ada"), Target.everybody()])
@pytest.mark.parametrize("rounds", [1, 3])
def test_signing_in_works_in_the_millisecond_of_signing_out_everywhere(strategy, target, rounds):
    """And what it gave is revocable in the same millisecond again."""
    clock = FrozenClock()
    with blocking(strategy, clock=clock) as limen:
        dead = [limen.remember(PROOF).issued.access.reveal()]
        for _ in range(rounds):
            limen.revoke(target)
            new = limen.remember(PROOF).issued.access.reveal()
            assert isinstance(limen.authenticate(new), Authenticated)
            for old in dead:
                assert isinstance(limen.authenticate(old), Refused)
            dead.append(new)


def test_a_touch_never_revives_a_session_that_was_revoked_meanwhile():
    """A revocation lands between looking the session up and writing its use down."""
    session = Session("ses_1", "usr_ada", "session", NOW, NOW, NOW, NOW + 10**9, 10**9)
    presented = Secret("lms_" + "a" * 43)
    flow = SessionStrategy().authenticate(presented, NOW + 3_600_000)
    standing = Standing(session, frozenset(), disabled=False)
    seen = feed(flow, [standing, False])
    assert [type(effect) for effect in seen.effects] == [FindSession, TouchSession]
    assert seen.value == Refused(Reason.UNKNOWN_SESSION)
    assert seen.explains_itself


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_store_that_lost_a_session_is_not_given_it_back_by_a_touch(strategy):
    store = BlockingMemoryStore()
    with blocking(strategy, store=store) as limen:
        handle = limen.remember(PROOF).issued.session.id
        limen.revoke(Target.session(handle))
        assert store.perform(TouchSession(handle, NOW + 1)) is False
        assert store.perform(FindSession(id=handle)) is None
        assert limen.sessions("usr_ada") == ()


def test_nobody_is_told_a_number_that_nobody_can_know():
    with blocking("jwt", refresh=None, store=None) as limen:
        limen.remember(PROOF)
        assert limen.revoke(Target.user("usr_ada")).sessions_ended is None
    for strategy in STRATEGIES:
        with blocking(strategy) as limen:
            limen.remember(PROOF)
            assert limen.revoke(Target.user("usr_ada")).sessions_ended == 1
            assert limen.revoke(Target.user("usr_ada")).sessions_ended == 0


def test_every_event_says_which_request_and_which_run_it_belongs_to():
    sink = RingSink()
    with blocking("session", sink=sink) as limen:
        held = limen.remember(PROOF).issued.access.reveal()
        sink.clear()
        with traced_as(run="run-7", client="thief"):
            for request_id in ("req-1", "req-2"):
                with traced_as(request_id=request_id):
                    limen.authenticate(held)
        limen.authenticate(held)
    labels = [(event.run, event.request_id, event.client) for event in sink.events]
    assert set(labels) == {
        ("run-7", "req-1", "thief"),
        ("run-7", "req-2", "thief"),
        ("live", "-", "-"),
    }
    assert labels == sorted(labels, key=lambda one: (one[0] == "live", one[1]))
    assert [event.seq for event in sink.events] == sorted({event.seq for event in sink.events})


def test_every_effect_has_one_of_five_prices_and_only_stores_are_read_or_written():
    assert {one.value for one in Access} == {"compute", "memory", "read", "write", "send"}
    stored = {kind.access for kind in typing.get_args(StoreEffect)}
    local = {kind.access for kind in typing.get_args(LocalEffect)}
    assert stored == {Access.READ, Access.WRITE}
    assert local == {Access.MEMORY, Access.COMPUTE, Access.SEND}
    assert AskFeed.access is Access.MEMORY
    assert HashPassword.access is Access.COMPUTE


def test_no_effect_is_missing_from_the_closed_union():
    """`assert_never` protects only what the union names."""
    families = [Effect]
    for family in families:
        families.extend(family.__subclasses__())
    named = {one.__name__ for one in typing.get_args(StoreEffect | LocalEffect)}
    abstract = {"Effect", "Reading", "Writing"}
    ours = {one.__name__ for one in families if one.__module__.startswith("limen.effects.")}
    assert ours - abstract == named


def test_an_effect_that_a_store_does_not_know_is_an_error():
    class Unheard:
        access = Access.READ

    with pytest.raises(AssertionError):
        BlockingMemoryStore().perform(Unheard())


def test_forgetting_one_effect_is_a_type_error(tmp_path):
    from mypy import api

    snippet = tmp_path / "forgetful.py"
    snippet.write_text(
        "from typing import assert_never\n"
        "from limen.effects import AskFeed, HashPassword, LocalEffect, RefreshKeys\n"
        "def answer(effect: LocalEffect) -> None:\n"
        "    match effect:\n"
        "        case AskFeed() | HashPassword() | RefreshKeys():\n"
        "            return\n"
        "        case _:\n"
        "            assert_never(effect)\n"
    )
    said, _, status = api.run(["--strict", "--cache-dir", str(tmp_path), str(snippet)])
    assert status == 1
    assert "VerifyPassword" in said
    assert said.count("error:") == 1


@pytest.mark.parametrize(
    "values",
    [
        [b"NAME=one; NAME=two"],
        [b"NAME=one", b"NAME=two"],
        [b"NAME=one; NAME=one"],
        [b"NAME=; NAME=one", b"x=y"],
    ],
)
def test_two_cookies_of_one_name_are_refused_not_chosen_from(values):
    transport = CookieTransport(CookieSettings(), secure=True)
    name = transport.access_name.encode()
    headers = [(b"cookie", value.replace(b"NAME", name)) for value in values]
    assert transport.read(headers) == Refused(Reason.AMBIGUOUS)


@pytest.mark.parametrize("same", [True, False])
def test_two_authorization_lines_are_refused_not_chosen_from(same):
    second = b"Bearer one" if same else b"Basic dTpw"
    headers = [(b"authorization", b"Bearer one"), (b"authorization", second)]
    assert BearerTransport().read(headers) == Refused(Reason.AMBIGUOUS)


def test_an_account_has_no_place_for_a_password():
    assert not [name for name in Account.__slots__ if "password" in name or "hash" in name]
