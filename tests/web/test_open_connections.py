"""Open WebSockets and event streams end when their sign-in does: real workers, real clients."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from proxy import Proxy
from servers import PostgresServer
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from workers import Application, SignedIn, worker

from limen.stores.sql import migrate

MAX_LAG_S = 2
# Two processors are shared with other tests: a bound that only a hang exceeds.
SLACK_S = 20
STRATEGIES = ("session", "hybrid", "jwt")
REVOCABLE = {name: {"strategy": name} for name in STRATEGIES}
KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="module", params=KINDS)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Application, Application]]]:
    """Run two workers over one store of each kind; give both sides of each strategy."""
    home = tmp_path_factory.mktemp("pair")
    named: dict[str, dict[str, Any]] = {}
    for name, options in REVOCABLE.items():
        if request.param == "sqlite":
            url = f"sqlite+aiosqlite:///{home / name}.db"
            migrate(url)
        else:
            url = request.getfixturevalue("postgresql").database()
        named[name] = options | {"database": url}
    with worker(home, named) as here, worker(home, named) as there:
        yield {name: (here.at(name), there.at(name)) for name in named}


@pytest.fixture(params=STRATEGIES)
def both(
    request: pytest.FixtureRequest, pair: dict[str, tuple[Application, Application]]
) -> tuple[Application, Application]:
    """Give two workers of one strategy: here things are revoked, there they are open."""
    return pair[request.param]


def code_of(closing: ClientConnection) -> int | None:
    """Read until the server closes the socket; return the code that it gave."""
    until = time.monotonic() + MAX_LAG_S + SLACK_S
    try:
        while True:
            closing.recv(until - time.monotonic())
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def is_alive(socket: ClientConnection) -> bool:
    """Tell whether an echo comes back."""
    socket.send("still there?")
    return socket.recv(SLACK_S) == "still there?"


def wait_for(condition: Callable[[], bool]) -> bool:
    """Wait until something is so; tell whether it was in time."""
    until = time.monotonic() + MAX_LAG_S + SLACK_S
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


@contextlib.contextmanager
def echoing(there: Application, *people: SignedIn) -> Iterator[list[ClientConnection]]:
    """Open an echoing socket for each sign-in."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(there.socket("echo", one)) for one in people]


def test_one_session_closes_its_own_sockets_on_another_worker_and_no_others(
    both: tuple[Application, Application],
) -> None:
    here, there = both
    phone, laptop = here.sign_in("ada"), here.sign_in("ada")
    eve = here.sign_in("eve")
    with echoing(there, phone, phone, laptop, eve) as (one, other, spared, foreign):
        here.revoke("session", phone.session)
        assert [code_of(one), code_of(other)] == [4401, 4401]
        assert is_alive(spared)
        assert is_alive(foreign)
    assert wait_for(lambda: "echo 4401 Signed out" in there.open_now()["heard"])


def test_everywhere_closes_every_socket_of_a_user_and_not_that_of_a_later_sign_in(
    both: tuple[Application, Application],
) -> None:
    here, there = both
    first, second, eve = here.sign_in("bob"), there.sign_in("bob"), here.sign_in("eve")
    with echoing(there, first, second, eve) as (one, other, foreign):
        here.revoke("user", "bob")
        with echoing(there, here.sign_in("bob")) as (again,):
            assert [code_of(one), code_of(other)] == [4401, 4401]
            assert is_alive(again)
        assert is_alive(foreign)


def test_everywhere_else_spares_the_session_that_is_kept(
    both: tuple[Application, Application],
) -> None:
    here, there = both
    kept, other = here.sign_in("joy"), here.sign_in("joy")
    with echoing(there, kept, other) as (spared, one):
        here.revoke("user", "joy", keep=kept.session)
        assert code_of(one) == 4401
        assert is_alive(spared)


@pytest.mark.parametrize("strategy", ["hybrid", "jwt"])
def test_a_key_that_is_withdrawn_closes_what_it_signed_for(
    pair: dict[str, tuple[Application, Application]], strategy: str
) -> None:
    here, there = pair[strategy]
    before = here.sign_in("kim")
    assert before.key is not None
    with echoing(there, before) as (one,):
        here.revoke("key", before.key)
        after = here.sign_in("kim")
        assert after.key != before.key
        assert code_of(one) == 4401
        with echoing(there, after) as (other,):
            assert is_alive(other)


