"""Routes of an application that ask for a sign-in of a moment ago, in FastAPI and Starlette."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from live import PASSWORD, SECRET, STRATEGIES, Live, serve, served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from limen import Authentication, Freshness, Limen, Principal, Target
from limen.stores.sql import migrate
from limen.testing import FrozenClock
from limen.verify import Verifier
from limen.web import fastapi, starlette
from limen.web.verifying import TokenPrincipal

STEP_UP = "insufficient_user_authentication"


def with_fastapi(auth: Limen) -> FastAPI:
    app = FastAPI()
    fastapi.install(app, auth)

    @app.post("/transfer")
    async def transfer(who: Annotated[Principal, fastapi.requires_fresh(300)]) -> str:
        return who.subject

    @app.post("/settings", dependencies=[fastapi.requires_fresh()])
    async def settings() -> str:
        return "changed"

    @app.post("/vault", dependencies=[fastapi.requires_fresh(300, acr="aal2")])
    async def vault() -> str:
        return "open"

    @app.post("/admin", dependencies=[fastapi.requires_fresh(300, roles=["admin"])])
    async def admin() -> str:
        return "done"

    return app


def with_starlette(auth: Limen) -> Starlette:
    @starlette.requires_fresh(300)
    async def transfer(request: Request) -> PlainTextResponse:
        return PlainTextResponse((await starlette.principal_of(request)).subject)

    @starlette.requires_fresh()
    async def settings(request: Request) -> PlainTextResponse:
        return PlainTextResponse("changed")

    @starlette.requires_fresh(300, acr="aal2")
    async def vault(request: Request) -> PlainTextResponse:
        return PlainTextResponse("open")

    @starlette.requires_fresh(300, roles=["admin"])
    async def admin(request: Request) -> PlainTextResponse:
        return PlainTextResponse("done")

    named = {"transfer": transfer, "settings": settings, "vault": vault, "admin": admin}
    app = Starlette(
        routes=[Route(f"/{name}", one, methods=["POST"]) for name, one in named.items()]
    )
    starlette.install(app, auth)
    return app


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "limen.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


def told(answer: httpx.Response) -> dict[str, str]:
    """Return the members of the body, which FastAPI puts under `detail`."""
    body: dict[str, Any] = answer.json()
    return body.get("detail", body)


@pytest.mark.proves("asvs:7.5.3", "asvs:10.3.4", "asvs:7.5.1")
@pytest.mark.parametrize("build", [with_fastapi, with_starlette])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_stale_sign_in_is_told_how_to_go_on(
    migrated: Path, tmp_path: Path, strategy: str, build: Callable[[Limen], Any]
) -> None:
    clock = FrozenClock()
    with serve(migrated, tmp_path, strategy, build=build, clock=clock) as live:
        browser = live.browser()
        assert browser.post(f"{live.url}/transfer").status_code == 200
        clock.advance(301_000)
        stale = browser.post(f"{live.url}/transfer")
        assert stale.status_code == 401
        assert stale.headers["www-authenticate"] == (
            f'Bearer error="{STEP_UP}", error_description="Sign in again to do this", max_age="300"'
        )
        assert told(stale) == {"message": "Sign in again to do this", "code": STEP_UP}
        assert stale.headers["cache-control"] == "no-store"
        assert browser.post(f"{live.url}/settings").status_code == 200  # within an hour
        assert browser.post("/reauthenticate", json={"password": PASSWORD}).status_code == 200
        assert browser.post(f"{live.url}/transfer").status_code == 200
        weak = browser.post(f"{live.url}/vault")
        assert (weak.status_code, told(weak)["code"]) == (401, STEP_UP)
        assert weak.headers["www-authenticate"].endswith('max_age="300", acr_values="aal2"')
        assert browser.post(f"{live.url}/admin").status_code == 403
        stranger = live.client().post(f"{live.url}/transfer")
        assert (stranger.status_code, stranger.headers["www-authenticate"]) == (401, "Bearer")
        strong = signed_in(live, ("pwd", "otp"))
        assert strong.post(f"{live.url}/vault").status_code == 200
        ended(live, strong)
        for path in ("transfer", "vault", "settings"):  # a copy inside its window, of `jwt` too
            refused = strong.post(f"{live.url}/{path}")
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def signed_in(live: Live, methods: tuple[str, ...]) -> httpx.Client:
    at = live.auth.assembly.clock.now()
    proven = Authentication("usr_elsewhere", at, methods)
    issued = live.run(live.auth.remember(proven)).issued
    return live.client(Authorization=f"Bearer {issued.access.reveal()}")


def ended(live: Live, client: httpx.Client) -> None:
    token = client.headers["Authorization"].removeprefix("Bearer ")
    who = live.run(live.auth.authenticate(token)).principal
    live.run(live.auth.revoke(Target.session(who.session_id)))


def test_openapi_says_what_a_route_asks() -> None:
    auth = Limen("jwt", refresh=None, secret=SECRET)
    document = with_fastapi(auth).openapi()
    answer = document["paths"]["/vault"]["post"]["responses"]["401"]
    assert STEP_UP in answer["description"]
    challenge = answer["headers"]["WWW-Authenticate"]["example"]
    assert challenge.endswith('max_age="300", acr_values="aal2"')
    usual = document["paths"]["/settings"]["post"]
    assert 'max_age="3600"' in usual["responses"]["401"]["headers"]["WWW-Authenticate"]["example"]
    assert {"LimenCookie": []} in usual["security"]


@pytest.mark.proves("asvs:10.3.4", "asvs:7.5.3")
def test_another_service_asks_the_same_of_a_token(migrated: Path, tmp_path: Path) -> None:
    clock = FrozenClock()
    with serve(migrated, tmp_path, "hybrid", clock=clock) as live:
        verifier = Verifier(f"{live.api}/jwks", issuer="limen", audience="limen", clock=clock)
        app = FastAPI(lifespan=verifier.lifespan)
        asked = TokenPrincipal(verifier, fresh=Freshness(200, "aal2"))

        @app.get("/orders")
        async def orders(who: Annotated[Principal, Depends(asked)]) -> str:
            return who.acr

        with served(app) as (url, _):
            strong, weak = signed_in(live, ("pwd", "otp")), signed_in(live, ("pwd",))
            assert strong.get(f"{url}/orders").json() == "aal2"
            refused = weak.get(f"{url}/orders")
            assert refused.status_code == 401
            assert f'error="{STEP_UP}"' in refused.headers["www-authenticate"]
            clock.advance(199_000)
            token = strong.get("/token").json()["token"]
            fresh = live.client(Authorization=f"Bearer {token}")
            assert fresh.get(f"{url}/orders").status_code == 200
            clock.advance(2_000)
            late = fresh.get(f"{url}/orders")  # the token lives on, and its sign-in is too old
            assert late.status_code == 401
            assert 'max_age="200", acr_values="aal2"' in late.headers["www-authenticate"]
