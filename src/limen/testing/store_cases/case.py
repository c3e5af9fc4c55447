"""How a case is run, and the records it works with. Needs no plugin of pytest."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from limen.account import Account, Identity
from limen.effects import AddAccount, FindRefresh, OpenSession
from limen.principal import Client
from limen.session import Opened, Session

if TYPE_CHECKING:
    from limen.ports import Store

MakeStore: TypeAlias = "Callable[[], Store]"
C = TypeVar("C")
A = TypeVar("A")

NOW: Final = 1_800_000_000_000
MINUTE: Final = 60_000
HORIZON: Final = 10 * MINUTE
ISSUER: Final = "https://accounts.example"
CROWD: Final = 100  # how many callers want the same thing at once
GROUP: Final = 25  # how many accounts want the same thing
ROUNDS: Final = 20  # how often two verbs race


def case(check: Callable[[C, Store], Awaitable[None]]) -> Callable[[C, MakeStore], None]:
    """Turn `async def test_x(self, store)` into a plain test that makes, opens and closes it.

    The name of the fixture is `make_store`.
    """

    def test(self: C, make_store: MakeStore) -> None:
        async def run() -> None:
            store = make_store()
            await store.open()
            try:
                await check(self, store)
            finally:
                await store.close()

        asyncio.run(run())

    test.__name__ = check.__name__
    test.__qualname__ = check.__qualname__
    test.__doc__ = check.__doc__
    return test


async def together(*wanted: Awaitable[A]) -> list[A]:
    """Await all of them at once."""
    return list(await asyncio.gather(*wanted))


def digest(name: str) -> bytes:
    """Return 32 bytes for a name."""
    return hashlib.sha256(name.encode()).digest()


def live(token: str) -> FindRefresh:
    """Ask whether a refresh token is the live one of its family, all graces being over."""
    return FindRefresh(digest(token), NOW + 1_000 * HORIZON, 0)


def account(name: str = "ada", /, **changes: Any) -> Account:
    """Return an account whose id and address come from its name."""
    made = Account(
        id=f"usr_{name}",
        email=f"{name}@example.org",
        name=name.title(),
        created_at=NOW,
        updated_at=NOW,
        roles=frozenset({"reader", "writer"}),
    )
    return replace(made, **changes)


def session(name: str = "one", subject: str = "usr_ada", /, **changes: Any) -> Session:
    """Return a session of `subject` that began at `NOW`."""
    made = Session(
        id=f"ses_{name}",
        subject=subject,
        strategy="hybrid",
        authenticated_at=NOW - 5,
        created_at=NOW,
        used_at=NOW,
        expires_at=NOW + 100 * MINUTE,
        idle=30 * MINUTE,
        methods=("pwd", "otp"),
        client=Client("192.0.2.7", "curl/8"),
        remembered=False,
    )
    return replace(made, **changes)


def identity(name: str = "ada", subject: str = "12", /, **changes: Any) -> Identity:
    """Return an identity of the account of that name at a provider."""
    made = Identity(
        id="",
        account_id=f"usr_{name}",
        provider="google",
        issuer=ISSUER,
        subject=subject,
        created_at=NOW,
        updated_at=NOW,
        scopes=("openid", "email"),
        sealed_tokens=b"\0sealed\xff",
    )
    return replace(made, **changes)


async def add_account(store: Store, name: str = "ada", /, **changes: Any) -> Account:
    """Keep an account with the password hash "hash"."""
    made = account(name, **changes)
    assert await store.perform(AddAccount(made, "hash"))
    return made


async def open_session(
    store: Store, name: str = "one", subject: str = "usr_ada", /, **changes: Any
) -> Session:
    """Keep a session; its credentials are the digests `ref <name>` and `fresh <name>`."""
    kept = await store.perform(
        OpenSession(
            session(name, subject, **changes),
            None,
            reference=digest(f"ref {name}"),
            refresh=digest(f"fresh {name}"),
        )
    )
    assert isinstance(kept, Opened)
    return kept.session
