"""The Lab beside a real application: what it shows, what it hides, and where it refuses to be."""

from __future__ import annotations

import ast
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from browsers import Heard, axe_findings, launched
from canaries import leaks
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

import limen.lab
from limen import BlockingLimen, Budget, ConfigurationError, Limen
from limen.evidence import Public
from limen.keyring import Algorithm, Keyring
from limen.lab import Lab
from limen.lab.attach import ENVIRONMENTS
from limen.lab.exports.foreign import run_from
from limen.lab.exports.schema import read_trace
from limen.lab.journal import Inbox, Journal
from limen.lab.views.compare import run_page
from limen.stores.memory import BlockingMemoryStore, MemoryStore
from limen.trace import RingSink, Traced, traced_as
from limen.trace.redaction import Redaction
from limen.web.development import PRODUCTION, STATED_IN
from limen.web.fastapi import CurrentPrincipal, install

SECRET = "Zk3-pX9vQ2rTn8wLb6Yc4Hs1Jd7Gf5Ma0Eo_UiBq"
PASSPHRASE = "seven-golden-teapots-and-a-kettle-41c"
EMAIL = "alice.liddell@example.org"


@pytest.fixture(autouse=True)
def nothing_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in STATED_IN:
        monkeypatch.delenv(name, raising=False)


@dataclass
class Beside:
    """An application that serves, and the Lab that follows it."""

    url: str
    lab: Lab
    printed: str

    def client(self) -> httpx.Client:
        """Return a client of the application, as its own pages would be."""
        return httpx.Client(base_url=self.url, trust_env=False, headers={"Origin": self.url})

    @property
    def lab_url(self) -> str:
        """Where the Lab is, without the launch code."""
        return str(self.lab.launch_url).partition("/?")[0]

    @cached_property
    def admitted(self) -> dict[str, str]:
        """The cookie that the launch code buys, once."""
        with httpx.Client(trust_env=False) as first:
            first.get(str(self.lab.launch_url))
            return dict(first.cookies)

    def visitor(self) -> httpx.Client:
        """Return a client that was admitted to the Lab."""
        return httpx.Client(
            base_url=self.lab_url, trust_env=False, follow_redirects=True, cookies=self.admitted
        )

    def sign_in(self, client: httpx.Client) -> list[str]:
        """Sign in and read; return the secrets that were used."""
        told = {"email": EMAIL, "password": PASSPHRASE}
        client.post("/api/auth/sign-in/email", json=told).raise_for_status()
        client.get("/me").raise_for_status()
        values = [one.value or "" for one in client.cookies.jar]
        return [PASSPHRASE, SECRET, *values, *(one.rpartition(".")[2] for one in values)]


@pytest.fixture(scope="module")
def beside() -> Iterator[Beside]:
    """Serve a real application under uvicorn, with a Lab that follows it."""
    lab = Lab(environment="test")
    off = Budget("off", 0, 60_000)
    auth = Limen(
        "hybrid",
        store=MemoryStore(),
        secret=SECRET,
        account_budget=off,
        address_budget=off,
    )
    auth.use(lab)
    app = FastAPI()
    install(app, auth)

    @app.get("/me")
    async def me(principal: CurrentPrincipal) -> dict[str, str]:
        return {"of": principal.subject}

    with socket.socket() as listening, pytest.MonkeyPatch.context() as patched:
        printed: list[str] = []
        patched.setattr(sys.stderr, "write", printed.append)
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="warning", log_config=None, ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.005)
        patched.undo()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        made = Beside(url, lab, "".join(printed))
        with made.client() as client:
            told = {"name": "Alice Liddell", "email": EMAIL, "password": PASSPHRASE}
            client.post("/api/auth/sign-up/email", json=told).raise_for_status()
        yield made
        server.should_exit = True
        thread.join()


# -- what it shows


def test_it_prints_its_address_once_and_shows_each_step(beside: Beside) -> None:
    assert beside.printed.strip().endswith(str(beside.lab.launch_url))
    with beside.client() as client, beside.visitor() as visitor:
        beside.sign_in(client)
        page = visitor.get("/attached")
        assert page.status_code == 200
        for phase in ("credential.issue", "credential.validate", "revocation.check"):
            assert f">{phase}</th>" in page.text
        assert "tok#1" in page.text
        assert "ref#1" in page.text
        assert re.search(r'data-request="request \d+"', page.text)
        assert "process" in page.text
        for other in ("/", "/attached/"):
            assert visitor.get(other).status_code in (200, 404)
        for path in ("/runs", "/attack", "/measure", "/runs/x/export"):
            assert visitor.get(path).status_code == 404


