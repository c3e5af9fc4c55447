"""What an attacker hopes for: a store that is away, a restart, another strategy, a tampered row."""

from __future__ import annotations

import time
from typing import Any

import pytest
from arena import ORIGIN, PATIENCE_S, Muffled, Node
from backups import tampered
from cells import Attacks, Cell
from inspection import API
from matrix import STRATEGIES
from parties import Client, Copy, Line, by_cookie, by_header
from test_attack_refresh import claims_of

from limen import Budget, Limen
from limen.errors import StoreUnavailable
from limen.service.better_auth.routes import endpoints_of

attacks = Attacks()

FIVE = Budget("sign-in:account", limit=5, window=900_000)
COUNTERS = ("Increment", "Draw", "ReadCounts", "ForgetCounts")
# Short, so that a feed that is cut is noticed while the test waits.
LAG_S = 0.4


class Failing(Muffled):
    """A store that does not answer some questions, or none, while it is `away`."""

    def __init__(self, store: Any, *only: str) -> None:
        super().__init__(store)
        self.away = False
        self.only = only

    async def perform(self, effect: Any) -> Any:
        if self.away and (not self.only or type(effect).__name__ in self.only):
            raise StoreUnavailable("the store is out of reach")
        return await super().perform(effect)


def status_of(who: Client, method: str, path: str, body: object = None) -> int:
    """Send one request that may be answered with 503, which is nobody's fault here."""
    lines = dict(who.lines)
    answer = who.node.run(who.http.request(method, path, headers=lines, json=body))
    if answer.status_code == 503:
        assert "set-cookie" not in answer.headers
        assert "token" not in answer.text
    else:
        who.watch.judge(answer)
    return answer.status_code


def becomes(who: Client, status: int) -> None:
    """Wait until reading the notes is answered so."""
    ends = time.monotonic() + PATIENCE_S
    while (seen := status_of(who, "GET", "/notes")) != status:
        assert seen in (200, 503), seen
        assert time.monotonic() < ends
        time.sleep(LAG_S / 10)


@attacks.row(83)
def a_reader_that_could_be_behind(cell: Cell) -> None:
    victim = cell.victim()
    cell.world.listen()
    cell.world.muffled.deaf = True
    try:  # there are no replicas that are read, so what was written is read at once
        copy = victim.copy()
        cell.assert_accepted(copy, cell.far)
        assert by_cookie(cell.far, cell.watch, copy).ask("/list-sessions").status_code == 200
        renewed = Client(cell.far, cell.watch).tell(
            "/refresh", {"refreshToken": copy.refresh or copy.access}
        )
        assert renewed.status_code == 200
        laptop = victim.other_device()
        assert laptop.tell("/revoke-other-sessions").status_code == 200
        listed = by_cookie(cell.far, cell.watch, laptop.copy()).ask("/list-sessions").json()
        assert len(listed) == 1
        cell.assert_no_renewal(copy)
        cell.assert_no_account(copy)
    finally:
        cell.world.muffled.deaf = False


@attacks.row(84)
def the_store_is_away(cell: Cell) -> None:
    store = Failing(cell.world.store())
    node = cell.node(store=store, max_lag=LAG_S)
    victim = cell.victim(node)
    held, body = victim.copy(), {"email": victim.email, "password": victim.password}
    program = by_header(node, cell.watch, held.access)
    nobody = Client(node, cell.watch)
    assert program.status == 200
    store.away = True
    # By design a `jwt` is believed without the store until it expires; nobody else is.
    becomes(program, 200 if cell.strategy == "jwt" else 503)
    if cell.strategy == "jwt":
        cell.clock.advance(node.bound)
        assert program.status == 401
    renewing = {"refreshToken": held.refresh or held.access}
    for who, path, sent in (
        (nobody, "/sign-in/email", body),
        (nobody, "/sign-up/email", {**body, "email": f"new-{victim.email}", "name": "Eve"}),
        (nobody, "/refresh", renewing),
        (victim, "/change-password", {"currentPassword": "x", "newPassword": "y" * 12}),
    ):
        assert status_of(who, "POST", API + path, sent) == 503
    # A visitor is no stranger: whoever presents something is never taken for nobody.
    assert status_of(nobody, "GET", "/open") == 200
    with_cookie = by_cookie(node, cell.watch, held)
    assert status_of(with_cookie, "GET", "/open") == 503
    store.away = False
    becomes(by_cookie(node, cell.watch, held), 200)
    assert nobody.tell("/refresh", renewing).status_code == 200
    assert victim.sign_in().status_code == 200


@attacks.row(86)
def the_counters_are_away(cell: Cell) -> None:
    store = Failing(cell.world.store(), *COUNTERS)
    node = cell.node(store=store, account_budget=FIVE)
    victim = cell.victim(node)
    nobody = Client(node, cell.watch)
    store.away = True
    for password in (victim.password, "a guess of a stranger"):
        body = {"email": victim.email, "password": password}
        assert status_of(nobody, "POST", f"{API}/sign-in/email", body) == 503
    assert victim.status == 200  # nothing is counted for those who are signed in
    store.away = False
    assert victim.sign_in().status_code == 200


