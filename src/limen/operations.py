"""What an application can ask of Limen, each as a flow, for either driver.

An operation fetches the time once, picks the strategy and composes the protocol's flows.
Expected outcomes are values; only faults raise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from limen import rotation
from limen.account import ACCOUNT_OCTETS, ACCOUNT_PREFIX, Account, normalised_email
from limen.authenticators.password import PasswordAttempt
from limen.claims import mint
from limen.effects import (
    AddAccount,
    FindAccount,
    FindRevocation,
    FindSession,
    HashPassword,
    Increment,
    ListAccounts,
    ListSessions,
    LoadKeys,
    Purge,
    Revoke,
    SetDisabled,
    SetPassword,
    UpdateAccount,
    ask,
    check,
    enter,
    note,
)
from limen.entropy import random_text
from limen.errors import ConfigurationError
from limen.evidence import Count
from limen.guarantees import Receipt
from limen.phase import Phase
from limen.principal import Authentication, Client, Principal
from limen.revocation import Kind, Target
from limen.secret import Secret
from limen.strategies.jwt import TOKEN_ID_OCTETS
from limen.throttle import Budget, retry_after
from limen.verdict import Absent, Authenticated, Issued, Reason, Refused

if TYPE_CHECKING:
    from limen.authenticators.password import PasswordAuthenticator
    from limen.claims import TokenPolicy
    from limen.clock import Clock
    from limen.effects import Flow
    from limen.entropy import Entropy
    from limen.keyring import Algorithm, KeyRecord, Keyring
    from limen.sealing import Secrets
    from limen.session import Session
    from limen.strategies.base import Strategy
    from limen.strategies.jwt import KeySource
    from limen.verdict import Verdict

# One address: no list, no control character, at most 254 octets (RFC 5321 section 4.5.3.1).
_EMAIL = re.compile(
    r"(?!\.)(?!.*\.\.)[A-Za-z0-9_'+\-.]*[A-Za-z0-9_+\-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}"
)
MAX_EMAIL = 254
MAX_NAME = 256
MAX_SESSIONS_LISTED = 100


def is_email(text: str) -> bool:
    """Tell whether a text is one plain address."""
    return len(text) <= MAX_EMAIL and _EMAIL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody proved who they are: what to hand to the client, and their account.

    `account` is `None` for subjects whose accounts Limen does not keep.
    """

    issued: Issued
    account: Account | None


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """The password is new. `issued` replaces the current credential if others were ended."""

    account: Account
    issued: Issued | None


@dataclass(frozen=True, slots=True)
class Parts:
    """What the operations are composed of; see `limen.assembly`."""

    primary: Strategy
    accepted: tuple[Strategy, ...]
    passwords: PasswordAuthenticator
    keys: KeySource
    secrets: Secrets
    algorithm: Algorithm
    policy: TokenPolicy
    clock: Clock
    entropy: Entropy
    keeps: bool

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """The strategies whose credentials are taken, the one that issues first."""
        return (self.primary, *self.accepted)


