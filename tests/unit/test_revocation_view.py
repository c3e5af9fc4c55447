"""One process's view of the log: what it refuses, and what it may forget."""

import sys
import threading

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from limen.effects import AskFeed, ReadLog, Revoke
from limen.errors import StoreUnavailable
from limen.feeds import BlockingFollowingFeed, coverage
from limen.feeds.lease import PURGE_EVERY
from limen.revocation import SPAN, Coverage, Kind, Revocation, RevocationView, Target
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock

NOW, LATER = 1_000, 2_000


def view(*entries):
    made = RevocationView()
    made.apply(
        Revocation(seq, kind, subject, not_before, expires_at)
        for seq, (kind, subject, not_before, expires_at) in enumerate(entries, 1)
    )
    return made


@pytest.mark.parametrize(
    ("entry", "covered", "clear"),
    [
        ((Kind.SESSION, "s", NOW, LATER), ("s", "u", "k", 10**9), ("t", "s", "s", 0)),
        ((Kind.USER, "u", NOW, LATER), ("s", "u", "k", NOW - 1), ("s", "u", "k", NOW)),
        ((Kind.USER, "u", NOW, LATER), ("s", "u", None, 0), ("u", "v", "u", 0)),
        ((Kind.KEY, "k", NOW, LATER), ("s", "u", "k", 10**9), ("k", "k", "l", 0)),
        ((Kind.ALL, "", NOW, LATER), ("s", "u", None, NOW - 1), ("s", "u", None, NOW)),
    ],
)
def test_an_entry_refuses_what_it_names_and_nothing_else(entry, covered, clear):
    assert view(entry).covers(*covered)
    assert not view(entry).covers(*clear)


def test_a_reference_without_a_key_is_not_covered_by_an_empty_view():
    assert not RevocationView().covers("", "", None, 0)


def test_the_latest_moment_counts_in_whatever_order_entries_come():
    both = view((Kind.USER, "u", 500, LATER), (Kind.USER, "u", 100, LATER))
    assert both.covers("s", "u", None, 499)
    assert not both.covers("s", "u", None, 500)


def test_an_entry_that_is_held_already_changes_nothing():
    one = view((Kind.SESSION, "s", NOW, LATER))
    one.apply([Revocation(1, Kind.SESSION, "t", NOW, LATER)])
    assert (one.seq, len(one)) == (1, 1)
    assert not one.covers("t", "u", None, 0)


def test_purging_forgets_what_has_expired_and_keeps_the_rest():
    made = view(
        (Kind.SESSION, "old", NOW, 1 * SPAN),
        (Kind.SESSION, "new", NOW, 1 * SPAN + 1),
        (Kind.SESSION, "again", NOW, 1 * SPAN),
        (Kind.SESSION, "again", NOW, 2 * SPAN),
        (Kind.USER, "u", 900, 1 * SPAN),
        (Kind.USER, "v", 900, 1 * SPAN),
        (Kind.USER, "v", 400, 2 * SPAN),
        (Kind.USER, "w", 400, 2 * SPAN),
        (Kind.USER, "w", 900, 1 * SPAN),
        (Kind.KEY, "k", NOW, 1 * SPAN),
        (Kind.ALL, "", 300, 1 * SPAN),
    )
    made.purge(1 * SPAN)
    assert len(made) == 4
    assert not made.covers("old", "u", "k", 0)
    assert made.covers("new", "x", None, 10**9)
    assert made.covers("again", "x", None, 10**9)
    assert made.covers("s", "v", None, 899)
    assert made.covers("s", "w", None, 899)
    assert made.seq == 11
    made.purge(2 * SPAN)
    assert len(made) == 0
    assert not made._users.buckets  # and a check is as quick as before


entries = st.tuples(
    st.sampled_from([Kind.SESSION, Kind.USER, Kind.KEY, Kind.ALL]),
    st.sampled_from(["a", "b"]),
    st.integers(0, 50),
    st.integers(0, 5 * SPAN),
)


@given(
    log=st.lists(entries, max_size=12),
    purges=st.lists(st.integers(0, 6 * SPAN), max_size=3).map(sorted),
    asked=st.tuples(
        st.sampled_from(["a", "b", "c"]), st.sampled_from(["a", "b", "c"]), st.integers(0, 50)
    ),
)
@example(
    log=[(Kind.KEY, "a", 0, 2 * SPAN), (Kind.KEY, "a", 0, SPAN)],
    purges=[SPAN],
    asked=("a", "a", 0),
)
def test_purging_never_forgets_a_live_entry_and_in_the_end_all_others(log, purges, asked):
    purged = view(*log)
    for now in purges:
        purged.purge(now)
    name, subject, issued_at = asked
    question = (name, subject, name, issued_at)
    live = view(*[entry for entry in log if entry[3] > (purges or [-1])[-1]])
    if live.covers(*question):
        assert purged.covers(*question)
    if purged.covers(*question):
        assert view(*log).covers(*question)
    purged.purge(6 * SPAN)
    assert len(purged) == 0


