"""E-mail and password: equal work and equal words for unknown, disabled and wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from limen.account import normalised_email
from limen.audit import AuditKind
from limen.authenticators.base import Proven
from limen.authenticators.guard import Attempt
from limen.effects import (
    FindAccount,
    HashPassword,
    SetPassword,
    VerifyPassword,
    ask,
    check,
    enter,
    note,
    record,
)
from limen.evidence import Personal, Public
from limen.passwords import PasswordPolicy
from limen.phase import Phase
from limen.principal import Authentication
from limen.usernames import normalised_username
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.account import Account, Found
    from limen.authenticators.guard import Admitted, Guard
    from limen.effects import Flow
    from limen.principal import Client
    from limen.secret import Secret

PASSWORD: Final = "pwd"  # noqa: S105 - the name of the method, RFC 8176


@dataclass(frozen=True, slots=True)
class PasswordAttempt:
    """What a person typed: an e-mail address or, with `by_username`, a username.

    `device` is what the browser keeps of an earlier sign-in; see `limen.devices`.
    """

    identifier: str
    password: Secret
    by_username: bool = False
    client: Client | None = None  # for the audit log
    device: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedNow(Refused):
    """The failure after which strangers cannot use this password any more.

    Whoever tried is told what everybody is told; the account is for its owner's letter.
    """

    reason: Reason = Reason.BAD_CREDENTIALS
    account: Account


class PasswordAuthenticator:
    """Proves by something that only its owner knows (RFC 8176 method `pwd`)."""

    def __init__(self, policy: PasswordPolicy, guard: Guard) -> None:
        self.policy = policy
        self.guard = guard

    def attempt(self, proof: PasswordAttempt, now: int) -> Flow[Proven | Refused]:
        """Judge an e-mail or a username, and a password.

        The order of effects is the same for every outcome, and so is their cost: an unknown
        account is verified against a hash of the same parameters (ASVS 6.3.8), and one that
        is locked is judged like any other.
        """
        found, who = yield from self._looked_up(proof)
        account = found.account if found else None
        attempt = Attempt(who, account, proof.password, proof.device, proof.client)
        admitted = yield from self.guard.admit(attempt, now)
        if isinstance(admitted, Refused):
            return admitted
        yield from enter(Phase.PASSWORD_VERIFY)
        if not (yield from self._verify(proof.password, found, admitted, now)) or found is None:
            # What was typed as a name is not told: it may be a password in the wrong field.
            yield from record(
                AuditKind.SIGN_IN_REFUSED,
                subject=found.account.id if found else None,
                reason=Reason.BAD_CREDENTIALS,
                client=proof.client,
                methods=PASSWORD,
            )
            yield from self.guard.failed(attempt, admitted, now)
            if found is not None and self.guard.locks(admitted):
                return LockedNow(account=found.account)
            return Refused(Reason.BAD_CREDENTIALS)
        yield from self.guard.succeeded(attempt, admitted)
        account = found.account
        return Proven(
            Authentication(account.id, now, (PASSWORD,), account.roles, account.revision), account
        )

    def _looked_up(self, proof: PasswordAttempt) -> Flow[tuple[Found | None, str]]:
        """Return an account, and what attempts on it are counted under whichever way it is tried.

        Looked up before anything is counted: an account has one budget by both its names.
        """
        if not proof.by_username:
            email = normalised_email(proof.identifier)
            yield from enter(Phase.USER_LOOKUP, {"email": Personal(email)})
            return (yield from ask(FindAccount(email=email))), email
        username = normalised_username(proof.identifier)
        yield from enter(Phase.USER_LOOKUP, {"username": Personal(username)})
        found = yield from ask(FindAccount(username=username))
        return found, f"username|{username}" if found is None else found.account.email

    def confirm(self, account_id: str, password: Secret, now: int) -> Flow[Found | Refused]:
        """Judge the current password of somebody who is signed in already (ASVS 6.2.3)."""
        found = yield from ask(FindAccount(id=account_id))
        # As at a sign-in, so that the budget is one however an account is named.
        who = account_id if found is None else found.account.email
        attempt = Attempt(who, found.account if found else None, password)
        admitted = yield from self.guard.confirm(attempt, now)
        if isinstance(admitted, Refused):
            return admitted
        yield from enter(Phase.PASSWORD_VERIFY)
        usable = yield from self._verify(password, found, admitted, now)
        if not usable or found is None:
            kind, reason = AuditKind.REAUTHENTICATION_REFUSED, Reason.BAD_CREDENTIALS
            yield from record(
                kind, subject=account_id, actor=account_id, reason=reason, methods=PASSWORD
            )
            return Refused(Reason.BAD_CREDENTIALS)
        yield from self.guard.succeeded(attempt, admitted)
        return found

    def _verify(
        self, password: Secret, found: Found | None, admitted: Admitted, now: int
    ) -> Flow[bool]:
        # A text longer than any password that could have been set is not worth hashing.
        if len(password.reveal()) > self.policy.maximum:
            return (yield from check("password", False, Reason.BAD_CREDENTIALS))
        stored = found.password_hash if found else None
        answer = yield from ask(VerifyPassword(password, stored))
        open_to = not admitted.locked and found is not None and not found.account.disabled
        usable = answer.ok and open_to
        # One check, not four: unknown, disabled, locked and wrong look alike in a trace too.
        yield from check("password", usable, Reason.BAD_CREDENTIALS)
        if usable and found is not None and stored is not None:
            yield from note("account", Public(found.account.id))
            yield from note("hash", Public(_parameters(stored)))
        if usable and answer.outdated and found is not None:
            rehashed = yield from ask(HashPassword(password))
            account = found.account
            kept = yield from ask(
                SetPassword(account.id, rehashed, account.revision, now, moves_on=False)
            )
            yield from note("rehashed", Public(kept))
        return usable


def _parameters(stored: str) -> str:
    """Return the scheme of a hash, for Argon2 with its parameters: nothing that helps to guess."""
    if stored.startswith("$argon2"):
        return " ".join(stored.split("$")[1:4])
    return "of another library"
