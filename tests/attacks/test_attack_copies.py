"""Somebody has a copy of the whole store, or puts an old one back."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator

import pytest
from backups import dump, restored
from cells import Attacks, Cell
from parties import Client, Copy, by_cookie, by_header

from limen.revocation import Target

attacks = Attacks()
MONTH = 30 * 86_400_000
_numbers = itertools.count()


def forms(value: str | bytes) -> Iterator[str]:
    """Give every text that a value of the store could stand for as a credential."""
    if isinstance(value, bytes):
        plain = base64.urlsafe_b64encode(value).decode().rstrip("=")
        yield value.hex()
        yield from (plain, f"lms_{plain}", f"lmr_{plain}")
        value = value.decode("latin-1")
    if value.isascii() and value.isprintable() and value.strip():
        yield value
        yield from (f"lms_{value}", f"lmr_{value}")


@attacks.row(13)
def everything_that_the_store_holds(cell: Cell) -> None:
    before = dump(cell.world.options)
    victim = cell.victim()
    first = victim.copy()
    victim.tell("/refresh")
    victim.tell("/request-password-reset", {"email": victim.email})
    link = cell.world.letters.link(victim.email, "reset-password")
    ticket = link.partition("?")[0].rpartition("/")[2]
    held = victim.copy()
    found = dump(cell.world.options)
    secrets = {first.access, held.access, first.refresh, held.refresh, ticket, victim.password}
    everything = b"\n".join(one if isinstance(one, bytes) else one.encode() for one in found)
    for secret in secrets - {None}:
        # Nor without the prefix that says of which kind it is.
        assert secret.removeprefix("lms_").removeprefix("lmr_").encode() not in everything
    candidates = {form for value in found - before for form in forms(value)}
    assert len(candidates) > 20
    for text in candidates:
        assert by_header(cell.near, cell.watch, text).status == 401
        if text.startswith("lmr_"):
            body = {"refreshToken": text}
            assert cell.client(node=cell.far).tell("/refresh", body).status_code == 401
        elif not text.startswith("lms_"):
            reset = {"newPassword": "taken over by a thief", "token": text}
            assert cell.client().tell("/reset-password", reset).status_code == 400
    assert victim.status == 200


@attacks.row(14)
def a_backup_that_is_put_back(cell: Cell) -> None:
    # Whoever ends everybody ends sessions too that a clock ahead has left to come (A76), and
    # would then wait for that moment: this is about old ones.
    cell.clock.advance(MONTH)
    victim = cell.victim()
    copy = cell.program(victim)[1]
    backup = restored(cell.world.options, cell.world.home, next(_numbers))
    victim.tell("/revoke-sessions")
    cell.assert_no_renewal(copy)
    node = cell.node(**backup)
    # It knows nothing of what came after it, which is why the runbook ends with the next line.
    assert by_header(node, cell.watch, copy.access).status == 200
    node.run(node.auth.revoke(Target.everybody()))
    renewing = {"refreshToken": copy.refresh or copy.access}
    assert Client(node, cell.watch).tell("/refresh", renewing).status_code == 401
    cell.clock.advance(node.bound)
    cell.assert_refused(copy, node)
    again = Client(node, cell.watch)
    account = {"email": victim.email, "password": victim.password}
    assert again.tell("/sign-in/email", account).status_code == 200
    assert again.status == 200
    assert by_cookie(node, cell.watch, Copy(copy.access)).status == 401


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
