"""What a browser keeps, frames, reads and overflows with."""

from __future__ import annotations

import pytest
from arena import ORIGIN
from cells import Attacks, Cell
from inspection import API
from parties import ACCESS, REFRESH, by_cookie, by_header
from sockets import Dialled

from limen.account import MAX_ROLES, MAX_ROLES_OCTETS
from limen.errors import ConfigurationError
from limen.transports.cookie import MAX_COOKIE_OCTETS
from limen.web.closing import SIGNED_OUT

attacks = Attacks()

EVIL = "https://evil.example"


@attacks.row(12)
def a_page_from_before_the_sign_out(cell: Cell) -> None:
    victim = cell.victim()
    for path in ("/notes", "/open", f"{API}/get-session", f"{API}/list-sessions", f"{API}/token"):
        shown = victim.get(path)
        assert shown.status_code == 200
        # So that going back asks again, and nothing between keeps it (RFC 9111 section 5.2.2.5).
        assert shown.headers["cache-control"] == "no-store"
    out = victim.tell("/sign-out")
    assert out.headers["cache-control"] == "no-store"
    # And the browser drops what it has kept all the same, its back-forward cache as well.
    assert '"cache"' in out.headers["clear-site-data"]
    assert victim.get("/notes").status_code == 401
    assert victim.get("/open").json() == {"who": None}


@attacks.row(32)
def a_socket_from_elsewhere_or_of_yesterday(cell: Cell) -> None:
    victim = cell.victim()
    cookie = ("Cookie", victim.copy().cookie)
    for lines in ((("Origin", EVIL),), (("Origin", "null"),), (), (("Origin", ORIGIN + ".evil"),)):
        for node in (cell.near, cell.far):
            hijacked = Dialled(node, "/socket", cookie, *lines)
            assert hijacked.hear()["type"] == "websocket.close"
            hijacked.leave()
    sockets = [
        Dialled(node, "/socket", cookie, ("Origin", ORIGIN)) for node in (cell.near, cell.far)
    ]
    for socket in sockets:
        assert socket.hear()["type"] == "websocket.accept"
        assert victim.subject in socket.say("hello")["text"]
    assert victim.tell("/sign-out").status_code == 200
    for socket in sockets:  # here by the process that ended it, there as soon as it has heard
        last = socket.hear()
        assert (last["type"], last["code"]) == ("websocket.close", SIGNED_OUT)
        socket.leave()
    again = Dialled(
        cell.near, "/socket", ("Cookie", f"{ACCESS}={'lms_' + 'A' * 43}"), ("Origin", ORIGIN)
    )
    assert again.hear()["type"] == "websocket.close"
    again.leave()


@attacks.row(33)
def a_page_of_ours_in_a_frame(cell: Cell) -> None:
    victim = cell.victim()
    for path in ("/error?error=state_mismatch", "/new-password?token=x", "/error"):
        for page in (victim.ask(path), cell.client(node=cell.far).ask(path)):
            assert page.headers["content-type"].startswith("text/html")
            policy = page.headers["content-security-policy"].split("; ")
            assert "frame-ancestors 'none'" in policy
            assert "default-src 'none'" in policy
            assert "<script" not in page.text
    # There is no page to sign in, consent or sign out on, so nothing else can be framed.
    for path in ("/sign-in/email", "/sign-out", "/sign-in", "/consent"):
        assert victim.ask(path).status_code in (404, 405)
    for answer in (victim.ask("/get-session"), victim.ask("/token"), victim.tell("/sign-out")):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@attacks.row(35)
def a_cache_that_is_told_a_page_is_a_picture(cell: Cell) -> None:
    victim = cell.victim()
    paths = [f"{API}{path}" for path in ("/get-session", "/token", "/list-sessions")] + ["/notes"]
    endings = (
        "/x.css",
        ".css",
        ";x.css",
        "%2fx.css",
        "%00.css",
        "/..%2fx.css",
        "//x.css",
        "%3b.css",
    )
    for path in paths:
        for ending in endings:
            for node in (cell.near, cell.far):
                page = by_cookie(node, cell.watch, victim.copy())
                answer = page.get(path + ending)
                assert answer.status_code == 404
                assert victim.email not in answer.text
                assert "set-cookie" not in answer.headers
    # And whatever says a cookie may not be kept: `Watch` holds that of every answer.
    signed_in = victim.sign_in()
    assert signed_in.headers["cache-control"] == "no-store"
    assert "set-cookie" in signed_in.headers


