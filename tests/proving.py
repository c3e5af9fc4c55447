"""Which requirements the tests of a run prove, written down for `scripts/conformance.py`.

A test says so by `@pytest.mark.proves("asvs:7.4.1")`. The suites of `limen.testing` are for
everybody and know no marks, so `conformance/suites.csv` says it for them.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

CONFORMANCE = Path(__file__).resolve().parent.parent / "conformance"
RECORD = Path(".limen") / "conformance.json"
FIELD = "proves"  # of a report: what the test says that it proves
COLLECTED, PASSED, FAILED = "collected", "passed", "failed"


@cache
def of_the_suites() -> dict[str, tuple[str, ...]]:
    """Return what each test of a public suite proves, by its name."""
    path = CONFORMANCE / "suites.csv"
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as lines:
        return {row["test"]: tuple(row["proves"].split()) for row in csv.DictReader(lines)}


def proven_by(item: pytest.Item) -> list[str]:
    """Return the ids of the rows that a test says that it proves."""
    ids = [text for mark in item.iter_markers("proves") for text in mark.args]
    function = getattr(item, "function", None)
    if getattr(function, "__module__", "").startswith("limen.testing"):
        ids += of_the_suites().get(getattr(item, "originalname", item.name), ())
    return sorted(set(ids))


def name_of(nodeid: str) -> str:
    """Return the file and the function of a test, without class and parameters.

    Names of test modules are unique, so the folder is left out.
    """
    path, *_, name = nodeid.partition("[")[0].split("::")
    return f"{Path(path).name}::{name}"


class Proofs:
    """Listens to one run. What a test proves travels in its report, so also from a worker."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.seen: dict[str, dict[str, str]] = defaultdict(dict)

    def note(self, nodeid: str, ids: list[str], outcome: str) -> None:
        """Keep how a test came out; one failure among its parameters is a failure."""
        rows = self.seen[name_of(nodeid)]
        for one in ids:
            if rows.get(one) != FAILED:
                rows[one] = outcome

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item):
        report = yield
        setattr(report, FIELD, proven_by(item))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        ids = getattr(report, FIELD, [])
        if ids and (report.when == "call" or not report.passed):
            self.note(report.nodeid, ids, PASSED if report.passed else FAILED)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self.config.option.collectonly:
            for item in session.items:
                ids = proven_by(item)
                if ids:
                    self.note(item.nodeid, ids, COLLECTED)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self.config, "workerinput") or not self.is_whole(session):
            return
        path = self.config.rootpath / RECORD
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(self.seen, indent=1, sort_keys=True), encoding="utf-8")

    def is_whole(self, session: pytest.Session) -> bool:
        """Tell whether every test of the project was to be run: a part proves only a part."""
        option = self.config.option
        chosen = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise")
        return (
            self.config.args_source is pytest.Config.ArgsSource.TESTPATHS
            and not any(getattr(option, name, None) for name in chosen)
            and not session.shouldfail
            and not session.shouldstop
        )


def pytest_configure(config: pytest.Config) -> None:
    """Listen to this run."""
    config.pluginmanager.register(Proofs(config), "limen-proofs")
