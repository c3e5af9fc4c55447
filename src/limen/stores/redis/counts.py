"""The verb that counts what is live, for operators. It reads every session, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.session import CredentialCount, Held
from limen.stores.redis import scripts
from limen.stores.redis.rows import text_of
from limen.stores.redis.steps import Steps, run

if TYPE_CHECKING:
    from limen.effects import CountCredentials

# How many sessions one script reads at least: Redis serves nobody else meanwhile.
_AT_ONCE: Final = 500


def counted(effect: CountCredentials) -> Steps[tuple[CredentialCount, ...]]:
    """Perform `CountCredentials`.

    To read a million sessions at once would stop every request for seconds. So each is
    counted once, as it is when its page is read, and the pages are not of one moment.
    """
    found: dict[tuple[str, Held], CredentialCount] = {}
    begin = b"-inf"
    while begin:
        _, begin, rows = yield from run(
            scripts.COUNT,
            begin,
            _AT_ONCE,
            effect.now,
            effect.recent_since,
            effect.unused_since,
        )
        for strategy, kind, *numbers in rows:
            one = CredentialCount(text_of(strategy), Held(kind.decode()), *map(int, numbers))
            name = (one.strategy, one.kind)
            found[name] = _both(found[name], one) if name in found else one
    return tuple(found[name] for name in sorted(found))


def _both(one: CredentialCount, other: CredentialCount) -> CredentialCount:
    return CredentialCount(
        one.strategy,
        one.kind,
        live=one.live + other.live,
        recent=one.recent + other.recent,
        unused=one.unused + other.unused,
        ends_at=max(one.ends_at, other.ends_at),
        expires_at=max(one.expires_at, other.expires_at),
    )