@attacks.row(36)
def a_script_looks_for_a_token(cell: Cell) -> None:
    victim = cell.stranger()
    answers = [victim.sign_up(), victim.sign_in(), victim.tell("/refresh")]
    held = victim.copy()
    answers += [victim.ask(path) for path in ("/get-session", "/list-sessions", "/list-accounts")]
    answers += [victim.tell("/get-session"), victim.tell("/update-user", {"name": "Eve"})]
    bearer = ("x-limen-carrier", "bearer")  # a page may ask, but what came by cookie stays there
    answers += [victim.tell("/refresh", None, bearer), victim.tell("/get-session", None, bearer)]
    copies = (held, victim.copy())
    kept = {one for copy in copies for one in (copy.access, copy.refresh) if one}
    for answer in answers:
        assert answer.status_code == 200
        assert not [one for one in kept if one in answer.text]
        shown = [value for name, value in answer.headers.multi_items() if name != "set-cookie"]
        assert not [one for one in kept if one in "".join(shown)]
    # What a script can ask for is a token for other services. It lives as short as any.
    token = victim.ask("/token").json()["token"]
    stolen = by_header(cell.far, cell.watch, token)
    assert stolen.status == (200 if cell.is_signed else 401)
    assert stolen.tell("/refresh", {"refreshToken": token}).status_code == 401
    cell.clock.advance(cell.near.auth.assembly.parts.policy.lifetime)
    assert stolen.status == 401


@attacks.row(37)
def cookies_that_crowd_out_others(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    bomb = "; ".join(f"junk{number}={'x' * 1_000}" for number in range(60))
    assert len(bomb) > 60_000
    for line in (f"{bomb}; {held.cookie}", f"{held.cookie}; {bomb}"):
        burdened = cell.client(("Cookie", line), ("Origin", ORIGIN))
        assert burdened.who == victim.who
        assert burdened.ask("/get-session").json() is not None
    for line in (
        bomb,
        f"{ACCESS}={'x' * 60_000}",
        ";" * 60_000,
        "=" * 60_000,
        f"{ACCESS}=" * 2_000,
    ):
        assert cell.client(("Cookie", line)).status == 401
    # A browser that threw ours out is signed out, and as nobody else.
    evicted = cell.client(("Cookie", bomb))
    assert evicted.get("/open").json() == {"who": None}
    assert evicted.ask("/get-session").json() is None
    out = cell.client(("Cookie", f"{bomb}; {held.cookie}"), ("Origin", ORIGIN)).tell("/sign-out")
    assert out.status_code == 200
    cell.assert_no_renewal(held)
    cell.clock.advance(cell.near.bound)
    cell.assert_refused(held)


def most_roles() -> list[str]:
    """Return as many roles as there may be, which take nearly all the room that they may."""
    room = MAX_ROLES_OCTETS // MAX_ROLES - len('"", ')
    return [f"{number:02}".ljust(room, "r") for number in range(MAX_ROLES)]


@attacks.row(38)
def claims_too_large_for_a_cookie(cell: Cell) -> None:
    victim, roles = cell.victim(), most_roles()
    auth, subject = cell.near.auth, victim.subject
    for excessive in (["r" * MAX_ROLES_OCTETS], [f"role-{number:040}" for number in range(60)]):
        # Said where they are given, long before somebody's browser would drop the cookie.
        with pytest.raises(ConfigurationError, match="roles"):
            cell.near.run(auth.set_roles(subject, excessive))
    cell.near.run(auth.set_roles(subject, roles))
    signed_in = victim.sign_in()
    lines = signed_in.headers.get_list("set-cookie")
    sizes = [len(line.partition(";")[0]) for line in lines if line.startswith(ACCESS)]
    assert len(sizes) == 1
    assert (1_000 if cell.is_signed else 0) < sizes[0] <= MAX_COOKIE_OCTETS
    assert victim.status == 200


@attacks.without(38)
def an_id_does_not_grow(cell: Cell) -> None:
    victim = cell.victim()
    before = len(victim.copy().access)
    cell.near.run(cell.near.auth.set_roles(victim.subject, most_roles()))
    assert victim.sign_in().status_code == 200
    assert len(victim.copy().access) == before
    assert REFRESH not in victim.jar


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
