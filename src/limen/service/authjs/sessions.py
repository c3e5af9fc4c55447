"""Who is signed in, and what they may change about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limen.account import MAX_NAME
from limen.evidence import Public
from limen.phase import Phase
from limen.service.answer import Answer, date, json_answer
from limen.service.authjs.call import NO_CACHE
from limen.verdict import Authenticated, Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    """Change what a page may change: name and picture, and the declared fields of the session.

    A refusal is an object, never `null`: at `null` the client of version 5 stops for good.
    """
    if not call.is_ours():
        return json_answer({"message": "The CSRF token is missing or not ours."}, 400)
    who = await signed_in(call)
    if who is None:
        return nobody(call, tokens)
    changed = await _changed(call, who)
    if isinstance(changed, str):
        return json_answer({"message": changed}, 400)
    who = changed
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
    declared = call.auth.settings.session_fields
    return json_answer(described(who, declared), headers=NO_CACHE)


def described(who: SignedIn, declared: Iterable[str] = ()) -> dict[str, Any]:
    """Return a session as the client gives it to its page, with the id of the user.

    `declared` names what the application keeps with each session.
    """
    # Of a subject whose account Limen does not keep, the id is all that it knows.
    user: dict[str, Any] = {"id": who.principal.subject}
    if who.account is not None:
        account = who.account
        user = {"name": account.name, "email": account.email, "image": account.image, **user}
    kept: dict[str, Any] = {} if who.session is None else json.loads(who.session.fields)
    return {
        **{name: kept.get(name) for name in declared},
        "user": user,
        "expires": date(who.ends_at),
    }


async def _changed(call: Call, who: SignedIn) -> SignedIn | str:
    """Do what `update(data)` asks for, or say what is wrong with it.

    Pages write the session that they want to see, `{user: {name}}`, or the member alone.
    """
    data = call.body.get("data")
    members: dict[str, Any] = data if isinstance(data, dict) else {}
    within = members.get("user")
    of_account = _changes_of_account({**members, **(within if isinstance(within, dict) else {})})
    if isinstance(of_account, str):
        return of_account
    declared = call.auth.settings.session_fields
    fields = {name: members[name] for name in declared if name in members}
    session, account = who.session, who.account
    if fields and session is not None:
        kept = await call.auth.set_session_fields(session.id, fields)
        if isinstance(kept, Refused):
            return "A field of the session is not of its kind, or too long."
        session = kept
    if of_account and account is not None:
        account = await call.auth.update_account(account.id, **of_account)
    return SignedIn(who.principal, session, account)


def _changes_of_account(members: dict[str, Any]) -> dict[str, Any] | str:
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
