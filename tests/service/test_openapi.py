"""The OpenAPI document says what is answered, no more and no less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from live import EMAIL, NAME, PASSWORD, STRATEGIES, Live, serve
from openapi_spec_validator import OpenAPIV31SpecValidator

from limen import Limen
from limen.service.better_auth.routes import endpoints_of
from limen.web.fastapi import CurrentPrincipal, install

ACCOUNT = {"email": EMAIL, "password": PASSWORD}


@pytest.fixture(scope="module")
def document(shared: Live) -> dict[str, Any]:
    answer = shared.client(origin=False).get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    described: dict[str, Any] = answer.json()
    return described


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_a_broken_document_is_noticed(document: dict[str, Any]) -> None:
    broken = {**document, "paths": {"/x": {"get": {"responses": {"200": {}}}}}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


def test_every_endpoint_is_described_and_nothing_else_is(
    shared: Live, document: dict[str, Any]
) -> None:
    described = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    served = {(one.method, one.path) for one in endpoints_of(shared.auth)}
    served.add(("GET", "/openapi.json"))
    assert described == served
    client = shared.client(origin=False)
    paths = {path for _, path in described} | {"/sign-in/username", "/set-password"}
    answered = {
        (method, path)
        for path in paths
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH")
        if not is_nothing(client.request(method, path.replace("{token}", "x")))
    }
    assert answered == described


def is_nothing(answer: httpx.Response) -> bool:
    """Tell whether an answer says that there is no such endpoint, or none for this method."""
    return answer.status_code in (404, 405) and answer.content == b""


def test_both_ways_to_present_a_credential_are_described(
    shared: Live, document: dict[str, Any]
) -> None:
    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-better-auth.session_token"},
    }
    guarded = {
        path
        for path, methods in document["paths"].items()
        for operation in methods.values()
        if operation.get("security") == [{"bearer": []}, {"cookie": []}]
    }
    assert guarded == {one.path for one in endpoints_of(shared.auth) if one.session}


def described_as(document: dict[str, Any], method: str, path: str, answer: Any) -> None:
    """Check an answer against what the document says of it."""
    response = document["paths"][path][method.lower()]["responses"][str(answer.status_code)]
    content = response.get("content")
    if content is None:
        assert answer.content == b""
        return
    (media_type,) = content
    assert answer.headers["content-type"].partition(";")[0] == media_type
    if media_type == "application/json":
        schema = {**content[media_type]["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(answer.json())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_answered_is_what_is_described(start: Callable[..., Live], strategy: str) -> None:
    live = start(strategy)
    browser = live.client()
    document = browser.get("/openapi.json").json()
    handle = "ses_x"
    new = "another good battery"
    for method, path, body in (
        ("GET", "/get-session", None),
        ("POST", "/sign-up/email", {}),
        ("POST", "/sign-up/email", {"name": NAME, **ACCOUNT}),
        ("POST", "/sign-up/email", {"name": NAME, **ACCOUNT}),
        ("POST", "/sign-in/email", ACCOUNT),
        ("POST", "/sign-in/email", {**ACCOUNT, "callbackURL": "//x"}),
        ("POST", "/sign-in/email", {**ACCOUNT, "callbackURL": "/x"}),
        ("POST", "/sign-in/email", {**ACCOUNT, "password": "wrong"}),
        ("GET", "/get-session", None),
        ("POST", "/get-session", {}),
        ("POST", "/refresh", {}),
        ("GET", "/list-sessions", None),
        ("GET", "/token", None),
        ("GET", "/jwks", None),
        ("GET", "/ok", None),
        ("GET", "/error", None),
        ("GET", "/openapi.json", None),
        ("POST", "/update-user", {"name": "x"}),
        ("POST", "/update-user", {}),
        ("POST", "/revoke-session", {"token": handle}),
        ("POST", "/revoke-other-sessions", {}),
        ("GET", "/list-accounts", None),
        ("POST", "/unlink-account", {"accountId": "x"}),
        ("POST", "/sign-in/social", {"provider": "nobody"}),
        ("POST", "/sign-in/social", {"provider": "nobody", "scopes": [1], "idToken": {}}),
        ("POST", "/link-social", {"provider": "nobody"}),
        ("POST", "/get-access-token", {"accountId": "x"}),
        ("POST", "/get-access-token", {"accountId": "x", "more": "y"}),
        ("POST", "/refresh-token", {"useAccountCookie": True}),
        ("GET", "/account-info", None),
        ("POST", "/change-password", {"currentPassword": PASSWORD, "newPassword": "short"}),
        ("POST", "/change-password", {"currentPassword": PASSWORD, "newPassword": new}),
        ("POST", "/revoke-sessions", {}),
        ("POST", "/revoke-sessions", {}),
        ("POST", "/refresh", {}),
        ("POST", "/sign-out", {}),
    ):
        described_as(document, method, path, browser.request(method, path, json=body))
    app = live.client(origin=False, **{"x-limen-carrier": "bearer"})
    answer = app.post("/sign-in/email", json={"email": EMAIL, "password": new})
    described_as(document, "POST", "/sign-in/email", answer)
    assert "expiresAt" in answer.json()


def test_in_an_application_the_schemes_stand_on_its_guarded_routes(
    template: Any, tmp_path: Any
) -> None:
    def build(auth: Limen) -> FastAPI:
        app = FastAPI()
        install(app, auth)

        @app.get("/me")
        async def me(principal: CurrentPrincipal) -> dict[str, str]:
            return {"subject": principal.subject}

        @app.get("/open")
        async def nothing() -> dict[str, str]:
            return {}

        return app

    with serve(template, tmp_path, "hybrid", build=build) as live:
        browser = live.browser()
        browser.base_url = live.url
        document = browser.get("/openapi.json").json()
        schemes = document["components"]["securitySchemes"]
        assert schemes["LimenBearer"]["scheme"] == "bearer"
        assert schemes["LimenCookie"]["in"] == "cookie"
        assert document["paths"]["/me"]["get"]["security"] == [
            {"LimenBearer": []},
            {"LimenCookie": []},
        ]
        assert "security" not in document["paths"]["/open"]["get"]
        OpenAPIV31SpecValidator(document).validate()
        assert browser.get("/me").json()["subject"].startswith("usr_")
        assert live.client().get(f"{live.url}/me").status_code == 401
        # Mounted, the endpoints are where they are stand-alone.
        assert browser.get("/api/auth/get-session").json()["user"]["email"] == EMAIL
        for path in ("/api/auth/ok/", "/api/auth/o%6b", "/api/auth//ok"):
            assert browser.get(path).status_code == 404
        assert browser.post("/api/auth/sign-out").json() == {"success": True}
        assert browser.get("/me").status_code == 401
