"""From when a session must be refused, and from when it may be, by what a run recorded."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from operations import UNKNOWN, Credential, History, Loss, Outcome, Refresh, Revoke, SignIn

NEVER: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class End:
    """When a credential is over.

    Whatever begins after `must` is to be refused, and a refusal that returned before `may`
    has no revocation that explains it. Between the two both are right.
    """

    must: int = NEVER
    may: int = NEVER

    def __or__(self, other: End) -> End:
        return End(min(self.must, other.must), min(self.may, other.may))


class _Everywhere:
    """Revocations that name no session: they cover the sign-ins that came before them."""

    def __init__(self, revokes: Iterable[Revoke], losses: Iterable[Loss] = ()) -> None:
        revokes = list(revokes)
        certain = sorted(
            (one.call, _returned(one)) for one in revokes if one.outcome is Outcome.ACCEPTED
        )
        self._calls = [call for call, _ in certain]
        self._must = _least_from([returned for _, returned in certain])
        # One whose outcome nobody knows may take effect at any time after its call.
        possible = [(_latest_effect(one), one.call) for one in revokes]
        possible = sorted(possible + [(loss.until, loss.since) for loss in losses])
        self._effects = [effect for effect, _ in possible]
        self._may = _least_from([call for _, call in possible])

    def end(self, sign_in: SignIn) -> End:
        """Return the end of a session: sure if it was open before the call, else possible."""
        sure = bisect_left(self._calls, _returned(sign_in))
        perhaps = bisect_left(self._effects, sign_in.call)
        return End(self._must[sure], self._may[perhaps])


class Endings:
    """The end of every session and credential of a run."""

    def __init__(self, history: History) -> None:
        self._sign_ins = {
            one.access.session: one for one in history.sign_ins if one.access is not None
        }
        self._by_name: dict[tuple[str, str], End] = defaultdict(End)
        self._sparing: dict[str, list[Revoke]] = defaultdict(list)
        everywhere: dict[str, list[Revoke]] = defaultdict(list)
        for one in history.revokes:
            if one.kind in ("session", "key"):
                self._by_name[one.kind, one.subject] |= _end(one)
            elif one.keep is not None:
                self._sparing[one.subject].append(one)
            else:
                everywhere[one.subject if one.kind == "user" else ""].append(one)
        for ended in _replays(history.refreshes):
            self._by_name["session", ended.session] |= _end(ended)
        self._losses = history.losses
        self._everywhere = {
            name: _Everywhere(everywhere[name], () if name else self._losses)
            for name in {*everywhere, ""}
        }
        self._sessions: dict[str, End] = {}

    def of_session(self, session: str) -> End:
        """Return when a session is over, and with it its refresh tokens."""
        known = self._sessions.get(session)
        if known is None:
            known = self._sessions[session] = self._of_session(session)
        return known

    def of_credential(self, credential: Credential) -> End:
        """Return when an access credential is over: with its session or with its key."""
        end = self.of_session(credential.session)
        if credential.key is not None:
            end |= self.of_key(credential.key)
        return end

    def of_key(self, key: str) -> End:
        """Return when whatever a key has signed is over."""
        return self._by_name.get(("key", key), End())

    def _of_session(self, session: str) -> End:
        end = self._by_name.get(("session", session), End())
        sign_in = self._sign_ins[session]
        for name in (sign_in.user, ""):
            if name in self._everywhere:
                end |= self._everywhere[name].end(sign_in)
        sparing = [
            replace(one, outcome=Outcome.LOST) if self._had_forgotten(sign_in, one) else one
            for one in self._sparing.get(sign_in.user, ())
            if one.keep != session
        ]
        return end | _Everywhere(sparing).end(sign_in)

    def _had_forgotten(self, sign_in: SignIn, one: Revoke) -> bool:
        """Tell whether the store may have lost the session before it was to be ended.

        "Everywhere else" ends what the store knows of, by name, so it may have missed this one.
        """
        return any(
            sign_in.call < loss.until and loss.since < _returned(one) for loss in self._losses
        )


def _returned(one: SignIn | Refresh | Revoke) -> int:
    return NEVER if one.returned is None else one.returned


def _latest_effect(one: Refresh | Revoke) -> int:
    return NEVER if one.outcome in UNKNOWN else _returned(one)


def _end(one: Refresh | Revoke) -> End:
    return End(NEVER if one.outcome in UNKNOWN else _returned(one), one.call)


def _least_from(numbers: Sequence[int]) -> list[int]:
    """Return, for each place and for the end, the least of what follows."""
    return [*accumulate(reversed(numbers), min, initial=NEVER)][::-1]


def _replays(refreshes: Iterable[Refresh]) -> Iterable[Refresh]:
    """Yield the presentations that ended their family, or may have."""
    first: dict[str, int] = {}
    for one in sorted(refreshes, key=lambda one: one.call):
        if one.reason == "replayed" or (one.outcome in UNKNOWN and one.presented in first):
            yield one
        first.setdefault(one.presented, one.call)
