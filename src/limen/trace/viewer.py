"""Something that follows the trace of a running application, such as the Lab beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from limen.guarantees import Guarantees
    from limen.trace.sink import Sink


@dataclass(frozen=True, slots=True)
class Traced:
    """What a viewer is told of an application: no secret, no key and no store.

    `origins` are where it says that it is reached, `shows_personal` whether its events have
    personal values because another sink asked for them.
    """

    strategy: str
    guarantees: Guarantees
    origins: tuple[str, ...]
    shows_personal: bool


class Viewer(Protocol):
    """Follows one application. It runs while that application's Limen is open."""

    def sink_for(self, traced: Traced) -> Sink:
        """Return where the events are to go.

        Raises `ConfigurationError` if this application is none to be looked into.
        """
        ...

    def start(self) -> None:
        """Begin to show; raises `ConfigurationError` if that cannot be."""
        ...

    def stop(self) -> None:
        """Stop showing."""
        ...
