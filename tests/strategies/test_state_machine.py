"""Whatever happens in whatever order, nothing revoked is accepted and nothing live refused.

A model keeps what each credential is worth: *refused* from its receipt's `effective_at` and
from its own end, *accepted* as long as nothing touched it, and between the two either.
"""

import contextlib
import itertools
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from limens import QUICK

from limen import (
    Absent,
    Authenticated,
    Authentication,
    BlockingLimen,
    Issued,
    Reason,
    Refused,
    SignedIn,
    Target,
)
from limen.account import Identity
from limen.effects import AddIdentity, FindAccount, ListIdentities, Removal, RemoveIdentity
from limen.errors import StoreUnavailable
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock, SeededEntropy
from limen.testing.faulty import BlockingFaultyStore, Failure

ACCESS, IDLE, ABSOLUTE, GRACE, MAX_LAG = 30_000, 100_000, 400_000, 5_000, 2_000
TOUCH_EVERY = IDLE // 60
STEPS = (0, 1, 999, 1_000, 1_999, 2_000, 4_999, 5_000, 29_000, 30_000, 99_999, 100_000, 300_000)
PEOPLE, PASSWORD = ("ada", "bob"), "correct horse battery"
TIMES = {"access_lifetime": 30, "idle": 100, "absolute": 400, "grace": 5, "max_lag": 2}


@dataclass(eq=False)
class Life:
    """One sign-in, as it should be."""

    handle: str
    person: str
    used_at: int
    ends_at: int
    over: bool = False

    def alive(self, now):
        return not self.over and now < min(self.used_at + IDLE, self.ends_at)


@dataclass(eq=False)
class Held:
    """An access credential that somebody has a copy of."""

    text: str
    life: Life
    expires_at: int | None  # None: as long as its session
    doomed: bool = False
    dead_from: int | None = None

    @property
    def signed(self):
        return self.expires_at is not None

    @property
    def key_id(self):
        head = self.text.split(".")[0]
        return json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]

    def ended(self, now):
        if self.expires_at is not None:
            return now >= self.expires_at
        return now >= min(self.life.used_at + IDLE, self.life.ends_at)

    def must_be_refused(self, now):
        return self.ended(now) or (self.dead_from is not None and now >= self.dead_from)

    def must_be_accepted(self, now):
        return not self.doomed and not self.ended(now)

    def doom(self, dead_from):
        self.doomed = True
        self.dead_from = min(dead_from, self.dead_from or dead_from)


@dataclass(eq=False)
class Token:
    """A refresh token, live or long used."""

    text: str
    life: Life
    used_at: int | None = None
    successor: "Token | None" = None


@dataclass(eq=False)
class Proof:
    """A sign-in in flight: somebody has proved who they are, and no session is opened yet."""

    proven: Authentication
    person: str
    void: bool = False


@dataclass
class Seen:
    """What a run has come across, so that a test can ask whether it was worth anything."""

    accepted: int = 0
    refused: int = 0
    kinds: set[str] = field(default_factory=set)
    late: int = 0
    shaken: int = 0