def test_everybody_is_everybody(both: tuple[Application, Application]) -> None:
    here, there = both
    with echoing(there, here.sign_in("una"), there.sign_in("max")) as (one, other):
        here.revoke("all")
        assert [code_of(one), code_of(other)] == [4401, 4401]
        with echoing(there, here.sign_in("una")) as (again,):
            assert is_alive(again)


def test_a_socket_that_only_sends_is_closed_whatever_the_framework(
    both: tuple[Application, Application],
) -> None:
    here, there = both
    who = here.sign_in("pia")
    url = f"ws://{there.host}/raw-{there.name}/x"
    with (
        there.socket("push", who) as pushed,
        connect(url, additional_headers=who.headers) as raw,
    ):
        assert (pushed.recv(SLACK_S), raw.recv(SLACK_S)) == ("tick", "tick")
        here.revoke("session", who.session)
        assert [code_of(pushed), code_of(raw)] == [4401, 4401]
    assert wait_for(lambda: {"push 1006", "raw stopped"} <= set(there.open_now()["heard"]))
    assert "Traceback" not in there.worker.log.read_text()


@pytest.mark.parametrize("path", ["events", "quiet", "export"])
def test_a_stream_ends_and_its_generator_with_it(
    both: tuple[Application, Application], path: str
) -> None:
    here, there = both
    who, eve = here.sign_in("sue"), here.sign_in("eve")
    with there.stream(path, who) as lines, there.stream("events", eve) as others:
        here.revoke("session", who.session)
        for line in lines:  # until the body ends
            assert line in ("", "data: tick", "data: first")
        assert next(line for line in others if line) == "data: tick"
    assert wait_for(lambda: f"{path} stopped" in there.open_now()["heard"])
    # What a browser's EventSource meets when it comes again. A signed token of `jwt` still
    # works for a request, and nothing that stays open is begun with it.
    assert there.get(path, who).status_code == 401
    assert "Traceback" not in there.worker.log.read_text()


def test_what_asked_for_nobody_stays_open(both: tuple[Application, Application]) -> None:
    here, there = both
    who = here.sign_in("ned")
    url = f"ws://{there.host}/{there.name}/open"
    with there.stream("public", who) as lines, connect(url, additional_headers=who.headers) as one:
        assert is_alive(one)
        here.revoke("session", who.session)
        with echoing(there, here.sign_in("ned")) as (mark,):
            here.revoke("user", "ned")
            assert code_of(mark) == 4401  # so this worker has heard of both
        assert is_alive(one)
        assert next(line for line in lines if line) == "data: tick"


def test_nothing_new_is_opened_with_a_revoked_credential(
    both: tuple[Application, Application],
) -> None:
    here, there = both
    who, mark = here.sign_in("tom"), here.sign_in("tom")
    with echoing(there, mark) as (one,):
        here.revoke("user", "tom")
        assert code_of(one) == 4401
    with pytest.raises(InvalidStatus) as refused, echoing(there, who):
        raise AssertionError
    assert refused.value.response.status_code == 403
    assert there.get("events", who).status_code == 401


@pytest.mark.proves("asvs:8.3.2")
def test_roles_that_changed_close_what_was_opened_with_the_old_ones(
    both: tuple[Application, Application],
) -> None:
    here, there = both
    email = f"{time.time_ns()}@example.org"
    who = SignedIn(**here.order(f"account/{email}"))
    with echoing(there, who) as (one,):
        here.order(f"roles/{who.subject}/admin")
        assert code_of(one) == 4401
        if there.name == "session":  # the session lives on, and is read with its new roles
            with echoing(there, who) as (again,):
                assert is_alive(again)


def test_an_account_that_is_disabled_is_cut_off(both: tuple[Application, Application]) -> None:
    here, there = both
    email = f"{time.time_ns()}@example.org"
    who = SignedIn(**here.order(f"account/{email}"))
    with echoing(there, who) as (one,):
        here.order(f"disable/{who.subject}")
        assert code_of(one) == 4401


