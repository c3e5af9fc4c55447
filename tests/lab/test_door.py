"""The Lab lets in who started it, and nobody else: no host, page or second reader of the URL."""

from __future__ import annotations

import dataclasses
import re

import httpx
import pytest
from labs import Serve, Served

from limen.lab.run import Run
from limen.lab.shelf import MAX_RUNS, Shelf

HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def token_in(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def cookie_of(served: Served) -> str:
    return f"lab_session_{served.url.rpartition(':')[2]}"


@pytest.mark.proves("cookie:7")
def test_two_labs_in_one_browser_leave_each_other_alone(serve: Serve, run: Run) -> None:
    """Ports share their cookies (RFC 6265 section 8.5)."""
    one, other = serve(lambda: run), serve(lambda: run)
    with httpx.Client(trust_env=False) as browser:
        for lab in (one, other):
            browser.get(lab.launch_url)
        assert [browser.get(lab.url).status_code for lab in (one, other)] == [200, 200]
        assert set(browser.cookies) == {cookie_of(one), cookie_of(other)}
        # Even under the other's name, a session opens its own Lab alone.
        stolen = f"{cookie_of(other)}={browser.cookies[cookie_of(one)]}"
    assert httpx.get(other.url, headers={"Cookie": stolen}, trust_env=False).status_code == 403


def start_run(client: httpx.Client, served: Served, **headers: str) -> httpx.Response:
    stated = {"Origin": served.url, **headers}
    return client.post(
        "/runs", data={"csrf": token_in(client.get("/").text), "scenario": "logout"}, headers=stated
    )


def test_the_launch_code_works_once_and_leaves_the_address(served: Served) -> None:
    with served.client() as first, served.client() as second:
        opened = first.get(served.launch_url)
        assert opened.status_code == 303
        assert opened.headers["location"] == "/"
        cookie = opened.headers["set-cookie"].lower()
        assert cookie.startswith(f"{cookie_of(served)}=")
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert first.get("/").status_code == 200
        assert second.get(served.launch_url).status_code == 403
        assert second.get("/").status_code == 403


@pytest.mark.parametrize("code", ["", "x", "é", "%00", "a" * 43])
def test_a_wrong_code_opens_nothing_and_uses_nothing_up(served: Served, code: str) -> None:
    with served.client() as client:
        assert client.get(f"/?launch={code}").status_code == 403
        assert client.get(served.launch_url).status_code == 303


@pytest.mark.parametrize(
    "path", ["/", "/runs/x", "/runs/x/trace.json", "/runs/x/events/jwt/1", "/static/lab.css"]
)
def test_nothing_is_shown_without_the_session(served: Served, path: str) -> None:
    with served.client() as client:
        assert client.get(path).status_code == 403
        assert client.get(path, headers={"Cookie": f"{cookie_of(served)}=x"}).status_code == 403


def test_two_sessions_in_one_request_are_none(served: Served) -> None:
    with served.admitted() as client:
        value = client.cookies[cookie_of(served)]
    with served.client() as stranger:
        single = f"{cookie_of(served)}={value}"
        doubled = {"Cookie": f"{single}; {cookie_of(served)}=x"}
        assert stranger.get("/", headers={"Cookie": single}).status_code == 200
        assert stranger.get("/", headers=doubled).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "", "127.0.0.2:{}"])
def test_another_host_is_refused_even_with_the_session(served: Served, host: str) -> None:
    port = served.url.rpartition(":")[2]
    with served.admitted() as client:
        assert client.get("/", headers={"Host": host.format(port)}).status_code in (400, 421)
        assert client.get("/", headers={"Host": f"LOCALHOST:{port}"}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [
        ("own", None, 303),
        ("own", "same-origin", 303),
        ("null", "same-origin", 303),
        ("null", None, 403),
        ("null", "cross-site", 403),
        (None, None, 403),
        (None, "same-origin", 403),
        ("own", "cross-site", 403),
        ("own", "same-site", 403),
        ("http://evil.example", None, 403),
        ("http://127.0.0.1:1", None, 403),
    ],
)
def test_only_a_page_of_the_lab_may_start_a_run(
    served: Served, origin: str | None, site: str | None, status: int
) -> None:
    stated = {"Sec-Fetch-Site": site} if site else {}
    if origin:
        stated["Origin"] = served.url if origin == "own" else origin
    with served.admitted() as client:
        form = {"csrf": token_in(client.get("/").text), "scenario": "logout"}
        assert client.post("/runs", data=form, headers=stated).status_code == status


