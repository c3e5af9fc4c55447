"""A credential that is known is judged as one that is seen for the first time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limens import SECRET

from limen import Authenticated, Authentication, Limen, Reason, Refused, Target
from limen.stores.memory import MemoryStore
from limen.stores.sql import migrate
from limen.verdict import Verdict
from limen.web.request import Edge, RequestAuth

NAME = b"__Host-better-auth.session_token"
REFRESH = b"__Host-better-auth.refresh_token"
ORIGIN = b"https://app.example"

cookie_values = st.sampled_from(["alice", "bob", "revoked", "nonsense"])
cookies = st.lists(
    st.tuples(st.sampled_from([NAME, NAME, NAME, REFRESH, b"theme"]), cookie_values),
    min_size=1,
    max_size=3,
).flatmap(
    lambda pairs: st.sampled_from([b"; ", b"; ", b";", b" ;"]).map(lambda gap: ("c", gap, pairs))
)
bearers = st.tuples(st.sampled_from([b"Bearer ", b"bearer ", b"Basic "]), cookie_values).map(
    lambda pair: ("a", *pair)
)
origins = st.sampled_from([ORIGIN, b"https://evil.example", b"null"]).map(lambda o: ("o", o))
requests = st.tuples(
    st.sampled_from(["GET", "HEAD", "POST", "DELETE"]),
    st.lists(cookies | cookies | bearers | origins, max_size=3),
)


def scope_of(method: str, parts: Any, credentials: dict[str, bytes]) -> dict[str, Any]:
    headers = [(b"host", b"app.example")]
    for kind, *what in parts:
        if kind == "c":
            gap, pairs = what
            line = gap.join(name + b"=" + credentials[value] for name, value in pairs)
            headers.append((b"cookie", line))
        elif kind == "a":
            headers.append((b"authorization", what[0] + credentials[what[1]]))
        else:
            headers.append((b"origin", what[0]))
    return {"type": "http", "method": method, "scheme": "https", "path": "/", "headers": headers}


@pytest.mark.parametrize("check", ["expiry", "feed"])
def test_the_short_way_and_the_long_way_give_one_verdict(check: str) -> None:
    strategy: Any = {"expiry": "jwt", "feed": "hybrid"}[check]

    def site(store: MemoryStore, remembered: int) -> Limen:
        return Limen(
            strategy,
            store=store,
            secret=SECRET,
            base_url="https://app.example",
            remembered=remembered,
        )

    async def opened() -> tuple[Limen, Limen, dict[str, bytes]]:
        store = MemoryStore()
        knows, knows_nothing = site(store, 1_000), site(store, 0)
        await knows.open()
        await knows_nothing.open()
        credentials = {"nonsense": b"nonsense"}
        for name in ("alice", "bob", "revoked"):
            proven = Authentication(f"usr_{name}", knows.assembly.clock.now())
            signed_in: Any = await knows.remember(proven)
            text = signed_in.issued.access.reveal()
            assert isinstance(await knows.authenticate(text), Authenticated)
            credentials[name] = text.encode()
        for one in (knows, knows_nothing):  # each has heard of what it revokes itself
            await one.revoke(Target.user("usr_revoked"))
        return knows, knows_nothing, credentials

    with asyncio.Runner() as runner:
        knows, knows_nothing, credentials = runner.run(opened())
        short_ways = []

        @given(requests)
        def judged_alike(request: Any) -> None:
            verdicts = []
            for one in (knows, knows_nothing):
                auth = RequestAuth(Edge(one), scope_of(*request, credentials))
                verdicts.append(runner.run(auth.verdict()))
            assert verdicts[0] == verdicts[1]
            short = RequestAuth(Edge(knows), scope_of(*request, credentials))._recognised()
            if short is not None:
                short_ways.append(short)
                assert short == verdicts[1]

        judged_alike()
        assert short_ways  # both ways were gone
        runner.run(knows.close())
        runner.run(knows_nothing.close())


class Stricter(Limen):
    """A Limen with a rule of its own."""

    async def authenticate(self, presented: str | None) -> Verdict:
        verdict = await super().authenticate(presented)
        banned = isinstance(verdict, Authenticated) and verdict.principal.subject == "usr_banned"
        return Refused(Reason.REVOKED) if banned else verdict


@pytest.mark.parametrize("strategy", ["jwt", "session"])
def test_a_rule_of_a_derived_class_is_not_passed_by(tmp_path, strategy: Any) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/app.db"
    migrate(url)

    async def scenario() -> Any:
        async with Stricter(strategy, database=url, secret=SECRET) as site:
            proven = Authentication("usr_banned", site.assembly.clock.now())
            signed_in: Any = await site.remember(proven)
            credentials = {"alice": signed_in.issued.access.reveal().encode()}
            scope = scope_of("GET", [("a", b"Bearer ", "alice")], credentials)
            await site.authenticate(credentials["alice"].decode())
            return await RequestAuth(Edge(site), scope).verdict()

    assert asyncio.run(scenario()) == Refused(Reason.REVOKED)


def test_a_token_from_a_time_without_a_store_is_exchanged_also_when_it_is_known(tmp_path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/app.db"
    migrate(url)
    options: Any = {"algorithm": "HS256", "secret": SECRET, "base_url": "https://app.example"}

    async def scenario() -> int:
        async with Limen("jwt", refresh=None, **options) as old:
            signed_in: Any = await old.remember(Authentication("usr_a", old.assembly.clock.now()))
            credentials = {"alice": signed_in.issued.access.reveal().encode()}
        async with Limen("jwt", accept=("jwt",), database=url, **options) as new:
            await new.authenticate(credentials["alice"].decode())
            scope = scope_of("GET", [("c", b"", [(NAME, "alice")])], credentials)
            visit = RequestAuth(Edge(new), scope)
            assert isinstance(await visit.verdict(), Authenticated)
            return len(visit.outgoing)

    assert asyncio.run(scenario()) == 2
