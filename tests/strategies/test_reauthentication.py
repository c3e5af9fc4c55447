"""Proving again who one is: what ends, what begins, and what never moves without it."""

import pytest
from limens import QUICK, STRATEGIES, blocking

from limen import (
    AuditKind,
    Authenticated,
    Authentication,
    Budget,
    Client,
    Freshness,
    Reason,
    Refused,
    SignedIn,
    Target,
)
from limen.errors import ConfigurationError
from limen.jose import parse, strict_json
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock

ADA, PASSWORD = "ada@example.org", "correct horse battery"
HOUR = 3_600_000
DAY = 24 * HOUR
RECENT = Freshness(60)
UNLIMITED = Budget("off", limit=0, window=1)


def said(token: str) -> tuple[object, ...]:
    claims = strict_json(parse(token).payload)
    return claims["auth_time"], claims["amr"], claims["acr"]


@pytest.mark.proves("at:3", "nist:6", "asvs:10.3.4")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nothing_but_a_proof_moves_what_is_said_of_it(strategy: str) -> None:
    clock, store = FrozenClock(), BlockingMemoryStore()
    with blocking(strategy, store=store, clock=clock) as limen:
        at = clock.now()
        issued = limen.remember(Authentication("usr_ada", at, ("pwd", "otp"))).issued
        expected = (at // 1000, ["pwd", "otp"], "aal2")
        for renew in (limen.refresh, limen.reissue, limen.refresh):
            clock.advance(HOUR)
            renewed = renew((issued.refresh or issued.access).reveal())
            issued = renewed if renewed.refresh or strategy == "session" else issued
            who = limen.authenticate(renewed.access.reveal()).principal
            assert (who.authenticated_at, who.methods, who.acr) == (at, ("pwd", "otp"), "aal2")
            if strategy != "session":
                assert said(renewed.access.reveal()) == expected
            assert said(limen.service_token(who).reveal()) == expected
        held = issued
    for other in STRATEGIES:
        with blocking(other, store=store, clock=clock, accept=[strategy]) as limen:
            who = limen.authenticate(held.access.reveal()).principal
            refresh = held.refresh.reveal() if held.refresh else None
            moved = limen.exchange(who, refresh).principal
            assert (moved.authenticated_at, moved.methods) == (at, ("pwd", "otp"))


@pytest.mark.proves("asvs:7.2.4", "nist:3")
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("remembered", [True, False])
def test_the_old_credentials_die_and_both_timers_begin_anew(strategy, remembered) -> None:
    clock = FrozenClock()
    with blocking(strategy, clock=clock, session_fields={"theme": "string"}) as limen:
        account = limen.add_account(ADA, PASSWORD).id
        client = Client("192.0.2.7", "a browser")
        first = limen.sign_in(ADA, PASSWORD, remembered=remembered, client=client).issued
        other = limen.sign_in(ADA, PASSWORD).issued
        limen.set_session_fields(first.session.id, {"theme": "dark"})
        clock.advance(20 * HOUR)
        renewing = (first.refresh or first.access).reveal()
        old = limen.reissue(renewing)
        who = limen.authenticate(old.access.reveal()).principal
        assert limen.require_fresh(who, RECENT) == Refused(Reason.NOT_FRESH)
        clock.advance(1000)
        again = limen.reauthenticate(who, PASSWORD)
        assert isinstance(again, SignedIn)
        new, now = again.issued, clock.now()
        assert new.access.reveal() not in (old.access.reveal(), first.access.reveal())
        assert new.principal.authenticated_at == now
        session = limen.session(new.principal.session_id)
        assert (session.created_at, session.used_at) == (now, now)
        assert session.expires_at == now + (30 * DAY if remembered else DAY)
        assert (session.remembered, session.client) == (remembered, client)
        assert session.fields == '{"theme":"dark"}'
        assert limen.require_fresh(new.principal, RECENT) is None
        # What was held before is worth nothing; `jwt` alone lets a token run to its end.
        assert isinstance(limen.refresh(renewing), Refused)
        assert isinstance(limen.reauthenticate(who, PASSWORD), Refused)
        if strategy != "jwt":
            assert isinstance(limen.authenticate(old.access.reveal()), Refused)
        if strategy != "session":
            assert limen.require_fresh(who, Freshness()) == Refused(Reason.UNKNOWN_SESSION)
        assert isinstance(limen.authenticate(new.access.reveal()), Authenticated)
        live = {one.id for one in limen.sessions(account)}
        assert live == {new.principal.session_id, other.principal.session_id}


@pytest.mark.proves("asvs:7.5.1")
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("budget", ["device_budget", "account_budget"])
def test_a_wrong_password_changes_nothing_and_is_counted(strategy, budget) -> None:
    clock = FrozenClock()
    options = {**QUICK, "device_budget": UNLIMITED, budget: Budget("few", limit=2, window=HOUR)}
    with blocking(strategy, clock=clock, **options) as limen:
        limen.add_account(ADA, PASSWORD)
        issued, other = (limen.sign_in(ADA, PASSWORD).issued for _ in range(2))
        who = issued.principal
        assert limen.reauthenticate(who, "not the password") == Refused(Reason.BAD_CREDENTIALS)
        # Of the same budget, whatever asks for the password and from whichever session.
        changed = limen.change_password(other.principal, "nor this", "nine brass saucers")
        assert changed == Refused(Reason.BAD_CREDENTIALS)
        assert isinstance(limen.authenticate(issued.access.reveal()), Authenticated)
        throttled = limen.reauthenticate(who, PASSWORD)
        assert throttled.reason is Reason.THROTTLED
        clock.advance(HOUR)
        assert isinstance(limen.reauthenticate(who, PASSWORD), SignedIn)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strangers_do_not_keep_whoever_is_signed_in_from_a_sensitive_action(strategy) -> None:
    options = {**QUICK, "account_budget": Budget("sign-in:account", limit=3, window=HOUR)}
    with blocking(strategy, **options) as limen:
        limen.add_account(ADA, PASSWORD)
        issued = limen.sign_in(ADA, PASSWORD).issued
        for _ in range(3):
            limen.sign_in(ADA, "a guess of a stranger")
        assert limen.sign_in(ADA, PASSWORD).reason is Reason.THROTTLED
        renewed = limen.reauthenticate(issued.principal, PASSWORD)
        assert isinstance(renewed, SignedIn)
        # Nor does guessing in a session keep others from signing in, or last for ever.
        guesses = [limen.reauthenticate(renewed.issued.principal, "a guess") for _ in range(10)]
        assert guesses[0] == Refused(Reason.BAD_CREDENTIALS)
        assert guesses[-1].reason is Reason.THROTTLED


@pytest.mark.parametrize("typed", [f"{ADA}|confirming", f"confirming|{ADA}", f"confirming:{ADA}"])
def test_nobody_types_the_name_of_somebodys_own_budget(typed: str) -> None:
    """Also where one budget is for both, as without that of known devices."""
    few = Budget("sign-in:account", limit=2, window=HOUR)
    options = {**QUICK, "device_budget": UNLIMITED, "account_budget": few}
    with blocking("session", **options) as limen:
        who = limen.sign_up(ADA, PASSWORD).issued.principal
        for _ in range(3):
            limen.sign_in(typed, "a guess")
        assert isinstance(limen.reauthenticate(who, PASSWORD), SignedIn)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_proof_of_ones_own_keeps_the_roles_of_the_account(strategy) -> None:
    with blocking(strategy) as limen:
        account = limen.add_account(ADA, PASSWORD, roles=["admin"])
        issued = limen.sign_in(ADA, PASSWORD).issued
        at = limen.assembly.clock.now()
        for proven in (
            Authentication(account.id, at, ("pwd", "otp")),
            Authentication(account.id, at, ("pwd", "otp"), frozenset({"root"})),
        ):
            issued = limen.renew(issued.principal, proven).issued
            assert issued.principal.roles == {"admin"}
            who = limen.authenticate(issued.access.reveal()).principal
            assert (who.roles, who.acr) == ({"admin"}, "aal2")


def test_what_is_not_fresh_enough_is_told() -> None:
    clock = FrozenClock()
    with blocking("session", clock=clock) as limen:
        who = limen.sign_up(ADA, PASSWORD).issued.principal
        clock.advance(HOUR)
        for wanted in (RECENT, Freshness(acr="aal2")):
            limen.require_fresh(who, wanted)
        told = [one for one in limen.audit() if one.kind == AuditKind.ACCESS_DENIED]
        assert [(one.reason, dict(one.details)) for one in told] == [
            ("too_weak", {"acr": "aal2"}),
            ("not_fresh", {"acr": ""}),
        ]
        assert {one.session_id for one in told} == {who.session_id}


def test_one_text_is_no_set_of_roles() -> None:
    with blocking("session") as limen:
        account = limen.add_account(ADA, PASSWORD)
        with pytest.raises(ConfigurationError, match=r"Write it as a list: \['admin'\]"):
            limen.set_roles(account.id, "admin")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_only_the_same_person_renews_a_session(strategy) -> None:
    with blocking(strategy) as limen:
        now = limen.assembly.clock.now()
        ada = limen.remember(Authentication("usr_ada", now)).issued
        stranger = Authentication("usr_eve", now, ("pwd", "otp"))
        assert limen.renew(ada.principal, stranger) == Refused(Reason.BAD_CREDENTIALS)
        assert len(limen.sessions("usr_ada")) == 1
        assert limen.sessions("usr_eve") == ()
        stronger = limen.renew(ada.principal, Authentication("usr_ada", now, ("pwd", "otp")))
        assert stronger.issued.principal.acr == "aal2"
        assert len(limen.sessions("usr_ada")) == 1


@pytest.mark.proves("asvs:7.5.1")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_session_that_ended_is_not_renewed_and_passes_nowhere(strategy) -> None:
    with blocking(strategy) as limen:
        account = limen.add_account(ADA, PASSWORD).id
        who = limen.sign_in(ADA, PASSWORD).issued.principal
        assert limen.require_fresh(who, RECENT) is None
        limen.revoke(Target.session(who.session_id))
        assert limen.reauthenticate(who, PASSWORD) == Refused(Reason.UNKNOWN_SESSION)
        assert limen.sessions(account) == ()
        if strategy != "session":  # which asks the store on every request anyway
            assert limen.require_fresh(who, RECENT) == Refused(Reason.UNKNOWN_SESSION)


def test_where_nothing_is_kept_a_proof_gives_another_token() -> None:
    clock = FrozenClock()
    with blocking("jwt", refresh=None, clock=clock) as limen:
        first = limen.remember(Authentication("usr_ada", clock.now())).issued
        clock.advance(120_000)
        assert limen.require_fresh(first.principal, RECENT) == Refused(Reason.NOT_FRESH)
        again = limen.renew(first.principal, Authentication("usr_ada", clock.now())).issued
        assert limen.require_fresh(again.principal, RECENT) is None


@pytest.mark.proves("asvs:7.2.4")
def test_a_token_that_nothing_is_kept_of_ends_the_session_that_it_replaces() -> None:
    store = BlockingMemoryStore()
    with blocking("session", store=store) as before:
        before.add_account(ADA, PASSWORD)
        held = before.sign_in(ADA, PASSWORD).issued
    with blocking("jwt", refresh=None, accept=["session"], store=store) as limen:
        who = limen.authenticate(held.access.reveal()).principal
        assert limen.reauthenticate(who, "wrong horse") == Refused(Reason.BAD_CREDENTIALS)
        assert limen.authenticate(held.access.reveal()) == Authenticated(who)
        again = limen.reauthenticate(who, PASSWORD).issued
        assert isinstance(limen.authenticate(again.access.reveal()), Authenticated)
        assert limen.authenticate(held.access.reveal()) == Refused(Reason.UNKNOWN_SESSION)
        assert limen.reauthenticate(who, PASSWORD) == Refused(Reason.UNKNOWN_SESSION)
        told = [one.kind for one in limen.audit(subject=who.subject)]
        assert told.count(AuditKind.REAUTHENTICATED) == 1


@pytest.mark.parametrize("ending", ["disable", "revoke"])
def test_no_token_passes_whose_account_was_locked_though_no_session_is_kept(ending: str) -> None:
    with blocking("jwt", refresh=None, accept=["session"]) as limen:
        limen.add_account(ADA, PASSWORD)
        who = limen.sign_in(ADA, PASSWORD).issued.principal
        assert limen.require_fresh(who, RECENT) is None
        if ending == "disable":
            limen.disable(who.subject)
        else:
            limen.revoke(Target.user(who.subject))
        assert limen.require_fresh(who, RECENT) == Refused(Reason.REVOKED)


@pytest.mark.parametrize("kept", [True, False])
def test_the_process_that_ended_a_session_refuses_its_tokens_at_once(kept: bool) -> None:
    """Without waiting for the next look at the log, which is a minute away here."""
    with blocking("hybrid", max_sessions=1, feed_interval=60, max_lag=600) as limen:
        limen.add_account(ADA, PASSWORD)
        old = limen.sign_in(ADA, PASSWORD).issued
        held = old.access.reveal()
        assert isinstance(limen.authenticate(held), Authenticated)
        if kept:
            limen.reauthenticate(old.principal, PASSWORD)
        else:
            limen.sign_in(ADA, PASSWORD)
        assert limen.authenticate(held) == Refused(Reason.REVOKED)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_key_that_a_session_is_bound_to_stays_with_it(strategy: str) -> None:
    with blocking(strategy, dpop="accept", base_url="https://app.example") as limen:
        proven = Authentication("usr_ada", limen.assembly.clock.now())
        key = "A" * 43
        bound = limen.remember(proven, client=Client(proven_key=key)).issued.principal
        assert bound.bound_to == key
        again = limen.renew(bound, proven).issued
        assert again.principal.bound_to == key
        assert again.session.bound_to == key
