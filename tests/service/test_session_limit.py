"""How many sessions one person may have, over the wire and under each strategy."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from limens import blocking
from live import EMAIL, PASSWORD, STRATEGIES, Live

from limen import Authenticated, ConfigurationError, Limen, Reason, Refused
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock

KNOWN = {"email": EMAIL, "password": PASSWORD}
PARALLEL = 10


def sign_in(live: Live) -> httpx.Client:
    client = live.client()
    assert client.post("/sign-in/email", json=KNOWN).status_code == 200
    return client


def who(client: httpx.Client) -> object:
    return client.get("/get-session").json()


@pytest.mark.proves("asvs:7.1.2", "attack:62")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_fourth_sign_in_ends_the_one_that_was_not_used(
    start: Callable[..., Live], strategy: str
) -> None:
    clock = FrozenClock()
    live = start(strategy, max_sessions=3, clock=clock)
    browsers = [live.browser()]
    for _ in range(2):
        clock.advance(120_000)
        browsers.append(sign_in(live))
    clock.advance(120_000)
    assert browsers[0].post("/refresh").status_code == 200  # so the second is now the oldest
    fourth = sign_in(live)
    assert browsers[1].get("/list-sessions").status_code == 401
    assert browsers[1].post("/refresh").status_code == 401
    assert len(fourth.get("/list-sessions").json()) == 3
    for kept in (browsers[0], browsers[2], fourth):
        assert who(kept) is not None
    if strategy != "jwt":  # whose tokens work until they expire
        assert who(browsers[1]) is None


@pytest.mark.proves("asvs:7.1.2")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_sign_in_too_many_is_refused_where_nobody_gives_way(
    start: Callable[..., Live], strategy: str
) -> None:
    live = start(strategy, max_sessions=3, on_limit="refuse")
    browsers = [live.browser(), sign_in(live), sign_in(live)]
    refused = live.client().post("/sign-in/email", json=KNOWN)
    assert refused.status_code == 409
    assert refused.json()["code"] == "TOO_MANY_SESSIONS"
    assert "set-cookie" not in refused.headers
    assert all(who(one) is not None for one in browsers)
    assert browsers[0].post("/sign-in/email", json=KNOWN).status_code == 200  # its own gives way
    assert browsers[1].post("/sign-out").status_code == 200
    sign_in(live)


@pytest.mark.proves("asvs:7.1.2", "attack:62")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_sign_ins_at_once_never_leave_more(start: Callable[..., Live], strategy: str) -> None:
    live = start(strategy, max_sessions=3)
    first = live.browser()
    with ThreadPoolExecutor(PARALLEL) as pool:
        browsers = [first, *pool.map(lambda _: sign_in(live), range(PARALLEL))]
    living = [one for one in browsers if one.get("/list-sessions").status_code == 200]
    assert len(living) == 3


@pytest.mark.proves("attack:62")
def test_strangers_leave_no_sessions_behind(start: Callable[..., Live]) -> None:
    live = start("session")
    browser = live.browser()
    for _ in range(5):
        stranger = live.client()
        stranger.get("/get-session")
        stranger.post("/sign-out")
        stranger.post("/sign-in/email", json={**KNOWN, "password": "not the password"})
    assert len(browser.get("/list-sessions").json()) == 1


def test_a_limit_that_nobody_could_keep_to_is_refused() -> None:
    for wrong in (*({"max_sessions": most} for most in (-1, 1.5, True)), {"on_limit": "newest"}):
        with pytest.raises(ConfigurationError, match=next(iter(wrong))):
            Limen("session", secret="x" * 40, database="sqlite+aiosqlite:///a.db", **wrong)


def test_without_a_limit_there_may_be_any_number() -> None:
    store = BlockingMemoryStore()
    with blocking("session", store=store, max_sessions=0) as limen:
        account = limen.add_account(EMAIL, PASSWORD).id
        held = [limen.sign_in(EMAIL, PASSWORD).issued.access.reveal() for _ in range(120)]
        assert len(limen.sessions(account)) == 120
        assert isinstance(limen.authenticate(held[0]), Authenticated)
    with blocking("session", store=store) as limen:
        limen.sign_in(EMAIL, PASSWORD)
        assert len(limen.sessions(account)) == limen.settings.max_sessions == 100
        assert limen.authenticate(held[0]) == Refused(Reason.UNKNOWN_SESSION)
