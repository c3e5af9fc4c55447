"""What is bound to a key is worth nothing without it, whoever presents it and wherever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from holders import NOT_GIVEN, Holder, decoded
from limens import STRATEGIES, blocking

from limen import (
    Absent,
    Authenticated,
    Authentication,
    BlockingLimen,
    Client,
    ConfigurationError,
    Issued,
    Proof,
    ProofPolicy,
    Reason,
    Refused,
    StoreUnavailable,
)
from limen.effects import (
    FindRefresh,
    FindSession,
    Increment,
    OpenSession,
    RotateRefresh,
    TouchSession,
)
from limen.jose import strict_json
from limen.stores.memory import BlockingMemoryStore
from limen.strategies.session import SessionStrategy
from limen.testing import FrozenClock

URL = "https://app.example/api/me"
DAY = 86_400_000


class Watched:
    """A store that says what it was asked, and may be down."""

    def __init__(self) -> None:
        self.store = BlockingMemoryStore()
        self.asked: list[type] = []
        self.down: tuple[type, ...] = ()

    def perform(self, effect: Any) -> Any:
        if isinstance(effect, self.down):
            raise StoreUnavailable("the store is down")
        self.asked.append(type(effect))
        return self.store.perform(effect)

    def open(self) -> None:
        self.store.open()

    def close(self) -> None:
        self.store.close()


@dataclass
class Scene:
    """One Limen, somebody with a key who signed in, and a thief of all that they were given."""

    auth: BlockingLimen
    store: Watched
    clock: FrozenClock
    holder: Holder
    thief: Holder
    issued: Issued = field(init=False)

    def __post_init__(self) -> None:
        self.issued = self.sign_in(self.holder)

    def sign_in(self, holder: Holder | None) -> Issued:
        key = None if holder is None else holder.thumbprint
        proven = Authentication("usr_ada", self.clock.now())
        signed = self.auth.remember(proven, client=Client("192.0.2.1", "app", key))
        assert not isinstance(signed, Refused)
        return signed.issued

    @property
    def access(self) -> str:
        return self.issued.access.reveal()

    @property
    def renewing(self) -> str:
        return (self.issued.refresh or self.issued.access).reveal()

    def proof(self, by: Holder, access: str | None = None, **claims: Any) -> Proof:
        text = by.proof("GET", URL, self.clock.now(), access=access, **claims)
        return Proof(text, "GET", URL)

    def judge(self, by: Holder, **claims: Any) -> Any:
        return self.auth.authenticate(self.access, self.proof(by, self.access, **claims))


@pytest.fixture
def scene(strategy: str, holder: Holder, thief: Holder) -> Iterator[Scene]:
    store, clock = Watched(), FrozenClock()
    with blocking(strategy, store=store, clock=clock, dpop="accept") as auth:
        yield Scene(auth, store, clock, holder, thief)


@pytest.mark.proves("dpop:12", "asvs:10.3.5", "oauth:7")
def test_the_holder_of_the_key_acts_with_a_new_proof_each_time(scene: Scene) -> None:
    for _ in range(3):
        verdict = scene.judge(scene.holder)
        assert isinstance(verdict, Authenticated)
        assert verdict.principal.bound_to == scene.holder.thumbprint
    assert verdict.principal.session_id == scene.issued.principal.session_id


@pytest.mark.proves("dpop:14", "attack:7", "asvs:10.3.5")
def test_a_bound_credential_is_nothing_without_its_proof(scene: Scene) -> None:
    for _ in range(2):
        assert scene.auth.authenticate(scene.access) == Refused(Reason.UNPROVEN)
        # Also once this process knows it well.
        assert isinstance(scene.judge(scene.holder), Authenticated)


@pytest.mark.proves("dpop:12", "attack:7")
def test_a_proof_by_another_key_is_nothing(scene: Scene) -> None:
    for _ in range(2):
        assert scene.judge(scene.thief) == Refused(Reason.UNPROVEN)
        assert isinstance(scene.judge(scene.holder), Authenticated)
    assert scene.store.asked.count(Increment) == 2  # only the holder's proofs were written down


@pytest.mark.proves("dpop:12", "attack:7")
@pytest.mark.parametrize("claims", [{"ath": NOT_GIVEN}, {"htm": "POST"}, {"htu": URL + "/x"}])
def test_a_proof_about_something_else_is_nothing(scene: Scene, claims: dict[str, Any]) -> None:
    assert scene.judge(scene.holder, **claims) == Refused(Reason.BAD_PROOF)


@pytest.mark.proves("dpop:13", "attack:7")
def test_a_proof_works_once(scene: Scene) -> None:
    proof = scene.proof(scene.holder, scene.access)
    assert isinstance(scene.auth.authenticate(scene.access, proof), Authenticated)
    for _ in range(2):
        refused = scene.auth.authenticate(scene.access, proof)
        assert refused == Refused(Reason.PROOF_REPLAYED)
    scene.clock.advance(61_000)
    assert scene.auth.authenticate(scene.access, proof) == Refused(Reason.BAD_PROOF)
    # Until then it was remembered, however the clocks of others differ.
    assert ProofPolicy().kept_for > 65_000


@pytest.mark.proves("dpop:13")
def test_an_id_may_be_used_again_for_another_address_or_by_another_key(scene: Scene) -> None:
    assert isinstance(scene.judge(scene.holder, jti="one"), Authenticated)
    assert scene.judge(scene.holder, jti="one") == Refused(Reason.PROOF_REPLAYED)
    other = Proof(
        scene.holder.proof("GET", URL + "/x", scene.clock.now(), access=scene.access, jti="one"),
        "GET",
        URL + "/x",
    )
    assert isinstance(scene.auth.authenticate(scene.access, other), Authenticated)


@pytest.mark.proves("dpop:13", "attack:7")
def test_nobody_passes_while_the_store_cannot_say_which_proofs_were_used(scene: Scene) -> None:
    assert isinstance(scene.judge(scene.holder), Authenticated)
    scene.store.down = (Increment,)
    with pytest.raises(StoreUnavailable):
        scene.judge(scene.holder)
    with pytest.raises(StoreUnavailable):
        scene.auth.prove(scene.proof(scene.holder))


@pytest.mark.proves("dpop:17")
def test_a_proof_beside_a_credential_that_is_not_bound_is_refused(scene: Scene) -> None:
    scene.issued = scene.sign_in(None)
    assert scene.issued.principal.bound_to is None
    assert isinstance(scene.auth.authenticate(scene.access), Authenticated)
    assert scene.judge(scene.holder) == Refused(Reason.NOT_BOUND)
    # Nor does a proof bind what was given to somebody without one.
    assert scene.auth.refresh(scene.renewing, proven_key=scene.thief.thumbprint) == Refused(
        Reason.NOT_BOUND if scene.issued.refresh is None else Reason.UNPROVEN
    )
    assert isinstance(scene.auth.refresh(scene.renewing), Issued)


@pytest.mark.proves("dpop:15", "asvs:10.4.5", "attack:7")
@pytest.mark.parametrize("verb", ["refresh", "reissue", "recall"])
def test_nothing_is_renewed_without_the_key(scene: Scene, verb: str) -> None:
    renew = getattr(scene.auth, verb)
    scene.store.asked.clear()
    for key in (None, scene.thief.thumbprint):
        assert renew(scene.renewing, proven_key=key) == Refused(Reason.UNPROVEN)
    # Neither was the session used by it, which would keep it from its idle end.
    assert not {TouchSession, OpenSession} & set(scene.store.asked)
    renewed = renew(scene.renewing, proven_key=scene.holder.thumbprint)
    assert isinstance(renewed, Issued | Authenticated)
    assert renewed.principal.bound_to == scene.holder.thumbprint


@pytest.mark.proves("dpop:15", "asvs:10.4.5")
def test_the_use_of_a_session_id_without_its_key_keeps_no_session_alive(scene: Scene) -> None:
    scene.clock.advance(6 * DAY)
    if scene.auth.settings.strategy == "session":
        for _ in range(2):
            assert scene.judge(scene.thief) == Refused(Reason.UNPROVEN)
            assert scene.auth.authenticate(scene.access) == Refused(Reason.UNPROVEN)
    scene.clock.advance(2 * DAY)
    key = scene.holder.thumbprint
    assert isinstance(scene.auth.refresh(scene.renewing, proven_key=key), Refused)


@pytest.mark.proves("dpop:15", "asvs:10.4.5")
@pytest.mark.parametrize("strategy", ["jwt", "hybrid"], indirect=True)
def test_a_spent_refresh_token_ends_its_family_for_the_holder_of_the_key_only(
    scene: Scene,
) -> None:
    key, spent = scene.holder.thumbprint, scene.renewing
    renewed = scene.auth.refresh(spent, proven_key=key)
    assert isinstance(renewed, Issued)
    assert renewed.refresh is not None
    scene.clock.advance(DAY)
    for other in (None, scene.thief.thumbprint):
        assert scene.auth.refresh(spent, proven_key=other) == Refused(Reason.UNPROVEN)
    newest = scene.auth.refresh(renewed.refresh.reveal(), proven_key=key)
    assert isinstance(newest, Issued)  # the thief could not sign the owner out
    assert newest.refresh is not None
    assert scene.auth.refresh(spent, proven_key=key) == Refused(Reason.REPLAYED)
    assert isinstance(scene.auth.refresh(newest.refresh.reveal(), proven_key=key), Refused)


def test_the_audit_log_hears_of_who_came_without_the_key(scene: Scene) -> None:
    scene.judge(scene.thief)
    scene.auth.authenticate(scene.access)
    scene.auth.refresh(scene.renewing)
    scene.judge(scene.holder)
    told = [one.reason for one in scene.auth.audit(kinds=["proof.refused"])]
    assert told == [Reason.UNPROVEN] * 3


def test_a_thief_cannot_sign_the_owner_out(scene: Scene) -> None:
    for key in (None, scene.thief.thumbprint):
        assert scene.auth.sign_out(scene.access, scene.renewing, proven_key=key) is None
    assert isinstance(scene.judge(scene.holder), Authenticated)
    receipt = scene.auth.sign_out(scene.renewing, proven_key=scene.holder.thumbprint)
    assert receipt is not None
    assert receipt.sessions_ended == 1


def test_a_sign_in_with_a_key_ends_what_the_client_held_before_without_one(scene: Scene) -> None:
    for before in (scene.sign_in(None), scene.sign_in(scene.holder)):
        held = (before.refresh or before.access).reveal()
        proven = Authentication("usr_ada", scene.clock.now())
        scene.auth.remember(
            proven, client=Client(proven_key=scene.holder.thumbprint), presented=[held]
        )
        assert scene.auth.session(before.principal.session_id) is None


def test_the_binding_is_in_the_token_and_in_the_session(scene: Scene) -> None:
    session = scene.auth.session(scene.issued.principal.session_id)
    assert session is not None
    assert session.bound_to == scene.holder.thumbprint
    assert session.client == Client("192.0.2.1", "app")
    token = scene.auth.service_token(scene.issued.principal)
    assert not isinstance(token, Refused)
    signed = [token.reveal()] if scene.issued.refresh is None else [token.reveal(), scene.access]
    for one in signed:
        assert stated_in(one)["cnf"] == {"jkt": scene.holder.thumbprint}


def stated_in(token: str) -> dict[str, Any]:

    return strict_json(decoded(token.split(".")[1]))


@pytest.mark.proves("dpop:14")
@pytest.mark.parametrize("primary", STRATEGIES)
def test_the_binding_outlives_a_change_of_the_strategy(
    strategy: str, primary: str, holder: Holder, thief: Holder
) -> None:
    if strategy == primary:
        return
    store, clock = Watched(), FrozenClock()
    with blocking(strategy, store=store, clock=clock, dpop="accept") as before:
        scene = Scene(before, store, clock, holder, thief)
        with blocking(primary, accept=(strategy,), store=store, clock=clock, dpop="accept") as auth:
            key = holder.thumbprint
            assert auth.refresh(scene.renewing) == Refused(Reason.UNPROVEN)
            moved = auth.refresh(scene.renewing, proven_key=key)
            assert isinstance(moved, Issued)
            assert (moved.principal.strategy, moved.principal.bound_to) == (primary, key)
            scene.auth, scene.issued = auth, moved
            assert scene.auth.authenticate(scene.access) == Refused(Reason.UNPROVEN)
            assert isinstance(scene.judge(holder), Authenticated)


def test_a_new_password_keeps_the_binding(scene: Scene) -> None:
    old, new = "correct horse battery", "another good battery"
    client = Client(proven_key=scene.holder.thumbprint)
    signed = scene.auth.sign_up("ada@example.org", old, client=client)
    assert not isinstance(signed, Refused)
    changed = scene.auth.change_password(signed.issued.principal, old, new)
    assert not isinstance(changed, Refused)
    assert changed.issued is not None
    assert changed.issued.principal.bound_to == scene.holder.thumbprint


@pytest.mark.parametrize("strategy", ["jwt", "hybrid"], indirect=True)
def test_a_token_is_verified_once_and_its_proof_each_time(scene: Scene) -> None:
    assert isinstance(scene.judge(scene.holder), Authenticated)
    scene.store.asked.clear()
    assert isinstance(scene.judge(scene.holder), Authenticated)
    assert scene.store.asked == [Increment]


@pytest.mark.proves("dpop:10")
def test_with_nonces_a_proof_needs_one_of_ours(strategy: str, holder: Holder) -> None:
    store, clock = Watched(), FrozenClock()
    policy = ProofPolicy(nonce=True, nonce_lifetime=100)
    with blocking(strategy, store=store, clock=clock, dpop="accept", proofs=policy) as auth:
        scene = Scene(auth, store, clock, holder, holder)
        nonces = auth.assembly.parts.proofs.nonces
        assert nonces is not None
        assert scene.judge(holder) == Refused(Reason.NONCE_NEEDED)
        assert scene.judge(holder, nonce="made up") == Refused(Reason.NONCE_NEEDED)
        kept = nonces.current(clock.now())
        assert isinstance(scene.judge(holder, nonce=kept), Authenticated)
        clock.advance(100_000)
        assert isinstance(scene.judge(holder, nonce=kept), Authenticated)
        clock.advance(100_000)
        assert scene.judge(holder, nonce=kept) == Refused(Reason.NONCE_NEEDED)


def test_off_is_off_and_unbinds_nothing(strategy: str, holder: Holder, thief: Holder) -> None:
    store, clock = Watched(), FrozenClock()
    with blocking(strategy, store=store, clock=clock, dpop="accept") as before:
        scene = Scene(before, store, clock, holder, thief)
        with blocking(strategy, store=store, clock=clock) as auth:
            assert auth.settings.dpop == "off"
            assert auth.authenticate(scene.access) == Refused(Reason.UNPROVEN)
            assert auth.refresh(scene.renewing) == Refused(Reason.UNPROVEN)
            assert auth.authenticate(None, scene.proof(thief)) == Absent()


def test_proofs_need_a_store_and_good_numbers() -> None:
    with pytest.raises(ConfigurationError, match="dpop") as caught:
        BlockingLimen(
            "jwt", refresh=None, secret="k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq", dpop="accept"
        )
    assert "database" in caught.value.remedy
    with pytest.raises(ConfigurationError, match="dpop"):
        blocking(dpop="maybe")
    nan = float("nan")
    for wrong in (
        *({"age": age} for age in (0, 301, nan)),
        *({"ahead": ahead} for ahead in (-1, 61, nan)),
        *({"nonce_lifetime": lifetime} for lifetime in (0, 0.0004, 3_601, nan)),
    ):
        with pytest.raises(ConfigurationError, match="proofs"):
            ProofPolicy(**wrong)


def test_a_strategy_that_binds_nothing_is_found_out(scene: Scene) -> None:

    class Careless(SessionStrategy):
        def issue(self, authentication: Any, client: Client, *rest: Any, **named: Any) -> Any:
            return super().issue(authentication, Client(), *rest, **named)

    with blocking(Careless(), dpop="accept") as auth, pytest.raises(ConfigurationError):
        auth.remember(
            Authentication("usr_ada", auth.assembly.clock.now()),
            client=Client(proven_key=scene.holder.thumbprint),
        )


def test_a_rotation_asks_once_and_no_more_than_before(scene: Scene) -> None:
    scene.issued = scene.sign_in(None)
    scene.store.asked.clear()
    assert isinstance(scene.auth.refresh(scene.renewing), Issued)
    if scene.issued.refresh is not None:
        assert scene.store.asked[:1] == [RotateRefresh]
        assert not {FindRefresh, FindSession} & set(scene.store.asked)