class Operations:
    """The verbs of Limen as flows; `Limen` and `BlockingLimen` run them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._horizon = max(strategy.horizon for strategy in parts.strategies)

    # -- proving who somebody is

    def sign_up(
        self,
        email: str,
        password: str,
        name: str = "",
        *,
        image: str | None = None,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        remembered: bool = True,
        presented: Iterable[str] = (),
    ) -> Flow[SignedIn | Refused]:
        """Open an account with a password and sign its owner in.

        Refused with `MALFORMED` for a text that is no e-mail address, with a `PASSWORD_…`
        reason, or with `EMAIL_TAKEN`; the work is the same whether it was taken or not.
        """
        added = yield from self.add_account(email, password, name, image=image)
        if isinstance(added, Refused):
            return added
        now = self._parts.clock.now()
        proven = Authentication(added.id, now, ("pwd",), added.roles, added.revision)
        return (
            yield from self._open(proven, added, client, remembered=remembered, presented=presented)
        )

    def add_account(
        self,
        email: str,
        password: str,
        name: str = "",
        *,
        image: str | None = None,
        roles: Iterable[str] = (),
    ) -> Flow[Account | Refused]:
        """Open an account with a password and sign nobody in; refused as `sign_up` is."""
        parts, now = self._parts, self._parts.clock.now()
        address, secret = normalised_email(email), Secret(password)
        if not is_email(address) or len(name) > MAX_NAME:
            return Refused(Reason.MALFORMED)
        reason = parts.passwords.policy.refusal_of(secret, address)
        if reason is not None:
            return Refused(reason)
        password_hash = yield from ask(HashPassword(secret))
        account = Account(
            id=ACCOUNT_PREFIX + random_text(parts.entropy, ACCOUNT_OCTETS),
            email=address,
            name=name,
            image=image,
            roles=frozenset(roles),
            created_at=now,
            updated_at=now,
        )
        if not (yield from ask(AddAccount(account, password_hash))):
            return Refused(Reason.EMAIL_TAKEN)
        return account

    def sign_in(
        self,
        email: str,
        password: str,
        *,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        remembered: bool = True,
        presented: Iterable[str] = (),
    ) -> Flow[SignedIn | Refused]:
        """Judge an e-mail and a password, and remember the person if they are right.

        Refused with `BAD_CREDENTIALS` for unknown, disabled and wrong alike, or with
        `THROTTLED`. What the client held before (`presented`) is ended (ASVS 7.2.4).
        """
        now = self._parts.clock.now()
        attempt = PasswordAttempt(email, Secret(password))
        proven = yield from self._parts.passwords.attempt(attempt, now)
        if isinstance(proven, Refused):
            return proven
        return (
            yield from self._open(
                proven.authentication,
                proven.account,
                client,
                remembered=remembered,
                presented=presented,
            )
        )

    def remember(
        self,
        authentication: Authentication,
        *,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        remembered: bool = True,
        presented: Iterable[str] = (),
    ) -> Flow[SignedIn | Refused]:
        """Remember somebody whom you have authenticated yourself."""
        return (
            yield from self._open(
                authentication, None, client, remembered=remembered, presented=presented
            )
        )

    def _open(
        self,
        proven: Authentication,
        account: Account | None,
        client: Client,
        *,
        remembered: bool,
        presented: Iterable[str],
    ) -> Flow[SignedIn | Refused]:
        parts = self._parts
        yield from self._discard(presented)
        now = parts.clock.now()
        issued = yield from parts.primary.issue(
            proven, client, now, parts.entropy, remembered=remembered
        )
        return issued if isinstance(issued, Refused) else SignedIn(issued, account)

    def _discard(self, presented: Iterable[str]) -> Flow[None]:
        """End what the browser held before: a planted id must not become somebody's session."""
        sessions = yield from self._sessions_behind(presented)
        yield from enter(Phase.PRELOGIN_DISCARD)
        ended = 0
        for session_id in sessions:
            outcome = yield from ask(
                Revoke(Target.session(session_id), self._parts.clock.now(), self._horizon)
            )
            ended += outcome.sessions
        yield from note("sessions", Count(ended))

    def _sessions_behind(self, presented: Iterable[str]) -> Flow[tuple[str, ...]]:
        """Return the sessions that live credentials stand for, each once."""
        sessions: dict[str, None] = {}
        if self._parts.keeps:
            for text in presented:
                verdict = yield from self._verdict_on(Secret(text), renewing=True)
                if isinstance(verdict, Authenticated):
                    sessions[verdict.principal.session_id] = None
        return tuple(sessions)

    # -- checking and renewing credentials

    def authenticate(self, presented: str | None) -> Flow[Verdict]:
        """Say who a credential stands for."""
        if presented is None:
            return Absent()
        return (yield from self._verdict_on(Secret(presented)))

    def recall(self, presented: str) -> Flow[Verdict]:
        """Say who a refresh token stands for, without using it up."""
        strategy = self._strategy_for(Secret(presented))
        if strategy is None:
            return (yield from _unrecognised())
        return (yield from strategy.recall(Secret(presented), self._parts.clock.now()))

    def refresh(self, presented: str) -> Flow[Issued | Refused]:
        """Trade a refresh token, or slide a session, for what the client holds from now on."""
        parts, now, secret = self._parts, self._parts.clock.now(), Secret(presented)
        strategy = self._strategy_for(secret)
        if strategy is None:
            return (yield from _unrecognised())
        renewed = yield from strategy.renew(secret, now, parts.entropy)
        if isinstance(renewed, Refused) or strategy is parts.primary:
            return renewed
        newer = renewed.refresh.reveal() if renewed.refresh else None
        return (yield from self.exchange(renewed.principal, newer))

    def exchange(self, principal: Principal, refresh: str | None = None) -> Flow[Issued | Refused]:
        """Give somebody with an accepted credential one of the primary strategy.

        The session stays the same, and so do its absolute end and its place in the device
        list; the old credential stays valid to its own end, so that a second tab that still
        holds it is not signed out.

        Whoever came with a signed token must hold the refresh token too: a stolen token of
        five minutes must not turn into a session of weeks.
        """
        parts, now = self._parts, self._parts.clock.now()
        if parts.keys.inherits(principal.key_id):
            return (yield from self._adopt(principal))
        if principal.key_id is not None:
            recalled: Verdict = Absent() if refresh is None else (yield from self.recall(refresh))
            same = (
                isinstance(recalled, Authenticated)
                and recalled.principal.session_id == principal.session_id
            )
            if not (yield from check("holds the refresh token", same, Reason.UNKNOWN_SESSION)):
                return Refused(Reason.UNKNOWN_SESSION)
        standing = yield from ask(FindSession(id=principal.session_id))
        alive = standing is not None
        if not (yield from check("session exists", alive, Reason.UNKNOWN_SESSION)):
            return Refused(Reason.UNKNOWN_SESSION)
        assert standing is not None  # noqa: S101 - for the type checker: checked above
        return (yield from parts.primary.continue_session(standing.session, now, parts.entropy))

    def _adopt(self, principal: Principal) -> Flow[Issued | Refused]:
        """Open a session for a token from a time without a store, which had none."""
        parts, now = self._parts, self._parts.clock.now()
        at = principal.authenticated_at
        revoked = yield from ask(
            FindRevocation(principal.session_id, principal.subject, principal.key_id, at)
        )
        if not (yield from check("not revoked", not revoked, Reason.REVOKED)):
            return Refused(Reason.REVOKED)
        proven = Authentication(principal.subject, at, principal.methods, principal.roles)
        return (yield from parts.primary.issue(proven, Client(), now, parts.entropy))

    def is_outdated(self, principal: Principal) -> bool:
        """Tell whether a credential should be exchanged for one of the primary strategy."""
        parts = self._parts
        return principal.strategy != parts.primary.name or parts.keys.inherits(principal.key_id)

    def _strategy_for(self, presented: Secret) -> Strategy | None:
        for strategy in self._parts.strategies:
            if strategy.recognises(presented):
                return strategy
        return None

    def _verdict_on(self, presented: Secret, *, renewing: bool = False) -> Flow[Verdict]:
        now = self._parts.clock.now()
        # The first that recognises it decides: asking the next would let a token that
        # `hybrid` found revoked pass as one of `jwt`.
        strategy = self._strategy_for(presented)
        if strategy is None:
            return (yield from _unrecognised())
        verdict = yield from strategy.authenticate(presented, now)
        if renewing and not isinstance(verdict, Authenticated):
            verdict = yield from strategy.recall(presented, now)
        return verdict

    # -- ending

    def sign_out(self, *presented: str) -> Flow[Receipt | None]:
        """End the sessions behind what a client holds; `None` if there is none to end."""
        yield from enter(Phase.LOGOUT_REQUEST)
        receipt: Receipt | None = None
        for session_id in (yield from self._sessions_behind(presented)):
            receipt = yield from self.revoke(Target.session(session_id))
        return receipt

    def revoke(self, target: Target) -> Flow[Receipt]:
        """End what the target names and say by when no copy works anywhere.

        With several strategies in use the receipt is the slowest one's: a credential of
        either kind may be out there.
        """
        parts, now = self._parts, self._parts.clock.now()
        if target.kind is Kind.KEY:
            self._need_store("keys")
            parts.keys.keyring = yield from rotation.withdraw(
                target.subject, parts.algorithm, parts.secrets, now, parts.entropy
            )
        keeping = [one for one in parts.strategies if one.guarantees.needs_store]
        # One that keeps something must do it: `jwt` without refresh would end nothing.
        receipt = yield from (keeping or [parts.primary])[0].revoke(target, now)
        window = max(one.guarantees.revocation_window for one in parts.strategies)
        known = len(keeping) == len(parts.strategies)
        return Receipt(receipt.sessions_ended if known else None, now + window)

    def sessions(self, subject: str) -> Flow[tuple[Session, ...]]:
        """Return the live sessions of an account, newest first: its device list."""
        self._need_store("sessions")
        return (yield from ask(ListSessions(subject, self._parts.clock.now())))

    def session(self, session_id: str) -> Flow[Session | None]:
        """Return one session by its handle."""
        if not self._parts.keeps:
            return None
        standing = yield from ask(FindSession(id=session_id))
        return standing.session if standing else None

    # -- accounts

    def account(self, account_id: str) -> Flow[Account | None]:
        """Return an account by its id."""
        self._need_store("accounts")
        found = yield from ask(FindAccount(id=account_id))
        return found.account if found else None

    def account_by_email(self, email: str) -> Flow[Account | None]:
        """Return an account by its e-mail address."""
        self._need_store("accounts")
        found = yield from ask(FindAccount(email=normalised_email(email)))
        return found.account if found else None

    def accounts(self, limit: int = 100, after: str = "") -> Flow[tuple[Account, ...]]:
        """Return a page of accounts in the order of their ids."""
        self._need_store("accounts")
        return (yield from ask(ListAccounts(limit, after)))

    def update_account(
        self,
        account_id: str,
        *,
        name: str | None = None,
        image: str | None = None,
        clear_image: bool = False,
    ) -> Flow[Account | None]:
        """Change what an account shows of itself; `None` if there is no such account."""
        now = self._parts.clock.now()
        return (
            yield from ask(
                UpdateAccount(account_id, now, name=name, image=image, clear_image=clear_image)
            )
        )

    def set_roles(self, account_id: str, roles: Iterable[str]) -> Flow[Account | None]:
        """Change the roles of an account.

        A session sees them on its next request. A signed token carries the roles of the
        moment it was signed, so the tokens out there are revoked and their refresh tokens
        sign new ones; where nothing can refuse a token, the old roles last until `exp`.
        """
        clock = self._parts.clock
        change = UpdateAccount(account_id, clock.now(), roles=frozenset(roles))
        account = yield from ask(change)
        if account is not None and self._horizon:
            # Ask the time again: until now tokens were signed with the old roles.
            yield from ask(Revoke(Target.tokens(account_id), clock.now(), self._horizon))
        return account

    def change_password(
        self,
        principal: Principal,
        current: str,
        new: str,
        *,
        revoke_others: bool = True,
        client: Client = Client(),  # noqa: B008 - frozen and without state
    ) -> Flow[PasswordChanged | Refused]:
        """Replace a password, given the current one (ASVS 6.2.3).

        With `revoke_others` every session ends and this client gets a new credential
        (ASVS 7.4.3), in one transaction with the change.
        """
        parts = self._parts
        confirmed = yield from parts.passwords.confirm(
            principal.subject, Secret(current), parts.clock.now()
        )
        if isinstance(confirmed, Refused):
            return confirmed
        changed = yield from self._set_password(confirmed.account, new, revoke=revoke_others)
        if isinstance(changed, Refused) or not revoke_others:
            return changed if isinstance(changed, Refused) else PasswordChanged(changed, None)
        proven = Authentication(
            changed.id, parts.clock.now(), ("pwd",), changed.roles, changed.revision
        )
        opened = yield from self._open(proven, changed, client, remembered=True, presented=())
        return opened if isinstance(opened, Refused) else PasswordChanged(changed, opened.issued)

    def _set_password(self, account: Account, new: str, *, revoke: bool) -> Flow[Account | Refused]:
        parts, secret = self._parts, Secret(new)
        reason = parts.passwords.policy.refusal_of(secret, account.email)
        if reason is not None:
            return Refused(reason)
        password_hash = yield from ask(HashPassword(secret))
        now = parts.clock.now()
        change = SetPassword(
            account.id, password_hash, account.revision, now, True, revoke, horizon=self._horizon
        )
        if not (yield from ask(change)):
            return Refused(Reason.ACCOUNT_CHANGED)
        return replace(account, revision=account.revision + 1, updated_at=now)

    def disable(self, account_id: str) -> Flow[Receipt | None]:
        """Disable an account and end its sessions (ASVS 7.4.2); `None` if there is none."""
        parts, now = self._parts, self._parts.clock.now()
        ended = yield from ask(SetDisabled(account_id, True, now, self._horizon))
        window = max(one.guarantees.revocation_window for one in parts.strategies)
        return None if ended is None else Receipt(ended, now + window)

    def enable(self, account_id: str) -> Flow[bool]:
        """Let a disabled account sign in again; false if there is no such account."""
        now = self._parts.clock.now()
        return (yield from ask(SetDisabled(account_id, False, now))) is not None

    # -- limits and housekeeping

    def spend(self, budget: Budget, identifier: str) -> Flow[int | None]:
        """Draw once on a budget; return the seconds to wait if it is used up."""
        if not budget.limit or not self._parts.keeps:
            return None
        yield from enter(Phase.LOGIN_RATE_LIMIT)
        now = self._parts.clock.now()
        tally = yield from ask(Increment(f"{budget.name}:{identifier}", budget.window, now))
        wait = retry_after(tally, budget, now)
        yield from check("within budget", wait is None, Reason.THROTTLED)
        return wait

    def purge(self) -> Flow[int]:
        """Delete what time has ended and retire outlived keys; return how many rows went."""
        parts, now = self._parts, self._parts.clock.now()
        self._need_store("housekeeping")
        yield from rotation.retire_outlived(parts.policy.lifetime + parts.policy.leeway, now)
        return (yield from ask(Purge(now)))

    # -- keys

    def load_keys(self) -> Flow[Keyring]:
        """Read the keys, making the first ones where there are none."""
        parts = self._parts
        parts.keys.keyring = yield from rotation.ensure(
            parts.algorithm, parts.secrets, parts.clock.now(), parts.entropy
        )
        return parts.keys.keyring

    def keys(self) -> Flow[tuple[KeyRecord, ...]]:
        """Return every key, oldest first."""
        self._need_store("keys")
        return (yield from ask(LoadKeys()))

    def rotate_keys(self, *, at_once: bool = False) -> Flow[Keyring]:
        """Sign with the published key from now on; see `limen.rotation.rotate`."""
        parts = self._parts
        self._need_store("keys")
        parts.keys.keyring = yield from rotation.rotate(
            parts.algorithm, parts.secrets, parts.clock.now(), parts.entropy, at_once=at_once
        )
        return parts.keys.keyring

    def remove_key(self, key_id: str) -> Flow[None]:
        """Delete a retired key."""
        self._need_store("keys")
        yield from rotation.remove(key_id)

    def service_token(self, principal: Principal) -> Flow[Secret]:
        """Return a short signed token for other services, for whatever strategy (RFC 9068).

        It names the session, so a service that follows the revocation feed can refuse it.
        """
        yield from ()
        parts, now = self._parts, self._parts.clock.now()
        return mint(
            parts.policy,
            parts.keys.keyring.signing,
            subject=principal.subject,
            session_id=principal.session_id,
            token_id=random_text(parts.entropy, TOKEN_ID_OCTETS),
            issued_at=now,
            expires_at=min(now + parts.policy.lifetime, principal.expires_at),
            authenticated_at=principal.authenticated_at,
            methods=principal.methods,
            roles=principal.roles,
        )

    def _need_store(self, what: str) -> None:
        if not self._parts.keeps:
            raise ConfigurationError(
                "database",
                f"strategy='jwt' with refresh=None keeps no {what}.",
                "Give Limen a database to have them.",
            )


def _unrecognised() -> Flow[Refused]:
    """Refuse what has the shape of no credential, and say so in the trace."""
    yield from enter(Phase.CREDENTIAL_VALIDATE)
    yield from check("recognised", False, Reason.UNRECOGNISED)
    return Refused(Reason.UNRECOGNISED)
