"""The verbs about letters as an application calls them, awaited and not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from limens import QUICK, STRATEGIES

from limen import (
    AwaitsEmail,
    BlockingLimen,
    ConfigurationError,
    EmailPolicy,
    Letter,
    Limen,
    Reason,
    Refused,
    SignedIn,
    UsernamePolicy,
)
from limen.effects import SetPassword
from limen.mailers import post
from limen.operations import EmailConfirmed, ProvenIdentity
from limen.stores.memory import BlockingMemoryStore, MemoryStore
from limen.testing import FrozenClock

ADA, PASSWORD, NEW = "ada@example.org", "correct horse battery", "another good battery"
EVE = "eve@example.org"
LINK = "https://app.example/open?t={token}"
WRONG = Refused(Reason.BAD_CREDENTIALS)


@dataclass
class Outbox:
    """A mailer of an application's own."""

    kept: list[Letter] = field(default_factory=list)

    def send(self, letter: Letter) -> None:
        self.kept.append(letter)

    def token(self, purpose: str) -> str:
        """Return the token in the newest letter of a kind."""
        links = [one.link for one in self.kept if one.purpose == purpose]
        return links[-1].partition("=")[2]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "SETTLE_S", 0)


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


def opened(outbox: Outbox, strategy: str = "hybrid", **options: Any) -> BlockingLimen:
    options.setdefault("store", BlockingMemoryStore())
    settings = {"base_url": "https://app.example", "mailer": outbox, **QUICK, **options}
    return BlockingLimen(strategy, **settings)  # type: ignore[arg-type]  # a name from a list


def sent(limen: BlockingLimen) -> None:
    """Wait until every letter has left."""
    limen.close()
    limen.open()


def somebody(email: str, *, verified: bool = True) -> ProvenIdentity:
    return ProvenIdentity("idp", "https://idp.example", "1", email=email, email_verified=verified)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_password_is_reset_without_await(outbox: Outbox, strategy: str) -> None:
    with opened(outbox, strategy) as limen:
        assert isinstance(limen.sign_up(ADA, PASSWORD), SignedIn)
        limen.request_password_reset(" Ada@Example.org", link=LINK)
        limen.request_password_reset("nobody@example.org", link=LINK)
        sent(limen)
        (letter,) = outbox.kept
        assert (letter.to, letter.purpose) == (ADA, "reset-password")
        token = outbox.token("reset-password")
        assert limen.is_reset_link(token)
        assert limen.reset_password(token, "short") == Refused(Reason.PASSWORD_TOO_SHORT)
        changed = limen.reset_password(token, NEW)
        assert not isinstance(changed, Refused)
        assert changed == limen.account(changed.id)
        assert changed.email_verified
        assert limen.reset_password(token, PASSWORD) == Refused(Reason.INVALID_LINK)
        assert not limen.is_reset_link(token)
        assert limen.sessions(changed.id) == ()
        assert isinstance(limen.sign_in(ADA, NEW), SignedIn)


def test_somebody_without_a_password_gets_one(outbox: Outbox) -> None:
    with opened(outbox) as limen:
        joined = limen.sign_in_by_identity(somebody(ADA))
        assert not isinstance(joined, Refused)
        limen.request_password_reset(ADA, link=LINK)
        sent(limen)
        assert not isinstance(limen.reset_password(outbox.token("reset-password"), NEW), Refused)
        assert isinstance(limen.sign_in(ADA, NEW), SignedIn)
        # The address was verified before, so the other way in stays.
        ways = [one.provider for one in limen.identities(joined.account.id)]
        assert ways == ["idp", "credential"]


