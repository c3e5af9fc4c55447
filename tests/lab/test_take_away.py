"""A run as files: what each of them holds, that none holds a secret, and what is read again."""

from __future__ import annotations

import ast
import contextlib
import copy
import dataclasses
import hashlib
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from canaries import leaks
from labs import PASSPHRASE, Recorded, Serve, Served

from limen import Limen
from limen.lab.admission import Admission
from limen.lab.app import create_app
from limen.lab.desk import Desk
from limen.lab.exports.files import Leak, file_of, files_of
from limen.lab.exports.foreign import opened, run_from
from limen.lab.exports.schema import MAX_OCTETS, NotATrace, check, read_trace, schema
from limen.lab.exports.single_page import single_page
from limen.lab.exports.trace_json import canonical, document, sha256_of, trace_json
from limen.lab.menu import OF_A_RUN
from limen.lab.recording.canaries import Canaries
from limen.lab.run import Run
from limen.lab.scenarios import SCENARIOS
from limen.lab.servers.site import Person, Premises, loopback_socket, site_under
from limen.lab.servers.site import served as site_served
from limen.lab.views.compare import run_page
from limen.lab.views.decide import kept_of

LIMEN = Path(sys.executable).with_name("limen")
HOSTILE = "<script>alert(1)</script>\"'`$(id);#|\n<img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def texts(run: Run) -> dict[str, str]:
    """Give every file of the run by name."""
    return {file.name: file.text for file in files_of(run)}


@pytest.fixture(scope="module")
def told(run: Run) -> dict[str, Any]:
    """Give trace.json as it is read."""
    return read_trace(trace_json(run).encode())


@pytest.fixture
def serve_runs() -> Iterator[Callable[[Run], Served]]:
    """Give a function that starts a Lab with runs on its shelf."""
    with contextlib.ExitStack() as opened:

        def serve(*runs: Run) -> Served:
            listening = opened.enter_context(loopback_socket())
            port = listening.getsockname()[1]
            lab = create_app(port, runs=runs)
            opened.enter_context(site_served(lab.app, listening))
            return Served(f"http://127.0.0.1:{port}", lab.launch_url)

        yield serve


# -- secrets


def test_every_file_is_offered_and_none_holds_a_secret(recorded: Recorded) -> None:
    files = files_of(recorded.run)
    assert len(files) == 5 + 3 * len(recorded.run.columns)
    for file in files:
        assert leaks(recorded.secrets, file.text) == [], file.name


def test_the_lab_knows_every_secret_that_the_tests_know(recorded: Recorded) -> None:
    canaries = recorded.run.canaries
    assert all(canaries.found_in(f"<td>{secret}</td>") for secret in recorded.secrets)
    assert canaries.found_in("nothing") == 0
    assert repr(canaries) == f"<Canaries: {len(canaries)}>"
    assert leaks(recorded.secrets, repr(recorded.run)) == []


@pytest.mark.parametrize("spelt", [PASSPHRASE, PASSPHRASE[::-1], PASSPHRASE.encode().hex()])
def test_a_file_with_a_secret_is_not_given(run: Run, serve: Serve, spelt: str) -> None:
    leaking = dataclasses.replace(run, environment={"planted": spelt})
    with pytest.raises(Leak, match=r"trace\.json"):
        file_of(leaking, "trace.json")
    served = serve(lambda: leaking)
    with served.admitted() as client:
        _press(client, served)
        for path in ("export", "export/trace.html", "trace.json"):
            answer = client.get(f"/runs/{run.id}/{path}")
            assert answer.status_code == 500
            assert PASSPHRASE not in answer.text
            assert spelt not in answer.text


