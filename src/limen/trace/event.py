"""One step of one flow, as it happened: the schema that every viewer reads.

The Lab, the audit log and the tests see nothing but these events. The schema is versioned;
`as_json` is its wire form.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from limen.phase import Phase

SCHEMA_VERSION = 1

# A recorded value: its kind under "k", and only what that kind may show.
Recorded: TypeAlias = Mapping[str, str | int | float | bool]
Status: TypeAlias = Literal["ok", "refused", "failed"]
# The write that keeps what the audit log is told, and changes nothing else.
_TELLING: Final = "AppendAudit"


@dataclass(frozen=True, slots=True)
class RecordedCheck:
    """A rule that was applied in this step."""

    name: str
    ok: bool
    reason: str | None = None
    detail: Recorded | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One effect that this step asked for, and how long the answer took."""

    effect: str
    access: str
    duration_ns: int


@dataclass(frozen=True, slots=True)
class Source:
    """The lines of the installed package that took this step."""

    file: str
    first_line: int
    last_line: int
    function: str


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One step. `at` is in milliseconds, `duration_ns` in nanoseconds.

    `run` groups the events of one scenario, `request_id` those of one request, `seq` orders
    them within the run and `parent` is the `seq` of the step that this one belongs to.
    `actor` is who acted (`server`, or a simulated client), `client` for whom.
    """

    run: str
    seq: int
    strategy: str
    phase: Phase
    actor: str
    client: str
    request_id: str
    parent: int | None
    at: int
    duration_ns: int
    status: Status
    given: Mapping[str, Recorded]
    outcome: Mapping[str, Recorded]
    checks: tuple[RecordedCheck, ...]
    operations: tuple[Operation, ...]
    source: Source | None
    references: tuple[str, ...]
    badges: tuple[str, ...] = ("real",)

    @property
    def reads(self) -> int:
        """Return how many times this step read the store."""
        return sum(operation.access == "read" for operation in self.operations)

    @property
    def writes(self) -> int:
        """Return how many times this step wrote to the store."""
        return sum(operation.access == "write" for operation in self.operations)

    @property
    def changes(self) -> int:
        """Return how many of these writes did more than tell the audit log."""
        return sum(
            operation.access == "write" and operation.effect != _TELLING
            for operation in self.operations
        )

    def as_json(self) -> dict[str, object]:
        """Return the event as JSON values."""
        return {
            "v": SCHEMA_VERSION,
            "run": self.run,
            "seq": self.seq,
            "strategy": self.strategy,
            "phase": self.phase.value,
            "actor": self.actor,
            "client": self.client,
            "request_id": self.request_id,
            "parent": self.parent,
            "at": self.at,
            "dur_ns": self.duration_ns,
            "status": self.status,
            "in": {name: dict(value) for name, value in self.given.items()},
            "out": {name: dict(value) for name, value in self.outcome.items()},
            "checks": [
                {
                    "name": check.name,
                    "ok": check.ok,
                    "reason": check.reason,
                    "detail": None if check.detail is None else dict(check.detail),
                }
                for check in self.checks
            ],
            "store": {
                "reads": self.reads,
                "writes": self.writes,
                "ops": [
                    {"effect": op.effect, "access": op.access, "dur_ns": op.duration_ns}
                    for op in self.operations
                ],
            },
            "state_delta": [
                {"holder": "store", "op": op.effect}
                for op in self.operations
                if op.access == "write"
            ]
            or [{"holder": "store", "op": "none"}],
            "code": None
            if self.source is None
            else {
                "file": self.source.file,
                "lines": [self.source.first_line, self.source.last_line],
                "function": self.source.function,
            },
            "refs": list(self.references),
            "badges": list(self.badges),
        }

    @classmethod
    def from_json(cls, stated: object) -> TraceEvent:
        """Read an event of this version, as `as_json` wrote it.

        Strict: what would not be written again exactly as it stands, a value of an unknown
        kind or a member too many, is a `ValueError`, which does not quote it.
        """
        try:
            event = _event(stated)
            same = _spelt(event.as_json()) == _spelt(stated)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            same = False
        if not same:
            raise ValueError("this is no trace event of this version")
        return event


# Why a step exists, in the words of the standards.
REFERENCES: Mapping[Phase, tuple[str, ...]] = {
    Phase.LOGIN_RATE_LIMIT: ("ASVS5-6.3.1", "NIST-800-63B-4#3.2.2"),
    Phase.USER_LOOKUP: ("ASVS5-6.3.8",),
    Phase.PASSWORD_VERIFY: ("ASVS5-6.2.8", "NIST-800-63B-4#3.1.1.2"),
    Phase.PRELOGIN_DISCARD: ("ASVS5-7.2.4",),
    Phase.CREDENTIAL_ISSUE: ("ASVS5-7.2.3", "RFC9068#2.2"),
    Phase.LOGIN_RESPOND: ("RFC6265bis#4.1", "RFC9111#5.2.2.5"),
    Phase.CSRF_CHECK: ("ASVS5-3.5.1",),
    Phase.CREDENTIAL_EXTRACT: ("RFC6750#2.1",),
    Phase.CREDENTIAL_VALIDATE: ("RFC8725#3", "ASVS5-9.1.1"),
    Phase.REVOCATION_CHECK: ("ASVS5-7.4.1",),
    Phase.RESOURCE_RESPOND: ("RFC9110#15.5.2",),
    Phase.REFRESH: ("RFC9700#4.14.2", "ASVS5-7.3.1"),
    Phase.LOGOUT_REQUEST: ("ASVS5-7.4.1",),
    Phase.CREDENTIAL_REVOKE: ("ASVS5-7.4.1", "ASVS5-7.4.2"),
    Phase.REPLAY_BY_THIEF: ("RFC9700#4.9",),
}


_LABEL: Final = re.compile(r"(tok|sid|ref)#[0-9]{1,6}")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{8}")


def _spelt(value: object) -> str:
    """Spell a value so that 1, 1.0 and true are three."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _event(stated: Any) -> TraceEvent:
    code, parent, status = stated["code"], stated["parent"], _text(stated["status"])
    if stated["v"] != SCHEMA_VERSION or status not in ("ok", "refused", "failed"):
        raise ValueError
    return TraceEvent(
        run=_text(stated["run"]),
        seq=_whole(stated["seq"]),
        strategy=_text(stated["strategy"]),
        phase=Phase(stated["phase"]),
        actor=_text(stated["actor"]),
        client=_text(stated["client"]),
        request_id=_text(stated["request_id"]),
        parent=None if parent is None else _whole(parent),
        at=_whole(stated["at"]),
        duration_ns=_whole(stated["dur_ns"]),
        status=status,  # type: ignore[arg-type]  # one of the three, as was just looked at
        given={name: _recorded(value) for name, value in stated["in"].items()},
        outcome={name: _recorded(value) for name, value in stated["out"].items()},
        checks=tuple(_check(one) for one in stated["checks"]),
        operations=tuple(_operation(one) for one in stated["store"]["ops"]),
        source=None if code is None else _source(code),
        references=tuple(_text(one) for one in stated["refs"]),
        badges=tuple(_text(one) for one in stated["badges"]),
    )


