"""Several accounts in one browser: each has a cookie that renews it, and one of them acts.

Whoever signs in takes the place of their own earlier session here, and above the maximum
that of the account that acted before; so every session of a browser can be listed and ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from limen.revocation import Target
from limen.secret import Secret
from limen.transports import Carrier
from limen.transports.cookie import age_until
from limen.verdict import Authenticated

if TYPE_CHECKING:
    from limen.principal import Principal
    from limen.service.better_auth.endpoint import Call


class Account(NamedTuple):
    """One account of this browser: whom its cookie stands for, and what renews it."""

    principal: Principal
    credential: Secret


def held_by_cookie(call: Call) -> dict[str, Secret]:
    """Return what renews each account of this browser, by the end of its cookie's name."""
    carried = call.carried()
    if carried is not None and carried.carrier is not Carrier.COOKIE:
        return {}  # whoever sends a bearer acts with that alone
    return call.request_auth.cookies.beside.accounts(call.request_auth.headers)


def forget(call: Call, *keys: str) -> None:
    """Make the browser forget the cookies of these accounts."""
    for key in keys:
        call.request_auth.put(call.request_auth.cookies.beside.forget_account(key))


async def account_of(call: Call, key: str) -> Account | None:
    """Return the account whose cookie's name ends so, `None` if it no longer stands for one.

    The credential must be that of the session which the name says: a cookie cannot be
    passed off as another's.
    """
    credential = held_by_cookie(call).get(key.lower())
    if credential is None:
        return None
    verdict = await call.auth.recall(credential.reveal())
    if not isinstance(verdict, Authenticated):
        return None
    if verdict.principal.session_id.lower() != key.lower():
        return None
    return Account(verdict.principal, credential)


async def living(call: Call) -> dict[str, Account]:
    """Return the accounts of this browser that still stand, each person once."""
    found: dict[str, Account] = {}
    for key in held_by_cookie(call):
        account = await account_of(call, key)
        if account is not None:
            found.setdefault(account.principal.subject, account)
    return {one.principal.session_id: one for one in found.values()}


async def acting(call: Call) -> Account | None:
    """Return the account that the browser acts with, by what renews it."""
    carried = call.carried()
    if carried is None or carried.carrier is not Carrier.COOKIE:
        return None
    credential = carried.refresh or carried.access
    if credential is None:
        return None
    verdict = await call.auth.recall(credential.reveal())
    if not isinstance(verdict, Authenticated):
        return None
    return Account(verdict.principal, credential)


async def keep_acting(call: Call) -> None:
    """Give the account that acts a cookie of its own, if it signed in before there were any."""
    before, keys = await acting(call), held_by_cookie(call)
    if before is None or before.principal.session_id.lower() in keys:
        return
    session = await call.auth.session(before.principal.session_id)
    if session is None or len(keys) >= call.auth.settings.better_auth.multi_session:
        await call.auth.revoke(Target.session(before.principal.session_id))
        return
    age = age_until(session.expires_at, call.now, remembered=session.remembered)
    beside = call.request_auth.cookies.beside
    call.request_auth.put(beside.keep_account(session.id, before.credential, age))


async def settle(call: Call) -> None:
    """End what a new session takes the place of in this browser (ASVS 7.2.4)."""
    issued = call.request_auth.issued
    maximum = call.auth.settings.better_auth.multi_session
    if not maximum or issued is None:
        return
    new = issued.principal
    keys = held_by_cookie(call)
    if new.session_id.lower() in keys:
        return  # renewed, and no new session
    before = await acting(call)
    accounts = await living(call)
    kept = {one for one in accounts if accounts[one].principal.subject != new.subject}
    # Whoever acted gives way first; then those whose cookies are the oldest.
    order = sorted(kept, key=lambda one: before is None or one != before.principal.session_id)
    kept -= set(order[: max(0, len(kept) - (maximum - 1))])
    forget(call, *(key for key in keys if key not in {one.lower() for one in kept}))
    for session_id in {*accounts, *((before.principal.session_id,) if before else ())}:
        if session_id not in kept and session_id != new.session_id:
            await call.auth.revoke(Target.session(session_id))
