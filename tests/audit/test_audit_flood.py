"""What strangers can cause without end is bounded, and counted."""

import pytest
from limens import blocking

from limen import AuditEvent, AuditKind, AuditPolicy, Client, ConfigurationError
from limen.auditing import MOST_COUNTED, NETWORKS, Flood, audited_as
from limen.errors import StoreUnavailable
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock

NOW = 1_800_000_000_000
PER_MINUTE = 3


def refused(address: str = "192.0.2.7", at: int = NOW) -> AuditEvent:
    return AuditEvent(AuditKind.CREDENTIAL_REFUSED, at=at, address=address)


def kept(flood: Flood, *events: AuditEvent) -> list[AuditEvent]:
    admitted = [flood.admitted(event) for event in events]
    return [event for event in admitted if event is not None]


def test_one_address_is_told_so_many_times_a_minute_and_then_counted() -> None:
    clock = FrozenClock()
    with blocking("hybrid", clock=clock, audit=AuditPolicy(per_minute=PER_MINUTE)) as limen:
        for _ in range(50):
            with audited_as(client=Client("192.0.2.7")):
                limen.authenticate("forged")
        assert len(limen.audit(kinds=[AuditKind.CREDENTIAL_REFUSED])) == PER_MINUTE
        clock.advance(60_000)
        with audited_as(client=Client("192.0.2.7")):
            limen.authenticate("forged")
        newest, *others = limen.audit(kinds=[AuditKind.CREDENTIAL_REFUSED])
    assert newest.details == {"left_out": 47}
    assert len(others) == PER_MINUTE
    assert {one.reason for one in others} == {"unrecognised"}


def test_what_an_account_does_is_never_left_out() -> None:
    with blocking("session", audit=AuditPolicy(per_minute=1)) as limen:
        limen.sign_up("ada@example.org", "correct horse battery")
        for _ in range(10):
            limen.sign_in("ada@example.org", "wrong horse")
        assert len(limen.audit(kinds=[AuditKind.SIGN_IN_REFUSED])) == 10


def test_addresses_of_one_network_and_kinds_are_counted_apart() -> None:
    flood = Flood(PER_MINUTE)
    one_customer = [refused(f"2001:db8:0:1::{n:x}") for n in range(20)]
    assert len(kept(flood, *one_customer)) == PER_MINUTE
    assert len(kept(flood, refused("2001:db8:0:2::1"), refused("192.0.2.9"))) == 2
    assert len(kept(flood, AuditEvent(AuditKind.ORIGIN_REFUSED, at=NOW, address="2001:db8:0:1::1")))


def test_all_addresses_together_are_bounded_too() -> None:
    flood = Flood(PER_MINUTE)
    crowd = [refused(f"10.{n >> 16}.{(n >> 8) & 255}.{n & 255}") for n in range(3 * MOST_COUNTED)]
    assert len(kept(flood, *crowd)) == PER_MINUTE * NETWORKS
    assert len(flood._minutes) <= MOST_COUNTED + 1
    later = [refused(one.address, NOW + 60_000) for one in crowd[:10]]
    assert len(kept(flood, *later)) == 10


def test_a_refusal_stands_though_nobody_can_write_it_down(caplog: pytest.LogCaptureFixture) -> None:
    class Gone(BlockingMemoryStore):
        down = False

        def perform(self, effect: object) -> object:
            if self.down:
                raise StoreUnavailable("gone")
            return super().perform(effect)  # type: ignore[arg-type]

    store = Gone()
    with blocking("jwt", store=store) as limen:
        store.down = True
        assert limen.authenticate("forged").reason == "unrecognised"  # type: ignore[union-attr]
        assert '"kind":"credential.refused"' in caplog.text
        with pytest.raises(StoreUnavailable):
            limen.sign_in("ada@example.org", "wrong horse")
        store.down = False


def test_numbers_that_make_no_sense_are_refused() -> None:
    for wrong in ({"retention": 0}, {"per_minute": 0}):
        with pytest.raises(ConfigurationError, match=f"audit_{next(iter(wrong))}"):
            AuditPolicy(**wrong)  # type: ignore[arg-type]
