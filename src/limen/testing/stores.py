"""The conformance kit for stores: whatever passes `StoreSuite` is a store.

Subclass it in a test module and provide one fixture; the tests are found by pytest:

    class TestMyStore(StoreSuite):
        @pytest.fixture
        def make_store(self, tmp_path):
            return lambda: MyStore(tmp_path / "limen.db")

The fixture answers with a function that makes a store over empty, prepared tables. It is
called, opened and closed within the event loop of each test.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from limen.testing.store_cases.accounts import AccountCases, PasswordCases
from limen.testing.store_cases.audit import AuditCases
from limen.testing.store_cases.case import MakeStore
from limen.testing.store_cases.changes import AccountRemovals, EmailCases, UsernameCases
from limen.testing.store_cases.counters import (
    CounterCases,
    DrawCases,
    PurgeCases,
    TicketCases,
)
from limen.testing.store_cases.crowding import CrowdCases, SuccessionCases
from limen.testing.store_cases.families import BoundFamilyCases, FamilyCases, FamilyRaces
from limen.testing.store_cases.fields import SessionFieldCases
from limen.testing.store_cases.identities import (
    IdentityCases,
    IdentityRemovals,
    NewAccountCases,
)
from limen.testing.store_cases.keys import KeyCases
from limen.testing.store_cases.log import KeptCases, LogCases, RevocationCases
from limen.testing.store_cases.sessions import SessionCases

if TYPE_CHECKING:
    from limen.effects import Effect
    from limen.ports import BlockingStore

__all__ = ["MakeStore", "StoreSuite", "ThreadedStore"]

A = TypeVar("A")


class StoreSuite(
    AccountCases,
    PasswordCases,
    NewAccountCases,
    EmailCases,
    UsernameCases,
    AccountRemovals,
    IdentityCases,
    IdentityRemovals,
    SessionCases,
    SessionFieldCases,
    CrowdCases,
    SuccessionCases,
    RevocationCases,
    FamilyCases,
    BoundFamilyCases,
    FamilyRaces,
    LogCases,
    KeptCases,
    CounterCases,
    DrawCases,
    TicketCases,
    PurgeCases,
    KeyCases,
    AuditCases,
):
    """Everything that a store must do, with one caller and with a hundred at once."""


class ThreadedStore:
    """Shows a blocking store to the suite: each verb runs in a thread of its own."""

    def __init__(self, store: BlockingStore) -> None:
        self._store = store

    async def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all; raises `StoreUnavailable`."""
        return await asyncio.to_thread(self._store.perform, effect)

    async def open(self) -> None:
        """Open the store."""
        await asyncio.to_thread(self._store.open)

    async def close(self) -> None:
        """Close the store."""
        await asyncio.to_thread(self._store.close)