@pytest.mark.parametrize(
    "body",
    ["", "csrf=", "csrf=0", "csrf=é", "csrf={}&csrf={}", "csrf={}" + "x" * 2000],
)
def test_a_form_without_the_token_starts_nothing(served: Served, body: str) -> None:
    with served.admitted() as client:
        token = token_in(client.get("/").text)
        answer = client.post(
            "/runs",
            content=body.format(token, token).encode(),
            headers={"Origin": served.url, "Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 403
        assert "None yet" in client.get("/").text


@pytest.mark.parametrize("name", ["", "x", "../logout", "logout&scenario=expiry"])
def test_a_scenario_that_there_is_none_of_is_not_run(served: Served, name: str) -> None:
    with served.admitted() as client:
        answer = client.post(
            "/runs",
            content=f"csrf={token_in(client.get('/').text)}&scenario={name}",
            headers={"Origin": served.url, "Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 404
        assert "None yet" in client.get("/").text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_cannot_read_a_run(served: Served, run: Run, site: str) -> None:
    with served.admitted() as client:
        start_run(client, served)
        path = f"/runs/{run.id}/trace.json"
        assert client.get(path).status_code == 200
        assert client.get(path, headers={"Sec-Fetch-Site": site}).status_code == 403


def test_every_answer_is_sealed(served: Served, run: Run) -> None:
    with served.client() as stranger:
        answers = [stranger.get("/"), stranger.get("/", headers={"Host": "evil.example"})]
    with served.admitted() as client:
        answers += [client.get("/"), start_run(client, served), client.get("/nowhere")]
        answers += [client.get(f"/runs/{run.id}"), client.get(f"/runs/{run.id}/trace.json")]
        answers += [client.get("/static/lab.css"), client.get("/runs")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
        assert "unsafe" not in policy
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "access-control-allow-origin" not in answer.headers


def test_a_run_is_shown_with_its_evidence(served: Served, run: Run) -> None:
    with served.admitted() as client:
        started = start_run(client, served)
        assert started.status_code == 303
        page = client.get(started.headers["location"])
        assert page.status_code == 200
        assert client.cookies[cookie_of(served)] not in page.text + client.get("/").text
        trace = client.get(f"/runs/{run.id}/trace.json").json()
        assert [one["name"] for one in trace["columns"]] == ["jwt", "session", "hybrid"]
        links = re.findall(rf'href="(/runs/{run.id}/events/(\w+)/(\d+))"', page.text)
        assert len(links) > 60
        for path, strategy, seq in links[::17]:
            event = client.get(path).json()
            assert (event["strategy"], event["seq"]) == (strategy, int(seq))


@pytest.mark.parametrize("path", ["/runs/x", "/runs/x/trace.json", "/runs/x/events/jwt/1", "/x"])
def test_what_is_not_there_is_not_found(served: Served, path: str) -> None:
    with served.admitted() as client:
        assert client.get(path).status_code == 404


def test_no_page_holds_a_script_a_style_or_a_handler_of_its_own(served: Served, run: Run) -> None:
    with served.admitted() as client:
        start_run(client, served)
        for path in ("/", f"/runs/{run.id}", "/nowhere"):
            page = client.get(path).text
            assert (
                re.findall(r"<script(?! type=\"module\" src=\"/static/\w+\.js\"></script>)", page)
                == []
            )
            assert " style=" not in page
            assert " onclick" not in page


def test_the_shelf_forgets_the_oldest_run(run: Run) -> None:
    shelf = Shelf()
    for number in range(MAX_RUNS + 1):
        shelf.keep(dataclasses.replace(run, id=f"run-{number}"))
    assert len(list(shelf)) == MAX_RUNS
    assert shelf.find("run-0") is None
    assert next(iter(shelf)).id == f"run-{MAX_RUNS}"
