"""The redaction report: what a trace shows and what it does not, counted in the trace itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limen.lab.recording.canaries import SPELLINGS

if TYPE_CHECKING:
    from limen.lab.recording.canaries import Canaries

# In these members of a message or token, null stands for a value that was not recorded.
_WITH_GAPS = frozenset({"value", "members", "header", "claims"})


@dataclass(frozen=True, slots=True)
class Report:
    """How often each kind of value that must not be seen occurs, and as what.

    `searched` is how many secrets of the run are searched for in an export, `None` where
    they are not known: those of a trace from elsewhere.
    """

    passwords: int
    credentials: int
    labels: int
    personal_shown: int
    personal_masked: int
    unrecorded: int
    searched: int | None

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        searched = None
        if self.searched is not None:
            searched = {"secrets": self.searched, "spellings": SPELLINGS, "found": 0}
        return {
            "passwords_never_recorded": self.passwords,
            "credentials_as_labels": self.credentials,
            "labels": self.labels,
            "personal_values_shown": self.personal_shown,
            "personal_values_masked": self.personal_masked,
            "values_not_recorded": self.unrecorded,
            "searched_for": searched,
        }

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The report for people: what, and how often."""
        searched = "not searched: the secrets of this trace are not known here"
        if self.searched is not None:
            searched = f"{self.searched} secrets in {SPELLINGS} spellings each, 0 found"
        return (
            ("Passphrases, never recorded", str(self.passwords)),
            ("Credentials, as labels", f"{self.credentials}, of {self.labels} different ones"),
            ("Personal values, recorded: the people are made up", str(self.personal_shown)),
            ("Personal values, masked", str(self.personal_masked)),
            ("Other values that are not recorded", str(self.unrecorded)),
            ("Secrets of the run, searched for in what is given", searched),
        )


def report_on(columns: Sequence[Mapping[str, Any]], canaries: Canaries | None) -> Report:
    """Count the kinds in the columns of a trace, as JSON values."""
    kinds, labels = [], set()
    for column in columns:
        for value in _values(column):
            kind = _kind(value)
            kinds.append(kind)
            if value is not None and kind == "label":
                labels.add((column["name"], value["label"]))
    return Report(
        passwords=kinds.count("password"),
        credentials=kinds.count("label"),
        labels=len(labels),
        personal_shown=kinds.count("shown"),
        personal_masked=kinds.count("masked"),
        unrecorded=kinds.count("gap"),
        searched=None if canaries is None else len(canaries),
    )


def _kind(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return "gap"
    if value["k"] == "pii":
        return "shown" if "v" in value else "masked"
    if value["k"] == "secret":
        return "label" if "label" in value else "password"
    return "open"


def _values(part: Any, *, gaps: bool = False) -> Iterator[Mapping[str, Any] | None]:
    """Yield every recorded value of a trace, and `None` for each that was left out."""
    if isinstance(part, Mapping):
        if "k" in part:
            yield part
            return
        for name, inner in part.items():
            yield from _values(inner, gaps=name in _WITH_GAPS or (gaps and inner is None))
    elif isinstance(part, list):
        for inner in part:
            yield from _values(inner, gaps=gaps)
    elif part is None and gaps:
        yield None
