"""A credential is planted, doubled, misspelt or guessed, or shown at the wrong place."""

from __future__ import annotations

import string
from urllib.parse import parse_qs, urlsplit

import pytest
from arena import ORIGIN
from cells import Attacks, Cell
from inspection import API
from parties import ACCESS, REFRESH, Client, Copy, Person, by_cookie, by_header

from limen.letter import EmailPolicy
from limen.provider import Endpoints
from limen.social import Provider
from limen.stores.memory import MemoryStore

attacks = Attacks()

ELSEWHERE = "https://other.example"
# What scripts, forms and careless code put where a session id belongs.
NONSENSE = (
    *("null", "undefined", "NaN", "0", "-1", "true", "None", "[object%20Object]", "%00", '""'),
    *("..", "../../x", "*", "'OR'1'='1", '{"$ne":null}', '{"$gt":""}', "%0d%0aSet-Cookie:x=y"),
    *("lms_", "lmr_", "ey", "ey..", "a.b.c", "lms_" + "=" * 43, "lmr_" + "A" * 44),
)


def planted(victim: Person, copy: Copy) -> None:
    """Put somebody else's credential into a browser, as a sibling domain or a script could."""
    victim.jar.set(ACCESS, copy.access, domain="app.example", path="/")
    if copy.refresh is not None:
        victim.jar.set(REFRESH, copy.refresh, domain="app.example", path="/")


@attacks.row(15)
def a_credential_that_was_there_before(cell: Cell) -> None:
    attacker, victim = cell.victim(), cell.victim()
    assert victim.tell("/sign-out").status_code == 200
    known, theirs = attacker.copy(), attacker.subject
    planted(victim, known)
    assert victim.who == theirs
    assert victim.sign_in().status_code == 200
    own = victim.copy()
    assert own.access != known.access
    assert own.refresh is None or own.refresh != known.refresh
    assert victim.who not in (None, theirs)
    # Whatever becomes of the planted one, it is not the victim; and here it ends.
    cell.assert_no_renewal(known)
    cell.assert_no_account(known)
    cell.clock.advance(cell.near.bound)
    cell.assert_refused(known)
    assert victim.who is not None
    # What nobody handed out is not taken over as the id of the new session either.
    invented = Copy("lms_" + "A" * 43, "lmr_" + "A" * 43)
    planted(victim, invented)
    assert victim.sign_in().status_code == 200
    assert victim.copy().access != invented.access
    cell.assert_refused(invented)


@attacks.row(16)
def a_sign_in_begun_by_another(cell: Cell) -> None:
    provider = Provider(
        "hub",
        "client",
        "secret",
        endpoints=Endpoints(f"{ELSEWHERE}/a", f"{ELSEWHERE}/t", f"{ELSEWHERE}/u"),
    )
    node = cell.node(providers=[provider])
    attacker, victim = cell.stranger(node), cell.stranger(node)

    def state_of(person: Person) -> str:
        answer = person.tell("/sign-in/social", {"provider": "hub", "callbackURL": "/"})
        return parse_qs(urlsplit(answer.json()["url"]).query)["state"][0]

    begun = state_of(attacker)
    for own in (False, True):  # without an attempt of the victim's own, and with one
        if own:
            state_of(victim)
        back = victim.get(f"{API}/callback/hub?state={begun}&code=made-up")
        assert back.status_code == 302
        assert "error=state_mismatch" in back.headers["location"]
        assert ACCESS not in victim.jar
    # It was tried, so it is worth nothing to the attacker any more.
    back = attacker.get(f"{API}/callback/hub?state={begun}&code=made-up")
    assert "error=state_mismatch" in back.headers["location"]


@attacks.row(17)
def a_cookie_tossed_in_by_a_sibling(cell: Cell) -> None:
    attacker, victim = cell.victim(), cell.victim()
    mine, tossed = victim.copy().access, attacker.copy().access
    pairs = [f"{ACCESS}={mine}", f"{ACCESS}={tossed}"]
    origin = ("Origin", "https://app.example")
    for first, second in (pairs, pairs[::-1], (pairs[0], f"{ACCESS}=")):
        for lines in (
            [("Cookie", f"{first}; {second}")],
            [("Cookie", first), ("Cookie", second)],
        ):
            for node in (cell.near, cell.far):
                both = Client(node, cell.watch, [origin, *lines])
                assert both.status == 401
                assert both.get("/open").status_code == 401
                assert both.post("/notes").status_code == 401
                said = both.ask("/get-session")
                assert said.json() is None
                # Whoever tosses must not be able to sign the person out.
                assert "set-cookie" not in said.headers
    assert victim.status == attacker.status == 200
    for person in (victim, attacker):
        assert "; Domain=" not in "".join(person.sign_in().headers.get_list("set-cookie"))


@attacks.row(18)
def a_name_that_only_looks_like_ours(cell: Cell) -> None:
    attacker, victim = cell.victim(), cell.victim()
    mine, evil = victim.copy().access, attacker.copy().access
    near_names = (
        f"{ACCESS.upper()}={evil}",
        f"{ACCESS.replace('__Host', '__HOST')}={evil}",
        f"={ACCESS}={evil}",
        f"{ACCESS} ={evil}",
        f'"{ACCESS}"={evil}',
        f"\x0b{ACCESS}={evil}",
        f"\xa0{ACCESS}={evil}",
        f"{ACCESS}%20={evil}",
        f"{ACCESS}.0={evil}",
    )
    for pair in near_names:
        alone = cell.client(("Cookie", pair))
        assert alone.status == 401
        assert alone.get("/open").json() == {"who": None}  # nothing of ours was presented
        for line in (f"{pair}; {ACCESS}={mine}", f"{ACCESS}={mine}; {pair}"):
            assert cell.client(("Cookie", line)).who == victim.subject


