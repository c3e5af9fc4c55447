"""A key changes, goes missing or leaks, or the secret above all keys is a poor one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cells import Attacks, Cell
from limens import SECRET
from parties import by_header

from limen import Limen
from limen.errors import ConfigurationError
from limen.keyring import KeyState
from limen.revocation import Target
from limen.rotation import PUBLISH_FOR

attacks = Attacks()

NEWER = "Zr8-tWq2Lk_51nVbXc7DsEyUoPm49hGaTf"
WEAK = ("", "short", "secret", "a" * 64, "0123456789" * 6, "change-me" * 8, "x" * 31, "\n" * 40)


def key_of(token: str) -> str:
    """Return the id of the key that a token names."""
    name: str = part_of(token, 0)["kid"]
    return name


def part_of(token: str, number: int) -> dict[str, Any]:
    """Return the header of a token (0) or its claims (1)."""
    part = token.split(".")[number]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def rotate(cell: Cell) -> None:
    """Change keys as an operator does: only after the next one was published for long enough."""
    cell.clock.advance(PUBLISH_FOR)
    cell.near.run(cell.near.auth.rotate_keys())


def states(cell: Cell) -> dict[str, KeyState]:
    return {one.id: one.state for one in cell.near.run(cell.near.auth.keys())}


@attacks.row(47)
def a_key_changes_while_requests_go_on(cell: Cell) -> None:
    victim = cell.victim()
    rotate(cell)
    # Nobody can have learnt of a key that was made just now, so it may not sign yet.
    with pytest.raises(ConfigurationError, match="verifiers may keep the older key set"):
        cell.near.run(cell.near.auth.rotate_keys())
    assert victim.tell("/refresh").status_code == 200
    before = victim.copy()
    rotate(cell)
    assert victim.sign_in().status_code == 200
    after = victim.copy()
    assert key_of(after.access) != key_of(before.access)
    # The far process has looked at no key since; it knows the new one from its publication.
    cell.assert_accepted(after)
    published = cell.client(node=cell.far).ask("/jwks").json()["keys"]
    assert key_of(after.access) in {one["kid"] for one in published}
    # What the key of before has signed is good until it expires.
    assert victim.sign_in().status_code == 200
    old = victim.copy()
    cell.near.run(cell.near.auth.rotate_keys(at_once=True))
    cell.assert_accepted(old)


@attacks.row(48)
def a_key_is_taken_away_while_its_tokens_live(cell: Cell) -> None:
    rotate(cell)
    victim = cell.victim()
    held, life = victim.copy(), cell.near.auth.assembly.parts.policy
    key = key_of(held.access)
    cell.near.run(cell.near.auth.rotate_keys(at_once=True))
    last = part_of(held.access, 1)["exp"] * 1_000 - 1  # a token ends with a whole second
    for moment in (cell.clock.now(), last):
        cell.clock.advance(moment - cell.clock.now())
        with pytest.raises(ConfigurationError, match="tokens that it signed may still be in use"):
            cell.near.run(cell.near.auth.remove_key(key))
        cell.near.run(cell.near.auth.purge())
        assert states(cell)[key] is KeyState.VERIFYING
        cell.assert_accepted(held)
    cell.clock.advance(life.leeway + 1_000)
    cell.near.run(cell.near.auth.purge())
    assert states(cell)[key] is KeyState.RETIRED
    cell.near.run(cell.near.auth.remove_key(key))
    assert key not in states(cell)
    # Nobody lost a session by it, and what is handed out now is good everywhere.
    assert victim.tell("/refresh").status_code == 200
    cell.assert_accepted(victim.copy())


@attacks.row(49)
def a_key_that_leaked_is_withdrawn(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    key = key_of(held.access)
    cell.world.listen()
    receipt = cell.near.run(cell.near.auth.revoke(Target.key(key)))
    # The process where it was said refuses at once what the key has signed.
    assert by_header(cell.near, cell.watch, held.access).status == 401
    # Nobody has to sign in again: the refresh token was never signed by it.
    assert victim.tell("/refresh").status_code == 200
    fresh = victim.copy()
    assert key_of(fresh.access) != key
    cell.assert_accepted(fresh)
    # Every other process follows by the moment that was promised.
    assert receipt.effective_at - cell.clock.now() <= cell.near.bound
    cell.clock.advance(receipt.effective_at - cell.clock.now())
    assert by_header(cell.far, cell.watch, held.access).status == 401
    published = cell.client().ask("/jwks").json()["keys"]
    assert key not in {one["kid"] for one in published}


@attacks.without(47)
@attacks.without(48)
@attacks.without(49)
def no_key_signs_a_session_id(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    assert "." not in held.access
    for key, state in states(cell).items():
        if state is not KeyState.RETIRED:
            cell.near.run(cell.near.auth.revoke(Target.key(key)))
    cell.assert_accepted(held)
    assert victim.tell("/refresh").status_code == 200


@attacks.row(50)
def the_older_secret_stands_first(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    try:
        # In the right order nobody notices, and the older secret can be dropped afterwards.
        cell.assert_accepted(held, cell.node(secret=[NEWER, SECRET]))
        newest = cell.node(secret=NEWER)
        cell.assert_accepted(held, newest)
        assert victim.sign_in().status_code == 200
        cell.assert_accepted(victim.copy(), newest)
        # With the first one alone the store cannot be read: it was sealed by the newest.
        with pytest.raises(ConfigurationError, match="secret"):
            cell.node()
    finally:
        cell.node(secret=[SECRET, NEWER])
    # The wrong way round: the first one is what seals, so the other opens nothing.
    with pytest.raises(ConfigurationError, match="secret"):
        cell.node(secret=NEWER)
    cell.assert_accepted(victim.copy(), cell.node())


@attacks.row(56)
def a_weak_secret(cell: Cell) -> None:
    for weak in (*WEAK, ["", NEWER], [NEWER, "secret"], []):
        with pytest.raises(ConfigurationError) as fault:
            Limen(cell.strategy, secret=weak, **cell.world.options)
        assert fault.value.setting == "secret"
        for one in [weak] if isinstance(weak, str) else weak:
            assert len(one) < 8 or one not in str(fault.value)


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
