"""A process without a background task learns of rotated and withdrawn keys."""

import pytest
from limens import blocking

from limen import Authenticated, Authentication, BlockingLimen, Refused, Target
from limen.blocking import KEY_REFRESH
from limen.claims import mint
from limen.effects import LoadKeys
from limen.errors import StoreUnavailable
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock

SIGNED = ("hybrid", "jwt")


class Cut(BlockingMemoryStore):
    """A store whose keys cannot be read while it is cut."""

    cut = False

    def perform(self, effect):
        if self.cut and isinstance(effect, LoadKeys):
            raise StoreUnavailable("cut")
        return super().perform(effect)


def processes(strategy: str, count: int) -> tuple[FrozenClock, list[BlockingLimen]]:
    clock, store = FrozenClock(), Cut()
    made = [blocking(strategy, store=store, clock=clock) for _ in range(count)]
    for one in made:
        one.open()
    return clock, made


def forged_by(thief: BlockingLimen, clock: FrozenClock) -> str:
    now, parts = clock.now(), thief.assembly.parts
    token = mint(
        parts.policy,
        parts.keys.keyring.signing,
        subject="victim",
        session_id="ses_x",
        token_id="t",
        issued_at=now,
        expires_at=now + parts.policy.lifetime,
        authenticated_at=now,
        methods=("pwd",),
        roles=frozenset(),
    )
    return token.reveal()


def signing_key(one: BlockingLimen) -> str:
    records = one.keys()
    return next(record.id for record in records if record.state.value == "signing")


@pytest.mark.proves("attack:49")
@pytest.mark.parametrize("strategy", SIGNED)
def test_a_withdrawn_key_is_refused_by_other_processes_for_good(strategy):
    clock, (here, there) = processes(strategy, 2)
    thief = blocking(strategy, store=here._store, clock=clock)
    thief.open()
    here.revoke(Target.key(signing_key(here)))
    clock.advance(400_000)  # longer than the log keeps the entry
    thief._kept_up_at = clock.now()  # a thief does not read our keys again
    assert isinstance(there.authenticate(forged_by(thief, clock)), Refused)


@pytest.mark.proves("attack:47")
@pytest.mark.parametrize("strategy", SIGNED)
def test_what_a_process_signs_long_after_a_rotation_elsewhere_is_accepted(strategy):
    clock, (here, there) = processes(strategy, 2)
    clock.advance(300_000)
    here.rotate_keys()
    clock.advance(400_000)
    here.purge()
    issued = there.remember(Authentication("42", clock.now())).issued
    started_since = blocking(strategy, store=here._store, clock=clock)
    started_since.open()
    assert isinstance(started_since.authenticate(issued.access.reveal()), Authenticated)


def test_keys_that_cannot_be_read_again_serve_on():
    clock, (here,) = processes("jwt", 1)
    here._store.cut = True
    clock.advance(KEY_REFRESH)
    issued = here.remember(Authentication("42", clock.now())).issued
    assert isinstance(here.authenticate(issued.access.reveal()), Authenticated)
