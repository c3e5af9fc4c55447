"""Browsers that an account is used from: which are known, and what is told of a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.audit import AuditKind
from limen.authenticators.guard import (
    CONFIRMING,
    FOR_GOOD,
    STRANGER,
    era_counter,
    owner_of,
    row_counter,
)
from limen.effects import FindAccount, ForgetCounts, Increment, ReadCounts, SendLetter, ask, record
from limen.operations.links import Links
from limen.operations.wording import NEW_DEVICE, new_device
from limen.principal import Client
from limen.throttle import counted_as

if TYPE_CHECKING:
    from limen.account import Account
    from limen.devices import KnownDevice
    from limen.effects import Flow

_SEEN: Final = "devices:seen"


class Devices(Links):
    """What makes a browser known to an account, and what takes a lock from an account."""

    def know_device(
        self,
        account: Account,
        kept: str | None = None,
        *,
        client: Client = Client(),  # noqa: B008 - frozen and without state
    ) -> Flow[KnownDevice | None]:
        """Make the browser known that has just signed in to an account, or is signed in to it.

        `kept` is what it kept until now, and what it keeps from now on is in the answer;
        `None` where no device is known (`device_lifetime=0`). It is a secret of that browser,
        proves nothing and is given to `sign_in` as `device`. The owner is told of a browser
        that was never seen before, but for the first of all (ASVS 6.3.5).
        """
        parts, now = self._parts, self._parts.clock.now()
        devices = parts.passwords.guard.devices
        if not parts.keeps or not devices.lifetime:
            return None
        (era,) = yield from ask(ReadCounts((era_counter(account.id).key,), now))
        device = devices.known(kept, owner_of(account, era), now, parts.entropy)
        if not device.seen:
            seen = yield from ask(Increment(counted_as(_SEEN, account.id), FOR_GOOD, now))
            if seen.count > 1:
                yield from self._tell_of_new_device(account, client, now)
        return device

    def _tell_of_new_device(self, account: Account, client: Client, now: int) -> Flow[None]:
        yield from record(AuditKind.DEVICE_NEW, subject=account.id, client=client)
        if not self._parts.email.new_device:
            return
        if (yield from self._may_tell(NEW_DEVICE, account.id)) is None:
            letter = new_device(account.email, now, client)
            yield from ask(SendLetter(self._parts.email.worded(letter)))

    def unlock(self, account_id: str) -> Flow[Account | None]:
        """Let an account be tried again that failed too often; `None` if there is none.

        Its budget of attempts is whole again as well. Its password stays what it is, so be
        sure that it was not guessed: a new password unlocks as well.
        """
        self._need_store("accounts")
        found = yield from ask(FindAccount(id=account_id))
        if found is None:
            return None
        account = found.account
        rows = [row_counter("", account, place).key for place in (STRANGER, CONFIRMING)]
        budget = self._parts.passwords.guard.limits.account
        yield from ask(ForgetCounts((*rows, counted_as(budget.name, account.email))))
        yield from record(AuditKind.PASSWORD_UNLOCKED, subject=account.id)
        return account
