"""Proofs over HTTP: what each request must carry, what is refused, and how that is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from holders import Holder, Proving
from live import EMAIL, NAME, PASSWORD, STRATEGIES, Live, serve
from proving_app import application
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from limen import AuditKind, ProofPolicy
from limen.errors import StoreUnavailable
from limen.stores.sql import migrate

PERSON = {"name": NAME, "email": EMAIL, "password": PASSWORD}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "limen.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def lives(
    template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Live]]:
    """Give one service for each strategy and mode, started when it is first asked for."""
    with contextlib.ExitStack() as stack:
        started: dict[tuple[str, str, bool], Live] = {}

        def of(strategy: str = "hybrid", dpop: str = "accept", *, nonce: bool = False) -> Live:
            wanted = (strategy, dpop, nonce)
            if wanted not in started:
                made = serve(
                    template,
                    tmp_path_factory.mktemp("live"),
                    strategy,
                    build=application,
                    dpop=dpop,
                    proofs=ProofPolicy(nonce=nonce),
                )
                started[wanted] = stack.enter_context(made)
            return started[wanted]

        yield of


class App:
    """A client that keeps its credentials itself and holds a key."""

    def __init__(self, live: Live, holder: Holder, email: str) -> None:
        self.live = live
        self.proving = Proving(holder, live.auth.assembly.clock)
        self.http = live.client(origin=False)
        person = PERSON | {"email": email}
        answer = self.http.post("/sign-up/email", json=person, auth=self.proving)
        assert answer.status_code == 200, answer.text
        self.kept: dict[str, Any] = answer.json()
        self.cookies = answer.headers.get_list("set-cookie")
        self.proving.access = self.kept["token"]

    def proof(self, method: str, url: str, **claims: Any) -> str:
        now = self.live.auth.assembly.clock.now()
        return self.proving.holder.proof(method, url, now, access=self.kept["token"], **claims)

    def me(self, *lines: tuple[str, str], method: str = "GET") -> httpx.Response:
        return self.http.request(method, self.live.url + "/me", headers=list(lines))


numbers = iter(range(1_000))


@pytest.fixture(params=STRATEGIES)
def app(request: pytest.FixtureRequest, lives: Callable[..., Live], holder: Holder) -> App:
    return App(lives(request.param), holder, f"ada{next(numbers)}@example.org")


def challenge(answer: httpx.Response) -> str:
    assert answer.status_code == 401, answer.text
    return str(answer.headers["www-authenticate"])


@pytest.mark.proves("dpop:9", "dpop:12", "asvs:10.4.14", "oauth:7")
def test_a_sign_in_with_a_proof_gives_credentials_of_that_key_and_no_cookies(app: App) -> None:
    assert app.kept["tokenType"] == "DPoP"
    assert app.cookies == []
    answer = app.http.get(app.live.url + "/me?q=1", auth=app.proving)
    assert answer.json()["bound_to"] == app.proving.holder.thumbprint
    session = app.http.get("/get-session", auth=app.proving).json()
    assert session["user"]["id"] == answer.json()["subject"]
    token = app.http.get("/token", auth=app.proving).json()
    assert token["tokenType"] == "DPoP"
    held = app.kept.get("refreshToken")
    renewed = app.http.post(
        "/refresh", json={"refreshToken": held} if held else {}, auth=app.proving
    )
    assert renewed.json()["tokenType"] == "DPoP"
    assert "set-cookie" not in renewed.headers


@pytest.mark.proves("dpop:14", "attack:7", "asvs:10.3.5")
def test_a_bound_credential_by_another_way_is_refused(app: App) -> None:
    credential = app.kept["token"]
    url = app.live.url + "/me"
    for lines in (
        [("Authorization", f"Bearer {credential}")],
        [("Authorization", f"Bearer {credential}"), ("DPoP", app.proof("GET", url))],
        [("Authorization", f"DPoP {credential}")],
    ):
        assert challenge(app.me(*lines)).startswith('DPoP error="invalid_token", algs="EdDSA ')
    for name in ("session_token", "refresh_token"):
        cookie = f"better-auth.{name}={credential}"
        assert app.me(("Cookie", cookie), ("DPoP", app.proof("GET", url))).status_code == 401


def test_a_bound_sign_in_that_is_not_enough_is_told_so_by_dpop(app: App) -> None:
    """RFC 9470 section 3 with the scheme by which the client comes."""
    told = challenge(app.http.get(app.live.url + "/vault", auth=app.proving))
    assert told.startswith('DPoP error="insufficient_user_authentication"')
    bearer, _ = app.live.app(f"ada{next(numbers)}@example.org")
    told = challenge(bearer.get(app.live.url + "/vault"))
    assert told.startswith('Bearer error="insufficient_user_authentication"')


@pytest.mark.proves("dpop:1")
def test_two_proofs_are_refused(app: App) -> None:
    url, credential = app.live.url + "/me", app.kept["token"]
    lines = [("DPoP", app.proof("GET", url)) for _ in range(2)]
    refused = app.me(("Authorization", f"DPoP {credential}"), *lines)
    assert challenge(refused).startswith('DPoP error="invalid_dpop_proof"')
    joined = (("DPoP", f"{lines[0][1]}, {lines[1][1]}"),)
    refused = app.me(("Authorization", f"DPoP {credential}"), *joined)
    assert challenge(refused).startswith('DPoP error="invalid_dpop_proof"')
    refused = app.http.post("/sign-in/email", json=PERSON, headers=list(lines))
    assert challenge(refused).startswith('DPoP error="invalid_dpop_proof"')
    assert refused.json()["code"] == "INVALID_DPOP_PROOF"
    assert app.me(("Authorization", f"DPoP {credential}")).status_code == 401
    assert app.me(("Authorization", f"DPoP {credential}"), lines[0]).status_code == 200
    # No flow hears of what is refused at the edge, and the audit log does.
    told = app.live.run(app.live.auth.audit(limit=4))
    assert [one.reason for one in told] == ["unproven", "bad_proof", "bad_proof", "bad_proof"]
    assert {one.kind for one in told} == {AuditKind.PROOF_REFUSED}


@pytest.mark.proves("dpop:8", "dpop:9", "dpop:12", "dpop:13", "attack:7")
def test_a_proof_about_another_request_or_a_used_one_is_refused(app: App, thief: Holder) -> None:
    url = app.live.url + "/me"
    bearer = ("Authorization", f"DPoP {app.kept['token']}")
    used = app.proof("GET", url)
    assert app.me(bearer, ("DPoP", used)).status_code == 200
    foreign = thief.proof("GET", url, app.live.auth.assembly.clock.now(), access=app.kept["token"])
    for text, method, error in (
        (used, "GET", "invalid_dpop_proof"),
        (app.proof("POST", url), "GET", "invalid_dpop_proof"),
        (app.proof("GET", url), "POST", "invalid_dpop_proof"),
        (app.proof("GET", url + "/"), "GET", "invalid_dpop_proof"),
        (app.proof("GET", "https://evil.example/me"), "GET", "invalid_dpop_proof"),
        (app.proof("GET", url, ath="x"), "GET", "invalid_dpop_proof"),
        (app.proof("GET", url, iat=1), "GET", "invalid_dpop_proof"),
        ("", "GET", "invalid_dpop_proof"),
        (foreign, "GET", "invalid_token"),
    ):
        refused = app.me(bearer, ("DPoP", text), method=method)
        assert challenge(refused).startswith(f'DPoP error="{error}"')


@pytest.mark.proves("dpop:17")
def test_a_credential_that_is_not_bound_goes_by_bearer_only(
    lives: Callable[..., Live], holder: Holder
) -> None:
    live = lives()
    client, kept = live.app(f"ada{next(numbers)}@example.org")
    assert "tokenType" not in kept
    assert client.get(live.url + "/me").json()["bound_to"] is None
    del client.headers["Authorization"]
    proving = Proving(holder, live.auth.assembly.clock, kept["token"])
    refused = client.get(live.url + "/me", auth=proving)
    assert challenge(refused).startswith('DPoP error="invalid_token"')
    # Nor is it bound later: whoever had a copy could take it for themselves.
    proving.access = None
    refused = client.post("/refresh", json={"refreshToken": kept["refreshToken"]}, auth=proving)
    assert challenge(refused).startswith('DPoP error="invalid_token"')
    assert client.post("/refresh", json={"refreshToken": kept["refreshToken"]}).status_code == 200


@pytest.mark.proves("dpop:15", "asvs:10.4.5", "attack:7")
def test_a_refresh_needs_the_same_key(
    lives: Callable[..., Live], holder: Holder, thief: Holder
) -> None:
    app = App(lives(), holder, f"ada{next(numbers)}@example.org")
    body = {"refreshToken": app.kept["refreshToken"]}
    clock = app.live.auth.assembly.clock
    assert app.http.post("/refresh", json=body).status_code == 401
    assert app.http.post("/refresh", json=body, auth=Proving(thief, clock)).status_code == 401
    renewed = app.http.post("/refresh", json=body, auth=Proving(holder, clock))
    assert renewed.status_code == 200
    # Signing out needs it too.
    body = {"refreshToken": renewed.json()["refreshToken"]}
    assert app.http.post("/sign-out", json=body).json() == {"success": True}
    refused = app.http.post("/sign-out", headers={"Authorization": f"DPoP {app.kept['token']}"})
    assert challenge(refused).startswith('DPoP error="invalid_token"')
    assert app.http.get("/get-session", auth=app.proving).json() is not None
    app.http.post("/sign-out", json=body, auth=app.proving)
    refused = app.http.post("/refresh", json=body, auth=Proving(holder, clock))
    assert refused.status_code == 401


def test_a_stranger_makes_nobody_keep_a_proof(lives: Callable[..., Live], holder: Holder) -> None:
    """A sign-out has no budget, so it writes nothing for whoever has no credential."""
    live = lives()
    bare, clock = live.client(origin=False), live.auth.assembly.clock
    for path, again in (("/sign-out", 200), ("/refresh", 401)):
        url = live.api + path
        headers = {"DPoP": holder.proof("POST", url, clock.now())}
        body = {"refreshToken": "lmr_" + "A" * 43}
        first, second = (bare.post(url, json=body, headers=headers) for _ in range(2))
        assert second.status_code == again
        replayed = 'error="invalid_dpop_proof"' in second.headers.get("www-authenticate", "")
        assert replayed is (path == "/refresh")
        assert 'error="invalid_dpop_proof"' not in first.headers.get("www-authenticate", "")


@pytest.mark.proves("dpop:10")
def test_a_client_is_given_the_nonce_that_it_needs(
    lives: Callable[..., Live], holder: Holder
) -> None:
    live = lives(nonce=True)
    clock = live.auth.assembly.clock
    bare = live.client(origin=False)
    url = live.api + "/sign-up/email"
    refused = bare.post(url, json=PERSON, headers={"DPoP": holder.proof("POST", url, clock.now())})
    assert challenge(refused).startswith('DPoP error="use_dpop_nonce"')
    assert refused.json()["code"] == "USE_DPOP_NONCE"
    nonce = refused.headers["dpop-nonce"]
    assert refused.headers["cache-control"] == "no-store"
    assert "DPoP-Nonce" in refused.headers["access-control-expose-headers"]
    old = holder.proof("POST", url, clock.now(), nonce="old")
    assert challenge(bare.post(url, json=PERSON, headers={"DPoP": old})).startswith(
        'DPoP error="use_dpop_nonce"'
    )
    app = App(live, holder, f"ada{next(numbers)}@example.org")
    answer = app.http.get(live.url + "/me", auth=app.proving)
    assert answer.status_code == 200
    assert answer.headers["dpop-nonce"] == nonce  # and a newer one before it is needed


@pytest.mark.proves("asvs:10.4.14", "attack:7")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_where_proofs_are_required_a_header_takes_nothing_else(
    lives: Callable[..., Live], holder: Holder, strategy: str
) -> None:
    live = lives(strategy, "require")
    email = f"ada{next(numbers)}@example.org"
    app = App(live, holder, email)
    assert app.http.get(live.url + "/me", auth=app.proving).status_code == 200
    bare = live.client(origin=False, **{"x-limen-carrier": "bearer"})
    person = PERSON | {"email": email}
    refused = bare.post("/sign-in/email", json=person)
    assert challenge(refused).startswith('DPoP error="invalid_dpop_proof"')
    assert bare.post("/sign-up/email", json=person | {"email": "x@example.org"}).status_code == 401
    assert bare.post("/refresh", json={"refreshToken": "lmr_" + "A" * 43}).status_code == 401
    assert challenge(bare.get(live.url + "/me")).startswith("DPoP algs=")
    # Browsers go on with cookies, which no script reads; what they hold opens no header.
    browser = live.client()
    signed_in = browser.post("/sign-in/email", json=person)
    assert signed_in.json()["token"].startswith("ses_")
    assert browser.get(live.url + "/me").json()["bound_to"] is None
    for value in dict(browser.cookies).values():
        refused = bare.get(live.url + "/me", headers={"Authorization": f"Bearer {value}"})
        assert challenge(refused).startswith('DPoP error="invalid_token"')
        body = {"refreshToken": value}
        assert bare.post("/refresh", json=body).status_code == 401
    changing = {"currentPassword": PASSWORD, "newPassword": "another good battery"}
    refused = browser.post("/change-password", json=changing, headers={"x-limen-carrier": "bearer"})
    assert refused.status_code == 401
    assert browser.post("/change-password", json=changing).status_code == 200


def test_no_browser_gets_by_without_cookies_where_proofs_are_required(
    lives: Callable[..., Live],
) -> None:
    live = lives("hybrid", "require")
    person = PERSON | {"email": f"ada{next(numbers)}@example.org"}
    answer = live.client(origin=False).post("/sign-up/email", json=person)
    assert answer.json()["token"].startswith("ses_")
    assert "set-auth-token" not in answer.headers


def test_the_handshake_of_a_socket_carries_the_proof(app: App) -> None:
    url = app.live.url + "/socket"
    address = url.replace("http", "ws", 1)
    lines = {"Authorization": f"DPoP {app.kept['token']}", "DPoP": app.proof("GET", url)}
    with connect(address, additional_headers=lines) as socket:
        assert (
            socket.recv() == app.http.get(app.live.url + "/me", auth=app.proving).json()["subject"]
        )
    for refused in (lines, {"Authorization": f"Bearer {app.kept['token']}"}):
        with pytest.raises(InvalidStatus), connect(address, additional_headers=refused):
            pass


@pytest.mark.proves("dpop:13")
def test_a_store_that_is_down_lets_nobody_through(
    lives: Callable[..., Live], holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(lives(), holder, f"ada{next(numbers)}@example.org")
    store = app.live.auth._store

    async def down(effect: object) -> None:
        raise StoreUnavailable("the store is down")

    assert app.http.get(app.live.url + "/me", auth=app.proving).status_code == 200
    monkeypatch.setattr(store, "perform", down)
    assert app.http.get(app.live.url + "/me", auth=app.proving).status_code == 503


@pytest.mark.proves("dpop:9")
def test_the_address_is_the_configured_one_and_no_header_makes_it_up(
    template: Path, tmp_path: Path, holder: Holder
) -> None:
    public = "https://app.example"
    with serve(
        template, tmp_path, "hybrid", build=application, dpop="accept", base_url=public
    ) as live:
        clock, http = live.auth.assembly.clock, live.client(origin=False)

        def sign_up(htu: str, **headers: str) -> httpx.Response:
            text = holder.proof("POST", htu, clock.now())
            return http.post("/sign-up/email", json=PERSON, headers={"DPoP": text, **headers})

        forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        for htu, headers in (
            (live.api + "/sign-up/email", {}),
            ("https://evil.example/api/auth/sign-up/email", forged),
            ("http://app.example/api/auth/sign-up/email", {"X-Forwarded-Proto": "http"}),
        ):
            assert challenge(sign_up(htu, **headers)).startswith('DPoP error="invalid_dpop_proof"')
        spelt = "HTTPS://APP.example:443/api/auth/x/../sign-up/email?x=1#y"
        assert sign_up(spelt, **forged).status_code == 200


@pytest.mark.proves("dpop:16")
def test_there_is_no_authorization_request_that_could_name_a_key(
    lives: Callable[..., Live],
) -> None:
    """So there is no `dpop_jkt` either: what is bound was asked for with the proof itself."""
    live = lives()
    paths = live.client().get("/openapi.json").json()["paths"]
    assert not [path for path in paths if "authorize" in path or path.endswith("/par")]
    for path in ("/authorize", "/oauth2/authorize", "/par"):
        assert live.client().get(path, params={"dpop_jkt": "x"}).status_code == 404


def test_the_document_says_where_a_proof_is_read(lives: Callable[..., Live]) -> None:
    for dpop, wanted in (("accept", True), ("off", False)):
        paths = lives("hybrid", dpop).client().get("/openapi.json").json()["paths"]
        named = {
            path
            for path, operations in paths.items()
            for one in operations.get("post", {}).get("parameters", ())
            if one["name"] == "dpop"
        }
        assert ({"/sign-in/email", "/sign-up/email", "/refresh", "/sign-out"} <= named) is wanted
        assert bool(named) is wanted


@pytest.mark.proves("dpop:13", "attack:7")
def test_of_many_copies_of_one_request_one_is_answered(app: App) -> None:
    url = app.live.url + "/me"
    lines = {"Authorization": f"DPoP {app.kept['token']}", "DPoP": app.proof("GET", url)}

    async def crowd() -> list[int]:
        async with httpx.AsyncClient(verify=False, timeout=60) as client:
            sent = (client.get(url, headers=lines) for _ in range(50))
            return sorted(one.status_code for one in await asyncio.gather(*sent))

    assert asyncio.run(crowd()) == [200] + [401] * 49
