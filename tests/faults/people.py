"""Ada with two devices and Bob with one, over a store; what every deed of this folder acts on."""

from __future__ import annotations

import copy
import shutil
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limens import QUICK

from limen import Authenticated, BlockingLimen, Issued, Refused
from limen.account import Account
from limen.effects import CountCredentials, FindAccount, ListIdentities, LoadKeys
from limen.keyring import KeyState
from limen.letter import Letter
from limen.operations.identities import ProvenIdentity
from limen.passwords import CHEAPEST, PasswordHasher
from limen.ports import BlockingStore
from limen.secret import Secret
from limen.session import SESSION_PREFIX, Held
from limen.stores.memory import BlockingMemoryStore
from limen.stores.sql import BlockingSqlStore
from limen.testing import FrozenClock, SeededEntropy, feed

EMAIL, PASSWORD, NEW = "ada@example.org", "correct horse battery", "another good battery"
BOB = "bob@example.org"
LINK = "https://app.example/open?token={token}"
ISSUER = "https://idp.example"
# Long enough that a use of a session is due to be written down; see `Lifetimes.touch_every`.
DUE = 61_000

# Every process that a test opened; a store that is closed with one connects again by itself.
OPENED: list[BlockingLimen] = []


def close_all() -> None:
    """Close them, with their threads and files."""
    while OPENED:
        OPENED.pop().close()


class Silent:
    """A mailer that sends nothing; what is mailed, the tests read from the flows."""

    def send(self, letter: Letter) -> None:
        """Drop a letter."""


OPTIONS: dict[str, Any] = QUICK | {
    "session_fields": {"team": "string"},
    "mailer": Silent(),
    "base_url": "https://app.example",
}
OTHER = {"session": "hybrid", "jwt": "session", "hybrid": "session"}
_HASHER = PasswordHasher(CHEAPEST)


class Memory:
    """Stores in memory."""

    def empty(self) -> BlockingMemoryStore:
        """Return an empty store."""
        return BlockingMemoryStore()

    def copied(self, store: BlockingStore) -> BlockingMemoryStore:
        """Return a store that holds the same."""
        assert isinstance(store, BlockingMemoryStore)
        made = BlockingMemoryStore()
        for name, value in vars(store._records).items():
            if name != "lock":
                setattr(made._records, name, copy.copy(value))
        return made


class Files:
    """Stores in SQLite files of their own, each copied from a migrated one."""

    def __init__(self, template: Path) -> None:
        self._template = template
        self._files: dict[BlockingStore, Path] = {}

    def empty(self) -> BlockingSqlStore:
        """Return an empty store."""
        return self._over(self._template)

    def copied(self, store: BlockingStore) -> BlockingSqlStore:
        """Return a store that holds the same."""
        with closing(sqlite3.connect(self._files[store])) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # feeds may hold it open
        return self._over(self._files[store])

    def file_of(self, store: BlockingStore) -> Path:
        """Return the file of a store."""
        return self._files[store]

    def _over(self, file: Path) -> BlockingSqlStore:
        new = self._template.parent / f"{uuid.uuid4()}.db"
        shutil.copy(file, new)
        made = BlockingSqlStore(f"sqlite+aiosqlite:///{new}")
        self._files[made] = new
        return made