def test_an_address_that_must_be_verified_keeps_everybody_out(outbox: Outbox) -> None:
    with opened(outbox, email=EmailPolicy(required=True, on_sign_in=True)) as limen:
        first = limen.sign_up(ADA, PASSWORD)
        again = limen.sign_up(ADA, NEW, link=LINK)
        assert isinstance(first, AwaitsEmail)
        assert isinstance(again, AwaitsEmail)
        assert limen.account(again.account.id) is None
        assert isinstance(limen.sign_in(ADA, PASSWORD, link=LINK), AwaitsEmail)
        assert limen.sign_in(ADA, NEW) == WRONG
        sent(limen)
        purposes = sorted(one.purpose for one in outbox.kept)
        assert purposes == ["account-exists", "verify-email", "verify-email"]
        own = "https://app.example/api/auth/verify-email?token=lmv_"
        assert any(one.link.startswith(own) for one in outbox.kept)
        confirmed = limen.verify_email(outbox.token("verify-email"))
        assert isinstance(confirmed, EmailConfirmed)
        assert confirmed.issued is None
        assert isinstance(limen.sign_in(ADA, PASSWORD), SignedIn)


def test_an_identity_with_an_unverified_address_is_kept_out_as_well(outbox: Outbox) -> None:
    with opened(outbox, email=EmailPolicy(required=True)) as limen:
        eve = somebody(EVE, verified=False)
        refused = limen.sign_in_by_identity(eve, takes_unverified=True)
        assert refused == Refused(Reason.EMAIL_UNVERIFIED)
    with opened(outbox) as limen:
        assert not isinstance(limen.sign_in_by_identity(eve, takes_unverified=True), Refused)


def test_letters_in_the_words_of_an_application(outbox: Outbox) -> None:
    def worded(letter: Letter) -> Letter:
        return replace(letter, subject=letter.purpose.upper(), html=f"<p>{letter.link}</p>")

    with opened(outbox, email=EmailPolicy(wording=worded)) as limen:
        limen.add_account(ADA, PASSWORD)
        limen.request_password_reset(ADA, link=LINK)
        limen.request_password_reset("nobody@example.org", link=LINK)
        sent(limen)
    (letter,) = outbox.kept
    assert (letter.subject, letter.html) == ("RESET-PASSWORD", f"<p>{letter.link}</p>")
    assert "lmp_" not in repr(letter)


def test_nothing_is_kept_where_no_link_can_be_made() -> None:
    options: dict[str, Any] = {**QUICK, "store": BlockingMemoryStore()}
    with BlockingLimen("session", email=EmailPolicy(required=True), **options) as limen:
        for link in (None, "https://app.example/no-place-for-it"):
            with pytest.raises(ConfigurationError):
                limen.sign_up(ADA, PASSWORD, link=link)
        assert limen.accounts() == ()


def test_a_username_is_one_person_s_in_any_case(outbox: Outbox) -> None:
    with opened(outbox, usernames=UsernamePolicy(enabled=True, minimum=3, maximum=8)) as limen:
        ada = limen.sign_up(ADA, PASSWORD, username="Ada.L")
        assert isinstance(ada, SignedIn)
        assert ada.account is not None
        who = ada.account.id
        taken = Refused(Reason.USERNAME_TAKEN)
        assert limen.sign_up(EVE, PASSWORD, username="ADA.l") == taken
        assert isinstance(limen.sign_up(EVE, PASSWORD, username="eve"), SignedIn)
        assert limen.set_username(who, "EVE") == taken
        for name, reason in (
            ("ad", Reason.USERNAME_TOO_SHORT),
            ("a" * 9, Reason.USERNAME_TOO_LONG),
            ("ada l", Reason.USERNAME_INVALID),
            ("ada@x", Reason.USERNAME_INVALID),
            ("a\u0434a", Reason.USERNAME_INVALID),  # Cyrillic
            ("ada\n", Reason.USERNAME_INVALID),
        ):
            assert limen.is_username_available(name) == Refused(reason)
            assert limen.set_username(who, name) == Refused(reason)
        turned = limen.set_username(who, "ada", "\u202eada")
        assert turned == Refused(Reason.USERNAME_INVALID)
        assert limen.is_username_available("ADA.L") is False
        assert limen.set_username(who, "Lovelace") is None
        assert limen.is_username_available("ada.l") is True
        assert isinstance(limen.sign_in_with_username("LOVELACE", PASSWORD), SignedIn)
        for name, password in (("lovelace", NEW), ("nobody", PASSWORD), (ADA, PASSWORD)):
            assert limen.sign_in_with_username(name, password) == WRONG


