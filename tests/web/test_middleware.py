"""The ASGI edge: what a request carries, what it may do, what its response hands back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from limen import Authentication, CookieSettings, Issued, Limen, Refused, Target
from limen.effects import Effect
from limen.errors import Overloaded, StoreUnavailable
from limen.operations import SignedIn
from limen.passwords import CHEAPEST
from limen.stores.memory import MemoryStore
from limen.testing import StepClock
from limen.web.asgi import AuthMiddleware
from limen.web.starlette import principal_of, principal_or_none, requires

SECRET = "a-secret-of-the-tests-QmFzZTY0IGlzIG5vdCBhIHNlY3JldA"
ORIGIN = "http://127.0.0.1:8000"
MINUTE = 60_000


class BreakableStore(MemoryStore):
    """A memory store whose connection can be cut."""

    cut = False

    async def perform(self, effect: Effect[Any]) -> Any:
        if self.cut:
            raise StoreUnavailable("cut")
        return await super().perform(effect)


async def me(request: Request) -> JSONResponse:
    principal = await principal_of(request)
    return JSONResponse({"subject": principal.subject, "strategy": principal.strategy})


async def whoever(request: Request) -> JSONResponse:
    principal = await principal_or_none(request)
    return JSONResponse({"subject": principal.subject if principal else None})


@requires("admin")
async def admin(request: Request) -> JSONResponse:
    return JSONResponse({"admin": True})


async def nothing(request: Request) -> JSONResponse:
    return JSONResponse({"open": True})


async def own_caching(request: Request) -> JSONResponse:
    await principal_of(request)
    return JSONResponse({}, headers={"cache-control": "private, max-age=5"})


async def overloaded(request: Request) -> JSONResponse:
    raise Overloaded(7)


async def socket(websocket: WebSocket) -> None:
    principal = await principal_of(websocket)
    await websocket.accept()
    await websocket.send_json({"subject": principal.subject})
    await websocket.close()


ROUTES = [
    Route("/me", me, methods=["GET", "POST"]),
    Route("/whoever", whoever),
    Route("/admin", admin),
    Route("/open", nothing),
    Route("/caching", own_caching),
    Route("/overloaded", overloaded),
    WebSocketRoute("/socket", socket),
]


@dataclass
class Site:
    auth: Limen
    app: Starlette
    http: httpx.AsyncClient
    clock: StepClock
    store: BreakableStore

    async def sign_in(self, roles: tuple[str, ...] = ()) -> Issued:
        proven = Authentication("usr_alice", self.clock.now(), roles=frozenset(roles))
        signed_in = await self.auth.remember(proven)
        assert isinstance(signed_in, SignedIn)
        return signed_in.issued

    def carry(self, issued: Issued) -> None:
        self.http.cookies.clear()
        self.http.cookies.set(
            "better-auth.session_token", issued.access.reveal(), domain="127.0.0.1"
        )
        if issued.refresh:
            self.http.cookies.set(
                "better-auth.refresh_token", issued.refresh.reveal(), domain="127.0.0.1"
            )


@asynccontextmanager
async def site(strategy: str, **options: Any) -> AsyncIterator[Site]:
    clock, store = StepClock(1_800_000_000_000), BreakableStore()
    options.setdefault("argon2", CHEAPEST)
    auth = Limen(strategy, store=store, secret=SECRET, clock=clock, **options)  # type: ignore[arg-type]
    app = Starlette(routes=ROUTES)
    app.add_middleware(AuthMiddleware, auth=auth)
    transport = httpx.ASGITransport(app)
    async with auth, httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        yield Site(auth, app, http, clock, store)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


@pytest.mark.parametrize("strategy", ["jwt", "session", "hybrid"])
def test_both_carriers_bring_the_same_principal(strategy: str) -> None:
    async def scenario() -> None:
        async with site(strategy) as here:
            issued = await here.sign_in()
            bearer = {"authorization": f"Bearer {issued.access.reveal()}"}
            by_header = await here.http.get("/me", headers=bearer)
            here.carry(issued)
            by_cookie = await here.http.get("/me")
            assert (
                by_header.json()
                == by_cookie.json()
                == {
                    "subject": "usr_alice",
                    "strategy": strategy,
                }
            )

    run(scenario)


@pytest.mark.proves("asvs:11.2.5")
def test_nobody_is_told_to_sign_in_and_a_bad_credential_that_it_is_bad() -> None:
    async def scenario() -> None:
        async with site("session") as here:
            absent = await here.http.get("/me")
            assert absent.status_code == 401
            assert absent.headers["www-authenticate"] == "Bearer"
            bad = await here.http.get("/me", headers={"authorization": "Bearer lms_nonsense"})
            assert bad.status_code == 401
            assert bad.headers["www-authenticate"] == 'Bearer error="invalid_token"'
            assert (await here.http.get("/whoever")).json() == {"subject": None}
            visitor = await here.http.get("/whoever", headers={"authorization": "Bearer x"})
            assert visitor.status_code == 401

    run(scenario)


@pytest.mark.proves("attack:64")
def test_a_header_put_there_on_purpose_is_judged_alone() -> None:
    async def scenario() -> None:
        async with site("session") as here:
            here.carry(await here.sign_in())
            mixed = await here.http.get("/me", headers={"authorization": "Bearer lms_other"})
            assert mixed.status_code == 401
            proxy = await here.http.get("/me", headers={"authorization": "Basic eDp5"})
            assert proxy.status_code == 200

    run(scenario)


@pytest.mark.proves("asvs:3.5.1", "nist:7")
def test_an_unsafe_request_with_a_cookie_needs_an_origin_of_ours() -> None:
    async def scenario() -> None:
        async with site("session", trusted_origins=["https://app.example"]) as here:
            issued = await here.sign_in()
            here.carry(issued)
            statuses = {}
            for origin in (ORIGIN, "https://app.example", "https://evil.example", "null", None):
                headers = {} if origin is None else {"origin": origin}
                statuses[origin] = (await here.http.post("/me", headers=headers)).status_code
            assert statuses == {
                ORIGIN: 200,
                "https://app.example": 200,
                "https://evil.example": 403,
                "null": 403,
                None: 403,
            }
            here.http.cookies.clear()
            bearer = {"authorization": f"Bearer {issued.access.reveal()}"}
            assert (await here.http.post("/me", headers=bearer)).status_code == 200

    run(scenario)


@pytest.mark.proves("asvs:3.5.3")
def test_a_safe_request_gets_another_access_token_and_rotates_nothing() -> None:
    async def scenario() -> None:
        async with site("hybrid") as here:
            issued = await here.sign_in()
            assert issued.refresh
            here.carry(issued)
            here.clock.advance(6 * MINUTE)
            reissued = await here.http.get("/me")
            assert reissued.status_code == 200
            assert set(reissued.cookies) == {"better-auth.session_token"}
            assert (await here.http.get("/me")).headers.get("set-cookie") is None
            unused = await here.auth.refresh(issued.refresh.reveal())
            assert isinstance(unused, Issued)

    run(scenario)


@pytest.mark.proves("asvs:10.4.8", "asvs:7.3.2")
def test_a_browser_that_only_reads_stays_signed_in_until_the_absolute_end() -> None:
    async def scenario() -> None:
        async with site("hybrid") as here:
            here.carry(await here.sign_in())
            days = 0
            while (await here.http.get("/me")).status_code == 200:
                here.clock.advance(24 * 60 * MINUTE)
                days += 1
            assert days == 30

    run(scenario)


def test_an_unsafe_request_rotates_once_however_many_come_at_the_same_time() -> None:
    async def scenario() -> None:
        async with site("hybrid") as here:
            issued = await here.sign_in()
            here.carry(issued)
            cookie = "; ".join(f"{name}={value}" for name, value in here.http.cookies.items())
            here.http.cookies.clear()
            here.clock.advance(6 * MINUTE)
            headers = {"cookie": cookie, "origin": ORIGIN}
            answers = await asyncio.gather(
                *(here.http.post("/me", headers=headers) for _ in range(5))
            )
            assert [answer.status_code for answer in answers] == [200] * 5
            refreshed = {answer.cookies["better-auth.refresh_token"] for answer in answers}
            assert len(refreshed) == 1
            assert refreshed != {issued.refresh.reveal() if issued.refresh else ""}

    run(scenario)


@pytest.mark.proves("attack:93")
def test_a_prefetch_changes_nothing_and_its_header_excuses_no_unsafe_request() -> None:
    async def scenario() -> None:
        async with site("hybrid") as here:
            here.carry(await here.sign_in())
            here.clock.advance(6 * MINUTE)
            ahead = await here.http.get("/me", headers={"sec-purpose": "prefetch"})
            assert ahead.status_code == 200
            assert "set-cookie" not in ahead.headers
            headers = {"origin": ORIGIN, "sec-purpose": "prefetch"}
            unsafe = await here.http.post("/me", headers=headers)
            assert "better-auth.refresh_token" in unsafe.cookies

    run(scenario)


def test_a_tampered_token_is_not_healed_by_a_refresh_token() -> None:
    async def scenario() -> None:
        async with site("hybrid") as here:
            issued = await here.sign_in()
            here.carry(issued)
            token = issued.access.reveal()
            here.http.cookies.set(
                "better-auth.session_token",
                token[:-20] + ("A" if token[-20] != "A" else "B") + token[-19:],
                domain="127.0.0.1",
            )
            assert (await here.http.get("/me")).status_code == 401

    run(scenario)


def test_an_old_credential_is_exchanged_on_the_next_response() -> None:
    async def scenario() -> None:
        async with site("hybrid", accept=("session",)) as here:
            other = Limen("session", store=here.store, secret=SECRET, clock=here.clock)
            async with other:
                old = await other.remember(Authentication("usr_alice", here.clock.now()))
            assert isinstance(old, SignedIn)
            here.carry(old.issued)
            first = await here.http.get("/me")
            assert first.json()["strategy"] == "session"
            assert first.cookies["better-auth.session_token"].startswith("ey")
            second = await here.http.get("/me")
            assert second.json()["strategy"] == "hybrid"
            assert "set-cookie" not in second.headers
            sessions = await here.auth.sessions("usr_alice")
            assert [session.id for session in sessions] == [old.issued.principal.session_id]

    run(scenario)


@pytest.mark.parametrize("before", ["jwt", "hybrid"])
def test_a_stolen_access_token_does_not_turn_into_a_session(before: Any) -> None:
    async def scenario() -> None:
        async with (
            site("session", accept=(before,)) as here,
            Limen(before, store=here.store, secret=SECRET, clock=here.clock) as other,
        ):
            old = await other.remember(Authentication("usr_alice", here.clock.now()))
            assert isinstance(old, SignedIn)
            stolen = {
                "cookie": f"better-auth.session_token={old.issued.access.reveal()}",
            }
            replayed = await here.http.get("/me", headers=stolen)
            assert replayed.status_code == 200  # inside its own short life
            assert "set-cookie" not in replayed.headers
            await other.sign_out(old.issued.access.reveal())
            here.clock.advance(100)
            late = await here.http.get("/me", headers=stolen)
            assert "set-cookie" not in late.headers
            assert await here.auth.sessions("usr_alice") == ()
            assert old.issued.refresh
            with_refresh = f"better-auth.refresh_token={old.issued.refresh.reveal()}"
            both = {"cookie": f"{stolen['cookie']}; {with_refresh}"}
            assert "set-cookie" not in (await here.http.get("/me", headers=both)).headers

    run(scenario)


def test_a_token_of_a_time_without_a_store_is_exchanged_unless_it_was_revoked() -> None:
    async def scenario() -> None:
        async with site("session", accept=("jwt",)) as here:
            async with Limen("jwt", refresh=None, secret=SECRET, clock=here.clock) as before:
                old = await before.remember(Authentication("usr_alice", here.clock.now()))
            assert isinstance(old, SignedIn)
            here.carry(old.issued)
            first = await here.http.get("/me")
            assert first.cookies["better-auth.session_token"].startswith("lms_")
            await here.auth.revoke(Target.user("usr_alice"))
            here.carry(old.issued)
            assert "set-cookie" not in (await here.http.get("/me")).headers

    run(scenario)


@pytest.mark.proves("asvs:8.3.1", "asvs:10.3.2")
def test_a_role_that_is_missing_is_403_and_nobody_is_401() -> None:
    async def scenario() -> None:
        async with site("session") as here:
            assert (await here.http.get("/admin")).status_code == 401
            here.carry(await here.sign_in())
            refused = await here.http.get("/admin")
            assert refused.status_code == 403
            assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]

    run(scenario)


@pytest.mark.proves("asvs:14.2.2", "asvs:14.3.2")
def test_an_answer_that_depends_on_a_credential_is_not_cached_unless_the_application_says() -> None:
    async def scenario() -> None:
        async with site("session") as here:
            here.carry(await here.sign_in())
            assert (await here.http.get("/me")).headers["cache-control"] == "no-store"
            assert "cache-control" not in (await here.http.get("/open")).headers
            assert "vary" not in (await here.http.get("/open")).headers
            caching = await here.http.get("/caching")
            assert caching.headers["cache-control"] == "private, max-age=5"
            assert caching.headers["vary"] == "Cookie"

    run(scenario)


@pytest.mark.proves("asvs:16.5.2", "attack:84")
@pytest.mark.parametrize("strategy", ["session", "hybrid"])
def test_a_store_that_is_down_is_503_never_anonymous_and_it_recovers(strategy: str) -> None:
    async def scenario() -> None:
        async with site(strategy) as here:
            here.carry(await here.sign_in())
            here.store.cut = True
            here.clock.advance(3_000)  # beyond max_lag: the feed's view is too old to be used
            for path in ("/me", "/whoever"):
                down = await here.http.get(path)
                assert down.status_code == 503
                assert down.headers["retry-after"] == "1"
            assert (await here.http.get("/open")).status_code == 200
            here.store.cut = False
            assert (await here.http.get("/me")).status_code == 200

    run(scenario)


@pytest.mark.proves("attack:61")
def test_too_many_hashes_are_503_with_the_time_to_wait() -> None:
    async def scenario() -> None:
        async with site("session") as here:
            answer = await here.http.get("/overloaded")
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "7"

    run(scenario)


@pytest.mark.proves("asvs:3.3.1", "nist:5")
@pytest.mark.parametrize(
    ("url", "options", "name"),
    [
        ("http://127.0.0.1:8000", {}, "better-auth.session_token"),
        ("http://localhost", {}, "better-auth.session_token"),
        ("http://[::1]:8000", {}, "better-auth.session_token"),
        ("http://app.example", {}, "__Host-better-auth.session_token"),
        ("https://127.0.0.1", {}, "__Host-better-auth.session_token"),
        ("http://inside", {"base_url": "https://app.example"}, "__Host-better-auth.session_token"),
        ("http://inside", {"base_url": "http://app.example"}, "better-auth.session_token"),
        (
            "https://app.example",
            {"cookies": CookieSettings(domain="app.example")},
            "__Secure-better-auth.session_token",
        ),
    ],
)
def test_only_the_loopback_gets_cookies_that_are_not_secure(
    url: str, options: dict[str, Any], name: str
) -> None:
    async def scenario() -> None:
        async with site("session", **options) as here:
            issued = await here.sign_in()
            cookie = {"cookie": f"{name}={issued.access.reveal()}"}
            assert (await here.http.get(f"{url}/me", headers=cookie)).status_code == 200
            other = {"cookie": f"x-{name}={issued.access.reveal()}"}
            assert (await here.http.get(f"{url}/me", headers=other)).status_code == 401

    run(scenario)


async def _socket(here: Site, headers: list[tuple[bytes, bytes]]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    incoming = [{"type": "websocket.connect"}]

    async def receive() -> dict[str, Any]:
        return incoming.pop(0) if incoming else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/socket",
        "raw_path": b"/socket",
        "root_path": "",
        "query_string": b"",
        "subprotocols": [],
        "headers": [(b"host", b"127.0.0.1:8000"), *headers],
    }
    await here.app(scope, receive, send)
    return sent


@pytest.mark.proves("asvs:4.4.2")
def test_a_socket_opens_for_its_owner_and_not_for_a_foreign_page() -> None:
    async def scenario() -> None:
        async with site("session") as here:
            cookie = f"better-auth.session_token={(await here.sign_in()).access.reveal()}".encode()
            ours = await _socket(here, [(b"cookie", cookie), (b"origin", ORIGIN.encode())])
            assert [one["type"] for one in ours][:2] == ["websocket.accept", "websocket.send"]
            for origin in (b"https://evil.example", b"null"):
                foreign = await _socket(here, [(b"cookie", cookie), (b"origin", origin)])
                assert [one["type"] for one in foreign] == ["websocket.close"]
                assert foreign[0]["code"] == 1008
            here.store.cut = True
            down = await _socket(here, [(b"cookie", cookie), (b"origin", ORIGIN.encode())])
            assert [(one["type"], one["code"]) for one in down] == [("websocket.close", 1013)]

    run(scenario)


async def _startup(auth: Limen) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await AuthMiddleware(Starlette(), auth)({"type": "lifespan"}, receive, send)
    return sent


def test_a_database_without_tables_stops_the_server_and_says_what_to_run(tmp_path: Path) -> None:
    async def scenario() -> None:
        url = f"sqlite+aiosqlite:///{tmp_path / 'app.db'}"
        auth = Limen("session", database=url, secret=SECRET)
        sent = await _startup(auth)
        assert [one["type"] for one in sent] == ["lifespan.startup.failed"]
        assert "limen migrate" in sent[0]["message"]
        assert not auth.is_open
        await auth.close()

    run(scenario)


def test_limen_opens_before_the_application_and_closes_after_it() -> None:
    async def scenario() -> None:
        auth = Limen("session", store=MemoryStore(), secret=SECRET)
        sent = await _startup(auth)
        assert [one["type"] for one in sent] == [
            "lifespan.startup.complete",
            "lifespan.shutdown.complete",
        ]
        assert not auth.is_open

    run(scenario)


def test_a_mounted_application_opens_limen_with_its_first_request() -> None:
    async def scenario() -> None:
        auth = Limen("session", store=MemoryStore(), secret=SECRET)
        app = AuthMiddleware(Starlette(routes=ROUTES), auth)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
            assert (await http.get("/me")).status_code == 401
            assert auth.is_open
        await auth.close()

    run(scenario)


def test_a_route_without_limen_says_what_is_missing() -> None:
    async def scenario() -> None:
        app = Starlette(routes=ROUTES)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
            with pytest.raises(Exception, match="install\\(app, auth\\)"):
                await http.get("/me")

    run(scenario)


def test_refusals_are_values_all_the_way() -> None:
    async def scenario() -> None:
        async with site("session") as here:
            assert isinstance(await here.auth.refresh("lmr_nothing"), Refused)

    run(scenario)