def test_the_report_counts_what_the_trace_has(told: dict[str, Any], run: Run) -> None:
    text, report = trace_json(run), told["redaction"]
    assert report["passwords_never_recorded"] == text.count('"kind":"password"') > 0
    assert report["credentials_as_labels"] == text.count('"label":"') > 0
    assert report["personal_values_shown"] == len(re.findall(r'"k":"pii","v"', text)) > 0
    assert report["personal_values_masked"] == 0
    assert report["searched_for"]["secrets"] == len(run.canaries) > 3
    masked = copy.deepcopy(told)
    masked["columns"][0]["events"][1]["in"]["email"].pop("v", None)
    counted = document(run_from(masked))["redaction"]
    assert counted["personal_values_masked"] == 1
    assert counted["searched_for"] is None


# -- the page, and what the server gives


def test_the_page_names_the_hash_of_what_it_gives(served: Served, run: Run) -> None:
    with served.admitted() as client:
        _press(client, served)
        page = client.get(f"/runs/{run.id}/export").text
        given = re.findall(rf'href="(/runs/{run.id}/export/[^"]+)"', page)
        assert len(given) == len(files_of(run))
        for path in given:
            answer = client.get(path)
            assert answer.status_code == 200
            assert answer.headers["content-disposition"].startswith("attachment; filename=")
            assert hashlib.sha256(answer.content).hexdigest() in page
            assert f"{len(answer.content):,}" in page
        assert client.get(f"/runs/{run.id}/export/no.such").status_code == 404
        assert client.get(f"/runs/{run.id}/trace.json").text == trace_json(run)


def test_equal_traces_are_equal_files(run: Run) -> None:
    assert trace_json(run) == trace_json(dataclasses.replace(run))
    assert (
        canonical({"b": 1, "a": {"d": "é", "c": None}}) == '{"a":{"c":null,"d":"\\u00e9"},"b":1}\n'
    )


# -- the schema


def test_the_schema_is_one_for_every_validator(told: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(told)


def _mutations() -> Iterator[tuple[str, Callable[[Any], object]]]:
    def event(told: Any) -> Any:
        return told["columns"][0]["events"][1]

    yield "a free text", lambda t: event(t)["in"].update(note={"k": "text", "v": "x"})
    yield "a password's text", lambda t: event(t)["in"]["password"].update(v="x")
    yield "a password's length", lambda t: event(t)["in"]["password"].update(length=8)
    yield "a label of its own", lambda t: event(t)["in"]["password"].update(label="x", fp="0" * 8)
    yield "another version", lambda t: t.update(v=2)
    yield "a version that is true", lambda t: t.update(v=True)
    yield "no columns", lambda t: t.update(columns=[])
    yield "a member too many", lambda t: t.update(more=1)
    yield "a member too few", lambda t: event(t).pop("refs")
    yield "a phase of its own", lambda t: event(t).update(phase="mint")
    yield "a time before time", lambda t: event(t).update(at=-1)
    yield "a time after time", lambda t: t.update(at=10**15)
    yield "a time in a text", lambda t: event(t).update(at="1")
    yield "a text without end", lambda t: event(t).update(client="x" * 2001)
    yield "a column with a path", lambda t: t["columns"][0].update(name="../x")
    yield "a column with a quote", lambda t: t["columns"][0].update(name='x"\r\nx: y')
    yield "a found secret", lambda t: t["redaction"]["searched_for"].update(found=1)
    yield "a strategy of its own", lambda t: t["columns"][0]["setup"].update(strategy="x")


MUTATIONS = dict(_mutations())


@pytest.mark.parametrize("name", list(MUTATIONS))
def test_what_departs_from_the_schema_is_refused(told: dict[str, Any], name: str) -> None:
    changed = copy.deepcopy(told)
    MUTATIONS[name](changed)
    with pytest.raises(NotATrace, match="trace"):
        check(changed)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(changed)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"NaN",
        b"[" * 100_000,
        b'{"v":1,"v":1}',
        b" " * (MAX_OCTETS + 1),
        b"9" * 5_000,
    ],
    ids=lambda octets: octets[:12].decode("latin-1"),
)
def test_what_is_no_trace_at_all_is_refused_with_a_sentence(octets: bytes) -> None:
    with pytest.raises(NotATrace, match=r"^(it|trace) is "):
        read_trace(octets)


