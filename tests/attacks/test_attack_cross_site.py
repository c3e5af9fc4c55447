"""A page of somebody else acts in the victim's browser, or sends the victim away."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from arena import ORIGIN
from cells import Attacks, Cell
from inspection import API
from parties import REFRESH, Client, Copy, by_header

attacks = Attacks()

EVIL = "https://evil.example"
CROSS_SITE = (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors"))
FORM = ("Content-Type", "application/x-www-form-urlencoded")
# What a foreign page, an old browser or a stripped header can make a request say of itself.
PROVENANCES: tuple[tuple[tuple[str, str], ...], ...] = (
    (("Origin", EVIL),),
    (("Origin", EVIL), *CROSS_SITE),
    (("Origin", "null"),),
    (),
    (("Referer", f"{EVIL}/?{ORIGIN}"),),
    (("Referer", f"{ORIGIN}.evil.example/"),),
    (("Origin", f"{ORIGIN}.evil.example"),),
    (("Origin", "https://app.example:444"),),
    (("Origin", "http://app.example"),),
    (("Origin", "https://evilapp.example"),),
    (("Origin", f"{ORIGIN}@evil.example"),),
    (("Origin", EVIL), ("Referer", f"{ORIGIN}/")),
    (("Origin", ORIGIN), ("Origin", EVIL)),
)


def notes(cell: Cell) -> int:
    """Return how many notes have been written at the near process."""
    reader = cell.victim()
    found: int = reader.get("/notes").json()["notes"]
    return found


def riding(cell: Cell, copy: Copy, *lines: tuple[str, str]) -> Client:
    """Return the victim's browser as a foreign page makes it send requests."""
    return Client(cell.near, cell.watch, [("Cookie", copy.cookie), *lines])


@attacks.row(25)
def another_site_writes(cell: Cell) -> None:
    victim = cell.victim()
    before, held = notes(cell), victim.copy()
    for lines in PROVENANCES:
        browser = riding(cell, held, *lines)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert browser.send(method, "/notes").status_code in (403, 405)
        assert browser.post("/notes").status_code == 403
        for path in ("/update-user", "/revoke-sessions", "/change-password", "/delete-user"):
            assert browser.tell(path, {"name": "Eve"}).status_code == 403
    # A page cannot make a browser send a header: nothing is presented, so nobody is signed in.
    bare = cell.client(("Origin", EVIL))
    assert bare.post("/notes").status_code == 401
    assert notes(cell) == before
    assert victim.ask("/get-session").json()["user"]["name"] == "Ada"
    # A program with a header of its own is no page, and says nothing of where it is.
    assert by_header(cell.near, cell.watch, held.access).post("/notes").status_code == 200


