"""One process of a rolling upgrade: opens the Limen that its path leads to, and does as told.

python rolling_process.py URL STRATEGY SECRET [REVISION]: reads a JSON list a line, the name of a
verb and its arguments, and answers each with a line of JSON. It knows nothing of the tests, for
the older of two versions runs it too. With REVISION it takes the tables to be those it needs.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from limen import Authenticated, Authentication, BlockingLimen, Refused, Target
from limen.errors import LimenError
from limen.stores.sql import schema


def held(issued: Any) -> dict[str, Any]:
    """Return what a client holds from now on."""
    return {
        "access": issued.access.reveal(),
        "renewing": (issued.refresh or issued.access).reveal(),
        "session": issued.principal.session_id,
        "subject": issued.principal.subject,
    }


def done(limen: BlockingLimen, verb: str, *given: str) -> Any:
    """Do one thing and return what there is to tell of it."""
    answer: Any
    match verb:
        case "remember":
            answer = limen.remember(Authentication(given[0], limen.assembly.clock.now()))
        case "sign_up" | "sign_in":
            answer = getattr(limen, verb)(*given)
        case "refresh":
            answer = limen.refresh(*given)
            return str(answer.reason) if isinstance(answer, Refused) else held(answer)
        case "authenticate":
            return isinstance(limen.authenticate(*given), Authenticated)
        case "revoke":
            return limen.revoke(Target.session(*given)).sessions_ended
        case "revoke_user":
            return limen.revoke(Target.user(*given)).sessions_ended
        case "sessions":
            return len(limen.sessions(*given))
        case _:
            raise AssertionError(verb)
    return str(answer.reason) if isinstance(answer, Refused) else held(answer.issued)


def main() -> None:
    """Serve until the input ends."""
    url, strategy, secret, *revision = sys.argv[1:]
    if revision:
        schema.REVISION = revision[0]  # type: ignore[misc]  # a version that does not exist
    limen = BlockingLimen(strategy, database=url, secret=secret)  # type: ignore[arg-type]
    try:
        limen.open()
    except LimenError as fault:
        print(json.dumps(f"{type(fault).__name__}: {fault}"), flush=True)
        return
    print(json.dumps("open"), flush=True)
    for line in sys.stdin:
        try:
            told = done(limen, *json.loads(line))
        except LimenError as fault:
            told = f"{type(fault).__name__}: {fault}"
        print(json.dumps(told), flush=True)
    limen.close()


if __name__ == "__main__":
    main()
