"""Every field of `Guarantees`, compared with what real runs did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from limen.effects import Access, AskFeed
from limen.guarantees import Format, Receipt, RevocationCheck
from limen.principal import Authentication, Client
from limen.revocation import Target
from limen.testing.entropy import SeededEntropy
from limen.testing.strategy_cases.stage import SUBJECT, Casting, Process, staged
from limen.verdict import Authenticated, Issued, Refused

if TYPE_CHECKING:
    from limen.testing.flows import FlowTranscript

STRANGER: Final = "usr_of_nobody"
LONG_AFTER: Final = 10 * 60_000  # ms
REQUESTS: Final = 3  # how many requests a cost is measured over
_CLIENT: Final = Client()


class CostCases(Casting):
    """What a request costs and needs."""

    @staged
    async def test_the_credential_has_the_declared_format(self, here: Process) -> None:
        """A signed statement has three readable parts (RFC 7515), a reference says nothing."""
        issued = await here.sign_in()
        text = issued.access.reveal()
        measured = Format.SIGNED if text.count(".") == 2 else Format.REFERENCE
        assert measured is here.guarantees.format
        assert SUBJECT not in text

    @staged
    async def test_each_request_asks_what_is_declared(self, here: Process) -> None:
        """What is asked is seen in the effects; the store is read exactly as often as said."""
        issued = await here.sign_in()
        for _ in range(REQUESTS):
            heard = await here.present(issued.access)
            assert isinstance(heard.value, Authenticated)
            asked = {type(effect) for effect in heard.effects}
            if AskFeed in asked:
                measured = RevocationCheck.FEED
            else:
                measured = RevocationCheck.STORE if heard.reads else RevocationCheck.EXPIRY
            assert measured is here.guarantees.check
            assert heard.reads == here.guarantees.store_reads_per_request
            assert heard.writes == 0

    @staged
    async def test_the_trace_counts_the_same_reads(self, here: Process) -> None:
        """What a sink was told agrees with what the flow asked."""
        issued = await here.sign_in()
        here.stage.sink.clear()
        heard = await here.present(issued.access)
        assert sum(event.reads for event in here.stage.sink.events) == heard.reads
        assert sum(event.writes for event in here.stage.sink.events) == heard.writes

    @staged
    async def test_a_store_is_needed_exactly_if_declared(self, here: Process) -> None:
        """Signing in, a request, a revocation: does any of them touch a store?"""
        proof = Authentication(SUBJECT, here.stage.clock.now())
        now, entropy = here.stage.clock.now(), SeededEntropy("needs")
        issuing = await here.hear(here.strategy.issue(proof, _CLIENT, now, entropy))
        assert isinstance(issuing.value, Issued)
        heard: list[FlowTranscript[Any]] = [issuing, await here.present(issuing.value.access)]
        target = Target.session(issuing.value.principal.session_id)
        heard.append(await here.hear(here.strategy.revoke(target, now)))
        touched = any(
            effect.access in {Access.READ, Access.WRITE} for one in heard for effect in one.effects
        )
        assert touched is here.guarantees.needs_store


class RevocationCases(Casting):
    """When a revocation takes effect."""

    @staged
    async def test_nothing_is_accepted_from_effective_at_on(self, here: Process) -> None:
        """The session, the user, everybody: no copy works in any process, and none returns."""
        there = await here.stage.start()
        for aim in (_at_session, _at_user, _at_everybody):
            copied = await here.sign_in()
            assert await here.accepts(copied.access)
            assert await there.accepts(copied.access)
            revoked_at = here.stage.clock.now()
            receipt = await here.revoke(aim(copied))
            assert receipt.effective_at == revoked_at + here.guarantees.revocation_window
            await self._check_end((here, there), copied, receipt)

    async def _check_end(
        self, processes: tuple[Process, ...], copied: Issued, receipt: Receipt
    ) -> None:
        clock, last_accepted = processes[0].stage.clock, 0
        for moment in (receipt.effective_at - 1, receipt.effective_at, receipt.effective_at + 1):
            if moment < clock.now():
                continue
            clock.advance(moment - clock.now())
            for process in processes:
                if await process.accepts(copied.access):
                    last_accepted = moment
        assert last_accepted < receipt.effective_at
        if processes[0].guarantees.check is RevocationCheck.EXPIRY:
            # An upper bound that nothing comes near would be no measurement.
            assert last_accepted == receipt.effective_at - 1
        # Back on a whole second, where the end of a signed token loses nothing to rounding.
        clock.advance(LONG_AFTER - 1)
        for process in processes:
            assert not await process.accepts(copied.access)
            assert isinstance(await process.renew(copied), Refused)

    @staged
    async def test_what_renews_dies_at_once(self, here: Process) -> None:
        """A revocation needs no window to stop a renewal: that always asks the store."""
        issued = await here.sign_in()
        if issued.refresh is not None:
            there = await here.stage.start()
            assert await there.recalls(issued)
            await here.revoke(Target.user(SUBJECT))
            assert not await there.recalls(issued)
            assert isinstance(await there.renew(issued), Refused)
        else:
            # The credential renews itself, or nothing does: then its own window is all.
            await here.revoke(Target.user(SUBJECT))
            assert isinstance(await here.renew(issued), Refused)

    @staged
    async def test_a_receipt_counts_only_what_can_be_known(self, here: Process) -> None:
        """With sessions, exactly how many ended; without, that nobody knows."""
        await here.sign_in()
        await here.sign_in()
        ended = (await here.revoke(Target.user(SUBJECT))).sessions_ended
        assert ended == (2 if here.guarantees.needs_store else None)
        again = (await here.revoke(Target.user(STRANGER))).sessions_ended
        assert again == (0 if here.guarantees.needs_store else None)


class LifetimeCases(Casting):
    """How long a sign-in lasts."""

    @staged
    async def test_an_unused_sign_in_ends_at_the_idle_time(self, here: Process) -> None:
        """One millisecond before, it can be renewed; at the idle time nothing works."""
        idle = here.guarantees.idle
        if idle is None:
            issued = await here.sign_in()
            assert isinstance(await here.renew(issued), Refused)
            return
        used, unused = await here.sign_in(), await here.sign_in()
        here.stage.clock.advance(idle - 1)
        renewed = await here.renew(used)
        assert isinstance(renewed, Issued)
        assert await here.recalls(unused)
        here.stage.clock.advance(1)
        assert not await here.accepts(unused.access)
        assert not await here.recalls(unused)
        assert isinstance(await here.renew(unused), Refused)
        assert await here.accepts(renewed.access)

    @staged
    async def test_however_busy_it_ends_at_the_absolute_time(self, here: Process) -> None:
        """Renewing moves the idle end, never the absolute one."""
        absolute, idle = here.guarantees.absolute, here.guarantees.idle
        assert absolute is not None
        issued = await here.sign_in()
        ends_at = here.stage.clock.now() + absolute
        if idle is not None:
            while ends_at - here.stage.clock.now() > 1:
                step = min(idle - 1, ends_at - 1 - here.stage.clock.now())
                here.stage.clock.advance(step)
                renewed = await here.renew(issued)
                assert isinstance(renewed, Issued)
                assert renewed.access_expires_at <= ends_at
                assert renewed.principal.session_id == issued.principal.session_id
                issued = renewed
        else:
            here.stage.clock.advance(absolute - 1)
            assert await here.accepts(issued.access)
        here.stage.clock.advance(1)
        assert not await here.accepts(issued.access)
        assert isinstance(await here.renew(issued), Refused)


def _at_session(issued: Issued) -> Target:
    return Target.session(issued.principal.session_id)


def _at_user(issued: Issued) -> Target:
    return Target.user(issued.principal.subject)


def _at_everybody(issued: Issued) -> Target:
    del issued
    return Target.everybody()