@dataclass
class People:
    """One process over a store, the people, and what they hold."""

    strategy: str
    store: BlockingStore
    clock: FrozenClock = field(default_factory=FrozenClock)
    limen: BlockingLimen = field(init=False)
    ada: Account = field(init=False)
    bob: Account = field(init=False)
    held: dict[str, Issued] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)  # of letters

    def __post_init__(self) -> None:
        """Let them sign up and in."""
        self.store.open()
        self.limen = self.process("here")
        signed = self.limen.sign_up(EMAIL, PASSWORD, username="ada")
        other = self.limen.sign_up(BOB, PASSWORD)
        assert not isinstance(signed, Refused)
        assert not isinstance(other, Refused)
        assert signed.account is not None
        assert other.account is not None
        self.ada, self.bob = signed.account, other.account
        self.held["phone"], self.held["bob"] = signed.issued, other.issued
        self.held["laptop"] = self.sign_in()

    def over(self, store: BlockingStore) -> People:
        """Return the same people over a copy of their store."""
        twin = copy.copy(self)
        twin.store, twin.clock = store, FrozenClock(self.clock.now())
        twin.held, twin.tokens = dict(self.held), dict(self.tokens)
        twin.limen = twin.process("there")
        return twin

    def process(self, seed: str, store: BlockingStore | None = None) -> BlockingLimen:
        """Open one more process; see `close_all`."""
        made = BlockingLimen(
            self.strategy,  # type: ignore[arg-type]  # one of three names
            store=store or self.store,
            clock=self.clock,
            entropy=SeededEntropy(seed),
            accept=(OTHER[self.strategy],),  # type: ignore[typeddict-item]  # likewise
            **OPTIONS,
        )
        made.open()
        OPENED.append(made)
        return made

    def sign_in(self, limen: BlockingLimen | None = None) -> Issued:
        """Sign Ada in once more."""
        signed = (limen or self.limen).sign_in(EMAIL, PASSWORD)
        assert not isinstance(signed, Refused)
        return signed.issued

    def renewing(self, name: str) -> str:
        """Return what somebody renews with: a refresh token or a session id."""
        issued = self.held[name]
        return (issued.refresh or issued.access).reveal()

    def access(self, name: str) -> str:
        """Return what somebody shows with a request."""
        return self.held[name].access.reveal()

    def mail(self, name: str, flow: Any) -> None:
        """Run a flow that mails a link, and keep its token as `name`."""
        said = feed(flow, self.limen.answer)
        (letter,) = [one.letter for one in said.effects if type(one).__name__ == "SendLetter"]
        self.tokens[name] = letter.link.rpartition("=")[2]

    # -- what is so now, as a stranger to the process that did it sees it

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that an operation could have left half done."""
        probe = self.process("probe")
        found = self.store.perform(FindAccount(id=self.ada.id))
        facts: dict[str, Any] = {"exists": found is not None}
        if found is not None:
            account, kept = found.account, found.password_hash
            facts |= {
                "disabled": account.disabled,
                "verified": account.email_verified,
                "email": account.email,
                "username": account.username,
                "roles": sorted(account.roles),
                "name": account.name,
                "old password": _HASHER.verify(Secret(PASSWORD), kept)[0],
                "new password": _HASHER.verify(Secret(NEW), kept)[0],
                "identities": [
                    (one.provider, one.subject)
                    for one in self.store.perform(ListIdentities(account.id))
                ],
            }
        listed = {one.id for who in (self.ada, self.bob) for one in probe.sessions(who.id)}
        facts["live"] = {
            name for name, one in self.held.items() if one.principal.session_id in listed
        }
        facts["renewable"] = {
            name
            for name in self.held
            if isinstance(probe.recall(self.renewing(name)), Authenticated)
        }
        facts["accepted"] = {name for name in self.held if _is_accepted(probe, self.access(name))}
        facts["newcomer"] = self.store.perform(FindAccount(email="new@example.org")) is not None
        return facts

    def check(self, facts: dict[str, Any]) -> None:
        """Hold up what must be so whatever failed."""
        ada = {name for name in self.held if name != "bob"}
        if not facts["exists"] or facts["disabled"]:
            assert not facts["live"] & ada, "a session of an account that may have none"
            assert not facts["renewable"] & ada
        elif facts["new password"]:
            assert not facts["old password"]
        # Whose session is gone can renew nothing, and only a signed token may outlive it.
        assert facts["renewable"] <= facts["live"], "a credential without a session"
        if self.strategy != "jwt":
            assert facts["accepted"] <= facts["live"], "a revoked credential is accepted"
        counted = self.store.perform(CountCredentials(self.clock.now(), 0, 0))
        numbers: dict[Held, int] = dict.fromkeys(Held, 0)
        for one in counted:
            numbers[one.kind] += one.live
        # Only an exchange adds a chain to a session, one each time: another tab may need it too.
        added = 2 if "foreign" in self.held else 0
        assert numbers[Held.REFRESH] <= numbers[Held.SESSION] + added, "a family was forked"
        states = [record.state for record in self.store.perform(LoadKeys())]
        assert states.count(KeyState.SIGNING) == 1, "nobody could sign"
        assert states.count(KeyState.NEXT) <= 1


def _is_accepted(probe: BlockingLimen, text: str) -> bool:
    # A look that slides no idle end, so that whoever asks for the facts changes none.
    look = probe.recall if text.startswith(SESSION_PREFIX) else probe.authenticate
    return isinstance(look(text), Authenticated)


def proven(subject: str, email: str = EMAIL, *, sealed: bytes | None = None) -> ProvenIdentity:
    """Return somebody whom an identity provider has proven."""
    return ProvenIdentity("idp", ISSUER, subject, email, email_verified=True, sealed_tokens=sealed)
