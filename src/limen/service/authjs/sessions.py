"""Who is signed in, and what they may change about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limen.account import MAX_NAME
from limen.evidence import Public
from limen.phase import Phase
from limen.service.answer import Answer, date, json_answer
from limen.service.authjs.call import NO_CACHE
from limen.verdict import Authenticated, Reason, Refused

if TYPE_CHECKING:
    from limen.account import Account
    from limen.principal import Principal
    from limen.service.authjs.call import Call
    from limen.service.authjs.tokens import SessionTokens
    from limen.session import Session

MAX_IMAGE = 8_192  # characters of a picture's address


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody whose session stands at this moment.

    `session` is `None` where nothing is stored, `account` where Limen keeps none.
    """

    principal: Principal
    session: Session | None
    account: Account | None

    @property
    def ends_at(self) -> int:
        """When the sign-in ends if nobody uses it again, in milliseconds."""
        return self.principal.expires_at if self.session is None else self.session.ends_at

    @property
    def remembered(self) -> bool:
        """Whether the browser keeps it when it closes."""
        return self.session is None or self.session.remembered


async def read(call: Call, tokens: SessionTokens) -> Answer:
    """Say who is signed in. That uses up no refresh token, however many tabs ask."""
    who = await signed_in(call)
    if who is None:
        return nobody(call, tokens)
    return _told(call, tokens, who)


async def update(call: Call, tokens: SessionTokens) -> Answer:
    """Change what a page may change: the name and the picture of the account.

    A refusal is an object, never `null`: at `null` the client of version 5 stops for good.
    """
    if not call.is_ours():
        return json_answer({"message": "The CSRF token is missing or not ours."}, 400)
    who = await signed_in(call)
    if who is None:
        return nobody(call, tokens)
    if who.account is not None:
        changes = _changes(call.body.get("data"))
        if isinstance(changes, str):
            return json_answer({"message": changes}, 400)
        if changes:
            account = await call.auth.update_account(who.account.id, **changes)
            who = SignedIn(who.principal, who.session, account)
    return _told(call, tokens, who)


async def signed_in(call: Call) -> SignedIn | None:
    """Return who acts, `None` unless the session itself still stands."""
    verdict = await call.request_auth.verdict()
    if not isinstance(verdict, Authenticated):
        call.forget(verdict)
        return None
    principal, session = verdict.principal, None
    if call.is_kept(principal):
        session = await call.living_session(principal)
        if session is None:
            call.forget(Refused(Reason.REVOKED))
            return None
    account = None
    if call.auth.assembly.parts.keeps:
        account = await call.auth.account(principal.subject)
    return SignedIn(principal, session, account)


def nobody(call: Call, tokens: SessionTokens) -> Answer:
    """Answer that nobody is signed in, and leave nothing behind that says otherwise."""
    tokens.clear(call)
    call.record(Phase.RESOURCE_RESPOND, status=Public(200), signed_in=Public(False))
    return call.nobody()


def _told(call: Call, tokens: SessionTokens, who: SignedIn) -> Answer:
    tokens.issue(call, who)
    call.record(Phase.RESOURCE_RESPOND, status=Public(200), signed_in=Public(True))
    return json_answer(described(who), headers=NO_CACHE)


def described(who: SignedIn) -> dict[str, Any]:
    """Return a session as the client gives it to its page, with the id of the user."""
    # Of a subject whose account Limen does not keep, the id is all that it knows.
    user: dict[str, Any] = {"id": who.principal.subject}
    if who.account is not None:
        account = who.account
        user = {"name": account.name, "email": account.email, "image": account.image, **user}
    return {"user": user, "expires": date(who.ends_at)}


def _changes(data: object) -> dict[str, Any] | str:
    """Return what `update(data)` changes, or what is wrong with it.

    Pages write the session that they want to see, `{user: {name}}`, or the member alone.
    """
    members = data if isinstance(data, dict) else {}
    within = members.get("user")
    members = {**members, **within} if isinstance(within, dict) else members
    changes: dict[str, Any] = {}
    if "name" in members:
        name = members["name"]
        if not isinstance(name, str) or len(name) > MAX_NAME:
            return f"name is not a text of at most {MAX_NAME} characters."
        changes["name"] = name
    if "image" in members:
        image = members["image"]
        if image is not None and (not isinstance(image, str) or len(image) > MAX_IMAGE):
            return f"image is not null or a text of at most {MAX_IMAGE} characters."
        changes |= {"clear_image": True} if image is None else {"image": image}
    return changes