@attacks.row(19)
def a_cookie_that_anybody_may_set_beside_ours(cell: Cell) -> None:
    attacker, victim = cell.victim(), cell.victim()
    mine, evil = victim.copy(), attacker.copy()
    bare = ACCESS.removeprefix("__Host-")
    for name in (bare, f"__Secure-{bare}", "session_token", "sessionid"):
        assert cell.client(("Cookie", f"{name}={evil.access}")).status == 401
        for line in (
            f"{name}={evil.access}; {mine.cookie}",
            f"{mine.cookie}; {name}={evil.access}",
        ):
            for node in (cell.near, cell.far):
                assert cell.client(("Cookie", line), node=node).who == victim.subject


@attacks.row(20)
def nonsense_in_the_place_of_a_credential(cell: Cell) -> None:
    cell.victim()
    for node in (cell.near, cell.far):
        cell.world.muffled.asked.clear()
        for text in ("", " ", *NONSENSE):
            thief = Client(node, cell.watch, [("Authorization", f"Bearer {text}")])
            assert thief.status == 401
            thief = Client(node, cell.watch, [("Cookie", f"{ACCESS}={text}; {REFRESH}={text}")])
            assert thief.status == 401
            assert thief.ask("/get-session").json() is None
        thief = cell.client(node=node)
        for value in (None, 0, True, {}, [], {"$ne": None}, ["lmr_"], "null", "'"):
            assert thief.tell("/refresh", {"refreshToken": value}).status_code in (400, 401)
    # Nothing of it has the shape of a credential, so nobody was asked about it.
    assert {*cell.world.muffled.asked} <= {"ReadLog", "AppendAudit"}


@attacks.row(21)
def guessing_from_what_is_known(cell: Cell) -> None:
    victim = cell.victim()
    secret = victim.copy().refresh or victim.copy().access
    prefix, drawn = secret[:4], secret[4:]
    alphabet = string.ascii_letters + string.digits + "-_"
    assert len(drawn) * 6 >= 256  # bits, so that a million guesses a second find nothing
    assert set(drawn) <= set(alphabet)
    others = {victim.other_device().copy().cookie for _ in range(5)}
    assert len(others) == 5
    guesser = cell.client()
    for place in range(0, len(drawn), 3):
        other = alphabet[(alphabet.index(drawn[place]) + 1) % 64]
        guess = prefix + drawn[:place] + other + drawn[place + 1 :]
        assert guesser.tell("/refresh", {"refreshToken": guess}).status_code == 401
        if not cell.is_signed:
            assert by_header(cell.near, cell.watch, guess).status == 401
    for guess in (secret[:-1], secret + "A", secret.swapcase(), prefix + drawn[::-1]):
        assert guesser.tell("/refresh", {"refreshToken": guess}).status_code == 401
    # None of it has ended, or used up, what it was next to.
    assert victim.tell("/refresh").status_code == 200


@attacks.row(22)
def two_people_in_one_browser(cell: Cell) -> None:
    for late in (False, True):  # the first one's token has run out, the refresh token has not
        first, second = cell.victim(), cell.victim()
        subjects = first.subject, second.subject
        left = first.copy()
        planted(second, left)
        if late:
            cell.clock.advance(cell.near.auth.assembly.parts.policy.lifetime)
        second.password += "x"
        assert second.sign_in().status_code == 401
        assert second.who == subjects[0]  # nobody else has signed in
        second.password = second.password[:-1]
        assert second.sign_in().status_code == 200
        assert second.who == subjects[1]
        held = second.copy()
        cell.assert_no_renewal(left)
        cell.clock.advance(cell.near.bound)
        cell.assert_refused(left)
        assert by_cookie(cell.far, cell.watch, held).who == subjects[1]
        assert second.tell("/sign-out").status_code == 200
        assert second.who is None


@attacks.without(23)
def a_sign_in_is_one_step(cell: Cell) -> None:
    node = cell.node(email=EmailPolicy(required=True))
    person = cell.stranger(node)
    # The only half of a sign-in that there is: a right password, an address nobody verified.
    account = {"name": "Ada", "email": person.email, "password": person.password}
    for path in ("/sign-up/email", "/sign-in/email"):
        answer = person.tell(path, account, ("x-limen-carrier", "bearer"))
        assert answer.status_code == (200 if path == "/sign-up/email" else 403)
        assert answer.json().get("token") is None
        assert "set-cookie" not in answer.headers
    found = node.run(node.auth.account_by_email(person.email))
    assert found is not None
    assert node.run(node.auth.sessions(found.id)) == ()
    for path in ("/two-factor/verify-totp", "/two-factor/verify-otp", "/two-factor/send-otp"):
        assert person.tell(path, {"code": "123456"}).status_code == 404


@attacks.row(24)
def a_session_of_another_service(cell: Cell) -> None:
    victim = cell.victim()
    copy = victim.copy()
    # Another service with the same secret: its own store, and so its own sessions and keys.
    stranger = cell.node(store=MemoryStore(), base_url=ELSEWHERE)
    cell.assert_refused(copy, stranger)
    body = {"refreshToken": copy.refresh or copy.access}
    assert cell.client(node=stranger).tell("/refresh", body).status_code == 401
    if cell.is_signed:
        # One that shares even the store and the keys is another audience, or another issuer.
        for changed in ({"audience": ELSEWHERE}, {"issuer": ELSEWHERE, "audience": ORIGIN}):
            cell.assert_refused(Copy(copy.access), cell.node(**changed))
    assert victim.status == 200


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
