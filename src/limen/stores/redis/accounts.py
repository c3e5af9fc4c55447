"""The state of accounts: at home in the other store, copied here for the length of a session read.

A change of an account marks it here first, then changes it at home, and at last ends what it
ends and lifts the mark, in one script. While the mark stands there is no copy and everybody
reads the home, so that a crash between the steps leaves nobody let in who was locked out.
An account that is to be deleted is locked out by the mark itself: see `remove`.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from limen.effects import (
    AddAccount,
    Ended,
    FindAccount,
    RemoveAccount,
    RemoveIdentity,
    SetDisabled,
    SetEmail,
    SetPassword,
    UpdateAccount,
)
from limen.revocation import Target
from limen.stores.redis import revocations, scripts
from limen.stores.redis.rows import names, text_of
from limen.stores.redis.steps import ATTEMPTS, Argument, Reply, Steps, home, restless, run

if TYPE_CHECKING:
    from limen.effects import Effect
    from limen.stores.redis.scripts import Script

# Where a script takes the state of an account and none was read: it uses the copy.
_NOT_READ: Final[tuple[Argument, ...]] = (None, None, None, None, None)
_TOKEN_OCTETS: Final = 12
_GOING: Final = "x"  # how the token of a removal begins; the scripts know it too
_MOST_ABANDONED: Final = 100


def run_with_account(script: Script, *arguments: Argument) -> Steps[Reply]:
    """Run a script that decides by an account, and read the account if it has no copy.

    What was read counts only if the account has not moved meanwhile; else it is read again.
    """
    state = _NOT_READ
    for _ in range(ATTEMPTS):
        reply = yield from run(script, *state, *arguments)
        if reply[0] != b"account":
            return reply
        _, name, moment, abandoned = reply
        subject = text_of(name)
        if abandoned == b"1":
            yield from finish_abandoned()
        state = (moment, *(yield from _state(subject)))
    raise restless()


def _state(subject: str) -> Steps[tuple[Argument, ...]]:
    found = yield from home(FindAccount(id=subject))
    if found is None:
        return (False, False, "[]", 0)
    account = found.account
    return (True, account.disabled, names(account.roles), account.revision)


@dataclass(frozen=True, slots=True)
class Intent:
    """What a change of an account is about to end, so that anybody can finish it.

    One that ends nothing and has a horizon refuses signed tokens and leaves the sessions.
    """

    ends: bool
    keep: str | None
    now: int
    horizon: int

    @classmethod
    def read(cls, text: bytes) -> Intent:
        """Return the intent that a mark carries."""
        return cls(*json.loads(text))

    @property
    def text(self) -> str:
        """The intent as a mark carries it."""
        return json.dumps([self.ends, self.keep, self.now, self.horizon])


_ENDS_NOTHING: Final = Intent(False, None, 0, 0)


def add(effect: AddAccount) -> Steps[bool]:
    """Perform `AddAccount`."""
    added, _ = yield from _change(effect.account.id, effect, _ENDS_NOTHING)
    return bool(added)


def update(effect: UpdateAccount) -> Steps[Any]:
    """Perform `UpdateAccount`; only new roles concern sessions."""
    if effect.roles is None:
        return (yield from home(effect))
    intent = Intent(False, None, effect.now, effect.horizon)
    updated, _ = yield from _change(effect.id, replace(effect, horizon=0), intent)
    return updated


def set_password(effect: SetPassword) -> Steps[bool]:
    """Perform `SetPassword`."""
    if not (effect.moves_on or effect.revoke):
        return (yield from home(effect))
    found = yield from home(FindAccount(id=effect.id))
    if found is None or found.account.revision != effect.revision:
        return False
    horizon = effect.horizon if effect.revoke else 0
    intent = Intent(effect.revoke, effect.keep, effect.now, horizon)
    # The home has no sessions to end, and its log is not the one that is followed.
    at_home = replace(effect, revoke=False, keep=None, horizon=0)
    done, _ = yield from _change(effect.id, at_home, intent)
    return bool(done)


def set_disabled(effect: SetDisabled) -> Steps[int | None]:
    """Perform `SetDisabled`."""
    found = yield from home(FindAccount(id=effect.id))
    if found is None:
        return None
    horizon = effect.horizon if effect.disabled else 0
    intent = Intent(effect.disabled, None, effect.now, horizon)
    done, ended = yield from _change(effect.id, replace(effect, horizon=0), intent)
    return None if done is None else ended


def set_email(effect: SetEmail) -> Steps[bool]:
    """Perform `SetEmail`; only another address moves the revision, which is copied here."""
    if effect.email == effect.replacing:
        return (yield from home(effect))
    done, _ = yield from _change(effect.id, effect, _ENDS_NOTHING)
    return bool(done)


def remove(effect: RemoveAccount) -> Steps[Ended | None]:
    """Perform `RemoveAccount`: end first, then delete.

    From the mark on everybody sees the account as disabled, and nobody signs in. So nothing
    begins between the two steps, and nothing is left when the home has forgotten whose it was.
    """
    found = yield from home(FindAccount(id=effect.id))
    if found is None:
        return None
    intent = Intent(True, None, effect.now, effect.horizon)
    ending = revocations.Ending(Target.user(effect.id), effect.now, effect.horizon)
    mark = revocations.Mark(effect.id, _GOING + _token(), intent.text)
    plan = yield from revocations.plan(ending, mark)
    yield from revocations.keep(ending, plan)
    ended = yield from revocations.end(ending, plan)
    gone = yield from home(replace(effect, horizon=0))
    # A process of the version before, which knows nothing of removals, may have let one in.
    late = yield from revocations.plan(ending)
    more = yield from revocations.end(ending if late.ids else None, plan, mark)
    if gone is None:
        return None
    return Ended(ended.sessions + more.sessions, more.seq or ended.seq)


def remove_identity(effect: RemoveIdentity) -> Steps[Any]:
    """Perform `RemoveIdentity`, which moves the revision that is copied here."""
    removal, _ = yield from _change(effect.account_id, effect, _ENDS_NOTHING)
    return removal


def _change(subject: str, effect: Effect[Any], intent: Intent) -> Steps[tuple[Any, int]]:
    """Mark, change at home, end and lift the mark. Return the home's answer and how many ended.

    A fault on the way leaves the mark: whether the home has changed is unknown then.
    """
    ending = _ending(subject, intent)
    mark = revocations.Mark(subject, _token(), intent.text)
    plan = yield from revocations.plan(ending, mark)
    if ending is not None:
        yield from revocations.keep(ending, plan)
    done = yield from home(effect)
    if done is None or done is False:
        ending = None
    ended = yield from revocations.end(ending, plan, mark)
    return done, ended.sessions


def _token() -> str:
    return secrets.token_hex(_TOKEN_OCTETS)


def _ending(subject: str, intent: Intent) -> revocations.Ending | None:
    if not intent.ends and not intent.horizon:
        return None
    target = Target.user(subject, keep=intent.keep) if intent.ends else Target.tokens(subject)
    return revocations.Ending(target, intent.now, intent.horizon)


def finish_abandoned() -> Steps[None]:
    """Finish changes that nobody finished: ending sessions is the safe direction."""
    _, *marks = yield from run(scripts.ABANDONED, _MOST_ABANDONED)
    for name, token, text in marks:
        subject = text_of(name)
        ending = _ending(subject, Intent.read(text))
        plan = yield from revocations.plan(ending)
        if ending is not None:
            yield from revocations.keep(ending, plan)
        yield from revocations.end(
            ending, plan, revocations.Mark(subject, token.decode(), text_of(text))
        )
