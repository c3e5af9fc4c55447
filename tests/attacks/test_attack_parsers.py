"""What is sent is huge, doubled, crooked, somebody else's as well, or forged by a proxy's word."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from arena import ORIGIN, Muffled
from cells import Attacks, Cell
from inspection import API
from parties import ACCESS, Client, Copy, Line, by_cookie, by_header

from limen import Budget, effects
from limen.audit import AuditPolicy
from limen.effects.asking import Access
from limen.service.incoming import MAX_BODY

attacks = Attacks()

ELSEWHERE = "evil.example"
AT_ONCE = 30
TOLD = 5  # events of one kind that strangers may cause in a minute
THREE = Budget("sign-in:address", limit=3, window=10_000)


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def signed(body: str, head: str = '{"alg":"EdDSA","typ":"at+jwt"}') -> str:
    """Return what looks like a token of these two parts."""
    return f"{b64(head)}.{b64(body)}.{'A' * 86}"


HUGE = (
    "." * 100_000,
    "a" * 1_000_000,
    f"lms_{'A' * 1_000_000}",
    signed("A" * 1_000_000),
    signed("{}", head="[" * 30_000),
    signed("[" * 30_000),
    signed('{"exp":' + "9" * 5_000 + "}"),
    signed('{"exp":1e400,"nbf":NaN,"iat":-Infinity}'),
)


def written(store: Muffled) -> list[str]:
    """Return the effects that changed a store, of those that it was asked for."""
    return [one for one in store.asked if getattr(effects, one).access is Access.WRITE]


@attacks.row(57)
def a_credential_that_is_huge_or_deep(cell: Cell) -> None:
    victim = cell.victim()
    cell.world.muffled.asked.clear()
    for text in HUGE:
        cell.assert_refused(Copy(text), cell.far)
        body = {"refreshToken": text[: MAX_BODY // 2]}
        assert cell.client(node=cell.far).tell("/refresh", body).status_code == 401
    # What is too long is looked up nowhere; a key that nobody knows is, and seldom.
    assert {*cell.world.muffled.asked} <= {"ReadLog", "LoadKeys", "AppendAudit"}
    assert victim.status == 200


@attacks.row(61)
def passwords_that_are_huge_and_sign_ins_at_once(cell: Cell) -> None:
    node = cell.node(hashing_workers=1)
    victim = cell.victim(node)
    for size, expected in ((1_000_000, {413}), (50_000, {400, 401})):
        password = "x" * size
        for path, body in (
            ("/sign-up/email", {"name": "Eve", "email": f"long-{victim.email}"}),
            ("/sign-in/email", {"email": victim.email}),
        ):
            answer = cell.client(node=node).tell(path, {**body, "password": password})
            assert answer.status_code in expected
        words = {"currentPassword": victim.password, "newPassword": password}
        assert victim.tell("/change-password", words).status_code in expected
    reader = by_cookie(node, cell.watch, victim.copy())
    account = {"email": victim.email, "password": victim.password}
    program = cell.client(("x-limen-carrier", "bearer"), node=node)

    async def everybody() -> list[Any]:
        path = f"{API}/sign-in/email"
        lines = dict(program.lines), dict(reader.lines)
        signing = (program.http.post(path, json=account, headers=lines[0]) for _ in range(AT_ONCE))
        reading = (reader.http.get("/notes", headers=lines[1]) for _ in range(AT_ONCE))
        return await asyncio.gather(*signing, *reading)

    answers = node.run(everybody())
    # Whoever finds no room is told to come again; whoever is signed in notices nothing.
    for answer in answers[:AT_ONCE]:
        assert answer.status_code == 200 or answer.headers["retry-after"]
    assert {answer.status_code for answer in answers[AT_ONCE:]} == {200}


@attacks.row(62)
def the_store_is_to_be_filled_by_strangers(cell: Cell) -> None:
    store = Muffled(cell.world.store())
    node = cell.node(store=store, audit=AuditPolicy(per_minute=TOLD))
    victim = cell.victim()
    sessions = len(victim.ask("/list-sessions").json())
    stranger = cell.client(("Origin", ORIGIN), node=node)
    invented = Copy("lms_" + "A" * 43, "lmr_" + "A" * 43)
    store.asked.clear()
    for person in (stranger, by_cookie(node, cell.watch, invented)):
        for _ in range(20):
            person.get("/open")
            person.ask("/get-session")
            person.tell("/get-session")
            person.tell("/sign-out")
            person.tell("/refresh")
            assert person.ask("/list-sessions").status_code == 401
    # A token that there is not is rotated nowhere, and what is told of it has a limit.
    assert {*written(store)} <= {"RotateRefresh", "AppendAudit"}
    assert store.asked.count("AppendAudit") <= TOLD
    assert len(victim.ask("/list-sessions").json()) == sessions


@attacks.row(63)
def headers_that_two_readers_read_differently(cell: Cell) -> None:
    victim, attacker = cell.victim(), cell.victim()
    mine, evil = victim.copy().access, attacker.copy().access
    name = "Authorization"
    crooked: tuple[list[Line], ...] = (
        [(name, f"Bearer {mine}"), (name, f"Bearer {evil}")],
        [(name, f"Bearer {mine}"), (name, f"Bearer {mine}")],
        [(name, f"Bearer {mine}"), (name, "")],
        [(name, "Basic YTpi"), (name, f"Bearer {mine}")],
        [(name, f"Bearer {mine}, Bearer {evil}")],
        [(name, f"Bearer {mine},{evil}")],
        [(name, f"Bearer {mine} {evil}")],
        [(name, f"Bearer Bearer {mine}")],
        [(name, f"Bearer {mine}\r\n {evil}")],
        [(name, f"Bearer\x0b{mine}")],
        [(f"{name} ", f"Bearer {mine}")],
        [(f" {name}", f"Bearer {mine}")],
        [("Proxy-Authorization", f"Bearer {mine}")],
        [("X-Original-Authorization", f"Bearer {mine}")],
    )
    for lines in crooked:
        for node in (cell.near, cell.far):
            assert Client(node, cell.watch, lines).status == 401
    # A length that is said twice lets a proxy and us disagree where the next request begins.
    lines = {"Origin": ORIGIN, "Transfer-Encoding": "chunked", "Content-Length": "14"}
    renaming = victim.http.post(f"{API}/update-user", json={"name": "Eve"}, headers=lines)
    assert victim.node.run(renaming).status_code == 400
    assert victim.ask("/get-session").json()["user"]["name"] == "Ada"


@attacks.row(64)
def two_credentials_of_two_people(cell: Cell) -> None:
    one, other = cell.victim(), cell.victim()
    names = one.subject, other.subject
    lines = [("Origin", ORIGIN), ("Cookie", one.copy().cookie)]
    bearer = ("Authorization", f"Bearer {other.copy().access}")
    for node in (cell.near, cell.far):
        both = Client(node, cell.watch, [*lines, bearer])
        # The header was put there on purpose, so it counts, for everything and alone.
        assert both.who == names[1]
        assert both.get("/open").json() == {"who": names[1]}
        assert both.post("/notes").json()["who"] == names[1]
        assert both.ask("/get-session").json()["user"]["id"] == names[1]
        assert both.tell("/update-user", {"name": "Of the header"}).status_code == 200
        wrong = Client(node, cell.watch, [*lines, ("Authorization", "Bearer made.up.text")])
        assert wrong.status == 401  # the cookie does not step in
    users = [person.ask("/get-session").json()["user"]["name"] for person in (one, other)]
    assert users == ["Ada", "Of the header"]


@attacks.row(65)
def a_host_that_is_not_ours(cell: Cell) -> None:
    for name, value in (
        ("Host", ELSEWHERE),
        ("Host", f"app.example@{ELSEWHERE}"),
        ("Host", "app.example/x?"),
        ("X-Forwarded-Host", ELSEWHERE),
        ("Forwarded", f"host={ELSEWHERE}"),
    ):
        victim = cell.victim()
        asked = victim.tell("/request-password-reset", {"email": victim.email}, (name, value))
        assert asked.status_code == 200
        link = cell.world.letters.link(victim.email, "reset-password")
        assert link.startswith(f"{ORIGIN}/")
        assert ELSEWHERE not in link
        # What a route asks for is decided by its path and never by a name in front of it.
        assert cell.client((name, value)).get("/notes").status_code == 401
        assert victim.get("/notes", (name, value)).status_code == 200
    # A name of this machine does not talk us into cookies that plain HTTP may carry.
    account = {"email": victim.email, "password": victim.password}
    answer = cell.client(("Host", "localhost")).tell("/sign-in/email", account)
    assert ACCESS in "".join(answer.headers.get_list("set-cookie"))


@attacks.row(66)
def an_address_that_is_forged_or_changed(cell: Cell) -> None:
    node = cell.node(address_budget=THREE)
    guess = {"email": "nobody@example.org", "password": "a guess of a thief"}

    def statuses(address: str, *lines: Line, path: str = "/sign-in/email") -> list[int]:
        tries = [Client(node, cell.watch, lines, address) for _ in range(2)]
        return [one.tell(path, guess).status_code for one in tries]

    assert statuses("198.51.100.1") + statuses("198.51.100.1") == [401, 401, 401, 429]
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP"):
        assert statuses("198.51.100.1", (name, "203.0.113.99")) == [429, 429]
    for path in ("//sign-in/email", "/sign-in//email", "/sign-in/email/", "/sign-in/EMAIL"):
        assert set(statuses("198.51.100.1", path=path)) <= {404, 429}
    assert statuses("198.51.100.1", path="/sign-in/email?x=1") == [429, 429]
    # Whoever has one address of IPv6 has all of its network.
    tried = [statuses(f"2001:db8:0:7:{host}") for host in (":1", ":ffff", "1:2:3:4")]
    assert tried == [[401, 401], [401, 429], [429, 429]]
    assert statuses("2001:db8:0:8::1") == statuses("198.51.100.2") == [401, 401]
    cell.clock.advance(THREE.window)
    assert statuses("198.51.100.1") == [401, 401]
    assert by_header(node, cell.watch, cell.victim().copy().access).status == 200


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
