"""What is added to an answer by what it did, whichever endpoint gave it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limen.service.better_auth import cookie_cache, several
from limen.service.better_auth.wire import exposed

if TYPE_CHECKING:
    from limen.service.better_auth.endpoint import Call
    from limen.service.better_auth.wire import Answer


async def finish(call: Call, answer: Answer) -> Answer:
    """Settle the accounts of the browser, write its cookie cache, and name a new bearer.

    The header says no more than the body does: never what a cookie keeps from a page.
    """
    await several.settle(call)
    await cookie_cache.write(call)
    if call.shown is None:
        return answer
    named = exposed("set-auth-token", call.shown.reveal())
    return replace(answer, headers=(*answer.headers, *named))
