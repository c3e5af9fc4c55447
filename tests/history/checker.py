"""Judges what a run recorded: a pure function from a history to what it broke.

The promise: with `window` 0 no request that began after the `revoke` that covers it returned
is accepted; with a window, none that began later than that. The same holds from a refusal on.
Besides, whatever the window: nobody is refused without a reason, nothing is renewed after its
revocation, families never fork.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final

from endings import NEVER, End, Endings
from operations import UNKNOWN, Credential, History, Loss, Operation, Outcome, Read, Refresh

# Refusals of time and not of meaning: another process's clock may see it differently.
OF_TIME: Final = ("expired", "idle", "ended", "not_yet_valid")
# While a key is being withdrawn, some processes have already dropped it and others have not.
OF_PROCESS: Final = ("unknown_key",)
SHOWN: Final = 20


@unique
class Rule(StrEnum):
    """What may not happen."""

    ACCEPTED_LATE = "accepted later than its revocation allows"
    RENEWED_LATE = "renewed after its revocation had returned"
    ACCEPTED_AGAIN = "accepted again after it was refused"
    ACCEPTED_EXPIRED = "accepted after its own end"
    REFUSED_UNEXPLAINED = "refused, and nothing explains it"
    FORKED = "one refresh token has two successors, or two tokens have one"
    REVIVED_TOKEN = "a refresh token worked although its successor had been used"
    FAULTED = "raised something other than StoreUnavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a run is held to, in nanoseconds.

    `window` is how long a credential may live on after `revoke` returned, `grace` how long a
    refresh token may be presented again, `spread` how far the processes' clocks may differ.
    """

    window: int
    grace: int
    spread: int


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule, and what broke it."""

    rule: Rule
    told: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.told}"


@dataclass(slots=True)
class Report:
    """What a history held, and what of it was wrong. `worst_lag` is in nanoseconds."""

    counts: Counter[str] = field(default_factory=Counter)
    worst_lag: int = 0
    violations: list[Violation] = field(default_factory=list)
    broken: Counter[Rule] = field(default_factory=Counter)

    @property
    def operations(self) -> int:
        """How many operations returned, whatever they answered."""
        verbs = ("read", "sign_in", "refresh", "revoke")
        return sum(self.counts[verb] for verb in verbs)

    def add(self, rule: Rule, told: str) -> None:
        """Note that a rule was broken; the first of each rule are kept."""
        self.broken[rule] += 1
        if self.broken[rule] <= SHOWN:
            self.violations.append(Violation(rule, told))


def check(history: History, promise: Promise) -> Report:
    """Judge a history."""
    report = Report()
    endings = Endings(history)
    for operation in (*history.sign_ins, *history.refreshes, *history.revokes):
        verb = {"SignIn": "sign_in"}.get(type(operation).__name__, type(operation).__name__.lower())
        report.counts[verb] += operation.outcome is not Outcome.LOST
        report.counts[f"{verb} {operation.outcome.name.lower()}"] += 1
        if operation.outcome is Outcome.FAULT:
            report.add(Rule.FAULTED, f"{verb}: {operation.reason}")
    for one in history.revokes:
        report.counts[f"revoke of {one.kind}"] += one.outcome is Outcome.ACCEPTED
    for one in (*history.sign_ins, *history.refreshes):
        key = one.access.key if one.access is not None else None
        if key is not None and one.call > endings.of_key(key).must + promise.window:
            report.counts["issued dead"] += 1
    for one in history.sign_ins:
        if one.outcome is Outcome.REFUSED:
            report.add(Rule.REFUSED_UNEXPLAINED, f"a sign-in of {one.user}: {one.reason}")
    _check_families(history, endings, promise, report)
    _check_reads(history, endings, promise, report)
    return report


# -- reads


def _check_reads(history: History, endings: Endings, promise: Promise, report: Report) -> None:
    issued = {one.name: one for one in _handed_out(history)}
    changes = _Changes()
    for read in history.reads:
        report.counts["read"] += 1
        report.counts[f"read {read.outcome.name.lower()}"] += 1
        credential = issued[read.credential]
        end = endings.of_credential(credential)
        report.counts["read after its revocation"] += read.call > end.must
        match read.outcome:
            case Outcome.ACCEPTED:
                changes.accepted(read)
                _check_accepted(read, credential, end, promise, report)
            case Outcome.REFUSED:
                changes.refused(read)
                if end.may > read.returned and not _has_expired(credential, read, promise):
                    report.add(Rule.REFUSED_UNEXPLAINED, _told(read))
            case Outcome.FAULT:
                report.add(Rule.FAULTED, _told(read))
    changes.check(promise, report)


def _check_accepted(
    read: Read, credential: Credential, end: End, promise: Promise, report: Report
) -> None:
    lag = read.call - end.must
    report.worst_lag = max(report.worst_lag, lag)
    if lag > promise.window:
        report.add(Rule.ACCEPTED_LATE, f"{_told(read)} began {_ms(lag)} after it")
    late = read.call - (NEVER if credential.ends_by is None else credential.ends_by)
    if late > promise.spread:
        report.add(Rule.ACCEPTED_EXPIRED, f"{_told(read)} began {_ms(late)} after")


class _Changes:
    """When each credential was first refused and last accepted, by each process and by all."""

    def __init__(self) -> None:
        self._refused: dict[tuple[str, str], int] = {}
        self._accepted: dict[tuple[str, str], int] = {}

    def accepted(self, read: Read) -> None:
        for place in (read.process, ""):
            at = (read.credential, place)
            self._accepted[at] = max(self._accepted.get(at, 0), read.call)

    def refused(self, read: Read) -> None:
        if read.reason in OF_TIME:
            return
        for place in (read.process,) if read.reason in OF_PROCESS else (read.process, ""):
            at = (read.credential, place)
            self._refused[at] = min(self._refused.get(at, NEVER), read.returned)

    def check(self, promise: Promise, report: Report) -> None:
        for (name, process), last in self._accepted.items():
            late = last - self._refused.get((name, process), NEVER)
            # Within the window even the process that refused may accept: the store told it of a
            # revocation while its feed was cut, and the feed came back from just before that.
            if late > promise.window:
                where = process or "all processes together"
                report.add(Rule.ACCEPTED_AGAIN, f"{name} in {where}, {_ms(late)} after the refusal")


def _handed_out(history: History) -> Iterator[Credential]:
    for one in (*history.sign_ins, *history.refreshes):
        if one.access is not None:
            yield one.access


def _has_expired(credential: Credential, read: Read, promise: Promise) -> bool:
    return credential.ends_from is not None and (
        read.returned >= credential.ends_from - promise.spread
    )


# -- refresh families


def _check_families(history: History, endings: Endings, promise: Promise, report: Report) -> None:
    families = _Families(history, report)
    for one in history.refreshes:
        end = endings.of_session(one.session)
        if one.outcome is Outcome.ACCEPTED:
            if one.call > end.must:
                late = _ms(one.call - end.must)
                report.add(Rule.RENEWED_LATE, f"{one.session} in {one.process} {late} after it")
            if families.is_over(one):
                report.add(Rule.REVIVED_TOKEN, f"{one.session} in {one.process}")
        elif one.outcome is Outcome.REFUSED and not families.explain(one, end, promise):
            told = f"refresh of {one.session} in {one.process}: {one.reason}"
            report.add(Rule.REFUSED_UNEXPLAINED, told)


class _Families:
    """The presentations of every refresh token, and those of its successors."""

    def __init__(self, history: History, report: Report) -> None:
        self._losses = history.losses
        self._uses: dict[str, list[Refresh]] = defaultdict(list)
        for one in history.refreshes:
            self._uses[one.presented].append(one)
        self._newer: dict[str, list[Refresh]] = defaultdict(list)
        for presented, successor in self._successors(history.refreshes, report):
            self._newer[presented] += self._uses[successor]

    def _successors(
        self, refreshes: Iterable[Refresh], report: Report
    ) -> Iterator[tuple[str, str]]:
        successors: dict[tuple[str, int], str] = {}
        predecessors: dict[tuple[str, int], str] = {}
        for one in refreshes:
            era = _era(one, self._losses)
            if one.outcome is not Outcome.ACCEPTED or one.refresh is None or era is None:
                continue
            after = successors.setdefault((one.presented, era), one.refresh)
            before = predecessors.setdefault((one.refresh, era), one.presented)
            if (after, before) != (one.refresh, one.presented):
                report.add(Rule.FORKED, f"{one.session} in {one.process}")
        for (presented, _), successor in successors.items():
            yield presented, successor

    def is_over(self, one: Refresh) -> bool:
        """Tell whether the successor had been used before, by what the store must know."""
        era = _era(one, self._losses)
        return era is not None and any(
            _worked_before(other, one) and _era(other, self._losses) == era
            for other in self._newer[one.presented]
        )

    def explain(self, one: Refresh, end: End, promise: Promise) -> bool:
        """Tell whether there is a reason for a refusal."""
        match one.reason:
            case "replayed":
                others = [other for other in self._uses[one.presented] if other is not one]
                limit = promise.grace - promise.spread
                return any(_used_before(other, one, limit) for other in others)
            case "superseded":
                return any(_used_before(other, one, 0) for other in self._newer[one.presented])
            case _:
                return end.may <= _end_of(one)


def _era(one: Refresh, losses: tuple[Loss, ...]) -> int | None:
    """Return between which two losses it took effect, `None` if that cannot be told.

    A store that forgot may let a token be used that was used before; that is no fork of what
    it knows, as the tokens born of the first use are gone.
    """
    if any(loss.since > one.call and _end_of(one) > loss.until for loss in losses):
        return None
    return sum(_end_of(one) > loss.until for loss in losses)


def _worked_before(other: Refresh, one: Refresh) -> bool:
    return other.outcome is Outcome.ACCEPTED and _end_of(other) < one.call


def _used_before(other: Refresh, one: Refresh, at_least: int) -> bool:
    """Tell whether a token may have been used as long as that before `one` was answered."""
    used = other.outcome is Outcome.ACCEPTED or other.outcome in UNKNOWN
    return used and other.call + at_least <= _end_of(one)


def _end_of(one: Operation) -> int:
    return NEVER if one.returned is None else one.returned


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.3f} ms"


def _told(read: Read) -> str:
    reason = f" ({read.reason})" if read.reason else ""
    return f"a read of {read.credential} in {read.process}{reason}"