@pytest.fixture
def one_bucket(monkeypatch):
    """Make the records of all users lie side by side."""
    monkeypatch.setattr("limen.revocation._BUCKET_BITS", 0)


class NaiveView:
    """What a view has to say, in the plainest way."""

    def __init__(self):
        self.generation, self.seq, self.forgotten = 0, 0, 0
        self.held, self.last = {}, {}  # by kind and subject; the last number by end

    def apply(self, entry):
        if entry.seq <= self.seq:
            return
        self.seq, end = entry.seq, -(-entry.expires_at // SPAN) * SPAN
        not_before, _, ends_at = self.held.get((entry.kind, entry.subject), (0, 0, 0))
        self.held[entry.kind, entry.subject] = (
            max(not_before, entry.not_before),
            entry.seq,
            max(ends_at, end),
        )
        self.last[end] = entry.seq

    def rewind(self):
        self.generation, self.seq, self.forgotten = self.generation + 1, 0, 0

    def purge(self, now):
        self.held = {name: sweep for name, sweep in self.held.items() if sweep[2] > now}
        self.forgotten = max(
            [self.forgotten, *(seq for end, seq in self.last.items() if end <= now)]
        )
        self.last = {end: seq for end, seq in self.last.items() if end > now}

    def sweeps(self, subject):
        return [self.held.get(of, (0, 0)) for of in ((Kind.USER, subject), (Kind.ALL, 0))]

    def covers(self, session, subject, issued_at):
        return (Kind.SESSION, session) in self.held or any(
            issued_at < not_before for not_before, *_ in self.sweeps(subject)
        )

    def moved_since(self, position, session, subject):
        return (
            position.generation != self.generation
            or position.seq < self.forgotten
            or (Kind.SESSION, session) in self.held
            or any(position.seq < seq for _, seq, *_ in self.sweeps(subject))
        )


# The hash of a small integer is itself: with these as subjects, the bytes of the moments, numbers
# and ends of some users read like the names of others.
NAMES = [0, 1, 1 << 8, SPAN]
ENDS = [end * SPAN for end in range(4)]
steps = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([Kind.USER, Kind.USER, Kind.SESSION, Kind.ALL]),
            st.sampled_from(NAMES),
            st.sampled_from(NAMES),
            st.sampled_from(ENDS),
        ),
        st.sampled_from(ENDS),  # a moment at which is purged
        st.none(),  # the log is read anew
    ),
    max_size=20,
)


@given(steps=steps)
@example(steps=[(Kind.USER, 1, SPAN, ENDS[1]), (Kind.USER, SPAN, 1, ENDS[2]), ENDS[1]])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_view_says_what_the_plainest_one_says(one_bucket, steps):
    made, naive, positions = RevocationView(), NaiveView(), [RevocationView().position]
    for step in steps:
        if step is None:
            made.rewind()
            naive.rewind()
        elif isinstance(step, int):
            made.purge(step)
            naive.purge(step)
        else:
            kind, subject, not_before, expires_at = step
            named = 0 if kind is Kind.ALL else subject
            entry = Revocation(made.seq + 1, kind, named, not_before, expires_at)
            made.apply([entry])
            naive.apply(entry)
        positions.append(made.position)
        assert len(made) == len(naive.held)
        for name in NAMES:
            for moment in NAMES:
                assert made.covers(0, name, None, moment) == naive.covers(0, name, moment)
                assert made.covers(name, 1, None, moment) == naive.covers(name, 1, moment)
            for position in positions:
                for asked in ((0, name), (name, 1)):
                    assert made.moved_since(position, *asked) == naive.moved_since(position, *asked)


@pytest.mark.proves("attack:82")
@pytest.mark.parametrize(
    ("entry", "moved"),
    [
        ((Kind.SESSION, "s", 0, LATER), True),
        ((Kind.SESSION, "t", 0, LATER), False),
        ((Kind.USER, "u", 0, LATER), True),
        ((Kind.USER, "v", 10**9, LATER), False),
        ((Kind.ALL, "", 0, LATER), True),
        ((Kind.KEY, "k", 0, LATER), False),
    ],
)
def test_what_was_read_before_an_entry_about_it_may_have_moved(entry, moved):
    made = view((Kind.USER, "u", 0, LATER), (Kind.ALL, "", 0, LATER))
    before = made.position
    assert not made.moved_since(before, "s", "u")
    made.apply([Revocation(3, *entry)])
    assert made.moved_since(before, "s", "u") is moved
    assert made.moved_since(made.position, "s", "u") is (entry[:2] == (Kind.SESSION, "s"))


