"""Somebody wants to know who has an account, or what opens it, by asking again and again."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import cycle
from typing import Any

import httpx
import pytest
from arena import Node
from cells import Attacks, Cell
from inspection import API
from parties import Client

from limen import Budget
from limen.effects import VerifyPassword
from limen.letter import EmailPolicy
from limen.operations import ProvenIdentity
from limen.testing import overheard

attacks = Attacks()

FIVE = Budget("sign-in:account", limit=5, window=900_000)
GUESSES = 20
WRONG = "what a stranger guesses"


def people(cell: Cell, node: Node) -> dict[str, str]:
    """Return an address of each kind, as a stranger may try them; with whom they are."""
    victim, disabled, nobody, social = (cell.stranger(node) for _ in range(4))
    victim.sign_up()
    disabled.sign_up()
    node.run(node.auth.disable(disabled.subject))
    proven = ProvenIdentity("hub", "https://hub.example", social.email, social.email, True)
    node.run(node.auth.sign_in_by_identity(proven))
    return {
        "nobody": nobody.email,
        "somebody": victim.email,
        "disabled": disabled.email,
        "without a password": social.email,
    }


def told(answer: httpx.Response) -> tuple[int, str, list[str]]:
    """Return what a stranger can compare."""
    return answer.status_code, answer.text, sorted(answer.headers)


def together(cell: Cell, clients: list[Client], path: str, body: object) -> Counter[int]:
    """Send the same from everywhere at once; return how often each status came back."""

    async def everybody() -> list[Any]:
        return await asyncio.gather(*(one.http.post(API + path, json=body) for one in clients))

    answers = cell.near.run(everybody())
    for answer in answers:
        cell.watch.judge(answer)
    return Counter(answer.status_code for answer in answers)


@attacks.row(67)
def the_work_that_an_answer_takes(cell: Cell) -> None:
    sign_in = cell.near.auth.assembly.operations.sign_in
    work = {}
    for kind, email in people(cell, cell.near).items():
        seen = cell.near.run(cell.near.auth.run(overheard(sign_in(email, WRONG))))
        work[kind] = [type(effect) for effect in seen.effects]
        # What takes the time is hashing, once, whether or not there is anything to compare.
        assert work[kind].count(VerifyPassword) == 1
    assert len({str(one) for one in work.values()}) == 1, work


@attacks.row(68)
def what_an_answer_tells_of_an_account(cell: Cell) -> None:
    emails = people(cell, cell.near)
    for path, body in (
        ("/sign-in/email", {"password": WRONG}),
        ("/request-password-reset", {}),
        ("/send-verification-email", {}),
    ):
        answers = {
            kind: told(cell.client().tell(path, {"email": email, **body}))
            for kind, email in emails.items()
        }
        assert len({str(one) for one in answers.values()}) == 1, answers
    # Where an address has to be verified, opening an account tells nothing either.
    node = cell.node(email=EmailPolicy(required=True))
    opened = []
    for email in (emails["somebody"], f"new-{emails['somebody']}"):
        account = {"name": "Eve", "email": email, "password": "password of a stranger"}
        answer = cell.client(node=node).tell("/sign-up/email", account)
        assert (answer.status_code, answer.json()["token"]) == (200, None)
        assert answer.json()["user"]["email"] == email
        assert answer.json()["user"]["name"] == "Eve"
        opened.append((sorted(answer.json()["user"]), sorted(answer.headers)))
    assert opened[0] == opened[1]


@attacks.row(71)
def guesses_that_outrun_the_count(cell: Cell) -> None:
    nodes = [cell.node(account_budget=FIVE), cell.node(account_budget=FIVE)]
    victim, other = cell.victim(), cell.victim()
    clients = [cell.client(node=node) for node, _ in zip(cycle(nodes), range(GUESSES))]
    body = {"email": victim.email, "password": WRONG}
    assert together(cell, clients, "/sign-in/email", body) == {401: 5, 429: GUESSES - 5}
    # Not even a right guess is evaluated now; another account is not concerned.
    right = {"email": victim.email, "password": victim.password}
    assert cell.client(node=nodes[1]).tell("/sign-in/email", right).status_code == 429
    right = {"email": other.email, "password": other.password}
    assert cell.client(node=nodes[1]).tell("/sign-in/email", right).status_code == 200
    assert victim.status == 200
    cell.clock.advance(FIVE.window)
    assert victim.sign_in().status_code == 200


@attacks.row(72)
def a_mailed_link_is_guessed_and_used_twice(cell: Cell) -> None:
    victim = cell.victim()
    assert victim.tell("/request-password-reset", {"email": victim.email}).status_code == 200
    link = cell.world.letters.link(victim.email, "reset-password")
    token = link.partition("?")[0].rpartition("/")[2]
    cell.watch.keep(token)
    assert len(token) * 6 >= 256  # bits, so that nobody needs to count the guesses
    for guess in (token[:-1], token + "A", token[::-1], token.swapcase(), "A" * len(token)):
        body = {"newPassword": "password of a thief", "token": guess}
        assert cell.client().tell("/reset-password", body).status_code == 400
    clients = [cell.client(node=node) for node in (cell.near, cell.far) * 5]
    body = {"newPassword": "password of the owner", "token": token}
    assert together(cell, clients, "/reset-password", body) == {200: 1, 400: 9}
    assert cell.client().tell("/reset-password", body).status_code == 400
    assert victim.sign_in().status_code == 401
    victim.password = "password of the owner"
    assert victim.sign_in().status_code == 200


@attacks.row(73)
def an_account_that_waits_for_its_owner(cell: Cell) -> None:
    squatter = cell.victim()  # with an address of somebody else, who never saw this account
    laptop = squatter.other_device()
    answer = cell.client().tell("/request-password-reset", {"email": squatter.email})
    assert answer.status_code == 200
    link = cell.world.letters.link(squatter.email, "reset-password")
    token = link.partition("?")[0].rpartition("/")[2]
    cell.watch.keep(token)
    owner = {"newPassword": "password of the owner", "token": token}
    with cell.ends(squatter.copy(), laptop.copy()):
        assert cell.client().tell("/reset-password", owner).status_code == 200
        assert squatter.sign_in().status_code == 401
    squatter.password = owner["newPassword"]
    assert squatter.sign_in().status_code == 200


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
