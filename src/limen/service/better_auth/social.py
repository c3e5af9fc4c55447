"""Sign-in at identity providers on the wire: away, back, and by an ID token of the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from limen.evidence import Public
from limen.phase import Phase
from limen.service import known_devices
from limen.service.better_auth import wire
from limen.service.better_auth.accounts import handed_over
from limen.service.better_auth.social_refusals import (
    RETURNED,
    refusal_of_link,
    refusal_of_sign_in,
)
from limen.service.better_auth.wire import JSON_TYPE, Answer, Problem, json_answer
from limen.social.cookie import BindingCookie
from limen.social.exchange import RESERVED
from limen.social.failure import Failure
from limen.social.sign_in import Failed, Finished, SocialSignIn
from limen.transports.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.authority import Limen
    from limen.principal import Principal
    from limen.service.better_auth.endpoint import Call
    from limen.social.sign_in import Started

MAX_SCOPES: Final = 32
MAX_PARAMETERS: Final = 16
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")  # RFC 6749 section 3.3
_NO_REFERRER: Final = ("Referrer-Policy", "no-referrer")


class SocialEndpoints:
    """The handlers that speak to providers, over one `SocialSignIn`."""

    def __init__(self, auth: Limen, social: SocialSignIn) -> None:
        self._social = social
        settings = auth.settings
        self._base_path = settings.base_path
        self._origin = None if settings.base_url is None else origin_of(settings.base_url)
        self._cookies = {
            secure: BindingCookie(settings.cookies, secure=secure) for secure in (False, True)
        }

    # -- away

    async def sign_in(self, call: Call) -> Answer:
        """Begin a sign-in at a provider, or sign in by an ID token that the page has."""
        if call.body["provider"] not in self._social.providers:
            return wire.PROVIDER_NOT_FOUND.answer()
        id_token = call.body.get("idToken")
        if id_token is None:
            return await self._away(call, None)
        call.record(Phase.LOGIN_RECEIVE, provider=Public(call.body["provider"]))
        outcome = await self._by_id_token(call, id_token, None)
        if outcome is None:
            return wire.ID_TOKEN_NOT_SUPPORTED.answer()
        if isinstance(outcome, Failed):
            return refusal_of_sign_in(outcome.code)
        assert outcome.signed_in is not None  # noqa: S101 - for the type checker: no link
        members: dict[str, Any] = {"redirect": False}
        members |= handed_over(call, outcome.signed_in.issued)
        await known_devices.know(call, outcome.account)
        return json_answer({**members, "user": call.user(outcome.account)})

    async def link(self, call: Call) -> Answer:
        """Begin to link an identity to the account that is signed in, or do so at once."""
        if call.body["provider"] not in self._social.providers:
            return wire.PROVIDER_NOT_FOUND.answer()
        if call.now - call.actor.authenticated_at > call.auth.assembly.parts.fresh:
            return wire.SESSION_NOT_FRESH.answer()  # told before the way to the provider
        id_token = call.body.get("idToken")
        if id_token is None:
            return await self._away(call, call.actor.subject)
        outcome = await self._by_id_token(call, id_token, call.actor)
        if outcome is None:
            return wire.ID_TOKEN_NOT_SUPPORTED.answer()
        if isinstance(outcome, Failed):
            return refusal_of_link(outcome.code)
        return json_answer({"url": "", "status": True, "redirect": False})

    async def _by_id_token(
        self, call: Call, id_token: Mapping[str, Any], linking: Principal | None
    ) -> Finished | Failed | None:
        provider = self._social.providers[call.body["provider"]]
        if provider.issuer is None:
            return None
        return await self._social.by_id_token(
            provider.id,
            id_token["token"],
            nonce=id_token.get("nonce"),
            sign_up=call.body.get("requestSignUp", False),
            linking=linking,
            client=call.client,
            presented=() if linking else call.credentials(),
        )

    async def _away(self, call: Call, linking: str | None) -> Answer:
        scopes, parameters = call.body.get("scopes", []), call.body.get("additionalParams", {})
        refusal = _refusal_of(scopes, parameters)
        if refusal is not None:
            return refusal
        provider, cookie = call.body["provider"], self._cookie(call)
        started = await self._social.start(
            provider,
            call.body.get("callbackURL") or "/",
            redirect_uri=self.redirect_uri(call, provider),
            cookie=cookie.read(call.request_auth.headers),
            error_url=call.body.get("errorCallbackURL") or None,
            new_user_url=call.body.get("newUserCallbackURL") or None,
            linking=linking,
            sign_up=call.body.get("requestSignUp", False),
            scopes=scopes,
            login_hint=call.body.get("loginHint"),
            parameters=parameters,
        )
        if isinstance(started, Failed):
            return wire.PROVIDER_UNREACHABLE.answer()
        call.record(Phase.LOGIN_RECEIVE, provider=Public(provider))
        return self._sent_away(call, started, cookie)

    def _sent_away(self, call: Call, started: Started, cookie: BindingCookie) -> Answer:
        redirect = not call.body.get("disableRedirect", False)
        headers = [("Set-Cookie", cookie.line(started.cookie))]
        if redirect:
            headers.append(("Location", started.url))
        members = {"url": started.url, "redirect": redirect}
        return json_answer(members, headers=tuple(headers))

    # -- and back

    async def posted(self, call: Call) -> Answer:
        """Turn a provider's form into a link: only then does the browser send its cookies."""
        said = {**call.body, **call.query}
        returned = {name: said[name] for name in RETURNED if isinstance(said.get(name), str)}
        return _sent_to(f"{self._here(call)}?{urlencode(returned)}")

    async def back(self, call: Call) -> Answer:
        """Take what a provider sent the browser back with."""
        provider = self._here(call).rpartition("/")[2]
        query = {name: one for name, one in call.query.items() if isinstance(one, str)}
        if query.keys() != call.query.keys():
            return self._failed(call, Failed(Failure.BAD_CALLBACK))
        outcome = await self._social.finish(
            provider,
            query,
            self._cookie(call).read(call.request_auth.headers),
            principal=await call.signed_in(),
            client=call.client,
            presented=call.credentials(),
        )
        if isinstance(outcome, Failed):
            return self._failed(call, outcome)
        if outcome.signed_in is not None:
            call.request_auth.deliver(outcome.signed_in.issued)
            await known_devices.know(call, outcome.account)
        call.record(Phase.LOGIN_RESPOND, status=Public(302), provider=Public(provider))
        return _sent_to(outcome.target)

    def _failed(self, call: Call, failed: Failed) -> Answer:
        call.record(Phase.LOGIN_RESPOND, status=Public(302), error=Public(failed.code))
        target = failed.target or f"{self._root(call)}/error"
        before, hash_mark, fragment = target.partition("#")
        separator = "&" if "?" in before else "?"
        return _sent_to(f"{before}{separator}error={quote(failed.code)}{hash_mark}{fragment}")

    # -- where things are

    def redirect_uri(self, call: Call, provider: str) -> str:
        """Return what is to be registered at a provider, and is its own."""
        origin = self._origin or call.request_auth.own_origin
        return f"{origin}{self._root(call)}/callback/{provider}"

    def _root(self, call: Call) -> str:
        return f"{call.request_auth.scope.get('root_path', '')}{self._base_path}"

    def _here(self, call: Call) -> str:
        path: str = call.request_auth.scope["path"]
        return f"{self._root(call)}/callback/{path.rpartition('/')[2]}"

    def _cookie(self, call: Call) -> BindingCookie:
        return self._cookies[call.request_auth.cookies.secure]


def _sent_to(url: str) -> Answer:
    return Answer(302, b"", JSON_TYPE, (("Location", url), _NO_REFERRER))


def _refusal_of(scopes: list[str], parameters: Mapping[str, str]) -> Answer | None:
    issue = None
    if len(scopes) > MAX_SCOPES or not all(_SCOPE.fullmatch(one) for one in scopes):
        issue = "[body.scopes] Invalid input: expected scopes"
    reserved = sorted(RESERVED & parameters.keys())
    if len(parameters) > MAX_PARAMETERS:
        issue = "[body.additionalParams] Too many members"
    if reserved:
        issue = f"[body.additionalParams] Reserved for the flow itself: {', '.join(reserved)}"
    return None if issue is None else Problem(400, wire.VALIDATION_ERROR.code, issue).answer()
