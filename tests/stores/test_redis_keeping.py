"""What Redis and the home of the accounts keep, and what they let go."""

from dataclasses import replace

import pytest
from redises import START, WHO, begin, crash, living, restart_from, store_over

from limen.effects import (
    CountCredentials,
    FindRefresh,
    FindSession,
    KeepRevocations,
    ListKept,
    ListSessions,
    OpenSession,
    Purge,
    ReadLog,
    Revoke,
    RotateRefresh,
)
from limen.errors import StoreUnavailable
from limen.family import Rotated
from limen.revocation import Target
from limen.session import Held, Opened
from limen.testing.store_cases.case import HORIZON, MINUTE, digest, session


def test_a_home_that_cannot_say_what_was_revoked_keeps_redis_closed(server, database) -> None:
    store, home = store_over(server.url, database)
    with server.client() as client:
        client.flushall()
    for effect in (FindSession(id="ses_one"), ReadLog(0), Revoke(Target.everybody(), START)):
        home.before = (ListKept, crash)
        with pytest.raises(StoreUnavailable, match="home was lost"):
            store.perform(effect)
    assert store.perform(FindSession(id="ses_one")) is None
    store.close()


@pytest.mark.parametrize("how", ["session", "user", "everybody", "replay"])
def test_nothing_ends_that_could_not_be_kept(server, database, how) -> None:
    store, home = store_over(server.url, database)
    with server.client() as client:
        client.flushall()
    begin(store, "one")
    rotated = RotateRefresh(digest("fresh one"), digest("next"), b"s", START, 0)
    store.perform(rotated)
    effect = {
        "session": Revoke(Target.session("ses_one"), START, HORIZON),
        "user": Revoke(Target.user(WHO), START, HORIZON),
        "everybody": Revoke(Target.everybody(), START, HORIZON),
        "replay": replace(rotated, now=START + 1, horizon=HORIZON),
    }[how]
    home.before = (KeepRevocations, crash)
    with pytest.raises(StoreUnavailable, match="home was lost"):
        store.perform(effect)
    assert store.perform(ReadLog(0)) == ()
    assert store.perform(FindSession(id="ses_one")) is not None
    store.perform(effect)
    assert store.perform(FindSession(id="ses_one")) is None
    store.close()


def test_a_sign_in_while_a_revocation_is_kept_is_kept_as_well(server, database) -> None:
    """It came between the question what would end and the end."""
    store, home = store_over(server.url, database)
    other, _ = store_over(server.url, database)
    with server.client() as client:
        client.flushall()
    begin(store, "one")

    def sign_in() -> None:
        begin(other, "late", created_at=START + 50, used_at=START + 50)
        server.snapshot()

    home.before = (KeepRevocations, sign_in)
    assert store.perform(Revoke(Target.user(WHO), START, HORIZON)).sessions == 2
    (entry,) = store.perform(ReadLog(0))
    assert entry.not_before == START + 51
    restart_from(server)
    assert living(store, "one", "late") == set()
    store.close()
    other.close()


@pytest.mark.parametrize(
    "target", [Target.session("ses_one"), Target.user(WHO, keep="ses_kept")], ids=lambda t: t.kind
)
def test_what_is_kept_by_name_outlives_what_a_clock_that_is_ahead_gave_out(store, target) -> None:
    begin(store, "one", used_at=START + 30_000)
    store.perform(Revoke(target, START, HORIZON))
    (kept,) = store.perform(ListKept(0))
    assert (kept.subject, kept.expires_at) == ("ses_one", START + 30_000 + HORIZON)


def test_what_was_kept_is_forgotten_with_the_last_session(server, store) -> None:
    begin(store, "one")
    store.perform(Revoke(Target.session("ses_one"), START, HORIZON))
    store.perform(Purge(START + 100 * MINUTE - 1))
    assert len(store.perform(ListKept(0))) == 1
    store.perform(Purge(START + 100 * MINUTE))
    assert store.perform(ListKept(0)) == ()


def test_a_credential_dies_with_its_session_and_not_with_its_name(server, store) -> None:
    """Its own key lives on until it expires: to end a session is one step, however old it is."""
    begin(store, "one")
    store.perform(Revoke(Target.session("ses_one"), START))
    namesake = session("one", WHO, created_at=START, used_at=START, expires_at=START + HORIZON)
    assert isinstance(store.perform(OpenSession(namesake, None)), Opened)
    assert store.perform(FindSession(id="ses_one")) is not None
    assert store.perform(FindSession(digest=digest("ref one"))) is None
    assert store.perform(FindRefresh(digest("fresh one"), START, MINUTE)) is None


def test_nothing_leads_to_a_token_that_nobody_can_be_given_again(server, store) -> None:
    begin(store, "one")
    for token, successor in (("fresh one", "b"), ("b", "c")):
        rotation = RotateRefresh(digest(token), digest(successor), b"sealed", START, MINUTE)
        assert isinstance(store.perform(rotation), Rotated)
    with server.client() as client:
        sealed = [client.hexists(key, "sealed") for key in client.keys("{limen}:c:*")]
    assert sealed.count(True) == 1


def test_many_sessions_are_counted_page_by_page(server, store) -> None:
    for n in range(1_100):
        begin(store, f"n{n}", f"usr_{n}", created_at=START + n // 10)
    held = store.perform(CountCredentials(START, START - 1, START - 1))
    assert [(one.kind, one.live, one.recent) for one in held] == [
        (kind, 1_100, 1_100) for kind in (Held.REFERENCE, Held.REFRESH, Held.SESSION)
    ]


def test_the_sessions_of_an_era_that_is_over_are_gone_for_good(server, store) -> None:
    begin(store, "one")
    store.perform(Revoke(Target.everybody(), START, HORIZON))
    begin(store, "two")
    assert [one.id for one in store.perform(ListSessions(WHO, START))] == ["ses_two"]
    begin(store, "one", created_at=START + 2)  # its name and its credentials are free again
    assert living(store, "one", "two") == {"one", "two"}
    with server.client() as client:
        # What is left of the old era goes by itself.
        assert all(client.pttl(key) > 0 for key in client.keys("{limen}:[suc]:*"))
