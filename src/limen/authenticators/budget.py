"""Drawing on a budget of attempts, as a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.audit import AuditKind
from limen.effects import Increment, ask, check, enter, record
from limen.evidence import Public
from limen.phase import Phase
from limen.throttle import counted_as, retry_after
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.effects import Flow
    from limen.throttle import Budget


def spend(budget: Budget, identifier: str, now: int) -> Flow[Refused | None]:
    """Draw once on a budget; refused with the seconds to wait when it is used up.

    The attempt is counted before it is judged, so that concurrent guesses cannot outrun the
    count. The store keeps a digest: neither addresses nor e-mails stand in its counters.
    """
    if not budget.limit:
        return None
    yield from enter(Phase.LOGIN_RATE_LIMIT, {"budget": Public(budget.name)})
    tally = yield from ask(Increment(counted_as(budget.name, identifier), budget.window, now))
    wait = retry_after(tally, budget, now)
    if not (yield from check("within budget", wait is None, Reason.THROTTLED)):
        yield from record(
            AuditKind.BUDGET_SPENT,
            reason=Reason.THROTTLED,
            budget=budget.name,
            retry_after=wait or 0,
        )
        return Refused(Reason.THROTTLED, retry_after=wait)
    return None