def test_no_secret_and_nothing_personal_is_in_anything_that_it_gives(beside: Beside) -> None:
    with beside.client() as client, beside.visitor() as visitor:
        used = beside.sign_in(client)
        assert len(used) == 8
        for path in ("/attached", "/attached/rows?after=0", "/attached/trace.json"):
            text = visitor.get(path).text
            assert len(text) > 1_000
            assert leaks(used, text) == []
            assert EMAIL not in text
            assert "Liddell" not in text
        assert "personal, masked" in visitor.get("/attached").text


def test_what_is_taken_away_is_a_trace_with_masked_values(beside: Beside) -> None:
    with beside.client() as client, beside.visitor() as visitor:
        beside.sign_in(client)
        told = read_trace(visitor.get("/attached/trace.json").content)
    assert told["scenario"] == "attached"
    assert told["redaction"]["personal_values_masked"] > 0
    assert told["redaction"]["personal_values_shown"] == 0
    assert told["redaction"]["searched_for"] is None
    (column,) = told["columns"]
    assert column["setup"]["strategy"] == "hybrid"
    assert len(column["events"]) > 5
    assert "Request 1" in run_page(run_from(told))  # as `limen lab --open` shows it


def test_rows_are_given_at_once_and_only_what_is_newer(beside: Beside) -> None:
    with beside.client() as client, beside.visitor() as visitor:
        beside.sign_in(client)
        last = 0
        while (answer := visitor.get(f"/attached/rows?after={last}")).status_code == 200:
            numbers = [row["number"] for row in answer.json()]
            assert numbers == sorted(numbers)
            assert numbers[0] > last
            last = numbers[-1]
        assert answer.status_code == 204
        assert answer.content == b""
        client.get("/me")
        newer = visitor.get(f"/attached/rows?after={last}").json()
        assert {row["request"] for row in newer} == {newer[0]["request"]}
        for wrong in ("x", "-1", "1" * 16, "²", "1.5"):
            assert visitor.get(f"/attached/rows?after={wrong}").status_code == 422


# -- the door


def test_the_door_is_that_of_the_lab(beside: Beside) -> None:
    with httpx.Client(base_url=beside.lab_url, trust_env=False) as stranger:
        assert stranger.get("/").status_code == 403
        assert stranger.get("/attached").status_code == 403
        assert stranger.get("/attached/rows").status_code == 403
        assert stranger.get("/?launch=x").status_code == 403
    with beside.visitor() as visitor:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            assert visitor.get("/attached/rows", headers=headers).status_code == 403
        assert visitor.get("/attached", headers={"Host": "evil.example"}).status_code == 421
        headers = {"Origin": beside.lab_url}
        for method in ("POST", "PUT", "DELETE"):
            assert visitor.request(method, "/attached", headers=headers).status_code == 405
            assert visitor.request(method, "/attached").status_code == 403
        answer = visitor.get("/attached", headers={"Origin": "http://evil.example"})
        assert not any(name.startswith("access-control") for name in answer.headers)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


def test_it_is_not_mounted_into_the_application(beside: Beside) -> None:
    with beside.client() as client:
        assert client.get("/attached").status_code == 404


@pytest.mark.proves("cookie:7")
def test_it_listens_on_the_loopback_alone_and_shares_no_cookie_name(beside: Beside) -> None:
    port = int(beside.lab_url.rpartition(":")[2])
    with beside.visitor() as visitor:
        assert set(visitor.cookies) == {f"lab_attached_{port}"}
    listening = beside.lab._listening()
    with listening:
        assert listening.getsockname()[0] == "127.0.0.1"


# -- where it refuses to be


@pytest.mark.parametrize("name", ["production", "prod", "", "Dev", "staging", "dev ", None])
def test_an_environment_that_is_not_on_the_list_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Take auth\.use"):
        Lab(environment=name)


def test_the_environment_has_no_default() -> None:
    with pytest.raises(TypeError):
        Lab()  # type: ignore[call-arg]  # what must not be possible


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_environments_on_the_list_are_taken(name: str) -> None:
    assert Lab(environment=name).launch_url is None


