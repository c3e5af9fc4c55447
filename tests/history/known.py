"""What a worker knows of all sign-ins of a run, whoever made them, and what it picks next."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from journal import Follower
from operations import UNKNOWN

KEPT: Final = 4  # access credentials of a session that are tried again
RECENT: Final = 64  # sessions that ended last


@dataclass(eq=False, slots=True)
class Access:
    """An access credential and its text. `expires_at` is in milliseconds."""

    name: str
    text: str
    key: str | None
    expires_at: int


@dataclass(eq=False, slots=True)
class SignedIn:
    """A session as far as this worker knows."""

    session: str
    user: str
    returned: int
    accesses: deque[Access] = field(default_factory=lambda: deque(maxlen=KEPT))
    refreshes: list[str] = field(default_factory=list)
    over: bool = False

    def usable(self, dead_keys: set[str]) -> Access | None:
        """Return the newest access credential that should work."""
        newest = self.accesses[-1]
        signed = newest.key is not None
        if signed and (newest.key in dead_keys or newest.expires_at <= time.time() * 1000):
            return None
        return newest


class Known:
    """Every session of the run: those that live and those that are over."""

    def __init__(self, place: Path, choose: random.Random) -> None:
        self._follower = Follower(place)
        self._choose = choose
        self._calls: dict[tuple[str, int], dict[str, Any]] = {}
        self._sessions: dict[str, SignedIn] = {}
        self._successors: dict[str, str] = {}
        self._living: list[SignedIn] = []
        self._over: list[SignedIn] = []
        self._recent: deque[SignedIn] = deque(maxlen=RECENT)
        # Files have no order among them: an end may be heard of before its beginning.
        self._over_before: set[str] = set()
        self.dead_keys: set[str] = set()

    # -- listening

    def listen(self) -> None:
        """Take in what everybody has written since the last time."""
        for process, line in self._follower.new():
            at = (process, line["n"])
            if "returned" not in line:
                self._calls[at] = line
                continue
            call = self._calls.pop(at)
            if "issued" in line:
                self._take(call, line)
            elif call["verb"] == "revoke" and line["outcome"] not in UNKNOWN:
                self._revoked(call)

    def _take(self, call: dict[str, Any], line: dict[str, Any]) -> None:
        issued = line["issued"]
        one = self._sessions.get(issued["session"])
        if one is None:
            one = SignedIn(issued["session"], issued["user"], line["returned"])
            self._sessions[one.session] = one
            self._living.append(one)
            if one.session in self._over_before:
                self.ended(one)
        if all(access.name != issued["name"] for access in one.accesses):
            one.accesses.append(
                Access(issued["name"], issued["text"], issued["key"], issued["expires_at"])
            )
        if issued["refresh"] is not None:
            one.refreshes.append(issued["refresh"])
            if call["verb"] == "refresh":
                self._successors[call["presented"]] = issued["refresh"]

    def _revoked(self, call: dict[str, Any]) -> None:
        kind, subject = call["kind"], call["subject"]
        if kind == "key":
            self.dead_keys.add(subject)
        elif kind == "session":
            self._over_before.add(subject)
            if subject in self._sessions:
                self.ended(self._sessions[subject])
        else:
            for one in list(self._living):
                named = kind == "all" or one.user == subject
                if named and one.session != call["keep"] and one.returned <= call["call"]:
                    self.ended(one)

    def ended(self, one: SignedIn) -> None:
        """Note that a session is over."""
        if not one.over:
            one.over = True
            self._living.remove(one)
            self._over.append(one)
            self._recent.append(one)

    # -- picking

    def __len__(self) -> int:
        return len(self._living)

    def living(self) -> SignedIn | None:
        """Pick a session that should live."""
        return self._choose.choice(self._living) if self._living else None

    def ending(self) -> SignedIn | None:
        """Pick a session that ended moments ago."""
        return self._choose.choice(self._recent) if self._recent else None

    def bygone(self) -> SignedIn | None:
        """Pick any session that is over."""
        return self._choose.choice(self._over) if self._over else None

    def newest_refresh(self, one: SignedIn) -> str:
        """Return the refresh token that nobody is known to have used."""
        token = one.refreshes[-1]
        while token in self._successors:
            token = self._successors[token]
        return token