def test_a_log_that_is_read_anew_makes_everything_that_was_read_before_uncertain():
    made = view((Kind.USER, "v", 0, LATER))
    before = made.position
    made.rewind()
    assert made.seq == 0
    assert made.moved_since(before, "s", "u")
    made.apply([Revocation(1, Kind.USER, "u", 500, LATER)])
    assert made.moved_since(before, "s", "u")
    assert made.covers("s", "u", None, 499)


@pytest.mark.proves("asvs:15.4.1")
def test_no_thread_sees_a_gap_while_a_view_is_purged():
    """A revoked credential must stay refused while old entries are thrown out."""
    live = [(Kind.SESSION, f"live {number}", NOW, 10**9) for number in range(2_000)]
    made = view(*live, (Kind.SESSION, "revoked", NOW, 10**9))
    gaps, stop, patience = [], threading.Event(), sys.getswitchinterval()

    def ask():
        while not stop.is_set():
            if not made.covers("revoked", "u", None, 0):
                gaps.append(made.seq)

    asking = threading.Thread(target=ask)
    sys.setswitchinterval(1e-5)
    asking.start()
    for round_ in range(1, 101):
        made.apply([Revocation(made.seq + 1, Kind.SESSION, "short", NOW, round_ * SPAN)])
        made.purge(round_ * SPAN)
    stop.set()
    asking.join()
    sys.setswitchinterval(patience)
    assert gaps == []


def test_a_reader_misses_no_user_wherever_a_writer_is_interrupted(one_bucket):
    """Ask before each instruction of the writer, where another thread might."""
    made = view((Kind.USER, "before", NOW, 10**9), (Kind.USER, "swept", NOW, 10**9))
    gaps, asked = [], 0

    def ask(frame, *_):
        nonlocal asked
        frame.f_trace_opcodes = True
        asked += 1
        if not made.covers("s", "swept", None, NOW - 1):
            gaps.append((frame.f_code.co_name, frame.f_lineno))
        return ask

    traced = sys.gettrace()
    sys.settrace(ask)
    try:
        for round_ in range(1, 11):
            for subject, expires_at in (
                (f"short {round_}", round_ * SPAN),
                ("swept", 10**9),
                (f"long {round_}", 10**9),
            ):
                made.apply([Revocation(made.seq + 1, Kind.USER, subject, NOW, expires_at)])
            made.purge(round_ * SPAN)
    finally:
        sys.settrace(traced)
    assert gaps == []
    assert len(made) == 12
    assert asked > 1_000


class CutStore(BlockingMemoryStore):
    """A store whose log cannot be read while it is cut off."""

    cut = False

    def perform(self, effect):
        if self.cut and isinstance(effect, ReadLog):
            raise StoreUnavailable("cut off")
        return super().perform(effect)


QUESTION = AskFeed("s", "usr_ada", None, 0)


def feed_over(store):
    clock = FrozenClock()
    return BlockingFollowingFeed(store, clock, max_lag=2_000, interval=100), clock


def test_a_feed_that_heard_nothing_for_its_lag_says_so():
    store = CutStore()
    feed, clock = feed_over(store)
    assert coverage(feed, QUESTION) is Coverage.CLEAR
    store.cut = True
    clock.advance(1_999)
    assert coverage(feed, QUESTION) is Coverage.CLEAR
    clock.advance(1)
    assert coverage(feed, QUESTION) is Coverage.STALE
    store.cut = False
    clock.advance(100)
    assert coverage(feed, QUESTION) is Coverage.CLEAR


def test_a_feed_that_never_heard_anything_is_stale():
    store = CutStore()
    store.cut = True
    feed, _ = feed_over(store)
    assert coverage(feed, QUESTION) is Coverage.STALE


def test_a_known_revocation_stays_known_however_old_the_view():
    store = CutStore()
    feed, clock = feed_over(store)
    store.perform(Revoke(Target.user("usr_ada"), clock.now(), 10**9))
    assert coverage(feed, QUESTION) is Coverage.COVERED
    store.cut = True
    clock.advance(10**6)
    assert coverage(feed, QUESTION) is Coverage.COVERED


def test_a_feed_forgets_what_no_longer_refuses_anything():
    store = BlockingMemoryStore()
    feed, clock = feed_over(store)
    store.perform(Revoke(Target.user("usr_ada"), clock.now(), 1_000))
    assert coverage(feed, QUESTION) is Coverage.COVERED
    clock.advance(PURGE_EVERY)
    coverage(feed, QUESTION)
    assert coverage(feed, QUESTION) is Coverage.CLEAR


def test_a_long_log_is_read_to_its_end(monkeypatch):
    monkeypatch.setattr("limen.feeds.lease.PAGE", 3)
    store = BlockingMemoryStore()
    feed, clock = feed_over(store)
    for number in range(10):
        store.perform(Revoke(Target.user(f"usr_{number}"), clock.now(), 10**6))
    for number in range(10):
        assert coverage(feed, AskFeed("s", f"usr_{number}", None, 0)) is Coverage.COVERED
