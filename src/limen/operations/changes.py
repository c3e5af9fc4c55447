"""What people change about their own account: address, username, whether it exists at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from limen.account import is_email, normalised_email
from limen.audit import AuditKind
from limen.authenticators.password import PASSWORD
from limen.effects import (
    FindAccount,
    FindSession,
    SetSessionFields,
    SetUsername,
    ask,
    check,
    enter,
    record,
)
from limen.letter import Errand
from limen.operations.letters import Letters
from limen.phase import Phase
from limen.secret import Secret
from limen.session import MAX_FIELDS_OCTETS
from limen.usernames import normalised_username
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.account import Account
    from limen.effects import Flow
    from limen.guarantees import Receipt
    from limen.principal import Principal
    from limen.session import Session

_KINDS: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float), "boolean": (bool,)}


class Changes(Letters):
    """Changes that a person makes, and what proves that it is them."""

    def verify_password(self, principal: Principal, password: str) -> Flow[Account | Refused]:
        """Judge the password of somebody who is signed in already; see `change_password`."""
        now = self._parts.clock.now()
        found = yield from self._parts.passwords.confirm(principal.subject, Secret(password), now)
        if isinstance(found, Refused):
            return found
        own = principal.subject
        yield from record(
            AuditKind.REAUTHENTICATED,
            subject=own,
            session_id=principal.session_id,
            actor=own,
            methods=PASSWORD,
        )
        return found.account

    def change_email(
        self, principal: Principal, new: str, *, link: str | None = None
    ) -> Flow[Account | Refused]:
        """Mail what changes the address of somebody who is signed in; nothing changes yet.

        A verified address is asked first, the new one after that; an unverified one is not
        asked. The account is returned as it is. Nothing tells whether the new address is
        taken. Refused with `NOT_FRESH` (ASVS 7.5.1), `THROTTLED`, `MALFORMED`, or
        `ACCOUNT_CHANGED` if the account is gone.
        """
        self._need_store("accounts")
        address = normalised_email(new)
        if not is_email(address):
            return Refused(Reason.MALFORMED)
        allowed = yield from self._is_fresh(principal)
        throttled = allowed or (yield from self._may_mail(Errand.VERIFY_NEW, principal.subject))
        if throttled is not None:
            return throttled
        account = yield from self._standing(principal)
        if account is None:
            return Refused(Reason.ACCOUNT_CHANGED)
        taken = yield from ask(FindAccount(email=address))
        if account.email_verified:
            yield from self._mail_link(
                Errand.CONFIRM_CHANGE, account, account.email, link, email=address
            )
        else:
            yield from self._mail_link(
                Errand.VERIFY_NEW, None if taken else account, address, link, email=address
            )
        return account

    # -- deleting one's own account

    def delete_own_account(
        self, principal: Principal, password: str | None = None
    ) -> Flow[Receipt | Refused]:
        """Delete the account of somebody who gives its password or signed in a moment ago.

        Refused with `BAD_CREDENTIALS`, `THROTTLED`, `NO_PASSWORD` or `NOT_FRESH`.
        """
        self._need_store("accounts")
        if password is not None:
            refused = yield from self._proves(principal, password)
        else:
            refused = yield from self._is_fresh(principal)
        return refused or (yield from self._gone(principal.subject))

    def request_deletion(
        self, principal: Principal, *, link: str, password: str | None = None
    ) -> Flow[Account | Refused]:
        """Mail somebody who is signed in a link that deletes their account.

        Refused as `delete_own_account` for a wrong password, or with `THROTTLED`.
        """
        self._need_store("accounts")
        if password is not None:
            refused = yield from self._proves(principal, password)
            if refused is not None:
                return refused
        throttled = yield from self._may_mail(Errand.DELETE_ACCOUNT, principal.subject)
        if throttled is not None:
            return throttled
        account = yield from self._standing(principal)
        if account is None:
            return Refused(Reason.ACCOUNT_CHANGED)
        yield from self._mail_link(Errand.DELETE_ACCOUNT, account, account.email, link)
        return account

    def delete_by_link(self, principal: Principal, token: str) -> Flow[Receipt | Refused]:
        """Delete the account of somebody who opened the mailed link and is signed in to it.

        Refused with `INVALID_LINK`, also where the link is another account's; it stays good.
        """
        self._need_store("accounts")
        seen = yield from self._opened_link(Errand.DELETE_ACCOUNT, token, use=False)
        if isinstance(seen, Refused):
            return seen
        own = seen.account.id == principal.subject
        if not (yield from check("own account", own, Reason.INVALID_LINK)):
            return Refused(Reason.INVALID_LINK)
        opened = yield from self._opened_link(Errand.DELETE_ACCOUNT, token, use=True)
        if isinstance(opened, Refused):
            return opened
        return (yield from self._gone(principal.subject))

    def _gone(self, account_id: str) -> Flow[Receipt | Refused]:
        receipt = yield from self.delete_account(account_id)
        return Refused(Reason.ACCOUNT_CHANGED) if receipt is None else receipt

    def _proves(self, principal: Principal, password: str) -> Flow[Refused | None]:
        found = yield from ask(FindAccount(id=principal.subject))
        has_one = found is not None and found.password_hash is not None
        if not (yield from check("has a password", has_one, Reason.NO_PASSWORD)):
            return Refused(Reason.NO_PASSWORD)
        judged = yield from self.verify_password(principal, password)
        return judged if isinstance(judged, Refused) else None

    # -- usernames

    def is_username_available(self, username: str) -> Flow[bool | Refused]:
        """Tell whether a username is free; refused with a `USERNAME_…` reason for its form."""
        self._need_store("accounts")
        reason = self._parts.usernames.refusal_of(username)
        if reason is not None:
            return Refused(reason)
        found = yield from ask(FindAccount(username=normalised_username(username)))
        return found is None

    def set_username(
        self, account_id: str, username: str, display_username: str | None = None
    ) -> Flow[Refused | None]:
        """Give an account a username; `display_username` is how it is shown.

        Refused with a `USERNAME_…` reason; `USERNAME_TAKEN` also if nobody has the id.
        """
        self._need_store("accounts")
        shown = username if display_username is None else display_username
        reason = self._parts.usernames.refusal_of(username, shown)
        if reason is not None:
            return Refused(reason)
        now = self._parts.clock.now()
        yield from enter(Phase.USER_LOOKUP)
        kept = yield from ask(SetUsername(account_id, normalised_username(username), shown, now))
        if not (yield from check("username is free", kept, Reason.USERNAME_TAKEN)):
            return Refused(Reason.USERNAME_TAKEN)
        return None

    # -- what an application keeps with a session

    def set_session_fields(
        self, session_id: str, changes: Mapping[str, object]
    ) -> Flow[Session | Refused]:
        """Change declared fields of a session; `None` clears one. Refused with `MALFORMED`.

        `UNKNOWN_SESSION` if it is gone. Of two changes at once the later one may win wholly.
        """
        self._need_store("sessions")
        declared = self._parts.session_fields
        fits = all(_is_of(declared.get(name), value) for name, value in changes.items())
        standing = yield from ask(FindSession(id=session_id))
        if standing is None:
            return Refused(Reason.UNKNOWN_SESSION)
        merged = {**json.loads(standing.session.fields), **changes}
        text = json.dumps(merged, separators=(",", ":"), ensure_ascii=False)
        if not fits or len(text.encode()) > MAX_FIELDS_OCTETS:
            return Refused(Reason.MALFORMED)
        kept = yield from ask(SetSessionFields(session_id, text))
        return Refused(Reason.UNKNOWN_SESSION) if kept is None else kept

    # -- what proves that it is the person

    def _standing(self, principal: Principal) -> Flow[Account | None]:
        found = yield from ask(FindAccount(id=principal.subject))
        return None if found is None or found.account.disabled else found.account


def _is_of(kind: str | None, value: object) -> bool:
    if kind is None:
        return False
    if value is None:
        return True
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
