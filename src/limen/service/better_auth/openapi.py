"""The OpenAPI 3.1 document, made from the table of endpoints that is served."""

from __future__ import annotations

import functools
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from limen.service.better_auth import schemas, wire
from limen.service.better_auth.bodies import WANTED
from limen.service.better_auth.endpoint import Call, Endpoint
from limen.service.better_auth.routes import endpoints_of
from limen.service.better_auth.wire import Problem, json_answer
from limen.service.incoming import FORM_TYPE
from limen.transports.cookie import documented_name
from limen.transports.origin import SAFE_METHODS
from limen.web.development import from_this_machine, is_development
from limen.web.refusal import STORE_DOWN

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.service.better_auth.bodies import Body, Field
    from limen.service.better_auth.wire import Answer

PATH = "/openapi.json"
_BEARER = "bearer"
_COOKIE = "cookie"
_BODY_PROBLEMS = (
    wire.INVALID_JSON,
    wire.PAYLOAD_TOO_LARGE,
    wire.UNSUPPORTED_MEDIA_TYPE,
    wire.MISSING_ORIGIN,
    wire.INVALID_ORIGIN,
    wire.INVALID_CALLBACK_URL,
    wire.INVALID_REDIRECT_URL,
    wire.INVALID_ERROR_URL,
    wire.INVALID_NEW_USER_URL,
)
_UNAVAILABLE = Problem(503, "UNAVAILABLE", STORE_DOWN.detail)
_PLACE = re.compile(r"\{(\w+)\}")
_LOCATION = {"required": True, "schema": {"type": "string", "format": "uri"}}
_TITLES = {
    200: "Done",
    302: "Done or refused; the browser is sent on, and `error` in its query says which",
    400: "The request is not understood",
    401: "Not signed in",
    403: "This page may not do that",
    404: "There is nothing of the kind",
    409: "The identity belongs to another account, or there are too many sessions",
    413: "The body is too large",
    415: "The body is of another type",
    417: "The identity was not linked",
    422: "The account exists, or the name is not one",
    429: "Too many attempts; wait as `Retry-After` says",
    500: "A fault of the service; the body is empty",
    502: "The provider does not answer",
    503: "The store cannot answer; nothing was accepted and nothing changed hands",
}


def endpoint(auth: Limen) -> Endpoint:
    """Return the endpoint that serves the document of this configuration."""
    wanted = auth.settings.better_auth.openapi
    developing = is_development(auth.settings)

    async def serve(call: Call) -> Answer:
        here = developing and from_this_machine(call.request_auth.scope)
        if wanted is False or (wanted is None and not here):
            return wire.NOT_FOUND
        return json_answer(described())

    @functools.cache
    def described() -> dict[str, Any]:
        return document(auth)

    return Endpoint("GET", PATH, serve, "Return this document", schemas.DOCUMENT, needs_store=False)


def document(auth: Limen) -> dict[str, Any]:
    """Describe every endpoint: what it takes, what it answers and how it refuses."""
    paths: dict[str, dict[str, Any]] = {}
    for one in (*endpoints_of(auth), endpoint(auth)):
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    settings = auth.settings
    cookie = documented_name(settings.cookies, settings.base_url)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Limen",
            "version": version("limen"),
            "description": "Accounts and sessions, over the wire that better-auth clients speak.",
        },
        "servers": [{"url": settings.base_path}],
        "paths": paths,
        "components": {
            "schemas": schemas.COMPONENTS,
            "securitySchemes": {
                _BEARER: {"type": "http", "scheme": "bearer"},
                _COOKIE: {"type": "apiKey", "in": "cookie", "name": cookie},
            },
        },
    }


def problems_of(one: Endpoint) -> tuple[Problem, ...]:
    """Return every refusal that an endpoint can answer with."""
    problems = [wire.INVALID_QUERY]
    if one.method not in SAFE_METHODS:
        problems += _BODY_PROBLEMS
    if one.body is not None:
        problems.append(wire.VALIDATION_ERROR)
        if one.body.forms:
            problems.append(wire.INVALID_FORM)
    if one.opens:
        problems.append(wire.NAVIGATION_BLOCKED)
    if one.limited or one.costs:
        problems.append(wire.TOO_MANY_REQUESTS)
    if one.session:
        problems.append(wire.UNAUTHORIZED)
    if one.proves:
        problems += [wire.INVALID_PROOF, wire.NONCE_NEEDED, wire.UNAUTHORIZED]
    return (*problems, *one.problems, _UNAVAILABLE)


def _operation(one: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"[/.{]", "-", f"{one.method.lower()}{one.path}").replace("}", ""),
        "summary": one.summary,
        "responses": _responses(one),
    }
    parameters = [_parameter("path", name) for name in _PLACE.findall(one.path)]
    parameters += [_parameter("header", name) for name in one.headers]
    parameters += [_parameter("query", name, needed=name in one.needed) for name in one.query]
    if parameters:
        operation["parameters"] = parameters
    if one.body is not None:
        operation["requestBody"] = _request_body(one.body)
    if one.session:
        operation["security"] = [{_BEARER: []}, {_COOKIE: []}]
    return operation


def _parameter(place: str, name: str, *, needed: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if place == "header":
        schema["enum"] = ["bearer"]
    return {"in": place, "name": name, "required": needed or place == "path", "schema": schema}


def _responses(one: Endpoint) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if one.success is not None:
        content = {one.media_type: {"schema": dict(one.success)}}
        responses["200"] = {"description": _TITLES[200], "content": content}
    if one.redirects:
        responses["302"] = {"description": _TITLES[302], "headers": {"Location": _LOCATION}}
    by_status: dict[int, list[Problem]] = {}
    for problem in problems_of(one):
        by_status.setdefault(problem.status, []).append(problem)
    for status, problems in sorted(by_status.items()):
        responses[str(status)] = {
            "description": _TITLES[status],
            "content": {wire.JSON_TYPE: {"schema": _error_schema(problems)}},
        }
    if "{" in one.path:  # another spelling of such a path is none
        responses.setdefault("404", {"description": _TITLES[404]})
    responses["500"] = {"description": _TITLES[500]}
    return responses


def _error_schema(problems: list[Problem]) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Error"}
    codes = sorted({one.code for one in problems if one.code is not None})
    if not codes:
        return reference
    return {"allOf": [reference, {"properties": {"code": {"enum": codes}}}]}


def _request_body(body: Body) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {one.name: _member(one) for one in body.fields},
        "required": [one.name for one in body.fields if one.required],
    }
    types = [wire.JSON_TYPE, FORM_TYPE] if body.forms else [wire.JSON_TYPE]
    return {"required": body.required, "content": {name: {"schema": schema} for name in types}}


def _member(one: Field) -> dict[str, Any]:
    kind = WANTED.get(one.kind, one.kind)
    member: dict[str, Any] = {"type": [kind, "null"] if one.nullable else kind}
    if one.kind == "texts":
        member["items"] = {"type": "string"}
    if one.kind == "map":
        member["additionalProperties"] = {"type": "string"}
    if one.fields:
        member["properties"] = {inner.name: _member(inner) for inner in one.fields}
        member["required"] = [inner.name for inner in one.fields if inner.required]
    if one.kind == "email":
        member["format"] = "email"
    if one.least:
        member["minLength"] = one.least
    if one.most is not None and kind == "string":
        member["maxLength"] = one.most
    return member