def test_deleting_needs_a_password_or_a_recent_sign_in(outbox: Outbox) -> None:
    clock = FrozenClock()
    with opened(outbox, clock=clock) as limen:
        ada = limen.sign_up(ADA, PASSWORD)
        assert isinstance(ada, SignedIn)
        who = ada.issued.principal
        clock.advance(3_600_001)
        assert limen.delete_own_account(who) == Refused(Reason.NOT_FRESH)
        assert limen.delete_own_account(who, NEW) == WRONG
        receipt = limen.delete_own_account(who, PASSWORD)
        assert not isinstance(receipt, Refused)
        assert receipt.sessions_ended == 1
        assert limen.account(who.subject) is None
        joined = limen.sign_in_by_identity(somebody(EVE))
        assert not isinstance(joined, Refused)
        none = limen.delete_own_account(joined.issued.principal, PASSWORD)
        assert none == Refused(Reason.NO_PASSWORD)


def test_an_awaited_application_has_the_same_verbs(outbox: Outbox) -> None:
    async def work() -> None:
        settings: dict[str, Any] = {
            **QUICK,
            "store": MemoryStore(),
            "base_url": "https://app.example",
            "mailer": outbox,
            "session_fields": {"theme": "string"},
        }
        async with Limen("session", **settings) as limen:
            ada = await limen.sign_up(ADA, PASSWORD)
            assert isinstance(ada, SignedIn)
            who = ada.issued.principal
            kept = await limen.set_session_fields(who.session_id, {"theme": "dark"})
            assert not isinstance(kept, Refused)
            assert kept.fields == '{"theme":"dark"}'
            unknown = await limen.set_session_fields("ses_x", {"theme": "dark"})
            assert unknown == Refused(Reason.UNKNOWN_SESSION)
            assert not isinstance(await limen.change_email(who, "ada@example.net"), Refused)
        async with limen:
            confirmed = await limen.verify_email(outbox.token("verify-new-email"))
            assert not isinstance(confirmed, Refused)
            assert confirmed.account.email == "ada@example.net"

    asyncio.run(work())


def test_an_address_that_was_changed_after_the_letter_is_not_verified_by_it(
    outbox: Outbox,
) -> None:
    with opened(outbox) as limen:
        account = limen.add_account(ADA, PASSWORD)
        assert not isinstance(account, Refused)
        limen.send_verification(ADA, link=LINK)
        sent(limen)
        limen.set_email(account.id, "ada@example.net", verified=False)
        token = outbox.token("verify-email")
        assert limen.verify_email(token) == Refused(Reason.INVALID_LINK)


class Meanwhile(BlockingMemoryStore):
    """A store in which something else happens right before a password is set, and after it."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] = tuple

    def perform(self, effect: Any) -> Any:
        if not isinstance(effect, SetPassword):
            return super().perform(effect)
        self.meanwhile()
        answer = super().perform(effect)
        self.meanwhile()
        return answer


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_sign_in_beside_a_reset_does_not_outlast_it(outbox: Outbox, strategy: str) -> None:
    store = Meanwhile()
    planted = somebody(ADA, verified=False)
    with opened(outbox, strategy, store=store) as limen:
        before = limen.sign_in_by_identity(planted, takes_unverified=True)
        assert not isinstance(before, Refused)
        limen.request_password_reset(ADA, link=LINK)
        sent(limen)
        raced: list[Any] = []
        store.meanwhile = lambda: raced.append(limen.sign_in_by_identity(planted))
        assert not isinstance(limen.reset_password(outbox.token("reset-password"), NEW), Refused)
        between, after = raced
        assert not isinstance(between, Refused)
        assert after == Refused(Reason.NOT_LINKED)
        assert limen.sessions(before.account.id) == ()
        if strategy != "jwt":
            assert isinstance(limen.authenticate(between.issued.access.reveal()), Refused)
        assert isinstance(limen.sign_in(ADA, NEW), SignedIn)
