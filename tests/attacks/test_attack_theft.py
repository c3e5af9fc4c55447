"""A credential was copied: what it is worth once its owner, or time, has ended it."""

from __future__ import annotations

import pytest
from arena import ORIGIN
from cells import Attacks, Cell
from parties import ABROAD, ACCESS, REFRESH, Copy, by_cookie, by_header
from sockets import Dialled

attacks = Attacks()


@attacks.row(1)
def a_copy_after_sign_out(cell: Cell) -> None:
    victim = cell.victim()
    with cell.ends(victim.copy()):
        assert victim.tell("/sign-out").status_code == 200


@attacks.row(2)
def a_copy_after_everything_was_ended_elsewhere(cell: Cell) -> None:
    victim = cell.victim()
    laptop = victim.other_device()
    copies = [victim.copy(), laptop.copy(), cell.program(victim)[1]]
    phone = victim.other_device()
    with cell.ends(*copies):
        assert phone.tell("/revoke-other-sessions").status_code == 200
        assert len(phone.ask("/list-sessions").json()) == 1
    assert phone.tell("/get-session").json() is not None
    with cell.ends(phone.copy()):
        assert phone.tell("/revoke-sessions").status_code == 200


@attacks.row(3)
def a_copy_after_another_password(cell: Cell) -> None:
    victim = cell.victim()
    stolen, program = victim.copy(), cell.program(victim)[1]
    words = {"currentPassword": victim.password, "newPassword": "another battery horse"}
    with cell.ends(stolen, program):
        assert victim.tell("/change-password", words).status_code == 200
        assert victim.status == 200
    assert victim.copy().access != stolen.access

    assert victim.tell("/request-password-reset", {"email": victim.email}).status_code == 200
    link = cell.world.letters.link(victim.email, "reset-password")
    victim.password = "third battery of horses"
    token = link.partition("?")[0].rpartition("/")[2]
    cell.watch.keep(token)
    assert victim.sign_in().status_code == 401
    reset = {"newPassword": victim.password, "token": token}
    victim.tell("/get-session")
    with cell.ends(victim.copy()):
        assert cell.client().tell("/reset-password", reset).status_code == 200
    assert victim.sign_in().status_code == 200


@attacks.row(4)
def a_copy_after_the_account_was_closed(cell: Cell) -> None:
    admin = cell.administrator()
    for verb in ("disable", "delete"):
        victim = cell.victim()
        subject = victim.subject
        assert admin.sign_in().status_code == 200
        with cell.ends(victim.copy(), cell.program(victim)[1]):
            assert admin.post(f"/admin/{verb}/{subject}").status_code == 200
            assert victim.sign_in().status_code == 401
        assert victim.sign_in().status_code == 401


@attacks.row(5)
def a_role_that_was_taken_away(cell: Cell) -> None:
    demoted, admin = cell.administrator(), cell.administrator()
    stolen, subject = demoted.copy(), demoted.subject
    rights = [thief.get("/admin").status_code for thief in cell.thieves(stolen)]
    assert rights == [200] * 4
    cell.world.listen()
    cell.world.muffled.deaf = True
    try:
        assert admin.post(f"/admin/demote/{subject}").status_code == 200
        access = Copy(stolen.access)
        if cell.strategy == "session":
            assert cell.near.bound == 0
        else:
            cell.clock.advance(cell.near.bound - 1)
            far = [thief.get("/admin").status_code for thief in cell.thieves(access, cell.far)]
            assert far == [200] * 2
            near = {thief.get("/admin").status_code for thief in cell.thieves(access, cell.near)}
            # Where it was said, the feed refuses claims of before; `jwt` asks nobody.
            assert near == ({401} if cell.strategy == "hybrid" else {200})
            cell.clock.advance(1)
        # What is renewed has the roles of now: nobody lost the session, only the role.
        for thief in cell.thieves(stolen):
            assert thief.get("/admin").status_code in (401, 403)
        assert by_cookie(cell.far, cell.watch, stolen).get("/admin").status_code == 403
        assert by_cookie(cell.far, cell.watch, stolen).status == 200
    finally:
        cell.world.muffled.deaf = False


