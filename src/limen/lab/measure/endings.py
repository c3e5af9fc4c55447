"""The two endings that are watched: a sign-out, and a role that is taken away."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from limen import BlockingLimen, Refused
from limen.lab.measure.caller import Caller
from limen.lab.measure.servers import servers
from limen.lab.measure.window import HERE, THERE, Robbery, Window, watched
from limen.lab.servers.back_office import ADMIN
from limen.lab.servers.site import FOR_ADMINS, PROTECTED, Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from limen.lab.measure.servers import Grounds

    _Robbing: TypeAlias = Callable[
        [BlockingLimen, tuple[int, ...]], contextlib.AbstractContextManager[Robbery]
    ]
    Say: TypeAlias = Callable[[str], object]


def windows(grounds: Grounds, by_default: float, endings: int, say: Say) -> tuple[Window, Window]:
    """Watch copies while their owners sign out, and sign-ins whose accounts lose a role. Blocks.

    Owners sign out at server A; roles are changed by a third process, as whoever runs a
    system does. `by_default` is what is promised with default settings, in milliseconds.
    """
    promised = float(grounds.guarantees.revocation_window)
    desk = BlockingLimen(grounds.setup.strategy, **grounds.options_with_database)
    with desk, servers([grounds, grounds]) as ports:

        def seen(robbery: _Robbing, path: str) -> Window:
            robberies = [partial(robbery, desk, ports)] * endings
            return Window(promised, by_default, watched(robberies, path, promised))

        say("a thief tries a copy while its owner signs out")
        revocation = seen(_sign_out, PROTECTED)
        say("an account loses a role while it is in use")
        return revocation, seen(_demotion, FOR_ADMINS)


@contextlib.contextmanager
def _sign_out(desk: BlockingLimen, ports: tuple[int, ...]) -> Iterator[Robbery]:
    with _robbed(desk, ports, PROTECTED) as (owner, thieves, _):
        yield Robbery(owner.sign_out, thieves)


@contextlib.contextmanager
def _demotion(desk: BlockingLimen, ports: tuple[int, ...]) -> Iterator[Robbery]:
    with _robbed(desk, ports, FOR_ADMINS) as (_, thieves, account):
        yield Robbery(lambda: desk.set_roles(account, ()), thieves)


@contextlib.contextmanager
def _robbed(
    desk: BlockingLimen, ports: tuple[int, ...], path: str
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
