"""A trace.json that somebody made to harm whoever opens it: it is refused, or shown as text."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browsers import Heard, launched
from labs import Served
from playwright.sync_api import Browser

from limen.lab.app import create_app
from limen.lab.exports.files import files_of
from limen.lab.exports.foreign import _VIEWS, opened, run_from
from limen.lab.exports.schema import NotATrace, check, read_trace
from limen.lab.exports.trace_json import trace_json
from limen.lab.menu import OF_A_RUN
from limen.lab.run import Run
from limen.lab.servers.site import loopback_socket, served

UNFIT = ("\ud800", "\udfff", "\0", "\x1b[2J", "\r", "\x7f", "\x9b", "\u202e", "\u2066")
CORPUS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(1)>",
    "</title></style></textarea></template><script>alert(1)</script>",
    "<!--<script>--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "' autofocus onfocus=alert(1) x='",
    "javascript:alert(1)//",
    "{{7*7}}${7*7}{% raw %}&lt;script&gt;&#60;b&#62;",
    "<a href=javascript:alert(1)>x</a><base href=//evil.example>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    (
        "<math><mtext><table><mglyph><style><!--</style>"
        "<img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>"
    ),
)
# Texts with a closed list of values, and the names that tie one part of a trace to another.
CLOSED = {
    "k", "kind", "label", "fp", "phase", "status", "home", "format", "check", "strategy", "storage",
    "id", "name", "request_id", "after", "access", "start", "effect", "holder", "op",
}  # fmt: skip


@pytest.fixture(scope="module")
def told(run: Run) -> dict[str, Any]:
    """Give trace.json as it is read, with one column."""
    document = read_trace(trace_json(run).encode())
    return document | {"columns": document["columns"][:2]}


def _places(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every text of a document."""
    if isinstance(value, str):
        yield path
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _places(inner, *path, name)


def _changed(document: dict[str, Any], path: tuple[str | int, ...], text: str) -> None:
    part: Any = document
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = text


@pytest.fixture(scope="module")
def hostile(told: dict[str, Any]) -> dict[str, Any]:
    """Give a trace with a hostile text in each place that takes any text, and in free names."""
    changed, number = copy.deepcopy(told), 0
    for path in list(_places(told)):
        if path[-1] not in CLOSED and "refs" not in path and "steps" not in path[1:4]:
            _changed(changed, path, CORPUS[number % len(CORPUS)])
            number += 1
    for column in changed["columns"]:
        for event, text in zip(column["events"], CORPUS * 9, strict=False):
            event["in"][text] = {"k": "public", "v": text}
            event["out"]["__proto__"] = {"k": "public", "v": text}
    assert number > 500
    return changed


@contextmanager
def serving(run: Run) -> Iterator[Served]:
    with loopback_socket() as listening:
        port = listening.getsockname()[1]
        lab = create_app(port, runs=[run])
        with served(lab.app, listening):
            yield Served(f"http://127.0.0.1:{port}", lab.launch_url)


# -- what is refused


@pytest.mark.parametrize("text", UNFIT, ids=ascii)
def test_what_is_no_text_is_refused_wherever_it_stands(
    told: dict[str, Any], text: str, tmp_path: Path
) -> None:
    """Half a character would break every page later, and a control character a terminal."""
    makers: list[Callable[[dict[str, Any]], object]] = [
        lambda t: t.update(run=text),
        lambda t: t["plot"].update(story=f"a{text}b"),
        lambda t: t["environment"].update({text: "x"}),
        lambda t: t["columns"][0]["events"][0]["in"].update({text: {"k": "pii"}}),
        lambda t: t["columns"][0]["events"][0]["in"].update(x={"k": "public", "v": text}),
        lambda t: t["columns"][0]["events"][0].update({text: 1}),
        lambda t: t["columns"][0]["setup"].update(trusted_origins=[text]),
        lambda t: t["columns"][0]["events"][0].update(client=text),
    ]
    file = tmp_path / "trace.json"
    for make in makers:
        changed = copy.deepcopy(told)
        make(changed)
        file.write_text(json.dumps(changed))
        with pytest.raises(NotATrace) as refused:
            opened(file)
        said = str(refused.value)
        assert said.encode()
        assert said.isprintable()


def test_text_in_any_script_and_over_several_lines_is_read(told: dict[str, Any]) -> None:
    changed = copy.deepcopy(told)
    changed["plot"].update(story="ein\tZeilen\numbruch, 日本語, العربية, 👩\u200d🚒")
    check(changed)


def test_a_trace_that_a_later_page_could_not_show_is_not_opened(
    told: dict[str, Any], tmp_path: Path
) -> None:
    """All views of a run are tried before it is put on the shelf, not Compare alone."""
    file = tmp_path / "trace.json"
    changed = copy.deepcopy(told)
    for column in changed["columns"]:
        column["store"][0]["tables"] = {}
    file.write_text(json.dumps(changed))
    with pytest.raises(NotATrace, match="lacks what the page Store shows"):
        opened(file)
    assert {name for name, _ in OF_A_RUN} == set(_VIEWS)
    changed = copy.deepcopy(told)
    for column in changed["columns"]:
        for token in column["tokens"].values():
            token["claims"]["exp"] = {"k": "public", "v": 10**4_000}
    file.write_text(json.dumps(changed))
    with pytest.raises(NotATrace, match="lacks what the page Compare shows"):
        opened(file)


