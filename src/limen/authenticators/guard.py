"""What stands before a password: how often it may be tried, by whom, and what failing means.

    the account      a budget for strangers, counted before the password is judged
    a known device   a budget of its own, so that strangers cannot keep the owner out
    who is signed in the same, for all sessions of an account together
    in a row         so many failures, then strangers are told "wrong" whatever they type
    the service      failures of everybody; above it only known devices are judged
    one password     failing on many accounts is spraying; who goes on with it has to wait

None of it tells whether there is an account: the same is counted for one that does not exist.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from limen.audit import AuditKind
from limen.devices import Devices, Owner
from limen.effects import Counter, Draw, ForgetCounts, ReadCounts, ask, check, enter, record
from limen.evidence import Public
from limen.passwords import octets_of_password
from limen.phase import Phase
from limen.throttle import (
    ACCOUNT_BUDGET,
    DEVICE_BUDGET,
    FAILURES_IN_A_ROW,
    GLOBAL_BUDGET,
    SPRAYING_BUDGET,
    Budget,
    counted_as,
    retry_after,
    used_up,
)
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.account import Account
    from limen.effects import Flow
    from limen.principal import Client
    from limen.sealing import Secrets
    from limen.secret import Secret
    from limen.throttle import Tally

# A count that only a success ends needs an end all the same: no device is known for longer.
FOR_GOOD: Final = 800 * 86_400_000
_PURPOSE: Final = "limen attempted passwords"
_BUCKET_OCTETS: Final = 2  # 65536 buckets: far too few to tell which password fell into one
STRANGER: Final = ""
CONFIRMING: Final = "confirming"
_IN_A_ROW: Final = "sign-in:in-a-row"
_ERA: Final = "devices:era"
_EVERYBODY: Final = "everybody"


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers; see the module `throttle` for why they are what they are."""

    account: Budget = ACCOUNT_BUDGET
    device: Budget = DEVICE_BUDGET
    service: Budget = GLOBAL_BUDGET
    spraying: Budget = SPRAYING_BUDGET
    in_a_row: int = FAILURES_IN_A_ROW


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password that is to be judged. `who` is what the account is counted under."""

    who: str
    account: Account | None
    password: Secret
    device: str | None = None
    client: Client | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """It may be judged; with `locked` the answer is "wrong" however that comes out."""

    bucket: bytes = field(repr=False)
    place: str = STRANGER  # or `CONFIRMING`, or the number of a known device
    locked: bool = False
    row: int = 0  # attempts since the last success, this one included


class Guard:
    """Counts attempts on passwords, before and after they are judged."""

    def __init__(self, limits: Limits, devices: Devices, key: bytes) -> None:
        self.limits = limits
        self.devices = devices
        self._key = key

    @classmethod
    def of(cls, limits: Limits, devices: Devices, secrets: Secrets) -> Guard:
        """Derive the key under which attempted passwords are counted, for that alone."""
        return cls(limits, devices, secrets.derive(_PURPOSE))

    # -- before

    def admit(self, attempt: Attempt, now: int) -> Flow[Admitted | Refused]:
        """Count an attempt; refused with `THROTTLED` and the seconds to wait."""
        yield from enter(Phase.LOGIN_RATE_LIMIT, {"budget": Public(self.limits.account.name)})
        bucket = self._bucket(attempt.password)
        service, sprayed, era = yield from ask(
            ReadCounts(
                (self._service_key(), self._spraying_key(bucket), _era_key(attempt.account)), now
            )
        )
        device = self._device(attempt, era, now)
        if device is not None:
            admitted = yield from self._draw(attempt, self.limits.device, device, bucket, now)
            # A device that has failed too often in a row is a stranger again.
            if isinstance(admitted, Refused) or not admitted.locked:
                return admitted
        for budget, tally in ((self.limits.service, service), (self.limits.spraying, sprayed)):
            throttled = yield from _within(budget, used_up(tally, budget, now), attempt)
            if throttled is not None:
                return throttled
        return (yield from self._draw(attempt, self.limits.account, STRANGER, bucket, now))

    def confirm(self, attempt: Attempt, now: int) -> Flow[Admitted | Refused]:
        """Count an attempt of somebody who is signed in, apart from those of strangers.

        Apart, or strangers who used their budget up would keep the owner from changing the
        password; and with few attempts, or a stolen session were a place to guess at.
        """
        budget = self.limits.device if self.limits.device.limit else self.limits.account
        yield from enter(Phase.LOGIN_RATE_LIMIT, {"budget": Public(budget.name)})
        return (yield from self._draw(attempt, budget, CONFIRMING, b"", now))

    def _draw(
        self, attempt: Attempt, budget: Budget, place: str, bucket: bytes, now: int
    ) -> Flow[Admitted | Refused]:
        limits, counters = self.limits, []
        # Before the name, where nothing stands that a stranger types.
        name = budget.name if place == STRANGER else f"{place}@{budget.name}"
        if budget.limit:
            counters.append(Counter(counted_as(name, attempt.who), budget.window, budget.limit))
        if limits.in_a_row:
            counters.append(row_counter(attempt.who, attempt.account, place))
        tallies = (yield from ask(Draw(tuple(counters), now))) if counters else ()
        if budget.limit:
            wait = retry_after(tallies[0], budget, now)
            throttled = yield from _within(budget, wait, attempt)
            if throttled is not None:
                return throttled
        row = tallies[-1].count if limits.in_a_row else 0
        return Admitted(bucket, place, row > limits.in_a_row, row)

    def _device(self, attempt: Attempt, era: Tally | None, now: int) -> str | None:
        if attempt.account is None:
            return None
        owner = owner_of(attempt.account, era)
        return self.devices.recognised(attempt.device, owner, now)

    # -- after

    def succeeded(self, attempt: Attempt, admitted: Admitted) -> Flow[None]:
        """Begin the count of failures in a row anew, for strangers and for this device."""
        if not self.limits.in_a_row:
            return
        places = {admitted.place} if admitted.place == CONFIRMING else {admitted.place, STRANGER}
        keys = [row_counter(attempt.who, attempt.account, one).key for one in sorted(places)]
        yield from ask(ForgetCounts(tuple(keys)))

    def failed(self, attempt: Attempt, admitted: Admitted, now: int) -> Flow[None]:
        """Count a failure, and tell the audit log when it is one too many.

        An account counts once for each password, so that who types theirs wrong again and
        again is one account and no attack.
        """
        service, spraying = self.limits.service, self.limits.spraying
        counters = []
        if service.limit:
            counters.append(Counter(self._service_key(), service.window))
        if spraying.limit:
            pair = hmac.new(
                self._key, admitted.bucket + attempt.who.encode("utf-8", "surrogatepass"), "sha256"
            )
            counters.append(Counter(counted_as("pair", pair.hexdigest()), spraying.window, 1))
            counters.append(Counter(self._spraying_key(admitted.bucket), spraying.window))
        tallies = (yield from ask(Draw(tuple(counters), now))) if counters else ()
        # The last counter is reached only by an account that is new to this password.
        another = bool(spraying.limit) and len(tallies) == len(counters)
        if another and tallies[-1].count == spraying.limit:
            yield from record(
                AuditKind.SPRAYING_SUSPECTED,
                client=attempt.client,
                accounts=spraying.limit,
                budget=spraying.name,
            )
        if self.locks(admitted) and attempt.account is not None:
            yield from record(
                AuditKind.PASSWORD_LOCKED, subject=attempt.account.id, client=attempt.client
            )

    def locks(self, admitted: Admitted) -> bool:
        """Tell whether a failure was the last one in a row that strangers may have."""
        return admitted.place == STRANGER and 0 < admitted.row == self.limits.in_a_row

    # -- what is counted under what

    def _bucket(self, password: Secret) -> bytes:
        digest = hmac.new(self._key, octets_of_password(password), hashlib.sha256).digest()
        return digest[:_BUCKET_OCTETS]

    def _service_key(self) -> str:
        return counted_as(self.limits.service.name, _EVERYBODY)

    def _spraying_key(self, bucket: bytes) -> str:
        return counted_as(self.limits.spraying.name, bucket.hex())


def _within(budget: Budget, wait: int | None, attempt: Attempt) -> Flow[Refused | None]:
    """Refuse with the seconds to wait, if there are any, and tell the audit log."""
    if not (yield from check("within budget", wait is None, Reason.THROTTLED)):
        yield from record(
            AuditKind.BUDGET_SPENT,
            subject=None if attempt.account is None else attempt.account.id,
            reason=Reason.THROTTLED,
            client=attempt.client,
            budget=budget.name,
            retry_after=wait or 0,
        )
        return Refused(Reason.THROTTLED, wait)
    return None


def owner_of(account: Account, era: Tally | None) -> Owner:
    """Return whose device it would have to be now."""
    return Owner(account.id, account.revision, 0 if era is None else era.count)


def era_counter(account_id: str) -> Counter:
    """Return what makes every device of an account a stranger when it is counted up."""
    return Counter(counted_as(_ERA, account_id), FOR_GOOD)


def row_counter(who: str, account: Account | None, place: str) -> Counter:
    """Return the counter of failures in a row.

    It belongs to the password as well: a new one begins without failures. Accounts that do not
    exist share 256 rows, so that made-up names do not fill the store for good.
    """
    if account is None:
        digest = hashlib.sha256(who.encode("utf-8", "surrogatepass")).hexdigest()
        return Counter(counted_as(_IN_A_ROW, f"nobody|{digest[:2]}"), FOR_GOOD)
    return Counter(counted_as(_IN_A_ROW, f"{account.id}|{account.revision}|{place}"), FOR_GOOD)


def _era_key(account: Account | None) -> str:
    return era_counter("" if account is None else account.id).key