@attacks.row(87)
def a_process_that_ends_and_comes_back(cell: Cell) -> None:
    before = cell.world.node()
    try:
        victim, other = cell.victim(before), cell.victim(before)
        held, ended = victim.copy(), other.copy()
        assert other.tell("/revoke-sessions").status_code == 200
    finally:
        before.run(before.auth.close())
    after = cell.node()
    cell.assert_accepted(held, after)
    cell.assert_no_renewal(ended)
    cell.clock.advance(cell.near.bound)
    cell.assert_refused(ended, after)
    renewing = {"refreshToken": held.refresh or held.access}
    assert Client(after, cell.watch).tell("/refresh", renewing).status_code == 200
    # Two processes that begin alike draw nothing alike.
    drawn = [cell.victim(node).copy() for node in (after, cell.node()) for _ in range(3)]
    assert len({one.access for one in drawn}) == len(drawn)


@attacks.row(89)
def the_strategy_changes(cell: Cell) -> None:
    victim = cell.victim()
    held, subject = victim.copy(), victim.subject
    for other in STRATEGIES:
        if other == cell.strategy:
            continue
        alone = cell.node(strategy=other)
        if "session" in (other, cell.strategy):
            cell.assert_refused(held, alone)
            renewing = {"refreshToken": held.refresh or held.access}
            assert Client(alone, cell.watch).tell("/refresh", renewing).status_code == 401
        accepting = cell.node(strategy=other, accept=(cell.strategy,))
        assert by_header(accepting, cell.watch, held.access).who == subject
    # Looking at it elsewhere has ended nothing.
    assert victim.tell("/refresh").status_code == 200
    last = victim.copy()
    accepting = cell.node(strategy="hybrid", accept=("session", "jwt"))
    assert by_cookie(accepting, cell.watch, last).tell("/sign-out").status_code == 200
    cell.assert_no_renewal(last)
    cell.clock.advance(cell.near.bound)
    cell.assert_refused(last, accepting)


@attacks.row(90)
def a_row_that_was_tampered_with(cell: Cell) -> None:
    store = Failing(cell.world.store())
    node = cell.node(store=store)
    for text in (
        "cos\nsystem\n(S'touch /tmp/x'\ntR.",
        "{",
        "7",
        "[7]",
        '{"__class__": "os.system"}',
    ):
        victim = cell.victim(node)
        copy, other = victim.copy(), cell.victim(node)
        assert tampered(cell.world.options, victim.session_id, text) > 0
        renewing = {"refreshToken": copy.refresh or copy.access}
        nobody = Client(node, cell.watch)
        assert status_of(nobody, "POST", f"{API}/refresh", renewing) == 401
        if not cell.is_signed:
            assert by_header(node, cell.watch, copy.access).status == 401
        # A browser lets go of it, and its owner signs in again.
        assert victim.ask("/get-session").json() is None
        assert victim.sign_in().status_code == 200
        assert other.status == 200
        assert other.tell("/refresh").status_code == 200


@attacks.without(92)
def nobody_acts_as_somebody_else(cell: Cell) -> None:
    admin, victim = cell.administrator(), cell.victim()
    words = ("impersonat", "sudo", "login-as", "sign-in-as", "act-as", "become", "switch-user")
    for endpoint in endpoints_of(cell.near.auth):
        assert not any(word in endpoint.path for word in words)
        assert "userId" not in {one.name for one in endpoint.body.fields} if endpoint.body else True
    assert not [one for one in dir(Limen) if any(w.replace("-", "_") in one for w in words)]
    for path in ("/admin/impersonate-user", "/impersonate", "/admin/stop-impersonating"):
        assert admin.tell(path, {"userId": victim.subject}).status_code == 404
    # Nor does a word of the client make the administrator somebody else.
    lines: tuple[Line, ...] = (("X-User", victim.subject), ("X-Act-As", victim.subject))
    told = Client(cell.far, cell.watch, [("Authorization", f"Bearer {admin.copy().access}")])
    assert told.get("/notes", *lines).json()["who"] == admin.subject
    token = admin.ask("/token").json()["token"]
    cell.watch.keep(token)
    assert claims_of(token)["sub"] == admin.subject
    assert not {"act", "may_act"} & set(claims_of(token))


@attacks.row(93)
def a_front_end_that_is_walked_around(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    nobody = cell.client(("x-middleware-subrequest", "src/middleware:" * 5 + "src/middleware"))
    assert nobody.status == 401
    assert nobody.tell("/update-user", {"name": "Eve"}).status_code in (401, 403)
    if cell.is_signed:
        cell.clock.advance(cell.near.auth.assembly.parts.policy.lifetime)
    for name in ("RSC", "Next-Router-Prefetch", "Purpose", "Sec-Purpose"):
        ahead = by_cookie(cell.near, cell.watch, held)
        for path in ("/notes", f"{API}/get-session"):
            answer = ahead.get(path, (name, "prefetch"))
            assert answer.status_code == 200
            # What the page is made of holds no credential, and nothing was spent on it.
            assert held.access not in answer.text
            assert held.refresh is None or held.refresh not in answer.text
            assert "set-cookie" not in answer.headers
            assert "no-store" in answer.headers.get("cache-control", "no-store")
    assert victim.tell("/refresh").status_code == 200
    # A Server Action is a POST like any other: without an origin it does nothing here.
    action = Client(cell.near, cell.watch, [("Cookie", victim.copy().cookie)])
    for lines in ([("Next-Action", "a" * 40)], [("Next-Action", "a" * 40), ("RSC", "1")]):
        assert action.post("/notes", None, *lines).status_code == 403
        assert action.tell("/update-user", {"name": "Eve"}, *lines).status_code == 403
    assert action.post("/notes", None, ("Origin", ORIGIN)).status_code == 200
    assert victim.ask("/get-session").json()["user"]["name"] == "Ada"


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)


__all__ = ["Copy", "Node"]