@attacks.row(26)
def another_site_signs_the_victim_in(cell: Cell) -> None:
    attacker, victim = cell.victim(), cell.victim()
    account = {"email": attacker.email, "password": attacker.password}
    form = f"email={quote(attacker.email)}&password={quote(attacker.password)}"
    navigation = (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"))
    for lines in (
        (("Origin", EVIL), *navigation),
        (("Origin", "null"), *navigation),
        (("Origin", EVIL),),
        (("Referer", f"{EVIL}/"),),
        CROSS_SITE,
    ):
        # Lax cookies stay at home, so the request may come without any; and with them.
        for kept in ((), (("Cookie", victim.copy().cookie),)):
            page = cell.client(*lines, *kept)
            answers = [
                page.send("POST", f"{API}/sign-in/email", FORM, content=form),
                page.tell("/sign-in/email", account),
                page.tell("/sign-up/email", account | {"email": "x@example.org", "name": "x"}),
            ]
            assert [answer.status_code for answer in answers] == [403] * 3
            assert not [answer for answer in answers if "set-cookie" in answer.headers]
    assert victim.who == victim.subject != attacker.subject


@attacks.row(27)
def another_site_signs_the_victim_out(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        out = riding(cell, held, *CROSS_SITE).send(method, f"{API}/sign-out")
        assert out.status_code == 405
        assert "set-cookie" not in out.headers
    for lines in PROVENANCES:
        out = riding(cell, held, *lines).tell("/sign-out")
        assert out.status_code == 403
        assert "set-cookie" not in out.headers
    # Without cookies there is nothing to end, and the answer must not expire them either.
    for lines in ((("Origin", EVIL),), (("Origin", "null"),)):
        out = cell.client(*lines).tell("/sign-out")
        assert "set-cookie" not in out.headers
    assert victim.status == 200
    assert victim.copy() == held


@attacks.row(28)
def another_site_makes_tokens_rotate(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    for lines in PROVENANCES:
        for path in ("/refresh", "/get-session"):
            answer = riding(cell, held, *lines).tell(path)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
    # What a foreign page may cause, such as an image, uses nothing up even when it is due.
    cell.clock.advance(cell.near.auth.assembly.parts.policy.lifetime)
    image = riding(cell, held, *CROSS_SITE).get("/notes")
    assert REFRESH not in "".join(image.headers.get_list("set-cookie"))
    again = cell.client().tell("/refresh", {"refreshToken": held.refresh}).json()
    assert again["refreshToken"] != held.refresh


@attacks.without(28)
def a_session_id_does_not_rotate(cell: Cell) -> None:
    victim = cell.victim()
    held = victim.copy()
    assert riding(cell, held, ("Origin", EVIL)).tell("/refresh").status_code == 403
    assert victim.tell("/refresh").status_code == 200
    assert victim.copy() == held


@attacks.row(29)
def a_request_that_hides_what_it_is(cell: Cell) -> None:
    victim = cell.victim()
    before, held = notes(cell), victim.copy()
    # What a form can send across sites without asking first, dressed as JSON.
    for kind in ("text/plain", "text/plain; application/json", "multipart/form-data", ""):
        for path in ("/update-user", "/sign-out", "/sign-in/email", "/refresh"):
            answer = riding(cell, held, ("Origin", ORIGIN)).send(
                "POST", API + path, ("Content-Type", kind), content='{"name": "Eve"}'
            )
            assert answer.status_code == 415
    # A safe method stays one, whatever a header or a member says beside it.
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        page = riding(cell, held, (name, "POST"), *CROSS_SITE)
        assert page.get("/notes").json()["notes"] == before
        assert page.ask("/sign-out").status_code == 405
    page = riding(cell, held, *CROSS_SITE)
    assert page.get("/notes?_method=POST").json()["notes"] == before
    override = ("X-HTTP-Method-Override", "GET")
    assert riding(cell, held, ("Origin", EVIL), override).post("/notes").status_code == 403
    assert notes(cell) == before
    assert victim.ask("/get-session").json()["user"]["name"] == "Ada"


@attacks.row(30)
def a_form_sent_minutes_after_the_sign_in(cell: Cell) -> None:
    victim = cell.stranger()
    answers = [victim.sign_up(), victim.sign_in(), victim.tell("/refresh")]
    answers.append(victim.tell("/sign-out"))
    lines = [line for answer in answers for line in answer.headers.get_list("set-cookie")]
    assert len(lines) >= 4
    # A browser is lenient for two minutes only with cookies that do not say what they want.
    assert not [line for line in lines if "; SameSite=Lax" not in line]
    assert victim.sign_in().status_code == 200
    sent = riding(
        cell,
        victim.copy(),
        ("Origin", EVIL),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
    )
    assert sent.send("POST", "/notes", FORM, content="note=eve").status_code == 403


@attacks.row(31)
def a_foreign_page_wants_to_read(cell: Cell) -> None:
    held = cell.victim().copy()
    strangers = (
        EVIL,
        "null",
        f"{ORIGIN}.evil.example",
        "https://evilapp.example",
        "http://app.example",
    )
    asked = (
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization, content-type"),
    )
    for origin in strangers:
        page = riding(cell, held, ("Origin", origin))
        answers = [page.get("/notes"), page.ask("/get-session"), page.ask("/jwks")]
        answers += [page.tell("/sign-in/email", {"email": "a@b.example", "password": "x"})]
        answers += [
            page.send("OPTIONS", path, *asked)
            for path in ("/notes", f"{API}/sign-in/email", f"{API}/get-session")
        ]
        for answer in answers:
            shared = [name for name in answer.headers if name.startswith("access-control-allow")]
            assert shared == []


@attacks.row(34)
def a_redirect_that_leads_elsewhere(cell: Cell) -> None:
    victim = cell.victim()
    account = {"email": victim.email, "password": victim.password}
    targets = (
        EVIL,
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%2fevil.example",
        "/%5cevil.example",
        "https:evil.example",
        "https://app.example@evil.example",
        "https://app.example.evil.example",
        "https://evil.example\\@app.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/..//evil.example",
        "\t//evil.example",
        " //evil.example",
        "/\t/evil.example",
        "https://app.example\n.evil.example",
    )
    for target in targets:
        signing = victim.tell("/sign-in/email", account | {"callbackURL": target})
        reset = victim.tell(
            "/request-password-reset", {"email": victim.email, "redirectTo": target}
        )
        mailed = victim.tell(
            "/send-verification-email", {"email": victim.email, "callbackURL": target}
        )
        query = quote(target, safe="")
        opened = victim.ask(f"/verify-email?token=x&callbackURL={query}")
        linked = victim.ask(f"/reset-password/x?callbackURL={query}")
        for answer in (signing, reset, mailed, opened, linked):
            assert answer.status_code == 403
            assert "location" not in answer.headers
            assert "evil" not in answer.text
    kept = victim.tell("/sign-in/email", account | {"callbackURL": "/notes"})
    assert kept.json()["url"] == "/notes"


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
