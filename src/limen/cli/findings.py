"""What the doctor says: findings, and what it could not look at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

from limen.cli.variables import with_variable
from limen.errors import ConfigurationError


@unique
class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # Limen will not start, or somebody can be harmed
    WARNING = "warning"  # it works, and something is weaker than it looks
    NOTE = "note"  # a choice worth knowing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: `subject` and `sentence` read on as one, then what to do about it."""

    severity: Severity
    subject: str
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something the doctor could not look at, and why."""

    subject: str
    reason: str


def found_wrong(fault: ConfigurationError) -> Finding:
    """Return a configuration error as a finding."""
    return Finding(Severity.ERROR, with_variable(fault.setting), fault.problem, fault.remedy)
