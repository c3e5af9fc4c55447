"""Time that never runs back, randomness that never repeats."""

import base64
import threading
import time

import pytest

from limen.clock import SystemClock, elapsed_ns
from limen.entropy import SystemEntropy, random_text
from limen.testing import FrozenClock, SeededEntropy, StepClock


@pytest.mark.proves("attack:75")
def test_a_clock_that_steps_back_is_held_at_its_high_water_mark(monkeypatch):
    read = iter([5_000_000_000, 3_000_000_000, 4_999_000_000, 5_001_000_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(read))
    clock = SystemClock()
    assert [clock.now() for _ in range(4)] == [5_000, 5_000, 5_000, 5_001]


def test_the_system_clock_counts_milliseconds_since_the_epoch():
    before = time.time_ns() // 1_000_000
    assert before <= SystemClock().now() <= time.time_ns() // 1_000_000


def test_no_thread_sees_time_run_back():
    clock, wrong = SystemClock(), []

    def watch():
        last = 0
        for _ in range(2_000):
            now = clock.now()
            if now < last:
                wrong.append((last, now))
            last = now

    threads = [threading.Thread(target=watch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_durations_grow():
    first = elapsed_ns()
    assert elapsed_ns() >= first


@pytest.mark.proves("asvs:7.2.3", "asvs:11.5.1", "nist:4")
def test_the_operating_system_gives_different_octets_of_the_wanted_number():
    drawn = [SystemEntropy().octets(32) for _ in range(100)]
    assert {len(one) for one in drawn} == {32}
    assert len(set(drawn)) == 100


@pytest.mark.proves("cookie:10")
@pytest.mark.parametrize(("octets", "characters"), [(32, 43), (16, 22), (1, 2), (3, 4)])
def test_random_text_is_unpadded_base64url_of_all_octets(octets, characters):
    text = random_text(SeededEntropy("a"), octets)
    assert len(text) == characters
    padded = text + "=" * (-len(text) % 4)
    assert base64.urlsafe_b64decode(padded) == SeededEntropy("a").octets(octets)


def test_seeded_entropy_repeats_for_one_seed_and_differs_within_and_between():
    one, same, other = SeededEntropy("a"), SeededEntropy("a"), SeededEntropy("b")
    first = one.octets(100)
    assert first == same.octets(100)
    assert first != other.octets(100)
    assert first != one.octets(100)
    assert len(first) == 100


def test_the_clocks_of_tests_move_as_they_are_told():
    frozen, stepping = FrozenClock(1_000), StepClock(1_000, step=7)
    assert (frozen.now(), frozen.now(), frozen.advance(5), frozen.now()) == (
        1_000,
        1_000,
        1_005,
        1_005,
    )
    assert [stepping.now() for _ in range(3)] == [1_000, 1_007, 1_014]
    assert stepping.advance(100) == 1_121
    with pytest.raises(ValueError, match="backwards"):
        frozen.advance(-1)
