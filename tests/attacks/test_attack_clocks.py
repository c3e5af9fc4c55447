"""Clocks of two machines differ, are turned back, or leap ahead and back."""

from __future__ import annotations

import pytest
from arena import Node
from cells import Attacks, Cell
from parties import Client, Copy, by_header

from limen.claims import DEFAULT_LEEWAY
from limen.revocation import Target
from limen.testing import FrozenClock

attacks = Attacks()

HOUR, DAY = 3_600_000, 86_400_000


def elsewhere(cell: Cell, ahead: int) -> Node:
    """Return a process on a machine whose clock is ahead, or behind."""
    return cell.node(clock=FrozenClock(cell.clock.now() + ahead))


@attacks.row(74)
def clocks_that_differ(cell: Cell) -> None:
    within = DEFAULT_LEEWAY - 1_000
    for ahead in (-within, within):
        node = elsewhere(cell, ahead)
        ours, theirs = cell.victim(), cell.victim(node)
        cell.assert_accepted(ours.copy(), node)
        cell.assert_accepted(theirs.copy(), cell.near)
    node = elsewhere(cell, 2 * DEFAULT_LEEWAY)
    held = cell.victim(node).copy()
    behind = elsewhere(cell, -60_000)
    if cell.is_signed:  # from beyond the leeway it is refused, and believed once it is due
        assert by_header(cell.near, cell.watch, held.access).status == 401
        assert by_header(behind, cell.watch, cell.victim().copy().access).status == 401
    else:  # the clocks are compared with ends alone, which are days away
        cell.assert_accepted(held, cell.near, behind)
    cell.clock.advance(DEFAULT_LEEWAY)
    cell.assert_accepted(held, cell.near)


@attacks.row(75)
def a_clock_that_is_turned_back(cell: Cell) -> None:
    ended, expired, living = cell.victim(), cell.victim(), cell.victim()
    copies = [ended.copy(), expired.copy()]
    subject = ended.subject
    cell.near.run(cell.near.auth.revoke(Target.user(subject)))
    cell.clock.advance(HOUR // 2)
    assert living.tell("/refresh").status_code == 200
    # A process that starts with it. One that runs holds its clock at the latest that it saw.
    node = elsewhere(cell, -HOUR)
    for thief in (by_header(node, cell.watch, one.access) for one in copies):
        if cell.is_signed:  # issued in what is the future there, so nothing comes to life again
            assert thief.status == 401
    cell.assert_refused(copies[0], node)
    renewing = {"refreshToken": copies[0].refresh or copies[0].access}
    assert Client(node, cell.watch).tell("/refresh", renewing).status_code == 401
    assert living.status == 200
    # What is signed there meanwhile is no way to stay after the clock was put right.
    late = cell.victim(node).copy()
    assert (by_header(cell.near, cell.watch, late.access).status == 401) is cell.is_signed


@attacks.row(76)
def a_clock_that_leaps_ahead_and_back(cell: Cell) -> None:
    # By then no entry of the log counts: a feed that misses one that does asks for an operator.
    cell.clock.advance(DAY)
    victim = cell.victim()
    idle = cell.near.auth.assembly.parts.primary.guarantees.idle
    assert idle is not None
    held = victim.copy()
    leapt = elsewhere(cell, DAY)
    leapt.run(leapt.auth.purge())
    assert (by_header(leapt, cell.watch, held.access).status == 401) is cell.is_signed
    cell.assert_accepted(Copy(held.access), cell.near)  # nobody was signed out by a day
    assert victim.tell("/refresh").status_code == 200
    held = victim.copy()
    far_ahead = elsewhere(cell, idle + 2 * DAY)  # what was used a day ahead lasts a day longer
    cell.assert_refused(held, far_ahead)
    newcomer = cell.victim(far_ahead)
    assert newcomer.status == 200
    # By design: what ended there and was deleted stays ended, and its owner signs in again.
    far_ahead.run(far_ahead.auth.purge())
    cell.assert_no_renewal(held)
    assert victim.sign_in().status_code == 200
    cell.assert_accepted(victim.copy())
    assert newcomer.status == 200


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
