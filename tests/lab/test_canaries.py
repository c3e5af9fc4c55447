"""Secrets planted wherever a request can carry one: none of them leaves the Lab anywhere."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import httpx
import pytest
from canaries import leaks
from labs import Recorded, Serve

from limen.entropy import SystemEntropy, random_text
from limen.lab.playing.stage import Stage
from limen.lab.run import Plot, Run, Step
from limen.lab.scenarios import LOGIN, Scenario
from limen.lab.servers.site import PROTECTED
from limen.lab.setups import SETUPS, Storage

PLANT = Step("plant", "Plant: requests that carry what nobody may record")
CANARIES = {
    name: random_text(SystemEntropy(), 24)
    for name in (
        "cookie of another site",
        "forwarded token",
        "basic password",
        "query parameter",
        "nested member",
        "refused passphrase",
        "token in a body",
        "user agent",
        "made-up header",
    )
}


def _planting(stage: Stage) -> None:
    victim = stage.owner()
    with stage.step(LOGIN):
        victim.sign_in("/api/auth/sign-in/email", stage.person.email, stage.person.passphrase)
    with stage.step(PLANT):
        victim.send(
            "GET",
            f"{PROTECTED}?access_token={CANARIES['query parameter']}",
            headers={
                "Cookie": f"sid_of_a_shop={CANARIES['cookie of another site']}",
                "X-Forwarded-Access-Token": CANARIES["forwarded token"],
                "X-Made-Up": CANARIES["made-up header"],
                "Authorization": f"Basic {CANARIES['basic password']}",
            },
        )
        victim.send(
            "POST",
            "/api/auth/sign-in/email",
            json={
                "email": "alice@example.org",
                "password": CANARIES["refused passphrase"],
                "inner": {"deep": [{"apiKey": CANARIES["nested member"]}]},
                "client": {"token": CANARIES["token in a body"]},
            },
        )


PLANTED = Scenario(
    Plot("planted", "planted secrets", "Requests that carry secrets.", (LOGIN, PLANT)), _planting
)


@pytest.fixture(scope="module", params=[Storage.JAR, Storage.LOCAL], ids=["cookie", "header"])
def planted(
    request: pytest.FixtureRequest, noted: Callable[[Callable[[], Run]], Recorded]
) -> Recorded:
    setups = tuple(SETUPS[name].kept_in(request.param) for name in ("jwt", "session"))
    recorded = noted(lambda: PLANTED(setups=setups))
    recorded.secrets.extend(CANARIES.values())
    return recorded


def crawled(client: httpx.Client, first: str) -> dict[str, str]:
    """Return every page and file that can be reached from an address, by address."""
    seen: dict[str, str] = {}
    waiting = [first]
    while waiting and len(seen) < 400:
        path = waiting.pop()
        if path in seen:
            continue
        answer = client.get(path)
        seen[path] = answer.text
        if "html" in answer.headers.get("content-type", ""):
            links = re.findall(r'(?:href|src)="(/[^"#]*)', answer.text)
            waiting.extend(html.unescape(link) for link in links)
    return seen


def test_no_page_file_or_log_holds_a_planted_secret(serve: Serve, planted: Recorded) -> None:
    served = serve(lambda: planted.run)
    with served.admitted() as client:
        token = client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]
        form = {"csrf": token, "scenario": "logout"}
        client.post("/runs", data=form, headers={"Origin": served.url})
        pages = crawled(client, "/")
    assert f"/runs/{planted.run.id}" in pages
    assert len(pages) > 10
    assert len(planted.secrets) > len(CANARIES) + 3
    for path, text in pages.items():
        assert leaks(planted.secrets, text) == [], path
    assert leaks(planted.secrets, "\n".join(planted.log)) == []


def test_the_requests_that_carried_them_are_on_record(planted: Recorded) -> None:
    for column in planted.run.columns:
        sent = [one for one in column.exchanges if column.step_of[one.request_id] == PLANT.name]
        assert [one.method for one in sent] == ["GET", "POST"]
        assert sent[0].request.start.startswith(f"GET {PROTECTED}?… HTTP/")
        names = [line.name for line in sent[0].request.lines]
        assert {"x-forwarded-access-token", "x-made-up", "authorization"} <= set(names)
        assert sent[1].request.body is not None
        assert "inner.deep" in sent[1].request.body.members
