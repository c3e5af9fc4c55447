"""`limen keys`."""

from __future__ import annotations

import pytest
from terminal import Terminal


def states(terminal: Terminal) -> dict[str, str]:
    """Return the id of the key in each state."""
    return {key["state"]: key["id"] for key in terminal.json("keys", "list")["keys"]}


@pytest.mark.proves("asvs:11.1.2")
def test_the_list_shows_states_and_no_private_part(ready: Terminal) -> None:
    for record in ready.json("keys", "list")["keys"]:
        assert record.keys() == {"id", "algorithm", "state", "created_at", "moved_at"}
    shown = ready.ok("keys", "list")
    for state, key_id in states(ready).items():
        assert any(key_id in line and state in line for line in shown.splitlines())


@pytest.mark.proves("asvs:13.3.4")
def test_a_rotation_waits_until_verifiers_know_the_next_key(ready: Terminal) -> None:
    before = states(ready)
    done = ready.run("keys", "rotate")
    assert done.returncode == 1
    assert "--at-once" in done.stderr
    assert states(ready) == before


def test_a_rotation_at_once_lets_the_next_key_sign(ready: Terminal) -> None:
    before = states(ready)
    assert ready.ok("keys", "rotate", "--at-once") == f"{before['next']} signs from now on.\n"
    after = states(ready)
    assert after["signing"] == before["next"]
    assert after["verifying"] == before["signing"]
    assert after["next"] not in before.values()
    assert ready.json("keys", "rotate", "--at-once") == {"signing": after["next"]}


def test_a_retired_key_is_replaced_and_can_be_removed(ready: Terminal) -> None:
    before = states(ready)
    refused = ready.run("keys", "remove", "--", before["signing"])
    assert refused.returncode == 1
    assert "Retire it first." in refused.stderr
    said = ready.ok("keys", "retire", "--", before["signing"])
    assert said.startswith(f"Retired {before['signing']}: ")
    assert "no copy works after" in said
    after = states(ready)
    assert after["retired"] == before["signing"]
    assert after["signing"] == before["next"]
    assert ready.ok("keys", "remove", "--", before["signing"]) == f"Removed {before['signing']}.\n"
    assert before["signing"] not in states(ready).values()


def test_an_unknown_key_exits_with_1_even_if_it_begins_with_a_dash(ready: Terminal) -> None:
    for words in (("retire", "--", "-unknown"), ("remove", "--", "-unknown")):
        done = ready.run("keys", *words)
        assert done.returncode == 1
        assert "here is no key '-unknown'" in done.stderr
