"""What a system that moves to another strategy has left to move, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from limen.cli.output import iso, moment, span
from limen.session import CredentialCount, Held

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.settings import Settings

# These two present the same kinds of credential, so nothing is exchanged between them.
SIGNED: Final = frozenset({"jwt", "hybrid"})
COLUMNS: Final = ("what", "strategy", "live", "unused for a day", "last ends by")
_NAMES: Final = {
    Held.SESSION: "sessions",
    Held.REFERENCE: "session ids",
    Held.REFRESH: "refresh tokens",
}


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What is live at a moment, in milliseconds, judged by the settings of an application."""

    settings: Settings
    counts: tuple[CredentialCount, ...]
    at: int

    @property
    def old(self) -> tuple[CredentialCount, ...]:
        """The sessions whose clients hold nothing that these settings issue."""
        return tuple(
            one for one in self.counts if one.kind is Held.SESSION and self._is_old(one.strategy)
        )

    @property
    def left(self) -> int:
        """How many sessions that are."""
        return sum(one.live for one in self.old)

    @property
    def refused(self) -> tuple[str, ...]:
        """The old strategies whose credentials these settings do not take."""
        names = (one.strategy for one in self.old)
        return tuple(name for name in names if not self._takes(name))

    @property
    def keeps_nothing(self) -> bool:
        """Whether what these settings issue is kept nowhere."""
        return self.settings.refresh is None

    @property
    def token_life(self) -> int:
        """How long a signed token may be accepted after it was signed, in milliseconds."""
        policy = self.settings.token_policy()
        return policy.lifetime + policy.leeway

    def _is_old(self, strategy: str) -> bool:
        if self.keeps_nothing:
            return True
        primary = self.settings.strategy
        return strategy != primary and not {strategy, primary} <= SIGNED

    def _takes(self, strategy: str) -> bool:
        if strategy in SIGNED:
            return not self.keeps_nothing and bool(SIGNED & set(self.settings.accept))
        return strategy in self.settings.accept

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row of text for each kind of credential."""
        rows: list[tuple[str, ...]] = []
        order = list(Held)
        for one in sorted(self.counts, key=lambda one: (one.strategy, order.index(one.kind))):
            name = _NAMES[one.kind]
            if one.kind is (Held.REFERENCE if one.strategy in SIGNED else Held.REFRESH):
                name += ", exchanged"
            by = moment(one.expires_at)
            rows.append((name, one.strategy, f"{one.live:,}", f"{one.unused:,}", by))
            if one.kind is Held.SESSION and one.strategy in SIGNED:
                by = moment(self.at + self.token_life)
                rows.append(
                    ("with access tokens", one.strategy, f"at most {one.recent:,}", "-", by)
                )
        return rows

    def advice(self) -> str:
        """Say in a few sentences what is left and what to do now."""
        if self.old:
            return f"{self._remaining()} {self._ends()}"
        others = [name for name in self.settings.accept if name != self.settings.strategy]
        if others:
            said = (
                "Nothing of an old kind is left. The move is finished: take "
                f"{listed(others)} out of accept (LIMEN_ACCEPT) and deploy."
            )
        else:
            said = "Nothing of an old kind is left, and there is nothing to move."
        if "jwt" in self.settings.accept and not self.keeps_nothing:
            said += (
                " Tokens of a jwt with refresh=None are kept nowhere and not counted: they end "
                f"within {span(self.token_life)} after the last process that signs them stopped."
            )
        return said

    def _remaining(self) -> str:
        many = f"{self.left:,} {'session' if self.left == 1 else 'sessions'}"
        names = listed([one.strategy for one in self.old])
        said = f"Left to move: {many} of {names}."
        if self.keeps_nothing:
            return (
                f"{said} These settings keep nothing (refresh=None), so who has moved is not "
                "written down, and the number falls only as sessions end."
            )
        if self.refused:
            return (
                f"{said} These settings refuse what they hold. Add {listed(self.refused)} to "
                "accept (LIMEN_ACCEPT) and deploy, or their owners must sign in again."
            )
        return (
            f"{said} Each moves with its next response that can set a cookie, or when its client "
            "refreshes. Whoever is left when accept (LIMEN_ACCEPT) goes must sign in again."
        )

    def _ends(self) -> str:
        unused, latest = ends_of(self.old)
        return (
            f"The last one ends by {moment(latest)}, and by {moment(unused)} if nobody uses "
            "one again."
        )

    def as_json(self) -> dict[str, Any]:
        """Return everything for scripts."""
        unused, latest = ends_of(self.old) if self.old else (None, None)
        return {
            "at": iso(self.at),
            "strategy": self.settings.strategy,
            "accept": list(self.settings.accept),
            "left": self.left,
            "refused": list(self.refused),
            "ends_at": unused and iso(unused),
            "expires_at": latest and iso(latest),
            "tokens_end_at": iso(self.at + self.token_life),
            "counts": [
                {
                    "strategy": one.strategy,
                    "kind": one.kind.value,
                    "live": one.live,
                    "recent": one.recent,
                    "unused": one.unused,
                    "ends_at": iso(one.ends_at),
                    "expires_at": iso(one.expires_at),
                }
                for one in self.counts
            ],
            "advice": self.advice(),
        }


def ends_of(counts: Iterable[CredentialCount]) -> tuple[int, int]:
    """Return when the last of them ends if nobody uses one again, and at the latest."""
    known = tuple(counts)
    return max(one.ends_at for one in known), max(one.expires_at for one in known)


def listed(names: Iterable[str]) -> str:
    """Return names as `a, b and c`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