def _check(stated: Any) -> RecordedCheck:
    reason, detail = stated["reason"], stated["detail"]
    if type(stated["ok"]) is not bool:
        raise TypeError
    return RecordedCheck(
        _text(stated["name"]),
        stated["ok"],
        None if reason is None else _text(reason),
        None if detail is None else _recorded(detail),
    )


def _operation(stated: Any) -> Operation:
    return Operation(_text(stated["effect"]), _text(stated["access"]), _whole(stated["dur_ns"]))


def _source(stated: Any) -> Source:
    first, last = stated["lines"]
    return Source(_text(stated["file"]), _whole(first), _whole(last), _text(stated["function"]))


def _recorded(stated: Any) -> Recorded:
    """Read a recorded value of a known kind, with the members of that kind and no other."""
    members = frozenset(stated)
    for shape, holds in _KINDS[stated["k"]]:
        if members == shape and holds(stated):
            return dict(stated)
    raise ValueError


def _labelled(stated: Any) -> bool:
    kinds = ("token", "session", "refresh")
    return (
        stated["kind"] in kinds
        and _LABEL.fullmatch(stated["label"]) is not None
        and _FINGERPRINT.fullmatch(stated["fp"]) is not None
    )


_VALUE: Final = frozenset({"k", "v"})
# By the kind of a recorded value: which members it has, and what holds of them.
_KINDS: Final[Mapping[str, tuple[tuple[frozenset[str], Callable[[Any], bool]], ...]]] = {
    "public": ((_VALUE, lambda one: type(one["v"]) in (str, int, bool)),),
    "secret": (
        (frozenset({"k", "kind", "label", "fp"}), _labelled),
        (frozenset({"k", "kind"}), lambda one: one["kind"] == "password"),
    ),
    "pii": (
        (frozenset({"k"}), lambda _: True),
        (_VALUE, lambda one: type(one["v"]) is str),
    ),
    "duration_s": (
        (_VALUE, lambda one: type(one["v"]) in (int, float) and math.isfinite(one["v"])),
    ),
    "count": ((_VALUE, lambda one: type(one["v"]) is int),),
    "bytes": ((_VALUE, lambda one: type(one["v"]) is int),),
}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value
