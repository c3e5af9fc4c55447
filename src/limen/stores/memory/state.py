"""What the memory store holds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limen.account import Account, Identity
    from limen.audit import AuditEvent
    from limen.effects import KeptRevocation, Ticket
    from limen.family import RefreshRecord
    from limen.keyring import KeyRecord
    from limen.revocation import Revocation
    from limen.session import Session
    from limen.throttle import Tally


class State:
    """Plain dictionaries; whoever uses them holds the lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.accounts: dict[str, Account] = {}
        self.passwords: dict[str, str] = {}
        self.identities: dict[str, Identity] = {}  # the passwords among them
        self.identity_number = 0
        self.sessions: dict[str, Session] = {}
        self.references: dict[bytes, str] = {}
        self.refreshes: dict[bytes, RefreshRecord] = {}
        self.log: list[Revocation] = []
        self.seq = 0
        self.kept: list[KeptRevocation] = []
        self.kept_number = 0
        self.audit: list[AuditEvent] = []
        self.audit_seq = 0
        self.tallies: dict[str, Tally] = {}
        self.tickets: dict[tuple[str, bytes], Ticket] = {}
        self.keys: dict[str, KeyRecord] = {}
