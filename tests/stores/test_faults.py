"""What a failing database tells, and what it must not tell."""

import asyncio
import traceback

import pytest

from limen.effects import Effect, Increment, KeepTicket, OpenSession, RotateRefresh, Ticket
from limen.errors import StoreUnavailable
from limen.stores.sql import BlockingSqlStore, SqlStore, migrate
from limen.testing.store_cases.case import HORIZON, NOW, digest, open_session, session
from limen.testing.stores import ThreadedStore

TOO_LARGE = 2**70
SUBJECT = "ada-lovelace@example.org"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    made = f"sqlite+aiosqlite:///{tmp_path}/limen.db"
    migrate(made)
    return made


@pytest.fixture(params=["async", "blocking"])
def store(request, url) -> SqlStore | ThreadedStore:
    return SqlStore(url) if request.param == "async" else ThreadedStore(BlockingSqlStore(url))


FAILING = {
    "a digest that exists": OpenSession(session("two", SUBJECT), None, refresh=digest("fresh one")),
    "a handle that exists": OpenSession(session("one", SUBJECT), None),
    "a successor that exists": RotateRefresh(
        digest("fresh two"), digest("fresh one"), b"sealed", NOW, 0, HORIZON
    ),
    "a number that is too large": Increment(SUBJECT, TOO_LARGE, NOW),
    "a time that is too large": KeepTicket(Ticket("reset", digest("t"), SUBJECT, TOO_LARGE)),
}


@pytest.mark.parametrize("effect", FAILING.values(), ids=FAILING.keys())
def test_a_fault_quotes_nothing_that_was_stored(store, effect: Effect) -> None:
    async def main() -> str:
        await open_session(store)
        await open_session(store, "two" if isinstance(effect, RotateRefresh) else "three")
        try:
            await store.perform(effect)
        except (StoreUnavailable, OverflowError) as fault:
            return "".join(traceback.format_exception(fault)) + repr(_chain(fault))
        finally:
            await store.close()
        return ""

    told = asyncio.run(main())
    assert "StoreUnavailable" in told
    for name in ("fresh one", "fresh two", "t"):
        assert digest(name).hex() not in told
        assert repr(digest(name))[2:-1] not in told
        assert str(digest(name)) not in told
    for word in (SUBJECT, "ses_one", str(TOO_LARGE), "sealed'"):
        assert word not in told


def _chain(error: BaseException | None) -> list[str]:
    """Return what every error says that hangs on this one, shown or not."""
    told = []
    while error is not None:
        told.append(f"{error!r} {error}")
        error = error.__cause__ or error.__context__
    return told


def test_a_store_shows_no_password(tmp_path) -> None:
    for kind in (SqlStore, BlockingSqlStore):
        made = kind("postgresql+asyncpg://ada:hunter2@127.0.0.1/x")
        assert "hunter2" not in repr(made)