@attacks.row(6)
def a_bearer_copy_from_another_address(cell: Cell) -> None:
    victim = cell.victim()
    stolen = victim.copy()
    # By design: whoever holds it is the person. What a change of network costs nobody.
    foreign = by_header(cell.far, cell.watch, stolen.access, ABROAD)
    assert foreign.get("/notes", ("User-Agent", "another")).status_code == 200
    # The owner sees the session and can end the thief's copy with it.
    listed = victim.ask("/list-sessions").json()
    assert [one["ipAddress"] for one in listed] == ["203.0.113.7"]
    victim.tell("/revoke-session", {"token": listed[0]["token"]})
    cell.clock.advance(cell.near.bound)
    cell.assert_refused(stolen)
    cell.assert_no_renewal(stolen)


@attacks.row(8)
def an_idle_session_that_only_seems_to_be_used(cell: Cell) -> None:
    victim = cell.victim()
    idle = cell.near.auth.assembly.parts.primary.guarantees.idle
    assert idle is not None
    # By design a question is a use: a page that polls looks like a person who reads.
    cell.clock.advance(idle - 1)
    assert victim.status == 200
    cell.clock.advance(idle - 1)
    assert victim.tell("/refresh").status_code == 200
    stolen = victim.copy()
    # Something that stays open is no use of it either, however much is said there.
    lines = ("Cookie", stolen.cookie), ("Origin", ORIGIN)
    sockets = [Dialled(node, "/socket", *lines) for node in (cell.near, cell.far)]
    for socket in sockets:
        assert socket.hear()["type"] == "websocket.accept"
    cell.clock.advance(idle - 1)
    for socket in sockets:
        socket.say("still here")
    if cell.is_signed:  # a page that is loaded ahead of the person is no use of the session
        ahead = by_cookie(cell.near, cell.watch, stolen).get("/notes", ("Purpose", "prefetch"))
        assert ahead.status_code == 200
    cell.clock.advance(1)
    cell.assert_refused(stolen)
    cell.assert_no_renewal(stolen)
    assert victim.status == 401
    for socket in sockets:
        socket.leave()


@attacks.row(9)
def use_without_a_pause_beyond_the_end(cell: Cell) -> None:
    victim = cell.victim()
    guarantees = cell.near.auth.assembly.parts.primary.guarantees
    assert guarantees.absolute is not None
    assert guarantees.idle is not None
    ends_at = cell.clock.now() + guarantees.absolute
    while ends_at - cell.clock.now() > guarantees.idle:
        cell.clock.advance(guarantees.idle - 1)
        assert victim.tell("/refresh").status_code == 200
    cell.clock.advance(ends_at - cell.clock.now() - 1_000)
    assert victim.tell("/refresh").status_code == 200
    last = victim.copy()
    cell.assert_accepted(last)
    # Minted a second before the end, and good for that second.
    cell.clock.advance(1_000)
    cell.assert_refused(last)
    cell.assert_no_renewal(last)


@attacks.row(10)
def a_cookie_kept_longer_than_it_may_be(cell: Cell) -> None:
    victim = cell.stranger()
    account = {"name": "Ada", "email": victim.email, "password": victim.password}
    answer = victim.tell("/sign-up/email", account)
    ages = {
        int(part.partition("=")[2])
        for line in answer.headers.get_list("set-cookie")
        if line.startswith((ACCESS, REFRESH))
        for part in line.split("; ")
        if part.startswith("Max-Age=")
    }
    kept = victim.copy()
    (age,) = ages
    cell.clock.advance(age * 1_000)
    cell.assert_refused(kept)
    cell.assert_no_renewal(kept)


@attacks.row(11)
def signing_out_with_what_is_not_ones_own(cell: Cell) -> None:
    victim = cell.victim()
    other = cell.victim()
    held = victim.copy()
    wrong = Copy("lms_" + "A" * 43, "lmr_" + "A" * 43 if cell.is_signed else None)
    for thief in (by_cookie(cell.near, cell.watch, wrong), cell.client()):
        answer = thief.tell("/sign-out")
        assert answer.status_code == 200
        assert answer.json() == {"success": True}
    assert victim.status == other.status == 200
    for _ in range(3):  # the first ends it, the others find nothing to end
        out = by_cookie(cell.near, cell.watch, held).tell("/sign-out")
        assert (out.status_code, out.json()) == (200, {"success": True})
        lines = out.headers.get_list("set-cookie")
        assert lines
        assert all("=; Max-Age=0; " in line for line in lines)
    assert other.status == 200
    assert len(other.ask("/list-sessions").json()) == 1
    assert cell.near.run(cell.near.auth.sessions(other.subject)) != ()
    cell.clock.advance(cell.near.bound)
    cell.assert_refused(held)


@pytest.mark.parametrize("cell", attacks.cells(), indirect=True)
def test_attack(cell: Cell) -> None:
    cell.attack(cell)
