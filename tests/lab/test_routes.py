"""Every address of the Lab, walked: none of them forgets the door, its headers or its token.

The routes are read from the applications themselves, so one that is added later is walked too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.routing import Mount, Route

from limen import Limen
from limen.lab import views
from limen.lab.admission import SECURITY_HEADERS
from limen.lab.app import create_app
from limen.lab.door import Door
from limen.lab.journal import Inbox, Journal
from limen.lab.run import Run
from limen.lab.servers.site import loopback_socket, served
from limen.lab.views.attached import attached_app
from limen.stores.memory import MemoryStore
from limen.trace import Traced

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "X")
SAFE = ("GET", "HEAD")
ENTRANCE = "/"
# What a form may say besides its token: names from the Lab's own lists.
FIELDS = {"scenario", "column", "storage", "edit"}
CONTENT = (
    "1; drop table limen_session",
    "http://192.0.2.1/",
    "../../../../etc/passwd",
    "{{ 7 * 7 }}",
    "__import__('os').system('id')",
    "\0",
    "é" * 200,
    "9" * 5_000,
)


@dataclass(frozen=True)
class Place:
    """One route of one of the two applications."""

    which: str
    path: str
    methods: frozenset[str]

    def __str__(self) -> str:
        return f"{self.which} {self.path} {'/'.join(sorted(self.methods))}"

    def with_each(self, value: str) -> str:
        """Return the address with a value for each of its parameters."""
        return re.sub(r"{[^}]*}", lambda _: quote(value, safe=""), self.path)


def _walk(which: str, routes: Any, before: str = "") -> Iterator[Place]:
    for route in routes:
        if isinstance(route, Mount):
            yield Place(which, f"{before}{route.path}/lab.css", frozenset(SAFE))
        else:
            assert isinstance(route, Route), "another kind of route needs a walk of its own"
            assert route.methods, f"{route.path} answers to every method"
            yield Place(which, before + route.path, frozenset(route.methods))


def _apps(port: int, *runs: Run) -> dict[str, tuple[Any, str]]:
    limen = Limen("session", store=MemoryStore(), secret=secrets.token_urlsafe(48))
    guarantees = limen.assembly.parts.primary.guarantees
    told = Traced("session", guarantees, (), shows_personal=False)
    lab = create_app(port, runs=runs)
    attached = attached_app(port, told, Journal(Inbox()))
    return {"lab": (lab.app, lab.launch_url), "attached": attached}


def _routes_of(app: Any) -> Any:
    assert isinstance(app, Door), "nothing stands before the door"
    return app.app.routes  # type: ignore[attr-defined]  # the Starlette behind it


PLACES = [one for name, (app, _) in _apps(1).items() for one in _walk(name, _routes_of(app))]
FORMS = [one for one in PLACES if "POST" in one.methods]
each_place = pytest.mark.parametrize("place", PLACES, ids=str)
each_form = pytest.mark.parametrize("place", FORMS, ids=str)


@dataclass(frozen=True)
class Visitor:
    """Somebody before one of the applications; `admitted` has used its launch code."""

    home: str
    client: httpx.Client
    admitted: httpx.Client
    run: str

    def address(self, place: Place) -> str:
        """Return the address of a route for what there is."""
        named = place.path.replace("{run_id}", self.run).replace("{column}", "jwt")
        return re.sub(r"{[^}]*}", "1", named)


@contextlib.contextmanager
def _visitor(which: str, run: Run) -> Iterator[Visitor]:
    with loopback_socket() as listening:
        port = listening.getsockname()[1]
        app, launch_url = _apps(port, run)[which]
        home = f"http://127.0.0.1:{port}"
        with (
            served(app, listening),
            httpx.Client(base_url=home, trust_env=False) as stranger,
            httpx.Client(base_url=home, trust_env=False) as admitted,
        ):
            assert admitted.get(launch_url).status_code == 303
            yield Visitor(home, stranger, admitted, run.id)


@pytest.fixture(scope="module")
def visit(run: Run) -> Iterator[dict[str, Visitor]]:
    """Give a visitor of each application, both served by a real server."""
    with _visitor("lab", run) as lab, _visitor("attached", run) as attached:
        yield {"lab": lab, "attached": attached}


def sealed(answer: httpx.Response) -> bool:
    """Tell whether an answer has every header that keeps it here, and opens it to nobody."""
    allowed = [name for name in answer.headers if name.startswith("access-control-")]
    stated = {name: answer.headers.get(name) for name in SECURITY_HEADERS}
    return stated == SECURITY_HEADERS and not allowed


def token_of(client: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/").text)
    assert found is not None
    return found[1]


def test_the_walk_finds_every_view() -> None:
    addresses = {one.path for one in PLACES}
    assert {"/", "/runs/{run_id}", "/measure", "/attack/{card_id}", "/decide"} <= addresses
    assert {"/attached", "/attached/rows", "/static/lab.css"} <= addresses
    assert len(FORMS) > 5
    assert all(one.which == "lab" for one in FORMS), "the attached Lab changes nothing"
    # A path parameter that takes slashes would be a file's name.
    assert not any(":path" in one.path for one in PLACES)


@each_place
def test_nobody_without_a_session_gets_anything(visit: dict[str, Visitor], place: Place) -> None:
    visitor = visit[place.which]
    for method in METHODS:
        stated = {} if method in SAFE else {"Origin": visitor.home}
        answer = visitor.client.request(method, visitor.address(place), headers=stated)
        # At the entrance itself, nothing but the launch code is looked at.
        entrance = place.path == ENTRANCE and method == "OPTIONS"
        assert answer.status_code == (405 if entrance else 403), method
        assert sealed(answer)
        assert visitor.run not in answer.text


@each_place
def test_another_host_or_page_gets_nothing_even_with_the_session(
    visit: dict[str, Visitor], place: Place
) -> None:
    visitor, method = visit[place.which], "POST" if "POST" in place.methods else "GET"
    wrong = (
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": f"{visitor.home[7:]}.evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": visitor.home},
        {"Sec-Fetch-Site": "same-site", "Origin": visitor.home},
    )
    for stated in wrong:
        if place.path == ENTRANCE and "Host" not in stated:
            continue  # an address that was typed or opened elsewhere; SameSite decides
        answer = visitor.admitted.request(method, visitor.address(place), headers=stated)
        assert answer.status_code == (421 if "Host" in stated else 403), stated
        assert sealed(answer)


@each_place
def test_no_other_method_is_answered_and_every_answer_is_sealed(
    visit: dict[str, Visitor], place: Place
) -> None:
    visitor = visit[place.which]
    siblings = {
        method
        for one in PLACES
        if (one.which, one.path) == (place.which, place.path)
        for method in one.methods
    }
    for method in METHODS:
        answer = visitor.admitted.request(
            method, visitor.address(place), headers={"Origin": visitor.home}
        )
        assert sealed(answer), method
        if method not in siblings:
            # A form without a token is refused first where another route takes this address.
            assert answer.status_code in (403, 405), method
            assert visitor.run not in answer.text
        elif method in SAFE:
            assert answer.status_code < 500, method


@each_form
def test_no_form_is_taken_without_the_token_of_this_start(
    visit: dict[str, Visitor], place: Place
) -> None:
    visitor = visit[place.which]
    token = token_of(visitor.admitted)
    bodies = (
        "",
        "csrf=",
        f"csrf={'0' * 64}",
        f"csrf={token}&csrf={token}",
        f"csrf={token}&x={'x' * 2_048}",
        f'{{"csrf": "{token}"}}',
        f"csrf={token[:-1]}",
    )
    for body in bodies:
        answer = visitor.admitted.post(
            visitor.address(place),
            content=body,
            headers={"Origin": visitor.home, "Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 403, body[:12]
        assert "not from this start" in answer.text
        assert sealed(answer)
    # Neither an address nor a header takes the place of the field.
    elsewhere = f"{visitor.address(place)}?csrf={token}"
    stated = {"Origin": visitor.home, "X-CSRF-Token": token}
    assert visitor.admitted.post(elsewhere, headers=stated).status_code == 403


@pytest.mark.parametrize("content", CONTENT[:-1], ids=ascii)
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/runs", ("scenario", "column", "storage")),
        ("/measure", ("column", "storage")),
        ("/runs/{run}/wire/edits", ("column", "edit")),
        ("/attack/A1", ("predict-jwt", "predict-session")),
        ("/attack/{content}", ()),
        ("/jobs/{content}/stop", ()),
        ("/runs/{content}/wire/jar", ()),
        ("/runs/{content}/store/dump", ()),
    ],
)
def test_a_form_takes_names_from_a_list_and_nothing_else(
    visit: dict[str, Visitor], path: str, fields: tuple[str, ...], content: str
) -> None:
    """Content is never carried out, looked up in a folder, or put into a template."""
    visitor = visit["lab"]
    address = path.format(run=visitor.run, content=quote(content, safe=""))
    told = {"csrf": token_of(visitor.admitted), **dict.fromkeys(fields, content)}
    answer = visitor.admitted.post(address, data=told, headers={"Origin": visitor.home})
    assert answer.status_code in (403, 404, 422)
    assert sealed(answer)
    assert "passwd" not in answer.text
    assert "49" not in answer.text


def test_every_field_of_every_form_is_in_that_test() -> None:
    """A form is read by `form.get(...)` of a name; another name needs a line above."""
    read = {
        name
        for file in (Path(views.__file__).parent).glob("*.py")
        for name in re.findall(r"form\.get\(\"([^\"]+)\"", file.read_text())
    }
    assert read == FIELDS


@each_place
def test_what_stands_in_an_address_names_something_or_nothing(
    visit: dict[str, Visitor], place: Place
) -> None:
    visitor = visit[place.which]
    for content in CONTENT:
        for address in (
            place.with_each(content),
            f"{visitor.address(place)}?x={quote(content[:300])}",
        ):
            answer = visitor.admitted.get(address)
            assert answer.status_code < 500, address[:60]
            assert sealed(answer)


def test_a_fault_of_the_lab_tells_nothing_of_itself(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that fails is a notice with every header; the log has the fault and no address."""
    never = dataclasses.replace(run, at=10**18)
    with _visitor("lab", never) as visitor:
        answer = visitor.admitted.get(f"/runs/{run.id}?note=canary-in-a-query")
    assert answer.status_code == 500
    assert sealed(answer)
    assert "That did not work" in answer.text
    assert not re.search(r"Traceback|Error|site-packages|\.py", answer.text)
    said = [one for one in caplog.records if one.name.startswith(("uvicorn", "limen"))]
    assert any(one.exc_info for one in said)
    assert "canary-in-a-query" not in "".join(one.getMessage() for one in said)