def test_numbers_that_would_mislead_are_refused(told: dict[str, Any]) -> None:
    """The counts of an event are those of its operations, and the schema cannot say so."""
    changed = copy.deepcopy(told)
    changed["columns"][0]["events"][0]["store"]["reads"] += 1
    check(changed)
    with pytest.raises(NotATrace, match="no trace event"):
        run_from(changed)


# -- a trace from elsewhere


def test_a_trace_is_read_again_as_it_was(told: dict[str, Any]) -> None:
    again = document(run_from(told))
    assert again["columns"] == told["columns"]
    assert again["plot"] == told["plot"]
    assert again["imported"] is True


def test_an_imported_trace_is_marked_wherever_it_is_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.json").write_text(trace_json(run))
    imported = opened(tmp_path / "trace.json")
    assert imported.id != run.id
    assert "imported, not run here" in run_page(imported)
    assert "imported" in _file(imported, "trace.html")
    assert "imported" in _file(imported, "table.md")


def test_a_hostile_trace_is_shown_as_text(told: dict[str, Any], tmp_path: Path) -> None:
    changed = copy.deepcopy(told)
    changed["plot"].update(title=HOSTILE, story=HOSTILE)
    for name in list(changed["environment"]):
        changed["environment"][name] = HOSTILE
    for column in changed["columns"]:
        column["steps"] = dict.fromkeys(column["steps"], changed["plot"]["steps"][0]["name"])
        for event in column["events"]:
            event["client"] = HOSTILE
            event["in"][HOSTILE] = {"k": "public", "v": HOSTILE}
        for exchange in column["exchanges"]:
            exchange["client"] = HOSTILE
            exchange["request"]["headers"].append(
                {"name": "Origin", "value": [HOSTILE], "bytes": 1}
            )
    changed["plot"]["ending"] = None
    (tmp_path / "trace.json").write_text(json.dumps(changed))
    for file in files_of(opened(tmp_path / "trace.json")):
        if file.name.endswith((".html", ".md")):
            assert not re.search(r"(?<!\\)<(script|img)", file.text), file.name
        if file.name.endswith(".sh"):
            assert _syntax(file.text) == ""
            ran = subprocess.run(
                ["bash", "-c", f"ask() {{ :; }}; curl() {{ :; }}; {file.text}"],
                env={"PATH": "/usr/bin:/bin", "PASSWORD": "x", **_placeholders(file.text)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert "uid=" not in ran.stdout + ran.stderr
        if file.name.endswith(".py"):
            ast.parse(file.text)
        if file.name.endswith(".mmd"):
            _read_mermaid(file.text)


def test_every_view_of_a_hostile_trace_shows_text_and_says_that_it_is_imported(
    told: dict[str, Any], serve_runs: Callable[[Run], Served]
) -> None:
    changed = copy.deepcopy(told)
    changed["plot"].update(title=HOSTILE, story=HOSTILE)
    changed["environment"]["imported"] = "no, measured here"
    for column in changed["columns"]:
        for event in column["events"]:
            event["client"] = HOSTILE
            event["in"][HOSTILE] = {"k": "public", "v": HOSTILE}
        for exchange in column["exchanges"]:
            exchange["client"] = HOSTILE
            exchange["request"]["headers"].append({"name": HOSTILE, "value": [HOSTILE], "bytes": 1})
    imported = run_from(changed)
    with serve_runs(imported).admitted() as client:
        for _, path in OF_A_RUN:
            answer = client.get(f"/runs/{imported.id}{path}")
            assert answer.status_code == 200, path
            assert not re.search(r"<script>|<img src=x", answer.text), path
            assert "imported, not run here" in answer.text
            assert "no, measured here" not in answer.text
        assert ", imported" in client.get("/").text


def test_nobody_decides_by_what_was_measured_elsewhere(run: Run, told: dict[str, Any]) -> None:
    desk = Desk(Admission(1), SCENARIOS)
    desk.shelf.keep(run)
    desk.shelf.keep(run_from(told))
    assert list(kept_of(desk).runs) == [run]


def test_the_command_checks_a_file_and_says_what_is_wrong(run: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(trace_json(run))
    bad.write_text(trace_json(run).removesuffix('"v":1}\n') + '"v":2}\n')
    checked, refused, unopened = (
        subprocess.run([LIMEN, "lab", *stated], capture_output=True, text=True, check=False)
        for stated in (("--check", good), ("--check", bad), ("--open", bad))
    )
    assert checked.returncode == 0
    assert sha256_of(good.read_text()) in checked.stdout
    for one in (refused, unopened):
        assert one.returncode == 1
        assert "is no trace that this version can read: trace.v is not 1" in one.stderr


# -- the other files


def test_each_diagram_is_one_that_mermaid_reads(texts: dict[str, str], run: Run) -> None:
    for column in run.columns:
        lines = _read_mermaid(texts[f"{column.name}.mmd"])
        assert lines[1].startswith("accTitle: login, read, logout, replay")
        assert lines[2].startswith("accDescr: Alice signs in")
        answers = [line for line in lines if "-->>" in line]
        asked = [line for line in lines if line.startswith("c") and "->>server: " in line]
        assert len(answers) == len(asked) > 3
        assert any("sid#35;1" in line or "tok#35;1" in line for line in lines)


def test_the_table_has_a_cell_for_every_column(texts: dict[str, str], run: Run) -> None:
    rows = [line for line in texts["table.md"].splitlines() if line.startswith("| ")]
    assert len(rows) > 20
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 5 + len(run.columns)


def test_each_script_is_one_that_bash_reads(texts: dict[str, str], run: Run) -> None:
    for column in run.columns:
        assert _syntax(texts[f"{column.name}.sh"]) == ""


def test_a_script_gets_the_answers_of_the_run_from_another_application(
    run: Run, texts: dict[str, str], tmp_path: Path
) -> None:
    """The same statuses, from a server with other keys, other rows and another passphrase."""
    premises = Premises.build(tmp_path, Person.generated())
    for column in run.columns:
        with site_under(column.setup, premises, "again") as site:
            done = subprocess.run(
                ["bash", "-c", texts[f"{column.name}.sh"]],
                env={
                    "PATH": "/usr/bin:/bin",
                    "LIMEN_URL": site.url,
                    "PASSWORD": premises.person.passphrase,
                },
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.stderr == ""
        told = re.findall(r": \w+ (\d+), in the run (\d+)", done.stdout)
        assert len(told) == len(column.exchanges) > 3
        assert [now for now, _ in told] == [before for _, before in told]


def test_each_application_is_a_limen_with_the_settings_of_its_column(
    texts: dict[str, str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMEN_SECRET", secrets.token_urlsafe(48))
    for column in run.columns:
        names: dict[str, Any] = {}
        exec(compile(texts[f"{column.name}.app.py"], column.name, "exec"), names)
        auth = names["auth"]
        assert isinstance(auth, Limen)
        assert auth.assembly.parts.primary.guarantees == column.guarantees
        assert "/orders" in {getattr(route, "path", None) for route in names["app"].routes}


def test_the_scenario_is_carried_out_again_by_its_file(texts: dict[str, str], run: Run) -> None:
    names: dict[str, Any] = {"__name__": "read"}
    exec(compile(texts["scenario.py"], "scenario.py", "exec"), names)
    assert names["SETTINGS"] == tuple(column.setup for column in run.columns)
    assert "SCENARIOS['logout'](" in texts["scenario.py"]


def test_the_spans_are_a_tree(texts: dict[str, str], run: Run) -> None:
    resources = json.loads(texts["otlp.json"])["resourceSpans"]
    for resource, column in zip(resources, run.columns, strict=True):
        spans = resource["scopeSpans"][0]["spans"]
        ids = {span["spanId"]: span for span in spans}
        assert len(ids) == len(spans)
        assert {len(one) for one in ids} == {16}
        assert {len(span["traceId"]) for span in spans} == {32}
        roots = [span for span in spans if "parentSpanId" not in span]
        assert len(spans) - len(roots) == len(column.events)
        for span in spans:
            assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
            parent = ids[span.get("parentSpanId", span["spanId"])]
            assert int(parent["startTimeUnixNano"]) <= int(span["startTimeUnixNano"])


def test_what_acts_in_a_page_stays_behind() -> None:
    page = (
        '<html><head><title>a &amp; b</title><link rel="stylesheet" href="/static/lab.css">'
        '<script src="/static/x.js"></script></head><body><nav>no</nav><main id="main">'
        '<a href="/runs/r#x" id="k">here</a><a href="/runs/r/wire">there</a><a href="#y">y</a>'
        '<form method="post" action="/runs"><input type="hidden" name="csrf" value="SECRET">'
        '<button name="go" value="1">Go</button></form><img src="/x.png" onerror="y()">'
        "<template><p>no</p></template><p onclick='z()' style='color:red'>&lt;p&gt;</p>"
        '<svg viewBox="0 0 1 1"><path d="M0 0"/></svg></main></body></html>'
    )
    made = single_page(page, "/runs/r", "<footer>notes</footer>")
    body = made.partition("<body>")[2]
    assert "<title>a &amp; b</title>" in made
    assert '<a href="#x">here</a>' in body.replace(' id="k"', "")
    assert "<span>there</span>" in body
    assert '<a href="#y">y</a>' in body
    assert '<span class="pressed-in-the-lab">Go</span>' in body
    assert "<p>&lt;p&gt;</p>" in body
    assert '<path d="M0 0"/>' in body
    for gone in ("SECRET", "onerror", "onclick", "style=", "<script", "/static/", "no<", "action"):
        assert gone not in body
    assert "<footer>notes</footer>" in body


def test_canaries_that_are_short_are_not_searched_for() -> None:
    canaries = Canaries()
    canaries.note("short")
    canaries.note("ses_u4LBF0scor6hQPCsLCawvg")
    assert len(canaries) == 0


def _file(run: Run, name: str) -> str:
    file = file_of(run, name)
    assert file is not None
    return file.text


def _press(client: Any, served: Served) -> None:
    token = client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]
    form = {"csrf": token, "scenario": "logout"}
    client.post("/runs", data=form, headers={"Origin": served.url})


def _syntax(script: str) -> str:
    return subprocess.run(
        ["bash", "-n"], input=script, capture_output=True, text=True, check=False
    ).stderr


def _placeholders(script: str) -> dict[str, str]:
    return dict.fromkeys(re.findall(r"\$\{(\w+):\?", script), "x")


_MERMAID = re.compile(
    r"accTitle: [^\n;#]+|accDescr: [^\n;#]+|participant \w+ as .+|Note over \w+(,\w+)?: .+"
    r"|\w+-{1,2}>>\w+: .+|loop .+|end"
)


def _read_mermaid(text: str) -> list[str]:
    first, *lines = [line.strip() for line in text.splitlines()]
    assert first == "sequenceDiagram"
    named = {line.split()[1] for line in lines if line.startswith("participant ")}
    depth = 0
    for line in lines:
        assert _MERMAID.fullmatch(line), line
        message = line.partition(": ")[2]
        if not line.startswith("acc"):
            assert ";" not in re.sub(r"#\d+;", "", message)
            assert "<" not in message
        depth += line.startswith("loop ") - (line == "end")
        used = re.match(r"(?:Note over (\w+)(?:,(\w+))?|(\w+)-{1,2}>>(\w+)):", line)
        assert set(filter(None, used.groups() if used else ())) <= named
    assert depth == 0
    return [first, *lines]