@pytest.mark.parametrize("variable", STATED_IN)
@pytest.mark.parametrize("word", sorted(PRODUCTION))
def test_a_process_that_says_it_is_production_is_believed(
    monkeypatch: pytest.MonkeyPatch, variable: str, word: str
) -> None:
    monkeypatch.setenv(variable, word.title())
    with pytest.raises(ConfigurationError, match=f"the variable {variable}"):
        Lab(environment="dev")


@pytest.mark.parametrize("stated", ["prod-eu-1", "pre-prod", "PRODUCTION2", "shop_live", " prod"])
def test_production_is_known_by_a_part_of_its_name(
    monkeypatch: pytest.MonkeyPatch, stated: str
) -> None:
    monkeypatch.setenv("APP_ENV", stated)
    with pytest.raises(ConfigurationError, match="the variable APP_ENV"):
        Lab(environment="dev")


@pytest.mark.parametrize("stated", ["", "dev", "ci", "delivery", "local-products", "reproduction"])
def test_another_name_is_no_production(monkeypatch: pytest.MonkeyPatch, stated: str) -> None:
    monkeypatch.setenv("APP_ENV", stated)
    assert Lab(environment="dev").launch_url is None


@pytest.mark.proves("asvs:13.4.2")
@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "https://shop.example"},
        {"base_url": "http://shop.example"},
        {"base_url": "https://localhost:8000"},
        {"base_url": "http://localhost.shop.example"},
        {"trusted_origins": ["https://shop.example"]},
        {"base_url": "http://localhost:8000", "trusted_origins": ["http://192.0.2.1"]},
    ],
)
def test_an_application_that_others_reach_is_refused(options: Any) -> None:
    auth = Limen("session", store=MemoryStore(), secret=SECRET, **options)
    with pytest.raises(ConfigurationError, match="by others too"):
        auth.use(Lab(environment="dev"))
    assert not auth.assembly.traced


@pytest.mark.parametrize(
    "base_url", ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:1"]
)
def test_an_application_on_this_machine_is_followed(base_url: str) -> None:
    auth = BlockingLimen("session", store=BlockingMemoryStore(), secret=SECRET, base_url=base_url)
    lab = Lab(environment="dev")
    auth.use(lab)
    assert auth.assembly.traced
    with pytest.raises(ConfigurationError, match="already"):
        auth.use(lab)


def test_personal_values_that_another_sink_asked_for_are_not_shared() -> None:
    class Curious(RingSink):
        shows_personal = True

    auth = Limen("session", store=MemoryStore(), secret=SECRET, sink=Curious())
    with pytest.raises(ConfigurationError, match="personal values"):
        auth.use(Lab(environment="dev"))


def test_a_port_that_is_taken_stops_the_start_with_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        auth = BlockingLimen("session", store=BlockingMemoryStore(), secret=SECRET)
        auth.use(Lab(environment="dev", port=taken.getsockname()[1]))
        with pytest.raises(ConfigurationError, match="cannot listen on port"):
            auth.open()


# -- what it costs, and what it cannot get


def test_it_runs_while_the_limen_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    lab = Lab(environment="test")
    auth = BlockingLimen("session", store=BlockingMemoryStore(), secret=SECRET)
    auth.use(lab)
    assert lab.launch_url is None
    for _ in range(2):
        with auth:
            assert httpx.get(str(lab.launch_url), trust_env=False).status_code == 303
            assert str(lab.launch_url) in capsys.readouterr().err
        with pytest.raises(httpx.ConnectError):
            httpx.get(str(lab.launch_url), trust_env=False)


def test_another_sink_still_gets_everything_and_one_that_fails_takes_none_along() -> None:
    class Broken:
        def emit(self, event: object) -> None:
            raise OSError("full")

    for first in (RingSink(), Broken()):
        lab = Lab(environment="test")
        auth = BlockingLimen("session", store=BlockingMemoryStore(), secret=SECRET, sink=first)
        auth.use(lab)
        with auth:
            auth.sign_up(EMAIL, PASSPHRASE, "Alice")
        seen = Journal(lab._inbox).events
        assert len(seen) > 3
        if isinstance(first, RingSink):
            assert first.events == seen


def test_memory_is_bounded_whatever_happens() -> None:
    inbox = Inbox(capacity=50)
    journal = Journal(inbox)
    auth = BlockingLimen("session", store=BlockingMemoryStore(), secret=SECRET)
    auth.assembly.tracer.tell(inbox)
    with auth:
        for number in range(400):
            with traced_as(request_id=f"r{number}"):
                auth.authenticate("lms_" + "A" * 43)
            if number % 7 == 0:
                assert len(journal.events) <= 50
    assert len(journal.after(0, 10_000)) == 50
    assert len(journal._requests) <= 102


