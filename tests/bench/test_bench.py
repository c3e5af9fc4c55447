"""`make bench` measures with real servers and a real wrk; what it writes is of the agreed shape."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
VARIANT = "limen/starlette/hybrid-sqlite"
THROUGHPUT = ("open_rps", "protected_rps", "protected_over_open")
# The environment is made on the first run, by pip.
INSTALLING_S = 600
ROW: dict[str, Any] = {
    "measure": "open_rps",
    "system": "limen",
    "framework": None,
    "strategy": "hybrid",
    "store": "sqlite",
    "value": 1.5,
    "unit": "requests/s",
    "n": 3,
    "p50": None,
    "p99": 0.25,
}
MISSING = {
    "measure": "open_rps",
    "system": "limen",
    "framework": None,
    "strategy": None,
    "store": None,
    "reason": "because",
}


@pytest.fixture
def results(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT)
    from bench import results

    return results


@pytest.fixture(scope="module")
def python() -> str:
    """Make the environment of Limen's own rows, and return its Python."""
    made = subprocess.run(
        [sys.executable, "-m", "bench.environments", "limen"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return str(ROOT / ".limen" / "bench" / "limen" / "bin" / "python")


def bench(python: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.timeout(INSTALLING_S)
def test_a_quick_run_measures_a_real_server(python, results, tmp_path) -> None:
    ran = bench(python, "--quick", "--only", VARIANT, "--into", tmp_path, *THROUGHPUT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = results.read(tmp_path / "latest.json")

    assert found.machine["quick"] is True
    assert found.versions["limen"].keys() >= {"limen", "starlette", "uvicorn", "uvloop"}
    assert [row.measure for row in found.rows] == list(THROUGHPUT)
    opened, protected, ratio = found.rows
    for row in found.rows:
        assert (row.system, row.framework) == ("limen", "starlette")
        assert (row.strategy, row.store) == ("hybrid", "sqlite")
    assert 0 < opened.p50 <= opened.p99
    assert 0 < protected.p50 <= protected.p99
    assert min(opened.n, protected.n, opened.value, protected.value) > 1
    # One round in a quick run, so the ratio is that of the two figures.
    assert ratio.value == pytest.approx(protected.value / opened.value, rel=0.01)

    table = (tmp_path / "latest.md").read_text()
    assert "A quick run" in table
    assert "| limen | starlette | hybrid | sqlite |" in table
    assert "</svg>" in (tmp_path / "latest.svg").read_text()


@pytest.mark.timeout(INSTALLING_S)
def test_a_probe_measures_in_a_process_of_its_own(python, results, tmp_path) -> None:
    only = ("--only", "limen/-/session-store-sqlite")
    ran = bench(python, "--quick", *only, "--into", tmp_path, "revocation_lag_ms")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = results.read(tmp_path / "latest.json").of("revocation_lag_ms")
    # A check that reads the store accepts nothing that starts after `revoke` has returned.
    assert [(row.unit, row.value) for row in rows] == [("ms, p99", 0), ("ms, longest", 0)]
    assert all(row.n > 1 for row in rows)


@pytest.mark.timeout(INSTALLING_S)
def test_a_check_is_measured_by_itself_and_through_the_edge(python, results, tmp_path) -> None:
    only = ("--only", "limen/-/hybrid-sqlite")
    ran = bench(python, "--quick", *only, "--into", tmp_path, "warm_check_us")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = results.read(tmp_path / "latest.json").of("warm_check_us")
    assert {row.framework for row in rows} == {None, "asgi"}
    assert all(row.n > 1 and 0 < row.p50 <= row.p99 for row in rows)


@pytest.mark.timeout(INSTALLING_S)
def test_what_cannot_be_measured_is_named_and_fails_the_run(python, tmp_path) -> None:
    ran = bench(python, "--quick", "--only", "nobody/*", "--into", tmp_path, "open_rps")
    assert ran.returncode == 1
    assert "Nothing was measured" in ran.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(INSTALLING_S)
def test_a_measure_that_there_is_none_of_is_refused(python) -> None:
    ran = bench(python, "requests_per_second")
    assert ran.returncode == 2
    assert "'requests_per_second' is no measure" in ran.stderr
    assert "protected_over_open" in ran.stderr


PROGRAM = """
import argparse, http.server, json
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
parser.add_argument("--variant")
asked = parser.parse_args()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        known = self.headers["x-key"] == "right"
        closed = self.path == "/protected" and not (known or asked.variant == "unguarded")
        body = b'{"ok": true}'
        self.send_response(401 if closed else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): ...

if asked.variant == "broken":
    raise SystemExit("there is no such variant")
server = http.server.ThreadingHTTPServer(("127.0.0.1", asked.port), Handler)
key = "wrong" if asked.variant == "locked" else "right"
print(json.dumps({"headers": {"x-key": key}, "versions": {}}), flush=True)
server.serve_forever()
"""


@pytest.fixture
def served(python, results, tmp_path) -> Callable[[str], Any]:
    """Return what serves a small program of the agreed interface, in one of its variants."""
    del python, results  # the environment, and where the modules are
    from bench.processes import Server
    from bench.systems import BARE, System, Variant

    (tmp_path / "serve.py").write_text(PROGRAM)

    def serve(name: str) -> Any:
        variant = Variant(name, None, None)
        system = System(BARE, "http.server", "python", tmp_path, "serve.py", (variant,))
        return Server(system, variant, None)

    return serve


@pytest.mark.timeout(INSTALLING_S)
@pytest.mark.parametrize(
    ("variant", "complaint"),
    [
        ("unguarded", "/protected with no credential answered 200, and not 401"),
        ("locked", "/protected with a credential answered 401, and not 200"),
        ("broken", "it did not start: there is no such variant"),
    ],
)
def test_a_server_that_does_not_do_what_is_compared_is_not_measured(
    served, variant, complaint
) -> None:
    from bench.processes import NotServed

    with pytest.raises(NotServed) as raised:
        served(variant)
    assert str(raised.value) == complaint


@pytest.mark.timeout(INSTALLING_S)
def test_only_answers_that_are_right_count(served) -> None:
    from bench.load import LoadFailed, Request, measured

    with served("guarded") as server:
        assert measured(server.port, server.protected, 1).requests > 0
        with pytest.raises(LoadFailed, match="were refused"):
            measured(server.port, Request("/protected"), 1)
    with pytest.raises(LoadFailed, match="unable to connect"):
        measured(server.port, server.open, 1)


def test_what_fails_is_said_and_only_limens_own_fails_the_run(results) -> None:
    from bench.processes import NotServed
    from bench.run import Run

    run = Run(["open_rps"])
    for system in ("limen", "somebody"):
        with run.guarding(["open_rps"], system, strategy="hybrid"):
            raise NotServed("it did not start")
    missing = [(one.system, one.strategy, one.reason) for one in run.results.not_measured]
    assert missing == [(name, "hybrid", "it did not start") for name in ("limen", "somebody")]
    assert run.failed == 1
    with pytest.raises(KeyError), run.guarding(["open_rps"], "limen"):
        raise KeyError


def test_a_good_row_is_taken(results) -> None:
    results.Row(**ROW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"measure": "rps"},
        {"system": ""},
        {"framework": 1},
        {"value": None},
        {"value": -1.0},
        {"value": float("nan")},
        {"value": True},
        {"unit": ""},
        {"n": 0},
        {"n": 1.5},
        {"p50": "fast"},
    ],
)
def test_a_row_of_another_shape_is_refused(results, wrong) -> None:
    with pytest.raises(results.BadResult):
        results.Row(**(ROW | wrong))


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [{**ROW, "more": 1}]},
        {"rows": [{name: value for name, value in ROW.items() if name != "n"}]},
        {"machine": {}},
        {"not_measured": [{**MISSING, "reason": ""}]},
        {"not_measured": [{**MISSING, "measure": "rps"}]},
        {"more": 1},
    ],
)
def test_a_file_of_another_shape_is_refused(results, change) -> None:
    good = {
        "machine": {"cores": 2},
        "versions": {"limen": {}},
        "rows": [ROW],
        "not_measured": [MISSING, {**MISSING, "measure": None}],
    }
    results.check_document(good)
    with pytest.raises(results.BadResult):
        results.check_document(good | change)


