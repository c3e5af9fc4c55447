"""What the edges refuse is told, with the request that it came with."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from live import PASSWORD, SECRET, Live, served

from limen import AuditEvent, AuditKind, Limen
from limen.passwords import CHEAPEST
from limen.web.fastapi import CurrentPrincipal, install, requires

AGENT = "Firefox/1 (test)"


def told(live: Live, **wanted: Any) -> list[AuditEvent]:
    return list(live.run(live.auth.audit(forward=True, **wanted)))


def newest(live: Live) -> AuditEvent:
    return told(live)[-1]


def unsigned(token: str) -> str:
    """Return a token that says it needs no signature."""
    said = json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))
    header = base64.urlsafe_b64encode(json.dumps(said | {"alg": "none"}).encode())
    return f"{header.decode().rstrip('=')}.{token.split('.')[1]}.AA"


@pytest.mark.proves("asvs:16.2.1")
def test_an_event_says_who_from_where_and_with_which_request(live: Live) -> None:
    browser = live.browser("who@example.org")
    browser.headers["User-Agent"] = AGENT
    browser.post("/sign-out")
    left = newest(live)
    assert left.kind == AuditKind.SIGN_OUT
    assert left.subject == left.actor != ""
    assert (left.address, left.user_agent) == ("127.0.0.1", AGENT)
    assert len(left.request_id) == 12
    browser.post("/sign-in/email", json={"email": "who@example.org", "password": PASSWORD})
    came = newest(live)
    assert (came.kind, came.subject) == (AuditKind.SIGN_IN_ACCEPTED, left.subject)
    assert came.request_id not in ("", left.request_id)
    assert (came.address, came.user_agent) == ("127.0.0.1", AGENT)


@pytest.mark.proves("asvs:16.2.1")
def test_whoever_acts_within_a_request_is_named(live: Live) -> None:
    browser = live.browser("first@example.org")
    other = live.client()
    account = {"email": "first@example.org", "password": PASSWORD}
    assert other.post("/sign-in/email", json=account).status_code == 200
    subject = newest(live).subject
    (one, two) = live.run(live.auth.sessions(str(subject)))
    assert browser.post("/revoke-other-sessions", json={}).status_code == 200
    ended = newest(live)
    assert ended.subject == ended.actor == subject
    assert {one.id, two.id} >= {ended.session_id} - {None}


@pytest.mark.proves("asvs:16.3.3")
@pytest.mark.parametrize("way", ["none", "signature", "nonsense"])
def test_a_forged_credential_is_told_by_its_reason(live: Live, way: str) -> None:
    app, kept = live.app(f"{way}@example.org")
    token = kept["token"]
    forged = {"none": unsigned(token), "signature": token[:-4] + "AAAA", "nonsense": "x" * 50}
    app.headers["Authorization"] = f"Bearer {forged[way]}"
    assert app.get("/list-sessions").status_code == 401
    refused = newest(live)
    assert refused.kind == AuditKind.CREDENTIAL_REFUSED
    assert refused.subject is None
    reasons = {"none": "wrong_algorithm", "signature": "bad_signature", "nonsense": "unrecognised"}
    assert refused.reason == reasons[way]
    assert forged[way] not in refused.as_line()


@pytest.mark.proves("asvs:16.3.3")
def test_a_page_of_another_site_is_told(live: Live) -> None:
    browser = live.browser("csrf@example.org")
    before = len(told(live, kinds=[AuditKind.ORIGIN_REFUSED]))
    answer = browser.post("/sign-out", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    refused = told(live, kinds=[AuditKind.ORIGIN_REFUSED])[before:]
    assert [(one.reason, one.address) for one in refused] == [("cross_origin", "127.0.0.1")]


@pytest.mark.proves("asvs:16.3.1")
def test_one_attempt_is_one_event(live: Live) -> None:
    browser = live.browser("once@example.org")
    for password, kind in (("wrong horse", "sign_in.refused"), (PASSWORD, "sign_in.accepted")):
        before = told(live)[-1].seq
        body = {"email": "once@example.org", "password": password}
        live.client().post("/sign-in/email", json=body)
        (event,) = [one for one in told(live, after=before) if one.kind.startswith("sign_in.")]
        assert (event.kind, event.details["methods"]) == (kind, "pwd")
    assert browser.get("/get-session").status_code == 200
    assert told(live, kinds=["sign_in.accepted"])[-1].seq == event.seq


@pytest.mark.proves("asvs:16.3.2")
def test_a_role_that_is_missing_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    for live in _application(tmp_path_factory):
        signed_up = live.run(live.auth.sign_up("role@example.org", PASSWORD))
        bearer = {"Authorization": f"Bearer {signed_up.issued.access.reveal()}"}  # type: ignore[union-attr]
        with httpx.Client(base_url=live.url, headers=bearer) as client:
            assert client.get("/me").status_code == 200
            assert client.get("/admin").status_code == 403
            assert client.get("/plain").status_code == 403
        denied = told(live, kinds=[AuditKind.ACCESS_DENIED])
    subject = signed_up.account.id  # type: ignore[union-attr]
    assert [(one.subject, one.actor, one.details) for one in denied] == [
        (subject, subject, {"roles": "admin"}),
        (subject, subject, {"roles": "keeper"}),
    ]


def _application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse

    from limen.stores.sql import migrate
    from limen.web.starlette import requires as requires_plain

    database = tmp_path_factory.mktemp("roles") / "limen.db"
    url = f"sqlite+aiosqlite:///{database}"
    migrate(url)
    auth = Limen("hybrid", secret=SECRET, database=url, argon2=CHEAPEST)
    app = FastAPI()
    install(app, auth)

    @app.get("/me")
    async def me(principal: CurrentPrincipal) -> str:
        return principal.subject

    @app.get("/admin", dependencies=[requires("admin")])
    async def admin() -> str:
        return "never"

    @requires_plain("keeper")
    async def plain(request: Request) -> PlainTextResponse:
        del request
        return PlainTextResponse("never")

    app.add_route("/plain", plain)
    with served(app) as (base, loop):
        yield Live(base, auth, database, loop)
