"""Every change says so by itself, with who did it and from where."""

import asyncio
from typing import Any, get_args

import pytest
from limens import QUICK, STRATEGIES, blocking

from limen import Limen, Refused, Target
from limen.audit import DETAILS, KINDS, AuditEvent, AuditKind, AuditPolicy
from limen.auditing import audited_as
from limen.effects import StoreEffect, Writing
from limen.effects.meaning import MEANS, SAYS_NOTHING
from limen.principal import Client
from limen.stores.memory import MemoryStore
from limen.testing import FrozenClock

PASSWORD = "correct horse battery"
OTHER = "another long passphrase"


def kinds(limen: Any, **wanted: Any) -> list[str]:
    return [one.kind for one in limen.audit(forward=True, **wanted)]


def test_every_effect_that_writes_is_told_or_says_nothing_on_purpose() -> None:
    writing = {one for one in get_args(StoreEffect) if issubclass(one, Writing)}
    assert set(MEANS) | SAYS_NOTHING == writing
    assert not set(MEANS) & SAYS_NOTHING


def test_every_kind_is_described_by_details_that_exist() -> None:
    assert set(KINDS) == set(AuditKind)
    for told in KINDS.values():
        assert set(told.details) <= set(DETAILS)
        assert told.meaning.endswith(".")


@pytest.mark.proves("asvs:16.2.1", "asvs:16.3.1")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_life_of_an_account(strategy: str) -> None:
    clock = FrozenClock()
    with blocking(strategy, clock=clock) as limen:
        began = clock.now()
        keys = kinds(limen)
        client = Client("192.0.2.7", "curl/8")
        with audited_as(request_id="r1"):
            signed_up = limen.sign_up("ada@example.org", PASSWORD, client=client)
        ada = signed_up.account.id
        clock.advance(1_000)
        limen.change_password(signed_up.issued.principal, PASSWORD, OTHER)
        with audited_as("usr_admin", client=Client("192.0.2.9")):
            limen.set_roles(ada, ["admin"])
            limen.disable(ada)
            limen.enable(ada)
        limen.delete_account(ada)
        told = limen.audit(forward=True)[len(keys) :]
    changes = [one.kind for one in told if one.kind != AuditKind.REVOKED]
    assert keys == [AuditKind.KEY_CREATED] * 2
    assert changes == [
        AuditKind.ACCOUNT_CREATED,
        AuditKind.SIGN_IN_ACCEPTED,
        AuditKind.PASSWORD_CHANGED,
        AuditKind.SIGN_IN_ACCEPTED,
        AuditKind.ROLES_CHANGED,
        AuditKind.ACCOUNT_DISABLED,
        AuditKind.ACCOUNT_ENABLED,
        AuditKind.ACCOUNT_DELETED,
    ]
    first = told[1]
    assert first.subject == first.actor == ada
    assert first.session_id == signed_up.issued.principal.session_id
    assert (first.address, first.user_agent) == ("192.0.2.7", "curl/8")
    assert first.details == {"methods": "pwd", "acr": "aal1", "strategy": strategy}
    assert (first.at, told[-1].at) == (began, began + 1_000)
    by_admin = [one for one in told if one.actor == "usr_admin"]
    assert {one.address for one in by_admin} == {"192.0.2.9"}
    assert [one.kind for one in by_admin if one.kind != AuditKind.REVOKED] == [
        AuditKind.ROLES_CHANGED,
        AuditKind.ACCOUNT_DISABLED,
        AuditKind.ACCOUNT_ENABLED,
    ]
    assert by_admin[0].details == {"roles": "admin"}
    assert {one.subject for one in told} == {ada}
    assert told[0].request_id == "r1"
    assert len({one.id for one in told}) == len(told)


