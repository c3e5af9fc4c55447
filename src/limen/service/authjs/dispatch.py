"""From one request of an Auth.js client to one answer.

A path below the mount is an action, or an action and a provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.service import incoming
from limen.service.answer import JSON_TYPE, Answer, json_answer
from limen.service.authjs import pages, providers, sessions, signing, social
from limen.service.authjs.call import NO_CACHE, Call
from limen.service.authjs.csrf import CsrfTokens
from limen.service.authjs.tokens import SessionTokens
from limen.service.incoming import FORM_TYPE, TooLarge, Unreadable
from limen.service.serving import Wire

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.social import SocialSignIn
    from limen.web.asgi import Receive, Scope
    from limen.web.request import RequestAuth

_WITH_PROVIDER: Final = frozenset({"signin", "callback"})
_NO_PROVIDER: Final = "undefined"  # how a script spells that it has none


class AuthjsApp(Wire):
    """The endpoints that `next-auth/react` asks, of one version."""

    def __init__(self, auth: Limen) -> None:
        super().__init__(auth)
        self._csrf = CsrfTokens.of(auth)
        self._tokens = SessionTokens(auth.settings.authjs)
        self._doors = providers.doors_of(auth)
        self._social = _social(auth)

    def fault(self) -> Answer:
        """Answer with JSON: a client takes anything else for a fault of its own."""
        return json_answer({"message": "There was a problem with the server."}, 500)

    async def answer(self, scope: Scope, receive: Receive, request_auth: RequestAuth) -> Answer:
        """Answer one HTTP request."""
        base = request_auth.public_origin + scope.get("root_path", "")
        call = Call(self.auth, request_auth, base, self._csrf)
        action = _route(call, incoming.path_within(scope))
        if action is None or scope["method"] not in ("GET", "POST"):
            return call.bad_request()
        try:
            call.query = incoming.query_of(scope)
            if scope["method"] == "POST":
                octets = await incoming.read(receive, scope["headers"])
                call.body = _body(octets, incoming.stated_type(scope["headers"]))
        except Unreadable:
            return call.bad_request()
        except TooLarge:
            return json_answer({"message": "The body is too large."}, 413)
        act = self._read if scope["method"] == "GET" else self._changed
        answer = await act(action, call)
        headers = (*answer.headers, *call.extra)
        return Answer(answer.status, answer.body, answer.media_type, headers)

    async def _read(self, action: str, call: Call) -> Answer:
        match action:
            case "providers":
                return providers.listed(call, self._doors)
            case "csrf":
                return json_answer({"csrfToken": call.csrf_token()}, headers=NO_CACHE)
            case "session":
                return await sessions.read(call, self._tokens)
            case "signin" if call.provider is None:
                return await self._sign_in_page(call)
            case "callback" if (known := self._provider(call)) is not None:
                return await social.finish(call, known, self._tokens)
            case "signout":
                return pages.sign_out(call)
            case "error":
                return pages.error(call)
            case "verify-request":
                return pages.verify_request(call)
            case _:
                return call.misled()

    async def _changed(self, action: str, call: Call) -> Answer:
        match action:
            case "session":
                return await sessions.update(call, self._tokens)
            case "callback" if call.provider == signing.CREDENTIALS and self._doors:
                return await signing.sign_in(call, self._tokens)
            case "callback" if self._provider(call) is not None:
                return social.come_round(call)
            case "signin" if (known := self._provider(call)) is not None:
                return await social.begin(call, known)
            case "signin":
                return await self._began(call)
            case "signout":
                return await signing.sign_out(call, self._tokens)
            case "_log" if call.is_next_auth:
                return Answer()  # what a page tells of itself is nothing to keep
            case _:
                return call.misled()

    def _provider(self, call: Call) -> SocialSignIn | None:
        """Return what speaks to the provider that a path names, `None` if it names none."""
        speaks = self._social
        return speaks if speaks is not None and call.provider in speaks.providers else None

    async def _sign_in_page(self, call: Call) -> Answer:
        """Show the page, unless it was only Next.js that could not see who is signed in.

        Its token lives for minutes and the session for weeks; whoever comes here for want of a
        fresh token gets one and goes back. A browser that has one is not sent round again.
        """
        ahead = call.request_auth.is_prefetch
        if self._tokens.issued and call.asked("callbackUrl") and not ahead:
            who = await sessions.signed_in(call)
            if who is not None and who.session and not self._tokens.is_fresh(call, who):
                self._tokens.issue(call, who)
                return call.go(call.target())
        return pages.sign_in(call, self._doors)

    async def _began(self, call: Call) -> Answer:
        """Lead to the sign-in page: a password has no other beginning."""
        if not call.is_ours():
            return call.foreign()
        return call.go(call.page("signin", call.settings.sign_in_page))


def _social(auth: Limen) -> SocialSignIn | None:
    if not auth.settings.providers or not auth.assembly.parts.keeps:
        return None
    from limen.social import SocialSignIn  # noqa: PLC0415 - needs the extra `social`

    return SocialSignIn(auth)


def _route(call: Call, path: str) -> str | None:
    """Return the action that a path names, and note its provider; `None` if it names none."""
    segments = [one for one in path.split("/") if one]
    if not 1 <= len(segments) <= 2:  # noqa: PLR2004 - an action and a provider
        return None
    action, *rest = segments
    if rest and rest[0] != _NO_PROVIDER:
        if action not in _WITH_PROVIDER:
            return None
        call.provider = rest[0]
    return action if action in _ACTIONS or (action == "_log" and call.is_next_auth) else None


_ACTIONS: Final = frozenset(
    {"providers", "csrf", "session", "signin", "signout", "callback", "error", "verify-request"}
)


def _body(octets: bytes, stated: str) -> dict[str, object]:
    """Return the members of a body; what is neither a form nor a JSON object has none."""
    media_type = incoming.media_type(stated)
    if media_type == FORM_TYPE:
        return dict(incoming.parsed_form(octets))
    if media_type == JSON_TYPE and octets:
        value = incoming.parsed_json(octets)
        return value if isinstance(value, dict) else {}
    return {}
