"""The two endings that are watched: a sign-out, and a role that is taken away."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from limen import BlockingLimen, Refused
from limen.lab.back_office import ADMIN
from limen.lab.measure.caller import Caller
from limen.lab.measure.window import HERE, THERE, Robbery, Window, watched
from limen.lab.site import FOR_ADMINS, PROTECTED, Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from limen.lab.measure.servers import Grounds


def revocation(grounds: Grounds, by_default: float, endings: int) -> Window:
    """Watch copies while their owners sign out at server A. Blocks.

    `by_default` is what is promised with default settings, in milliseconds.
    """
    return _window(grounds, by_default, endings, _sign_out, PROTECTED)


def staleness(grounds: Grounds, by_default: float, endings: int) -> Window:
    """Watch sign-ins while their accounts lose a role, by the hand of a third instance. Blocks."""
    return _window(grounds, by_default, endings, _demotion, FOR_ADMINS)


def _window(
    grounds: Grounds,
    by_default: float,
    endings: int,
    robbery: Callable[[BlockingLimen, tuple[int, int]], contextlib.AbstractContextManager[Robbery]],
    path: str,
) -> Window:
    promised = float(grounds.guarantees.revocation_window)
    # Whoever runs the system changes roles from a process of their own.
    desk = BlockingLimen(grounds.setup.strategy, **grounds.options_with_database)
    with desk, grounds.server() as here, grounds.server() as there:
        robberies = [partial(robbery, desk, (here, there))] * endings
        return Window(promised, by_default, watched(robberies, path, promised))


@contextlib.contextmanager
def _sign_out(desk: BlockingLimen, ports: tuple[int, int]) -> Iterator[Robbery]:
    with _robbed(desk, ports, PROTECTED) as (owner, thieves, _):
        yield Robbery(owner.sign_out, thieves)


@contextlib.contextmanager
def _demotion(desk: BlockingLimen, ports: tuple[int, int]) -> Iterator[Robbery]:
    with _robbed(desk, ports, FOR_ADMINS) as (_, thieves, account):
        yield Robbery(lambda: desk.set_roles(account, ()), thieves)


@contextlib.contextmanager
def _robbed(
    desk: BlockingLimen, ports: tuple[int, int], path: str
) -> Iterator[tuple[Caller, tuple[tuple[str, Caller], ...], str]]:
    """Give somebody who has signed in, a thief with the copy at each server, and the account."""
    person = Person.generated()
    # Each has an account of their own, so that endings that overlap do not meet.
    person = Person(f"{person.passphrase[:8].lower()}@example.org", passphrase=person.passphrase)
    added = desk.add_account(person.email, person.passphrase, person.name, roles=[ADMIN])
    if isinstance(added, Refused):
        raise TypeError(f"the person cannot have an account: {added.reason.value}")
    with contextlib.ExitStack() as opened:
        owner = opened.enter_context(Caller(ports[0]))
        owner.sign_in(person)
        thieves = tuple(
            (place, opened.enter_context(owner.robbed_by(port)))
            for place, port in zip((HERE, THERE), ports, strict=True)
        )
        for _, thief in thieves:
            if not thief.gets(path):
                raise RuntimeError("a copy was refused before anything had ended")
        yield owner, thieves, added.id