def committed() -> Path:
    return ROOT / "bench" / "results" / "latest.json"


def test_the_committed_results_have_the_shape_and_are_of_a_full_run(results) -> None:
    if committed().is_file():
        found = results.read(committed())
        assert found.machine["quick"] is False
        assert {row.measure for row in found.rows} == set(results.MEASURES)


def test_the_document_shows_the_committed_results(results) -> None:
    from bench.document import rewritten

    text = (ROOT / "docs" / "performance.md").read_text()
    if committed().is_file():
        assert rewritten(text, results.read(committed())) == text
    for measure in results.MEASURES:
        assert f"`{measure}`" in text, "the document explains every measure"


def test_the_block_of_the_document_is_all_that_is_rewritten(results) -> None:
    from bench.document import rewritten

    text = "a\n<!-- figures of make bench -->\nold\n<!-- end of figures -->\nb\n"
    machine = {"date": "d", "minutes": 1, "cpu": "c", "cores": 2, "memory_gib": 1}
    machine |= {"system": "s", "kernel": "k"}
    found = results.Results(machine, {"limen": {"limen": "1"}}, [results.Row(**ROW)])
    fresh = rewritten(text, found)
    assert fresh.startswith("a\n<!-- figures of make bench -->\n")
    assert fresh.endswith("\n<!-- end of figures -->\nb\n")
    assert "old" not in fresh
    assert "| limen | - | hybrid | sqlite | 1.50 | - | 0.25 | 3 |" in fresh
    assert rewritten(fresh, found) == fresh
    faster = replace(found, rows=[results.Row(**(ROW | {"value": 2.5}))])
    assert rewritten(fresh, faster) != fresh
    with pytest.raises(ValueError, match="no block"):
        rewritten("nothing to rewrite", found)


def test_results_are_read_as_they_were_written(results, tmp_path) -> None:
    found = results.Results(
        {"cores": 2},
        {"limen": {"limen": "1"}},
        [results.Row(**ROW)],
        [results.NotMeasured(**MISSING)],
    )
    (tmp_path / "latest.json").write_text(found.to_json())
    assert results.read(tmp_path / "latest.json") == found
    assert len(json.loads(found.to_json())["rows"]) == 1


def test_every_measure_is_measured_by_some_module(results) -> None:
    modules = sorted((ROOT / "bench" / "measures").glob("*.py"))
    text = "".join(path.read_text() for path in modules)
    assert [name for name in results.MEASURES if f'"{name}"' not in text] == []