def test_nothing_is_left_of_connections_that_are_closed(
    both: tuple[Application, Application],
) -> None:
    here, there = both
    who, revoked = here.sign_in("zoe"), here.sign_in("zoe")
    for _ in range(3):
        with (
            echoing(there, *[who] * 5),
            there.stream("events", who),
            there.stream("quiet", who),
            echoing(there, revoked) as (one,),
        ):
            assert there.open_now()["open"] >= 8
            here.revoke("session", revoked.session)
            assert code_of(one) == 4401
        revoked = here.sign_in("zoe")
    assert wait_for(lambda: there.open_now()["left"] == 0), there.open_now()


def test_the_lag_is_within_the_bound(both: tuple[Application, Application]) -> None:
    lags = measured(both, 10)
    assert max(lags) <= MAX_LAG_S + SLACK_S


def measured(both: tuple[Application, Application], times: int) -> list[float]:
    """Return for each of several revocations how long after it a socket elsewhere was closed."""
    here, there = both
    lags = []
    for _ in range(times):
        with echoing(there, here.sign_in("lea")) as (one,):
            revoked = here.revoke("user", "lea")
            assert code_of(one) == 4401
            lags.append(time.time() - revoked["at"])
    return lags


# -- cut off from the store


@pytest.fixture(scope="module")
def behind_a_proxy(
    postgresql: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Proxy, dict[str, tuple[Application, Application]]]]:
    """Run a worker with a way to PostgreSQL of its own, and one whose way a test may cut."""
    home = tmp_path_factory.mktemp("behind")
    direct = {
        name: options | {"database": postgresql.database()} for name, options in REVOCABLE.items()
    }
    with Proxy(postgresql.port, marks=(b"LISTEN",)) as proxy:
        port = f":{postgresql.port}/"
        cut = {
            name: options | {"database": options["database"].replace(port, f":{proxy.port}/")}
            for name, options in direct.items()
        }
        with worker(home, direct) as here, worker(home, cut) as there:
            yield proxy, {name: (here.at(name), there.at(name)) for name in direct}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_the_bell_a_revocation_is_found_all_the_same(
    behind_a_proxy: tuple[Proxy, dict[str, tuple[Application, Application]]], strategy: str
) -> None:
    proxy, applications = behind_a_proxy
    here, there = applications[strategy]
    who, eve = here.sign_in("ada"), here.sign_in("eve")
    try:
        with echoing(there, who, eve) as (one, foreign):
            # A bell is hung up beside the sockets, and nobody waits for it.
            assert wait_for(lambda: proxy.count(only=b"LISTEN") >= 1)
            assert proxy.cut(only=b"LISTEN") >= 1
            here.revoke("session", who.session)
            assert code_of(one) == 4401
            assert is_alive(foreign)
    finally:
        proxy.restore()


@pytest.mark.parametrize("fault", ["cut", "stall"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_nobody_can_vouch_for_is_closed_to_be_tried_again(
    behind_a_proxy: tuple[Proxy, dict[str, tuple[Application, Application]]],
    strategy: str,
    fault: str,
) -> None:
    proxy, applications = behind_a_proxy
    here, there = applications[strategy]
    who = here.sign_in("ada")
    try:
        with echoing(there, who) as (one,), there.stream("quiet", who) as lines:
            assert (proxy.cut() if fault == "cut" else proxy.stall()) >= 1
            here.revoke("session", who.session)
            began_at = time.monotonic()
            assert code_of(one) == 1013
            assert list(lines) == [""]
            assert time.monotonic() - began_at < MAX_LAG_S + SLACK_S
    finally:
        proxy.restore()
    assert wait_for(lambda: httpx.get(f"http://{there.host}/ready").status_code == 200)

    def answers_again() -> bool:
        with contextlib.suppress(InvalidStatus), echoing(there, here.sign_in("eve")) as (again,):
            return is_alive(again)
        return False

    assert wait_for(answers_again)


# -- without a store


def test_without_a_store_a_socket_ends_with_its_token(tmp_path: Path) -> None:
    named = {"alone": {"strategy": "jwt", "refresh": None, "access_lifetime": 3}}
    with worker(tmp_path, named) as only:
        there = only.at("alone")
        signed_in_at = time.time()
        with echoing(there, there.sign_in("ada")) as (one,):
            assert code_of(one) == 4401
            assert time.time() - signed_in_at >= 2  # `exp` is in whole seconds