def test_a_request_pays_one_append() -> None:
    """What is emitted goes into a ring as it is; nothing is computed before somebody looks."""
    tree = ast.parse(Path(sys.modules["limen.lab.journal"].__file__ or "").read_text())
    (emit,) = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "emit"
    )
    assert [ast.unparse(one) for one in emit.body[1:]] == ["self._events.append(event)"]


def test_a_signing_key_cannot_reach_a_sink() -> None:
    """Evidence has closed kinds, and a viewer is told of settings without one."""
    redact = Redaction(b"k" * 32)
    key = Algorithm.EDDSA if hasattr(Algorithm, "EDDSA") else next(iter(Algorithm))
    for value in (Keyring(), key, SECRET, b"x", object()):
        with pytest.raises(AssertionError):
            redact(value)  # type: ignore[arg-type]  # what must not be possible
    assert redact(Public("x")) == {"k": "public", "v": "x"}
    assert {one.name for one in fields(Traced)} == {
        "strategy",
        "guarantees",
        "origins",
        "shows_personal",
    }
    assert limen.lab.Lab is Lab


# -- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened:
        yield opened


@pytest.fixture
def looked_at(beside: Beside, browser: Browser) -> Iterator[tuple[Page, Heard]]:
    heard = Heard()
    with browser.new_context(viewport={"width": 1280, "height": 700}) as context:
        value = next(iter(beside.admitted.items()))
        context.add_cookies([{"name": value[0], "value": value[1], "url": beside.lab_url}])
        page = heard.listen(context.new_page())
        page.goto(f"{beside.lab_url}/attached")
        yield page, heard


def test_follow_adds_rows_and_leaves_the_selection_where_it_is(
    beside: Beside, looked_at: tuple[Page, Heard]
) -> None:
    page, heard = looked_at
    with beside.client() as client:
        beside.sign_in(client)
        page.reload()
        first = page.locator("tbody tr:not(.section)").first
        page.goto(f"{beside.lab_url}/attached#{first.get_attribute('id')}")
        page.locator("a", has_text="trace.json").focus()
        first.evaluate("row => getSelection().selectAllChildren(row)")
        chosen = page.evaluate("getSelection().toString()")
        rows = page.locator("tbody tr:not(.section)")
        before = rows.count()
        follow = page.get_by_role("button", name="Follow")
        client.get("/me")
        page.wait_for_timeout(1_200)
        assert rows.count() == before  # it is off
        follow.evaluate("button => button.click()")
        expect(page.get_by_role("status")).to_contain_text("new: request")
        followed = rows.count()
        assert followed > before
        client.get("/me")
        expect(rows).not_to_have_count(followed)
        assert page.evaluate("getSelection().toString()") == chosen
        assert page.evaluate("document.activeElement.textContent") == "trace.json"
        assert page.evaluate("location.hash") == f"#{first.get_attribute('id')}"
        assert page.evaluate("document.querySelector(':target').id") == first.get_attribute("id")
        shown = page.locator("tbody").all_inner_texts()
        follow.evaluate("button => button.click()")
        page.reload()
        # What the script added reads as what the server writes.
        assert page.locator("tbody").all_inner_texts() == shown
    assert heard.complaints == []
    assert all(one.startswith(beside.lab_url) for one in heard.asked)


def test_the_page_is_whole_without_a_script_and_has_no_serious_fault(
    beside: Beside, browser: Browser, looked_at: tuple[Page, Heard]
) -> None:
    page, _ = looked_at
    with beside.client() as client:
        beside.sign_in(client)
    page.reload()
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    with browser.new_context(java_script_enabled=False) as context:
        context.add_cookies(page.context.cookies())  # type: ignore[arg-type]  # what it gave
        plain = context.new_page()
        plain.goto(f"{beside.lab_url}/attached")
        assert not plain.get_by_role("button", name="Follow").is_visible()
        assert plain.get_by_role("link", name="Reload").is_visible()
        assert plain.locator("tbody tr").count() > 5


def test_axe_finds_nothing_serious(beside: Beside, browser: Browser) -> None:
    with browser.new_context(bypass_csp=True) as context:
        name, value = next(iter(beside.admitted.items()))
        context.add_cookies([{"name": name, "value": value, "url": beside.lab_url}])
        page = context.new_page()
        page.goto(f"{beside.lab_url}/attached")
        assert axe_findings(page) == []
