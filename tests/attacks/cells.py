"""One cell of the matrix, and how an attack gets into all of its cells.

To add an attack: give it a row in `matrix.py`, then write in the module of its group

    @attacks.row(47)
    def what_the_attacker_does(cell: Cell) -> None:
        victim = cell.victim()
        ...

It runs in nine cells: three strategies on three stores. `cell.near` and `cell.far` are two
processes, `cell.clock` is theirs. `with cell.ends(copy): ...` says that what happens inside
ends a copied credential, and asserts what the row expects. Where the row says `Without`, the
function given to `@attacks.without(47)` shows why instead. The rest is asserted by hand.
Where strategy and store make no difference, the row names the `tests` that try it instead.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from arena import Node, World
from inspection import API, Watch
from matrix import BY_NUMBER, STORES, STRATEGIES, Expected, Outcome, Row, Without
from parties import Client, Copy, Person, by_cookie, by_header

if TYPE_CHECKING:
    from limen.testing import FrozenClock

Attack = Callable[["Cell"], None]
_numbers = itertools.count()


@dataclass(slots=True)
class Cell:
    """One attack under one strategy on one store."""

    row: Row
    strategy: str
    store: str
    world: World
    watch: Watch
    attack: Attack
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def expected(self) -> Expected:
        return self.row.of(self.strategy)

    @property
    def is_signed(self) -> bool:
        """Whether the credential is a token, so that there is a refresh token as well."""
        return self.strategy != "session"

    @property
    def near(self) -> Node:
        return self.world.near

    @property
    def far(self) -> Node:
        return self.world.far

    @property
    def clock(self) -> FrozenClock:
        return self.world.clock

    def node(self, **options: Any) -> Node:
        """Return a third process with other settings, for this cell alone."""
        node = self.world.node(**options)
        self.closing.callback(lambda: node.run(node.auth.close()))
        return node

    # -- who takes part

    def victim(self, node: Node | None = None) -> Person:
        """Return somebody new who has signed up."""
        person = self.stranger(node)
        person.sign_up()
        return person

    def stranger(self, node: Node | None = None) -> Person:
        """Return somebody new without an account."""
        email = f"victim-{next(_numbers)}@example.org"
        return Person(node or self.near, self.watch, email)

    def administrator(self, node: Node | None = None) -> Person:
        """Return somebody new with the role of an administrator, which the operator gave."""
        person = self.victim(node)
        person.node.run(person.node.auth.set_roles(person.subject, ["admin"]))
        assert person.sign_in().status_code == 200
        return person

    def program(self, person: Person, node: Node | None = None) -> tuple[Client, Copy]:
        """Return a program of a person's that keeps its credentials itself."""
        program = Client(node or person.node, self.watch)
        account = {"email": person.email, "password": person.password}
        answer = program.tell("/sign-in/email", account, ("x-limen-carrier", "bearer"))
        assert answer.status_code == 200, answer.text
        held = answer.json()
        program.lines.append(("Authorization", f"Bearer {held['token']}"))
        return program, Copy(held["token"], held.get("refreshToken"))

    def client(self, *lines: tuple[str, str], node: Node | None = None) -> Client:
        """Return somebody who is nobody, with header lines as they like."""
        return Client(node or self.near, self.watch, lines)

    def thieves(self, copy: Copy, *nodes: Node) -> list[Client]:
        """Return everybody who presents a copy: as cookies and as a bearer, at each process."""
        return [
            thief
            for node in nodes or (self.near, self.far)
            for thief in (
                by_cookie(node, self.watch, copy),
                by_header(node, self.watch, copy.access),
            )
        ]

    # -- what is expected

    def assert_refused(self, copy: Copy, *nodes: Node) -> None:
        """A copy opens nothing at these processes, or at both."""
        for thief in self.thieves(copy, *nodes):
            assert thief.status == 401
            assert thief.get("/open").status_code == 401  # nor is it taken for a visitor's
            assert thief.ask("/get-session").json() is None

    def assert_accepted(self, copy: Copy, *nodes: Node) -> None:
        """A copy is as good as the original at these processes, or at both."""
        for thief in self.thieves(Copy(copy.access), *nodes):
            assert thief.status == 200

    def assert_no_renewal(self, copy: Copy) -> None:
        """Nothing comes of a copied credential by renewing it, whoever is asked."""
        renewing = copy.refresh or copy.access
        for node in (self.near, self.far):
            by_body = Client(node, self.watch).tell("/refresh", {"refreshToken": renewing})
            assert by_body.status_code == 401
            assert by_cookie(node, self.watch, copy).tell("/refresh").status_code == 401

    def assert_no_account(self, copy: Copy) -> None:
        """What is about the account itself is closed at once, whatever a token says."""
        for thief in self.thieves(copy):
            assert thief.ask("/list-sessions").status_code == 401
            assert thief.ask("/token").status_code == 401

    @contextlib.contextmanager
    def ends(self, *copies: Copy) -> Iterator[None]:
        """What happens inside ends these copies, as the row of this cell says.

        The far process is deaf to the log from before, which is the worst that it can be.
        """
        for copy in copies:
            self.assert_accepted(copy)
        self.world.listen()
        self.world.muffled.deaf = True
        try:
            yield
            for copy in copies:
                self.assert_no_renewal(copy)
                self.assert_no_account(copy)
            bound = self._assert_before_the_bound(copies)
            self.clock.advance(bound)
            for copy in copies:
                self.assert_refused(copy)
        finally:
            self.world.muffled.deaf = False

    def _assert_before_the_bound(self, copies: tuple[Copy, ...]) -> int:
        """Judge what is by design until the bound; return how far that is from here."""
        bound = self.near.bound
        match self.expected:
            case Outcome.AT_ONCE:
                assert bound == 0
                for copy in copies:
                    self.assert_refused(copy)
                return 0
            case Outcome.WITHIN:
                for copy in copies:
                    self.assert_refused(copy, self.near)
                self.clock.advance(bound - 1)
                for copy in copies:
                    self.assert_accepted(copy, self.far)
                return 1
            case Outcome.UNTIL:
                self.clock.advance(bound - 1)
                for copy in copies:
                    self.assert_accepted(copy)
                return 1
        raise AssertionError(self.expected)


class Attacks:
    """The attacks of one group, each in its nine cells."""

    def __init__(self) -> None:
        self._rows: dict[int, Attack] = {}
        self._without: dict[int, Attack] = {}

    def row(self, number: int) -> Callable[[Attack], Attack]:
        """Register what the attacker does."""
        return lambda attack: self._rows.setdefault(number, attack)

    def without(self, number: int) -> Callable[[Attack], Attack]:
        """Register what shows that a strategy has nothing to attack like this."""
        return lambda attack: self._without.setdefault(number, attack)

    def cells(self) -> list[Any]:
        """Return every cell as a parameter of `test_attack`."""
        return [
            pytest.param(
                (BY_NUMBER[number], strategy, store, self._of(number, strategy)),
                id=f"A{number:02}-{strategy}-{store}",
                marks=pytest.mark.proves(f"attack:{number}"),
            )
            for number in sorted(self._rows.keys() | self._without.keys())
            for strategy in STRATEGIES
            for store in STORES
        ]

    def _of(self, number: int, strategy: str) -> Attack:
        without = isinstance(BY_NUMBER[number].of(strategy), Without)
        return (self._without if without else self._rows)[number]


def answers_of(answer: httpx.Response) -> list[str]:
    """Return the names of the cookies that an answer sets or expires."""
    return [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")]


__all__ = ["API", "Attacks", "Cell", "Copy"]
