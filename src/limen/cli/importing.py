"""The run of one import: page by page, with what became of each row counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from limen.elsewhere.users import Unreadable
from limen.foreign_hashes import has_bcrypt, needs_bcrypt
from limen.operations import Imported

if TYPE_CHECKING:
    from limen.account import Newcomer
    from limen.blocking import BlockingLimen
    from limen.elsewhere.users import Interpretation, Source

UNREADABLE: Final = "unreadable"
REPEATED: Final = "repeated"
# What is no fault of a row.
WELL: Final = frozenset({Imported.ADDED, Imported.UPDATED, Imported.PRESENT})
WORDS: Final[dict[str, str]] = {
    Imported.ADDED: "added",
    Imported.UPDATED: "updated",
    Imported.PRESENT: "here already",
    Imported.EMAIL_TAKEN: "its address belongs to another account; --update joins the two",
    Imported.EMAIL_UNPROVEN: "its address belongs to another account, and not both are verified",
    Imported.ID_TAKEN: "its id belongs to an account with another address",
    Imported.USERNAME_TAKEN: "its username belongs to another account",
    Imported.IDENTITY_TAKEN: "what it signs in with belongs to another account",
    Imported.BAD_EMAIL: "it has no e-mail address that Limen can keep",
    Imported.UNKNOWN_HASH: "its password hash is of an unknown kind, or costs too much to verify",
    UNREADABLE: "it has no e-mail address that Limen can keep",
    REPEATED: "its address, username or identity stands in the source twice",
}


@dataclass(slots=True)
class Tally:
    """What became of the rows so far. `refused` are the rows that need somebody to look."""

    of: int
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str, str]] = field(default_factory=list)  # id, address, outcome
    without_password: int = 0
    usernames: int = 0

    def enter(self, id_: str, email: str, outcome: str) -> None:
        """Count one row."""
        self.counts[outcome] += 1
        if outcome not in WELL:
            self.refused.append((id_, email, outcome))

    @property
    def done(self) -> int:
        """How many rows were looked at."""
        return self.counts.total()

    def as_json(self, *, dry_run: bool) -> dict[str, Any]:
        """Return the summary for scripts."""
        return {
            "dry_run": dry_run,
            "rows": self.done,
            "outcomes": dict(sorted(self.counts.items())),
            "without_password": self.without_password,
            "usernames": self.usernames,
            "refused": [
                {"id": id_, "email": email, "why": outcome} for id_, email, outcome in self.refused
            ],
        }


@dataclass(slots=True)
class Importing:
    """One import into one Limen. Each account comes by itself, so it can be broken off."""

    auth: BlockingLimen
    interpretation: Interpretation
    update: bool
    dry_run: bool
    _seen: set[object] = field(default_factory=set)

    def unverifiable(self, source: Source, batch: int) -> int:
        """Return how many hashes no package here verifies; reads nothing if all can be."""
        if has_bcrypt():
            return 0
        read = (self.interpretation.read(*one) for page in source.pages(batch) for one in page)
        hashes = (one.password_hash for one in read if not isinstance(one, Unreadable))
        return sum(one is not None and needs_bcrypt(one) for one in hashes)

    def run(self, source: Source, batch: int, report: Callable[[Tally], None]) -> Tally:
        """Import every user, and report after each batch."""
        tally = Tally(source.count())
        for page in source.pages(batch):
            for row, identities, emails in page:
                read = self.interpretation.read(row, identities, emails)
                if isinstance(read, Unreadable):
                    tally.enter(read.id, "", UNREADABLE)
                    continue
                outcome = self._outcome(read)
                tally.enter(str(row["id"]), read.account.email, outcome)
                if outcome in WELL:
                    tally.without_password += read.password_hash is None
                    tally.usernames += read.account.username is not None
            report(tally)
        return tally

    def _outcome(self, newcomer: Newcomer) -> str:
        """Take one account over; of two rows with something unique in common only the first."""
        account = newcomer.account
        unique = {account.email, ("username", account.username)} - {("username", None)}
        unique |= {(one.issuer, one.subject) for one in newcomer.identities}
        if self._seen & unique:
            return REPEATED
        self._seen |= unique
        return self.auth.import_account(newcomer, update=self.update, dry_run=self.dry_run)