class Machine(RuleBasedStateMachine):
    """People sign in, move about and are thrown out; two processes judge what they hold."""

    strategy = "hybrid"
    before: str | None = None
    seen = Seen()

    def __init__(self):
        super().__init__()
        self.clock = FrozenClock()
        self.restarts = 0
        self.store = BlockingMemoryStore()
        accept = (self.before,) if self.before else ()
        self.here = self.process(self.strategy, "here", accept=accept)
        self.there = self.process(self.strategy, "there", accept=accept)
        self.old = self.process(self.before, "old") if self.before else None
        self.window = max(
            one.guarantees.revocation_window for one in self.here.assembly.parts.strategies
        )
        self.accounts, self.passwords = {}, dict.fromkeys(PEOPLE, PASSWORD)
        self.emails = {person: f"{person}@example.org" for person in PEOPLE}
        self.proofs: list[Proof] = []
        self.roles, self.disabled = dict.fromkeys(PEOPLE, frozenset()), set()
        self.held: list[Held] = []
        self.tokens: list[Token] = []
        self.roles_set_at = {}
        for person in PEOPLE:
            self.open_account(person)

    def open_account(self, person):
        account = self.here.add_account(self.emails[person], self.passwords[person])
        self.accounts[person] = account.id

    def process(self, strategy, seed, **options):
        given = QUICK | TIMES | {"store": self.store, "clock": self.clock} | options
        made = BlockingLimen(strategy, entropy=SeededEntropy(seed), **given)
        made.open()
        return made

    @initialize(person=st.sampled_from(PEOPLE))
    def somebody_is_there_already(self, person):
        self.signed_in(self.old or self.here, person)

    @property
    def now(self):
        return self.clock.now()

    def take(self, issued, life=None):
        """Keep a copy of what was issued."""
        assert isinstance(issued, Issued)
        session = issued.session
        person = next(name for name, id_ in self.accounts.items() if id_ == session.subject)
        if life is None:
            life = Life(session.id, person, self.now, self.now + ABSOLUTE)
        assert (session.id, session.expires_at) == (life.handle, life.ends_at)
        assert life.person == person
        text = issued.access.reveal()
        ends_at = min(self.now + ACCESS, life.used_at + IDLE, life.ends_at) // 1000 * 1000
        credential = Held(text, life, ends_at if text.startswith("ey") else None)
        if self.roles_set_at.get(person) == self.now and credential.signed:
            # Signed in the very millisecond in which tokens were called back: either.
            credential.doomed = True
        self.held.append(credential)
        if issued.refresh is not None and issued.refresh.reveal() not in self.known_tokens:
            self.tokens.append(Token(issued.refresh.reveal(), life))
        return credential

    @property
    def known_tokens(self):
        return {token.text: token for token in self.tokens}

    def end(self, lives, dead_from):
        for life in lives:
            life.over = True
        for credential in self.held:
            if credential.life in lives:
                reference_dies_now = dead_from if credential.signed else self.now
                credential.doom(reference_dies_now)

    def lives(self, person=None):
        every = {id(one.life): one.life for one in self.held}.values()
        return [life for life in every if person in (None, life.person)]

    def choose(self, sequence, index):
        return sequence[index % len(sequence)]

    def verdict(self, limen, credential):
        verdict = limen.authenticate(credential.text)
        assert not isinstance(verdict, Absent)
        return isinstance(verdict, Authenticated), verdict

    def touched(self, credential):
        life = credential.life
        if not credential.signed and self.now - life.used_at >= TOUCH_EVERY:
            life.used_at = self.now

    # -- what people do

    @rule(person=st.sampled_from(PEOPLE), there=st.booleans())
    def sign_in(self, person, there):
        self.signed_in(self.there if there else self.here, person)

    @precondition(lambda self: self.before)
    @rule(person=st.sampled_from(PEOPLE))
    def sign_in_before_the_move(self, person):
        self.signed_in(self.old, person)

    def signed_in(self, limen, person, presented=()):
        email, password = self.emails[person], self.passwords[person]
        answer = limen.sign_in(email, password, presented=presented)
        if person in self.disabled:
            assert answer == Refused(Reason.BAD_CREDENTIALS)
            return
        self.keep_signed_in(answer)

    def keep_signed_in(self, answer):
        assert isinstance(answer, SignedIn)
        known = {one.text for one in self.held} | set(self.known_tokens)
        issued = answer.issued
        assert issued.access.reveal() not in known
        assert issued.refresh is None or issued.refresh.reveal() not in known
        assert issued.session.id not in {life.handle for life in self.lives()}
        self.take(issued)

    @precondition(lambda self: self.held)
    @rule(person=st.sampled_from(PEOPLE), index=st.integers(0, 99))
    def sign_in_holding_something(self, person, index):
        before = self.choose(self.held, index)
        if not (before.must_be_accepted(self.now) or before.life.over):
            return  # called back or expired while its session lives on: the model cannot say
        if person not in self.disabled:
            self.end([before.life], self.now + self.window)
        self.signed_in(self.here, person, presented=[before.text])

    @rule(person=st.sampled_from(PEOPLE))
    def prove(self, person):
        account = self.here.account(self.accounts[person])
        if not account.disabled:
            now, roles = self.now, account.roles
            proven = Authentication(account.id, now, ("otp",), roles, account.revision)
            self.proofs.append(Proof(proven, person))

    @precondition(lambda self: self.proofs)
    @rule(index=st.integers(0, 99), there=st.booleans())
    def arrive(self, index, there):
        proof = self.choose(self.proofs, index)
        answer = (self.there if there else self.here).remember(proof.proven)
        if proof.void:
            assert isinstance(answer, Refused), proof
            type(self).seen.late += 1
        else:
            self.keep_signed_in(answer)

    def void_proofs(self, person):
        """The account moves on, so that who has proved something before comes too late."""
        for proof in self.proofs:
            proof.void = proof.void or proof.person == person

    @precondition(lambda self: self.held)
    @rule(index=st.integers(0, 99), there=st.booleans())
    def use(self, index, there):
        credential = self.choose(self.held, index)
        self.judge(self.there if there else self.here, credential)

    def judge(self, limen, credential):
        accepted, verdict = self.verdict(limen, credential)
        if credential.must_be_refused(self.now):
            assert not accepted, verdict
        if credential.must_be_accepted(self.now):
            assert accepted, verdict
            principal = verdict.principal
            assert principal.session_id == credential.life.handle
            assert principal.subject == self.accounts[credential.life.person]
            if not credential.signed:
                assert principal.roles == self.roles[credential.life.person]
            self.touched(credential)
            type(self).seen.accepted += 1
            type(self).seen.kinds.add("signed" if credential.signed else "reference")
        return verdict

    @precondition(lambda self: self.held and self.before)
    @rule(index=st.integers(0, 99))
    def exchange(self, index):
        credential = self.choose(self.held, index)
        verdict = self.judge(self.here, credential)
        if not isinstance(verdict, Authenticated) or not self.here.is_outdated(verdict.principal):
            return
        beside = self.live_token(credential.life)
        issued = self.here.exchange(verdict.principal, beside and beside.text)
        may = credential.life.alive(self.now) and (beside is not None or not credential.signed)
        assert isinstance(issued, Issued) is may
        if isinstance(issued, Issued):
            credential.life.used_at = self.now
            self.take(issued, credential.life)

    def live_token(self, life):
        mine = (token for token in self.tokens if token.life is life)
        return next((token for token in mine if token.used_at is None), None)

    @precondition(lambda self: self.tokens)
    @rule(index=st.integers(0, 99), there=st.booleans())
    def refresh(self, index, there):
        token = self.choose(self.tokens, index)
        answer = (self.there if there else self.here).refresh(token.text)
        if token.used_at is not None and self.now - token.used_at >= GRACE:
            assert isinstance(answer, Refused)
            if not token.life.over:
                self.end([token.life], self.now + self.window)
            return
        superseded = token.successor is not None and token.successor.used_at is not None
        if not token.life.alive(self.now) or superseded:
            assert isinstance(answer, Refused)
            return
        assert isinstance(answer, Issued), answer
        token.life.used_at = self.now
        if token.used_at is None:
            token.used_at = self.now
            self.take(answer, token.life)
            successor = None if answer.refresh is None else answer.refresh.reveal()
            # Under a reference strategy the family ends here: there is nothing to succeed.
            token.successor = self.known_tokens.get(successor) if successor else None
        else:
            self.take(answer, token.life)
            if token.successor is not None:
                assert answer.refresh.reveal() == token.successor.text

    @precondition(lambda self: self.held)
    @rule(index=st.integers(0, 99))
    def slide(self, index):
        credential = self.choose(self.held, index)
        if credential.signed:
            return
        answer = self.here.refresh(credential.text)
        assert isinstance(answer, Issued) is credential.must_be_accepted(self.now)
        if isinstance(answer, Issued):
            credential.life.used_at = self.now
            if answer.access.reveal() != credential.text:
                self.take(answer, credential.life)

    # -- what ends it

    @precondition(lambda self: self.held)
    @rule(index=st.integers(0, 99))
    def sign_out(self, index):
        credential = self.choose(self.held, index)
        if not credential.must_be_accepted(self.now):
            return
        receipt = self.here.sign_out(credential.text)
        assert receipt.sessions_ended == 1
        self.end([credential.life], receipt.effective_at)

    @precondition(lambda self: self.held)
    @rule(index=st.integers(0, 99))
    def revoke_session(self, index):
        life = self.choose(self.held, index).life
        receipt = self.here.revoke(Target.session(life.handle))
        self.end([life], receipt.effective_at)

    @rule(person=st.sampled_from(PEOPLE))
    def revoke_user(self, person):
        receipt = self.here.revoke(Target.user(self.accounts[person]))
        self.end(self.lives(person), receipt.effective_at)

    @precondition(lambda self: self.held)
    @rule(index=st.integers(0, 99))
    def revoke_others(self, index):
        kept = self.choose(self.held, index).life
        target = Target.user(self.accounts[kept.person], keep=kept.handle)
        receipt = self.here.revoke(target)
        others = [life for life in self.lives(kept.person) if life is not kept]
        self.end(others, receipt.effective_at)

    # Orders that matter and that chance alone would seldom find.

    @rule(person=st.sampled_from(PEOPLE), rounds=st.integers(1, 3), all_of_them=st.booleans())
    def out_and_in_again_within_a_millisecond(self, person, rounds, all_of_them):
        for _ in range(rounds):
            if all_of_them:
                self.revoke_everybody()
            else:
                self.revoke_user(person)
            self.sign_in(person, there=False)
        self.revoke_user(person)

    @precondition(lambda self: self.tokens)
    @rule(index=st.integers(0, 99), ms=st.sampled_from((0, GRACE - 1, GRACE)), there=st.booleans())
    def refresh_twice(self, index, ms, there):
        self.refresh(index, there=False)
        self.clock.advance(ms)
        self.refresh(index, there)

    @rule()
    def revoke_everybody(self):
        receipt = self.here.revoke(Target.everybody())
        self.end(self.lives(), receipt.effective_at)

    @rule()
    def revoke_key(self):
        key_id = self.here.assembly.keys.keyring.signing.id
        receipt = self.here.revoke(Target.key(key_id))
        for credential in self.held:
            if credential.signed and credential.key_id == key_id:
                credential.doom(receipt.effective_at)
        self.keys_moved()

    @rule()
    def rotate_keys(self):
        self.here.rotate_keys(at_once=True)
        self.keys_moved()

    def keys_moved(self):
        # A process reads unknown keys at most once a second, and signs with what it has read.
        self.clock.advance(1_000)
        for process in (self.there, self.old):
            if process is not None:
                process.run(process.assembly.operations.load_keys())

    @rule(person=st.sampled_from(PEOPLE), role=st.sampled_from(["admin", "writer"]))
    def set_roles(self, person, role):
        self.here.set_roles(self.accounts[person], [role])
        self.void_proofs(person)
        self.roles[person] = frozenset({role})
        self.roles_set_at[person] = self.now
        for credential in self.held:
            if credential.signed and credential.life.person == person:
                credential.doom(self.now + self.window)

    @precondition(lambda self: self.held)
    @rule(index=st.integers(0, 99), number=st.integers(0, 9))
    def change_password(self, index, number):
        credential = self.choose(self.held, index)
        person, now = credential.life.person, self.now
        if person in self.disabled or not credential.must_be_accepted(now):
            return
        principal = self.judge(self.here, credential).principal
        new = f"a new long passphrase {number}"
        changed = self.here.change_password(principal, self.passwords[person], new)
        self.passwords[person] = new
        self.void_proofs(person)
        self.end(self.lives(person), now + self.window)
        self.take(changed.issued)

    @rule(person=st.sampled_from(PEOPLE))
    def disable(self, person):
        receipt = self.here.disable(self.accounts[person])
        self.disabled.add(person)
        self.void_proofs(person)
        self.end(self.lives(person), receipt.effective_at)

    @rule(person=st.sampled_from(PEOPLE))
    def enable(self, person):
        assert self.here.enable(self.accounts[person])
        self.disabled.discard(person)

    # What changes who somebody is.

    @rule(person=st.sampled_from(PEOPLE))
    def delete_account(self, person):
        gone = self.accounts[person]
        receipt = self.here.delete_account(gone)
        self.end(self.lives(person), receipt.effective_at)
        self.void_proofs(person)
        assert self.here.account(gone) is None
        assert self.there.sessions(gone) == ()
        assert self.there.delete_account(gone) is None
        # The address is free, and whoever gets it is somebody else.
        self.disabled.discard(person)
        self.roles[person] = frozenset()
        self.roles_set_at.pop(person, None)
        self.open_account(person)

    @rule(person=st.sampled_from(PEOPLE), number=st.integers(0, 3), verified=st.booleans())
    def set_email(self, person, number, verified):
        email = f"{person}{number}@example.org"
        account = self.here.set_email(self.accounts[person], email, verified=verified)
        assert (account.email, account.email_verified) == (email, verified)
        if email != self.emails[person]:
            self.void_proofs(person)
        self.emails[person] = email

    @rule(person=st.sampled_from(PEOPLE))
    def link_and_unlink(self, person):
        found = self.store.perform(FindAccount(id=self.accounts[person]))
        at, now = found.account.id, self.now
        linked = Identity("", at, "elsewhere", "https://idp.example", at, now, now)
        assert self.store.perform(AddIdentity(linked, found.account.revision))
        _, newest = self.store.perform(ListIdentities(at))
        assert self.store.perform(RemoveIdentity(at, newest.id, now)) is Removal.REMOVED
        self.void_proofs(person)

    @rule()
    def purge(self):
        self.here.purge()
        self.restart()

    def restart(self):
        """Let another process take the place of this one, which remembers nothing."""
        self.restarts += 1
        accept = (self.before,) if self.before else ()
        self.here = self.process(self.strategy, f"here {self.restarts}", accept=accept)

    @rule(ms=st.sampled_from(STEPS))
    def wait(self, ms):
        self.clock.advance(ms)
        self.show_what_is_dead_while_the_store_fails()

    def show_what_is_dead_while_the_store_fails(self):
        dead = [one for one in self.held if one.must_be_refused(self.now)]
        for credential, number, failure in itertools.product(dead[-2:], (0, 1), Failure):
            shaky = BlockingFaultyStore(self.store)
            accept = (self.before,) if self.before else ()
            process = self.process(self.strategy, "shaky", accept=accept, store=shaky)
            shaky.fail(number, failure)
            with contextlib.suppress(StoreUnavailable):
                assert isinstance(process.authenticate(credential.text), Refused)
                type(self).seen.shaken += 1

    # -- what must hold after each of them

    @invariant()
    def nothing_dead_is_accepted(self):
        for credential in self.held:
            if credential.must_be_refused(self.now):
                for limen in (self.here, self.there):
                    accepted, verdict = self.verdict(limen, credential)
                    assert not accepted, (credential, verdict)
                    type(self).seen.refused += 1

    @invariant()
    def nothing_live_is_refused(self):
        for credential in self.held:
            if credential.must_be_accepted(self.now):
                for limen in (self.here, self.there):
                    # A look that slides no idle end, so that this invariant changes nothing.
                    look = limen.authenticate if credential.signed else limen.recall
                    assert isinstance(look(credential.text), Authenticated), credential
                    type(self).seen.accepted += 1

    @invariant()
    def the_device_list_is_what_lives(self):
        for person in PEOPLE:
            listed = {one.id for one in self.here.sessions(self.accounts[person])}
            assert listed == {one.handle for one in self.lives(person) if one.alive(self.now)}

    def teardown(self):
        for credential in self.held:
            self.judge(self.there, credential)
            self.judge(self.here, credential)


@pytest.mark.parametrize(
    ("strategy", "before", "examples"),
    [
        ("session", None, 60),
        ("jwt", None, 60),
        ("hybrid", None, 60),
        ("session", "jwt", 30),
        ("session", "hybrid", 30),
        ("jwt", "session", 30),
        ("jwt", "hybrid", 30),
        ("hybrid", "session", 30),
        ("hybrid", "jwt", 30),
    ],
)
def test_no_order_of_events_brings_back_what_was_revoked(strategy, before, examples):
    seen = Seen()
    machine = type("Run", (Machine,), {"strategy": strategy, "before": before, "seen": seen})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            # Making a failure small takes minutes; leave `phases` out to see it small.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    # A machine that never accepted or never refused would have proved nothing.
    assert seen.accepted > examples
    assert seen.refused > examples
    assert seen.late > 0
    assert seen.shaken > 0
    wanted = {"session": {"reference"}, "jwt": {"signed"}, "hybrid": {"signed"}}
    assert seen.kinds == wanted[strategy] | wanted.get(before, set())
