"""What every strategy must do besides keeping its promises."""

from __future__ import annotations

from limen.revocation import Target
from limen.secret import Secret
from limen.testing.strategy_cases.stage import Casting, Process, forged, held, staged
from limen.verdict import Absent, Authenticated, Issued, Refused


class ConductCases(Casting):
    """Accepting, refusing, replacing and renewing."""

    @staged
    async def test_a_live_credential_is_accepted_by_every_process(self, here: Process) -> None:
        """And stands for the same principal as the one that was issued."""
        issued = await here.sign_in()
        for process in (here, await here.stage.start()):
            verdict = (await process.present(issued.access)).value
            assert isinstance(verdict, Authenticated)
            seen, told = verdict.principal, issued.principal
            assert (seen.subject, seen.session_id) == (told.subject, told.session_id)
            assert (seen.strategy, seen.methods) == (told.strategy, told.methods)
            # A token counts seconds, so it may say up to a second less, never more.
            assert 0 <= told.expires_at - seen.expires_at < 1_000
            assert 0 <= told.authenticated_at - seen.authenticated_at < 1_000

    @staged
    async def test_nothing_presented_is_absent_and_costs_nothing(self, here: Process) -> None:
        """An anonymous request is no refusal."""
        heard = await here.hear(here.flows.authenticate(None))
        assert heard.value == Absent()
        assert heard.effects == ()

    @staged
    async def test_each_sign_in_gets_a_new_id(self, here: Process) -> None:
        """Also within one millisecond, and whatever the client held (ASVS 7.2.4)."""
        first = await here.sign_in()
        second = await here.sign_in(first.access.reveal())
        assert first.access != second.access
        assert first.principal.session_id != second.principal.session_id
        assert first.refresh is None or first.refresh != second.refresh

    @staged
    async def test_what_a_client_held_before_signing_in_dies(self, here: Process) -> None:
        """A planted credential must not become somebody's session."""
        there = await here.stage.start()
        before = await here.sign_in()
        after = await here.sign_in(*(one.reveal() for one in (before.access, held(before))))
        assert isinstance(await here.renew(before), Refused)
        here.stage.clock.advance(here.guarantees.revocation_window)
        for process in (here, there):
            assert not await process.accepts(before.access)
        if after.access_expires_at > here.stage.clock.now():
            assert await here.accepts(after.access)

    @staged
    async def test_a_refused_credential_writes_nothing(self, here: Process) -> None:
        """Forged, revoked, idle and unknown: whoever is refused changes nothing."""
        revoked, idle = await here.sign_in(), await here.sign_in()
        await here.revoke(Target.session(revoked.principal.session_id))
        here.stage.clock.advance(here.guarantees.revocation_window)
        here.stage.clock.advance(here.guarantees.idle or here.guarantees.absolute or 0)
        fresh = await here.sign_in()
        for refused in (forged(fresh.access), revoked.access, idle.access, Secret("nonsense")):
            heard = await here.present(refused)
            assert isinstance(heard.value, Refused)
            assert heard.writes == 0
        assert await here.accepts(fresh.access)

    @staged
    async def test_renewing_keeps_the_session_and_its_event(self, here: Process) -> None:
        """The time of proof never moves (RFC 9068 section 2.2.3), nor does the session."""
        issued = await here.sign_in()
        here.stage.clock.advance(1_000)
        renewed = await here.renew(issued)
        if isinstance(renewed, Refused):
            assert not here.guarantees.needs_store
            return
        old, new = issued.principal, renewed.principal
        assert (new.session_id, new.subject) == (old.session_id, old.subject)
        assert new.authenticated_at == old.authenticated_at
        assert renewed.session is not None
        assert issued.session is not None
        assert renewed.session.expires_at == issued.session.expires_at
        assert await here.accepts(renewed.access)

    @staged
    async def test_recalling_changes_nothing(self, here: Process) -> None:
        """A prefetch that asks who somebody is must not use anything up."""
        issued = await here.sign_in()
        heard = await here.hear(here.flows.recall(held(issued).reveal()))
        assert heard.writes == 0
        assert isinstance(heard.value, Authenticated) is here.guarantees.needs_store
        renewed = await here.renew(issued)
        assert isinstance(renewed, Issued) is here.guarantees.needs_store

    @staged
    async def test_no_credential_is_shown_by_a_repr(self, here: Process) -> None:
        """Neither what was issued, nor a verdict, nor any step of a flow."""
        issued = await here.sign_in()
        heard = await here.present(issued.access)
        shown = repr((issued, heard, heard.value, here.stage.sink.events))
        for secret in (issued.access, held(issued)):
            assert secret.reveal() not in shown
