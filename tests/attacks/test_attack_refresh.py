"""What renews a sign-in is copied, repeated, altered or taken for something else."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from arena import Node
from cells import Attacks, Cell
from inspection import API
from parties import REFRESH, Client, Copy, by_cookie, by_header

attacks = Attacks()

MANY = 100


def claims_of(token: str) -> dict[str, Any]:
    """Read a token as anybody can."""
    body = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return read


def refreshed(cell: Cell, node: Node, copy: Copy) -> Copy | None:
    """Trade a copied refresh token as a program does; `None` if it is refused."""
    answer = Client(node, cell.watch).tell("/refresh", {"refreshToken": copy.refresh})
    if answer.status_code == 401:
        return None
    held = answer.json()
    return Copy(held["token"], held["refreshToken"])


def at_once(cell: Cell, nodes: list[Node], copy: Copy) -> list[Copy | None]:
    """Trade one refresh token from many places at the same time."""
    clients = [Client(node, cell.watch) for node in nodes]
    path, body = f"{API}/refresh", {"refreshToken": copy.refresh}

    async def everybody() -> list[Any]:
        return await asyncio.gather(*(one.http.post(path, json=body) for one in clients))

    answers = cell.near.run(everybody())
    for answer in answers:
        cell.watch.judge(answer)
    assert {answer.status_code for answer in answers} <= {200, 401}
    bodies = [answer.json() if answer.status_code == 200 else None for answer in answers]
    return [body and Copy(body["token"], body["refreshToken"]) for body in bodies]


def grace_of(cell: Cell) -> int:
    """Return the grace of a refresh, in milliseconds."""
    return round(cell.near.auth.settings.grace * 1_000)


@attacks.row(39)
def a_used_refresh_token_after_the_grace(cell: Cell) -> None:
    victim = cell.victim()
    other = victim.other_device()
    stolen = victim.copy()
    assert victim.tell("/refresh").status_code == 200
    cell.clock.advance(grace_of(cell))
    assert victim.tell("/refresh").status_code == 200
    # The family ends, with everything that came of it: nobody knows who the thief is.
    with cell.ends(victim.copy()):
        assert refreshed(cell, cell.near, stolen) is None
        assert victim.tell("/refresh").status_code == 401
    assert other.tell("/refresh").status_code == 200


@attacks.row(40)
def two_tabs_at_once(cell: Cell) -> None:
    victim = cell.victim()
    first, second = at_once(cell, [cell.near, cell.far], victim.copy())
    assert first is not None
    assert second is not None
    assert first.refresh == second.refresh
    third, fourth = at_once(cell, [cell.far, cell.near], first)
    assert third is not None
    assert fourth is not None
    assert third.refresh == fourth.refresh != first.refresh
    cell.assert_accepted(third)
    assert len(cell.near.run(cell.near.auth.sessions(victim.subject))) == 1


@attacks.row(41)
def a_refresh_whose_answer_was_lost(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    lost = refreshed(cell, cell.near, held)
    cell.clock.advance(grace_of(cell) - 1)
    again = refreshed(cell, cell.far, held)
    assert lost is not None
    assert again is not None
    assert again.refresh == lost.refresh
    cell.clock.advance(1)
    assert refreshed(cell, cell.near, held) is None
    assert refreshed(cell, cell.near, again) is None
    assert victim.sign_in().status_code == 200


@attacks.row(42)
def a_thief_within_the_grace(cell: Cell) -> None:
    victim = cell.victim()
    stolen = victim.copy()
    assert victim.tell("/refresh").status_code == 200
    own = victim.copy()
    theirs = refreshed(cell, cell.far, stolen)
    # By design: within the grace nobody can tell a thief from a second tab. There is no branch.
    assert theirs is not None
    assert theirs.refresh == own.refresh
    cell.clock.advance(grace_of(cell))
    assert refreshed(cell, cell.far, theirs) is not None
    cell.clock.advance(grace_of(cell))
    # The first of the two to come late ends it for both.
    assert victim.tell("/refresh").status_code == 401
    cell.assert_no_renewal(theirs)
    cell.clock.advance(cell.near.bound)
    cell.assert_refused(theirs)


@attacks.row(43)
def a_refresh_that_asks_for_more(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    before = claims_of(held.access)
    more = {
        "scope": "admin *",
        "audience": "https://other.example",
        "resource": "https://other.example",
        "roles": ["admin"],
        "sub": "usr_other",
        "grant_type": "client_credentials",
        "expiresIn": 10**9,
    }
    answer = cell.client().tell("/refresh?scope=admin", {"refreshToken": held.refresh, **more})
    assert answer.status_code == 200  # what a body has no place for is dropped
    after = claims_of(answer.json()["token"])
    same = ("iss", "aud", "sub", "sid", "roles", "scope", "auth_time")
    assert {name: after.get(name) for name in same} == {name: before.get(name) for name in same}
    assert after["exp"] - after["iat"] <= before["exp"] - before["iat"]
    assert by_header(cell.far, cell.watch, answer.json()["token"]).get("/admin").status_code == 403


@attacks.row(44)
def a_refresh_token_altered_to_hit_others(cell: Cell) -> None:
    victim, attacker = cell.victim(), cell.victim()
    mine, sessions = attacker.copy().refresh, (victim.session_id, attacker.session_id)
    assert mine is not None
    for session in sessions:
        for forged in (
            f"lmr_{session.removeprefix('ses_')}{mine[4:]}"[: len(mine)],
            f"{mine[: len(mine) // 2]}{session}"[: len(mine)].ljust(len(mine), "A"),
            f"{session}.{mine}",
            session,
        ):
            answer = cell.client().tell("/refresh", {"refreshToken": forged})
            assert answer.status_code == 401
            assert cell.client().tell("/sign-out", {"refreshToken": forged}).status_code == 200
    # It names no family, so there is nothing in it that could be another's.
    for person in (victim, attacker):
        assert person.tell("/refresh").status_code == 200


@attacks.row(45)
def a_hundred_at_once_without_a_grace(cell: Cell) -> None:
    nodes = [cell.node(grace=0), cell.node(grace=0)]
    victim = cell.victim(nodes[0])
    other = victim.other_device()
    outcomes = at_once(cell, nodes * (MANY // 2), victim.copy())
    won = [one for one in outcomes if one is not None]
    assert len(won) == 1
    assert Counter(outcomes)[None] == MANY - 1
    # Without a grace a repeat is a replay, so the family ends; but only this one.
    cell.assert_no_renewal(won[0])
    assert other.tell("/refresh").status_code == 200


@attacks.without(39)
@attacks.without(40)
@attacks.without(41)
@attacks.without(42)
@attacks.without(43)
@attacks.without(44)
@attacks.without(45)
def a_session_has_no_refresh_token(cell: Cell) -> None:
    victim = cell.victim()
    assert victim.jar.get(REFRESH) is None
    program, held = cell.program(victim)
    assert held.refresh is None
    # Renewing moves the end of the session and gives the same id; there is nothing to fork.
    answers = [program.tell("/refresh") for _ in range(2)]
    assert [answer.json()["token"] for answer in answers] == [held.access] * 2
    assert "refreshToken" not in answers[0].json()
    assert cell.client().tell("/refresh", {"refreshToken": "lmr_" + "A" * 43}).status_code == 401
    assert program.status == 200


@attacks.row(46)
def one_credential_in_the_place_of_another(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    victim.tell("/send-verification-email", {"email": victim.email})
    victim.tell("/request-password-reset", {"email": victim.email})
    letters = cell.world.letters
    verify = urlsplit(letters.link(victim.email, "verify-email"))
    reset = urlsplit(letters.link(victim.email, "reset-password"))
    tickets = [parse_qs(verify.query)["token"][0], reset.path.rpartition("/")[2]]
    names = [victim.session_id, victim.subject]
    service = victim.ask("/token").json()["token"]
    cell.watch.keep(*tickets, service)
    # -- what opens nothing on a request
    for text in (*tickets, *names, *([held.refresh] if held.refresh else [])):
        assert by_header(cell.near, cell.watch, text).status == 401
        assert by_cookie(cell.far, cell.watch, Copy(text)).status == 401
    if not cell.is_signed:  # a token for other services opens no session here
        assert by_header(cell.near, cell.watch, service).status == 401
    # -- what renews nothing
    renewing = [*tickets, *names, service, *([held.access] if cell.is_signed else [])]
    for text in renewing:
        body = {"refreshToken": text}
        assert cell.client().tell("/refresh", body).status_code == 401
        lines = f"{REFRESH}={text}"
        assert cell.client(("Cookie", lines), ("Origin", "https://app.example")).status == 401
    # -- what is no link, and a link that is for something else
    for text in (held.access, held.refresh or "lmr_" + "A" * 43, service, tickets[0]):
        body = {"newPassword": "taken over by a thief", "token": text}
        assert cell.client().tell("/reset-password", body).status_code == 400
    for text in (held.access, service, tickets[1]):
        assert cell.client().ask(f"/verify-email?token={text}").status_code == 401
    assert victim.status == 200


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