@pytest.mark.proves("asvs:16.3.1")
def test_a_refused_sign_in_names_the_account_only_if_there_is_one() -> None:
    with blocking("session") as limen:
        ada = limen.sign_up("ada@example.org", PASSWORD).account.id
        for email in ("ada@example.org", "nobody@example.org"):
            client = Client("192.0.2.7", "curl/8")
            assert isinstance(limen.sign_in(email, "wrong horse", client=client), Refused)
        nobody, known = limen.audit(kinds=[AuditKind.SIGN_IN_REFUSED])
    assert (known.subject, nobody.subject) == (ada, None)
    for one in (known, nobody):
        assert (one.reason, one.details) == ("bad_credentials", {"methods": "pwd"})
        assert (one.actor, one.address, one.user_agent) == ("", "192.0.2.7", "curl/8")
        assert "nobody" not in one.as_line()


@pytest.mark.proves("asvs:16.3.3")
@pytest.mark.parametrize("strategy", ["jwt", "hybrid"])
def test_a_replayed_refresh_token_is_told_once_with_whose_it_was(strategy: str) -> None:
    clock = FrozenClock()
    with blocking(strategy, clock=clock) as limen:
        issued = limen.sign_up("ada@example.org", PASSWORD).issued
        newer = limen.refresh(issued.refresh.reveal())
        limen.refresh(newer.refresh.reveal())
        clock.advance(60_000)
        assert isinstance(limen.refresh(issued.refresh.reveal()), Refused)
        (told,) = limen.audit(kinds=[AuditKind.REFRESH_REPLAYED])
    assert told.subject == issued.principal.subject
    assert told.session_id == issued.principal.session_id


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_signing_out_is_not_being_signed_out(strategy: str) -> None:
    with blocking(strategy) as limen:
        ada = limen.sign_up("ada@example.org", PASSWORD)
        limen.sign_out((ada.issued.refresh or ada.issued.access).reveal())
        other = limen.sign_in("ada@example.org", PASSWORD).issued.principal.session_id
        with audited_as("usr_admin"):
            limen.revoke(Target.session(other))
        ended, left = limen.audit(kinds=[AuditKind.SIGN_OUT, AuditKind.SESSION_ENDED])
    assert (left.kind, left.subject, left.actor) == (AuditKind.SIGN_OUT, *[ada.account.id] * 2)
    assert ended.kind == AuditKind.SESSION_ENDED
    assert (ended.subject, ended.session_id) == (ada.account.id, other)
    assert ended.actor == "usr_admin"


def test_a_detail_of_another_kind_or_type_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="no detail"):
        AuditEvent.of(AuditKind.SIGN_OUT, roles="admin")
    with pytest.raises(TypeError, match="no detail"):
        AuditEvent.of(AuditKind.SIGN_OUT, sessions="3")
    with pytest.raises(TypeError, match="no detail"):
        AuditEvent.of(AuditKind.EMAIL_CHANGED, verified=1)


def test_the_awaited_face_tells_the_same() -> None:
    async def told() -> list[str]:
        async with Limen("session", store=MemoryStore(), **QUICK) as limen:
            await limen.sign_up("ada@example.org", PASSWORD)
            await limen.sign_in("ada@example.org", "wrong horse")
            return [one.kind for one in await limen.audit(forward=True)]

    assert asyncio.run(told())[2:] == [
        AuditKind.ACCOUNT_CREATED,
        AuditKind.SIGN_IN_ACCEPTED,
        AuditKind.SIGN_IN_REFUSED,
    ]


@pytest.mark.parametrize("days", [90, 7])
def test_what_is_told_is_kept_for_its_time(days: int) -> None:
    clock = FrozenClock()
    policy = AuditPolicy() if days == 90 else AuditPolicy(retention=days * 86_400)
    with blocking("session", clock=clock, audit=policy) as limen:
        limen.sign_up("ada@example.org", "correct horse battery")
        clock.advance(days * 86_400_000)
        limen.purge()
        assert limen.audit(kinds=[AuditKind.ACCOUNT_CREATED])
        clock.advance(1)
        limen.purge()
        assert not limen.audit(kinds=[AuditKind.ACCOUNT_CREATED])