@pytest.mark.parametrize(
    "start",
    [
        "GET @evil.example/orders HTTP/1.1",
        "GET .evil.example/orders HTTP/1.1",
        "GET http://evil.example/ HTTP/1.1",
        "GET \\\\evil.example HTTP/1.1",
        "GET  HTTP/1.1",
        "--output /orders HTTP/1.1",
        "GET\nHost:x /orders HTTP/1.1",
        " /orders HTTP/1.1",
    ],
)
def test_a_request_goes_to_the_application_that_somebody_names_and_nowhere_else(
    told: dict[str, Any], start: str
) -> None:
    """`$BASE` stands before the path in a command: what follows must not change the host."""
    changed = copy.deepcopy(told)
    changed["columns"][0]["exchanges"][0]["request"]["start"] = start
    with pytest.raises(NotATrace, match="does not begin as HTTP does"):
        run_from(changed)


def test_a_script_made_of_a_hostile_trace_carries_out_nothing_of_it(
    told: dict[str, Any], tmp_path: Path
) -> None:
    """The name of a cookie becomes a part of a `sed` expression, which has commands of its own."""
    mark, changed = tmp_path / "carried-out", copy.deepcopy(told)
    hostile = f"x/y/;1e touch {mark}\n#"
    for exchange in changed["columns"][1]["exchanges"]:
        for line in exchange["answer"]["headers"]:
            if line["name"].lower() == "set-cookie":
                line["value"][0] = f"{hostile}="
    run = run_from(changed)
    (script,) = (one.text for one in files_of(run) if one.name == f"{run.columns[1].name}.sh")
    curl = tmp_path / "bin" / "curl"
    curl.parent.mkdir()
    curl.write_text(
        "#!/bin/bash\nwhile [ $# -gt 0 ]; do [ $1 = -D ] && printf 'Set-Cookie: xa=b\\n' > $2;"
        " shift; done\n"
    )
    curl.chmod(0o755)
    needed = dict.fromkeys(re.findall(r"\$\{(\w+):\?", script), "x")
    environment = {"PATH": f"{curl.parent}:/usr/bin:/bin", **needed}
    ran = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert "in the run" in ran.stdout
    assert not mark.exists()
    assert "touch" not in script


# -- what is shown


def test_a_run_from_a_file_has_no_buttons_and_nothing_of_it_is_carried_out(
    told: dict[str, Any],
) -> None:
    changed = copy.deepcopy(told)
    changed["columns"][0]["name"] = "premises"  # what the Lab calls a database of its own
    changed["columns"][0]["setup"]["trusted_origins"] = ["https://evil.example"]
    imported = run_from(changed)
    with serving(imported) as lab, lab.admitted() as client:
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/").text)
        assert found is not None
        for _, path in OF_A_RUN:
            page = client.get(f"/runs/{imported.id}{path}").text
            assert 'method="post"' not in page, path
        form = {"csrf": found[1], "column": "premises", "edit": "payload"}
        for path in ("wire/edits", "wire/jar", "store/dump"):
            address = f"/runs/{imported.id}/{path}"
            answer = client.post(address, data=form, headers={"Origin": lab.url})
            assert answer.status_code == 409, path
            assert "nothing of it is carried out" in answer.text
        assert client.get("/").text.count("/runs/") == 1  # this run, and no other


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened_one:
        yield opened_one


# Whatever a text could become in a page if it did not stay a text.
_CAME_ALIVE = """() => [...document.querySelectorAll('*')].filter(one =>
    ['IFRAME', 'OBJECT', 'EMBED', 'BASE', 'MATH', 'MGLYPH'].includes(one.tagName)
    || (one.tagName === 'META' && one.httpEquiv === 'refresh')
    || (one.tagName === 'IMG')
    || (one.tagName === 'SCRIPT' && !(one.getAttribute('src') || '').startsWith('/static/'))
    || [...one.attributes].some(each => /^on/i.test(each.name)
        || /^\\s*javascript:/i.test(each.value) && /^(xlink:)?(href|src|action)$/.test(each.name)))
  .map(one => one.outerHTML.slice(0, 200))"""


def test_nothing_of_a_hostile_trace_comes_alive_in_a_browser(
    hostile: dict[str, Any], browser: Browser, tmp_path: Path
) -> None:
    imported, heard, dialogs = run_from(hostile), Heard(), list[str]()
    with serving(imported) as lab, browser.new_context() as context:
        page = heard.listen(context.new_page())
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(lab.launch_url)
        assert page.evaluate(_CAME_ALIVE) == []
        for name, path in [*OF_A_RUN, ("Quiz", "/quiz?check=1&seed=1")]:
            answer = page.goto(f"{lab.url}/runs/{imported.id}{path}")
            assert answer is not None
            assert answer.status == 200, name
            for each in page.locator("summary").all()[:30]:
                each.evaluate("one => one.click()")
            for key in ("ArrowRight", "ArrowLeft", "End"):
                page.keyboard.press(key)
            assert page.evaluate(_CAME_ALIVE) == [], name
        assert all(one.startswith(lab.url) for one in heard.asked)
    saved = tmp_path / "trace.html"
    for file in files_of(imported):
        if file.name == saved.name:
            saved.write_text(file.text)
    with browser.new_context(offline=True) as context:
        page = heard.listen(context.new_page())
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(saved.as_uri())
        assert "alert(1)" in page.locator("main").inner_text()
        assert page.evaluate(_CAME_ALIVE) == []
    assert dialogs == []
    assert heard.complaints == []
