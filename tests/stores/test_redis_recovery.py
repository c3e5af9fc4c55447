"""Nothing that was revoked comes back with an old state of Redis, and nobody else is signed out."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from redises import START, WHO, begin, living, now, restart_from, store_over

from limen.effects import (
    AddAccount,
    FindRevocation,
    FindSession,
    ListSessions,
    ReadLog,
    Revoke,
    RotateRefresh,
    SetDisabled,
    SetPassword,
    TouchSession,
)
from limen.family import Replayed, Rotated
from limen.revocation import Kind, Target
from limen.stores.redis import BlockingRedisStore
from limen.testing.store_cases.case import HORIZON, MINUTE, account, digest


def replay(store: BlockingRedisStore) -> None:
    late = RotateRefresh(digest("fresh one"), digest("x"), b"", START + 9, 0, HORIZON)
    assert isinstance(store.perform(late), Replayed)


def password(store: BlockingRedisStore, keep: str | None) -> None:
    new = SetPassword(WHO, "new", 0, START, moves_on=True, revoke=True, keep=keep, horizon=HORIZON)
    assert store.perform(new)


# How something is ended, and whose sessions live on: those of Ada are one and two.
ENDINGS: dict[str, tuple[Callable[[BlockingRedisStore], object], set[str]]] = {
    "a session": (
        lambda store: store.perform(Revoke(Target.session("ses_one"), START, HORIZON)),
        {"two", "bob"},
    ),
    "a session without a log": (
        lambda store: store.perform(Revoke(Target.session("ses_one"), START)),
        {"two", "bob"},
    ),
    "a user": (
        lambda store: store.perform(Revoke(Target.user(WHO), START, HORIZON)),
        {"bob"},
    ),
    "a user without a log": (
        lambda store: store.perform(Revoke(Target.user(WHO), START)),
        {"bob"},
    ),
    "all but one": (
        lambda store: store.perform(Revoke(Target.user(WHO, keep="ses_two"), START, HORIZON)),
        {"two", "bob"},
    ),
    "everybody": (
        lambda store: store.perform(Revoke(Target.everybody(), START, HORIZON)),
        set(),
    ),
    "everybody without a log": (
        lambda store: store.perform(Revoke(Target.everybody(), START)),
        set(),
    ),
    "a replay": (replay, {"two", "bob"}),
    "a password": (lambda store: password(store, None), {"bob"}),
    "a password that spares one": (lambda store: password(store, "ses_two"), {"two", "bob"}),
    "a disable": (
        lambda store: store.perform(SetDisabled(WHO, True, START, HORIZON)),
        {"bob"},
    ),
}


@pytest.mark.proves("attack:85")
@pytest.mark.parametrize("how", ENDINGS)
def test_an_old_snapshot_brings_nothing_back_and_signs_nobody_out(server, store, how) -> None:
    end, spared = ENDINGS[how]
    store.perform(AddAccount(account(), "hash"))
    for name, subject in (("one", WHO), ("two", WHO), ("bob", "usr_bob")):
        begin(store, name, subject)
    rotated = RotateRefresh(digest("fresh one"), digest("next"), b"s", START, 0)
    if how == "a replay":
        assert isinstance(store.perform(rotated), Rotated)
    server.snapshot()
    end(store)
    ended = store.perform(ReadLog(0))
    assert living(store, "one", "two", "bob") == spared
    restart_from(server)
    assert living(store, "one", "two", "bob") == spared
    # What refuses signed tokens is in the log again, above all that was read before.
    again = store.perform(ReadLog(ended[-1].seq if ended else 0))
    assert [replace(one, seq=0) for one in again] == [replace(one, seq=0) for one in ended]
    for one in ended:
        asked = FindRevocation(one.subject, one.subject, None, START)
        assert store.perform(asked)
    # Whoever signs in now stays in, also after the next time.
    late = "usr_late" if how == "a disable" else WHO
    begin(store, "later", late, created_at=START + 1)
    server.snapshot()
    restart_from(server)
    assert living(store, "one", "two", "bob", "later") == spared | {"later"}


@pytest.mark.proves("attack:85")
def test_refused_tokens_stay_refused_and_their_sessions_live(server, store) -> None:
    begin(store, "one")
    server.snapshot()
    store.perform(Revoke(Target.tokens(WHO), START, HORIZON))
    store.perform(Revoke(Target.key("k1"), START, HORIZON))
    restart_from(server)
    assert living(store, "one") == {"one"}
    assert store.perform(FindRevocation("ses_one", WHO, None, START))
    assert not store.perform(FindRevocation("ses_one", WHO, None, START + 1))
    assert store.perform(FindRevocation("ses_x", "usr_x", "k1", START))


@pytest.mark.parametrize("spoilt", ["zzz", "9e18", "nan", "-1"])
def test_a_spoilt_moment_keeps_nothing_from_ending(server, store, spoilt) -> None:
    for name in ("one", "two", "three"):
        begin(store, name)
    with server.client() as client:
        for key in client.scan_iter("{limen}:s:*"):
            client.hset(key, "used", spoilt)
    begin(store, "four")
    assert living(store, "one", "two", "three", "four") == {"one", "two", "three", "four"}
    (listed,) = store.perform(ListSessions(WHO, START))
    assert listed.id == "ses_four"
    assert store.perform(Revoke(Target.session("ses_one"), START, HORIZON)).sessions == 1
    store.perform(TouchSession("ses_two", START))
    ended = store.perform(Revoke(Target.user(WHO), START, HORIZON))
    assert ended.sessions == 3
    (entry,) = store.perform(ReadLog(ended.seq - 1))
    assert entry.not_before < START + HORIZON


@pytest.mark.proves("attack:85")
def test_a_flush_loses_sessions_and_no_revocation(server, store) -> None:
    begin(store, "one")
    begin(store, "two")
    seq = store.perform(Revoke(Target.session("ses_one"), START, HORIZON)).seq
    with server.client() as client:
        client.flushall()
    assert living(store, "one", "two") == set()
    assert store.perform(FindRevocation("ses_one", WHO, None, START))
    (entry,) = store.perform(ReadLog(seq))
    assert (entry.kind, entry.subject) == (Kind.SESSION, "ses_one")
    begin(store, "three")
    assert living(store, "three") == {"three"}


def test_a_session_that_was_lost_is_logged_when_it_is_revoked(server, store, database) -> None:
    """Its row is gone, the tokens that name it are not."""
    begin(store, "before")
    begin(store, "lost")
    store.perform(Revoke(Target.session("ses_before"), START, HORIZON))
    for _ in range(2):
        with server.client() as client:
            client.flushall()
        other, _ = store_over(server.url, database)  # has seen nothing itself
        ended = other.perform(Revoke(Target.session("ses_lost"), START, HORIZON))
        assert ended.sessions == 0
        assert ended.seq is not None
        assert other.perform(ReadLog(ended.seq - 1))[0].subject == "ses_lost"
        other.close()
    assert store.perform(FindRevocation("ses_lost", WHO, None, START))


@pytest.mark.parametrize("owner", [None, WHO])
def test_a_session_that_was_lost_is_logged_for_whoever_ends_it(server, store, owner) -> None:
    """Even if nothing had ended before: whose it was, nothing says any more, so it ends."""
    begin(store, "lost")
    with server.client() as client:
        client.flushall()
    ended = store.perform(Revoke(Target.session("ses_lost", owner=owner), START, HORIZON))
    assert ended.sessions == 0
    assert ended.seq is not None
    assert store.perform(FindRevocation("ses_lost", WHO, None, START))


@pytest.mark.parametrize("target", [Target.user(WHO), Target.everybody()])
def test_what_was_lost_is_refused_though_the_clock_of_who_revokes_is_behind(
    server, store, target
) -> None:
    begin(store, "one")
    store.perform(Revoke(Target.session("ses_one"), START, HORIZON))
    with server.client() as client:
        client.flushall()
    a_moment_ago = now()
    assert store.perform(Revoke(target, a_moment_ago - 5_000, HORIZON)).seq
    assert store.perform(FindRevocation("ses_lost", WHO, None, a_moment_ago))
    begin(store, "two", created_at=a_moment_ago - 5_000)
    assert living(store, "two") == {"two"}
    with server.client() as client:
        client.flushall()
    assert store.perform(FindRevocation("ses_lost", WHO, None, a_moment_ago))


def test_what_is_unknown_is_not_logged_without_a_reason(server, store) -> None:
    begin(store, "one")
    begin(store, "lost")
    store.perform(Revoke(Target.session("ses_one"), START, HORIZON))
    assert store.perform(Revoke(Target.session("ses_lost_never"), START, HORIZON)).seq is None
    with server.client() as client:
        client.flushall()
    # A log that nobody reads needs no entry.
    assert store.perform(Revoke(Target.session("ses_lost"), START)).seq is None
    with server.client() as client:
        lost = int(client.get("{limen}:lost"))
        client.set("{limen}:lost", lost - (HORIZON + 60_000) * 1000)
    assert store.perform(Revoke(Target.session("ses_lost"), START, HORIZON)).seq is None


def test_numbers_rise_even_if_the_clock_of_the_new_server_is_behind(server, store) -> None:
    ahead = (now() + 3_600_000) * 1000
    with server.client() as client:
        client.set("{limen}:seq", ahead)
    seq = store.perform(Revoke(Target.key("k1"), START, HORIZON)).seq
    assert seq == ahead + 1
    with server.client() as client:
        client.flushall()
    (again,) = store.perform(ReadLog(seq))
    assert again.seq > seq
    assert store.perform(Revoke(Target.key("k2"), START, HORIZON)).seq > again.seq


def test_numbers_rise_for_a_store_that_has_not_seen_the_highest(server, store, database) -> None:
    other, _ = store_over(server.url, database)
    with server.client() as client:
        client.set("{limen}:seq", (now() + 3_600_000) * 1000)
    # Expired by Redis's clock, so that it is not written again.
    seq = store.perform(Revoke(Target.key("k1"), START - 100 * MINUTE, HORIZON)).seq
    with server.client() as client:
        client.flushall()
    assert store.perform(ReadLog(0)) == ()
    assert other.perform(Revoke(Target.key("k2"), START, HORIZON)).seq > seq
    other.close()


def test_a_change_that_was_under_way_is_not_finished_twice(server, database) -> None:
    store, home = store_over(server.url, database)
    with server.client() as client:
        client.flushall()
    store.perform(AddAccount(account(), "hash"))
    begin(store, "one")
    home.before = (SetDisabled, server.snapshot)
    store.perform(SetDisabled(WHO, True, START, HORIZON))
    store.perform(SetDisabled(WHO, False, START))
    restart_from(server)
    assert living(store, "one") == set()
    with server.client() as client:
        assert client.keys("{limen}:m*") == [b"{limen}:marker"]
    store.close()


def test_an_entry_that_expired_is_not_written_again(server, store) -> None:
    long_ago = START - 100 * MINUTE
    begin(store, "one", created_at=long_ago, used_at=long_ago)
    server.snapshot()
    store.perform(Revoke(Target.session("ses_one"), long_ago, HORIZON))
    restart_from(server)
    assert living(store, "one") == set()
    assert store.perform(ReadLog(0)) == ()


def test_more_than_one_step_can_carry_is_ended_again(server, store) -> None:
    names = [f"n{n}" for n in range(1_100)]
    for name in names:
        begin(store, name, f"usr_{name}")
    begin(store, "later", created_at=START + MINUTE)
    server.snapshot()
    # One by one, which fills three pages, and by one entry, which takes three steps.
    for name in names[:520]:
        store.perform(Revoke(Target.session(f"ses_{name}"), START))
    restart_from(server)
    left = [store.perform(FindSession(id=f"ses_{name}")) is not None for name in names]
    assert left == [False] * 520 + [True] * 580
    server.snapshot()
    assert store.perform(Revoke(Target.everybody(), START, HORIZON)).sessions == 581
    restart_from(server)
    assert not any(store.perform(FindSession(id=f"ses_{name}")) for name in names)
