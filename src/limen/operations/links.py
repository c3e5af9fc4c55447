"""Links that are mailed: each works once, for one thing, until the account moves on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from limen.audit import AuditKind
from limen.authenticators.budget import spend
from limen.effects import (
    Consume,
    FindAccount,
    FindTicket,
    KeepTicket,
    SendLetter,
    Ticket,
    ask,
    check,
    record,
)
from limen.entropy import random_text
from limen.errors import ConfigurationError
from limen.letter import Errand
from limen.operations.parts import Composed
from limen.operations.wording import letter_with_link, notice
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.account import Account
    from limen.effects import Flow
    from limen.letter import Letter

TOKEN_OCTETS: Final = 32
TOKEN_PLACE: Final = "{token}"  # noqa: S105 - where it goes into a link
# A token says what it is for, so that one link may lead to one of several ends.
_PREFIXES: Final = {
    Errand.RESET_PASSWORD: "lmp_",
    Errand.VERIFY_EMAIL: "lmv_",
    Errand.CONFIRM_CHANGE: "lmc_",
    Errand.VERIFY_NEW: "lmn_",
    Errand.DELETE_ACCOUNT: "lmd_",
}
_MAX_TOKEN: Final = 64  # characters; ours have 47


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A link was opened: for which account, and for which address if it is about one."""

    account: Account
    email: str


def errand_of(token: str) -> Errand | None:
    """Return what a token claims to be for."""
    return next((one for one, prefix in _PREFIXES.items() if token.startswith(prefix)), None)


class Links(Composed):
    """Mailing links, and what became of them."""

    def _mail_link(
        self,
        errand: Errand,
        account: Account | None,
        to: str,
        link: str | None,
        *,
        email: str = "",
        instead: str | None = None,
    ) -> Flow[None]:
        """Mail a link for an account. For `None` the work is the same and nobody gets it.

        `link` is an address in which `{token}` stands for the token. `instead` names a notice
        that is mailed to the address in place of a link. Beyond the budget of letters of one
        kind to one address nothing is mailed, and nothing tells.
        """
        template = self._template(link)
        if (yield from self._may_mail(errand, to)) is not None:
            return
        parts, now = self._parts, self._parts.clock.now()
        token = _PREFIXES[errand] + random_text(parts.entropy, TOKEN_OCTETS)
        lifetime = parts.email.lifetime_of(errand)
        subject, revision = ("", 0) if account is None else (account.id, account.revision)
        detail = json.dumps({"revision": revision, "email": email})
        letter = letter_with_link(errand, to, template.replace(TOKEN_PLACE, token), lifetime)
        told = parts.email.worded(letter if instead is None else notice(instead, to))
        if account is None and instead is None:
            told = replace(told, to="")
        ticket = Ticket(errand.value, _digest(token), subject, now + lifetime, detail)
        yield from ask(KeepTicket(ticket))
        yield from ask(SendLetter(told))

    def _mail_verification(
        self, account: Account | None, to: str, link: str | None, *, instead: str | None = None
    ) -> Flow[None]:
        yield from self._mail_link(
            Errand.VERIFY_EMAIL, account, to, link, email=to, instead=instead
        )

    def _tell(self, purpose: str, to: str) -> Flow[None]:
        """Tell the owner of an account what happened to it (ASVS 6.3.7)."""
        if self._parts.email.notices:
            letter: Letter = self._parts.email.worded(notice(purpose, to))
            yield from ask(SendLetter(letter))

    def _may_mail(self, errand: Errand, whom: str) -> Flow[Refused | None]:
        """Draw on the budget of letters of one kind to one address, or for one account."""
        return (yield from self._may_tell(errand.value, whom))

    def _may_tell(self, purpose: str, whom: str) -> Flow[Refused | None]:
        key = f"{purpose}|{whom}"
        return (yield from spend(self._parts.letter_budget, key, self._parts.clock.now()))

    def _opened_link(self, errand: Errand, token: str, *, use: bool) -> Flow[Redeemed | Refused]:
        """Say what a token stands for, and use it up if `use`: of several callers one has it."""
        now = self._parts.clock.now()
        digest = _digest(token if len(token) <= _MAX_TOKEN else "")
        wanted = Consume if use else FindTicket
        ticket = yield from ask(wanted(errand.value, digest, now))
        found = None
        if ticket is not None and ticket.subject:
            found = yield from ask(FindAccount(id=ticket.subject))
        detail = {} if ticket is None else json.loads(ticket.detail)
        # Disabling an account has moved its revision as well.
        stands = found is not None and found.account.revision == detail["revision"]
        if not (yield from check("link", stands, Reason.INVALID_LINK)) or found is None:
            kind = AuditKind.LINK_REFUSED
            yield from record(kind, reason=Reason.INVALID_LINK, errand=errand.value)
            return Refused(Reason.INVALID_LINK)
        return Redeemed(found.account, detail["email"])

    def _template(self, link: str | None) -> str:
        template = self._parts.verify_link if link is None else link
        if template is None:
            raise ConfigurationError(
                "base_url",
                "is not set, so nobody knows where the link in a letter leads.",
                "Set the public address, such as https://app.example, or give a `link`.",
            )
        if TOKEN_PLACE not in template:
            raise ConfigurationError(
                "link",
                f"has no {TOKEN_PLACE}, so it would do nothing.",
                f"Write it as https://app.example/verify?token={TOKEN_PLACE}.",
            )
        return template


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
