"""Signing in at an identity provider: away with a form, back with a code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from limen.service import known_devices, limits
from limen.service.answer import Answer
from limen.service.authjs.call import NO_CACHE
from limen.service.authjs.sessions import SignedIn
from limen.social.cookie import BindingCookie
from limen.social.failure import Failure

if TYPE_CHECKING:
    from limen.service.authjs.call import Call
    from limen.service.authjs.tokens import SessionTokens
    from limen.social import SocialSignIn

# One budget for each address, whichever wire it tries.
_BUDGET: Final = "/sign-in/social"
_REFUSED: Final = frozenset({Failure.ACCOUNT_DISABLED, Failure.SIGN_UP_DISABLED})


async def begin(call: Call, social: SocialSignIn) -> Answer:
    """Send the browser to the provider."""
    from limen.social import Failed  # noqa: PLC0415 - needs the extra `social`

    if not call.is_ours():
        return call.foreign()
    assert call.provider is not None  # noqa: S101 - for the type checker: the route names one
    wait = await limits.spend(call.auth, call.request_auth.scope, _BUDGET)
    if wait is not None:
        url = _sign_in_page(call, "OAuthSignin", "too_many_requests")
        return call.go(url, 429, (("Retry-After", str(wait)),))
    binding = _binding(call)
    started = await social.start(
        call.provider,
        call.target(),
        redirect_uri=f"{call.base}/callback/{call.provider}",
        cookie=binding.read(call.request_auth.headers),
    )
    if isinstance(started, Failed):
        return call.go(_sign_in_page(call, "OAuthSignin", started.code))
    call.extra.append(("Set-Cookie", binding.line(started.cookie)))
    return call.go(started.url)


def come_round(call: Call) -> Answer:
    """Turn a callback that was posted into one by link: only that carries the cookies."""
    query = {name: value for name, value in call.body.items() if isinstance(value, str)}
    url = f"{call.base}/callback/{call.provider}?{urlencode(query)}"
    return Answer(303, headers=(("Location", url), *NO_CACHE))


async def finish(call: Call, social: SocialSignIn, tokens: SessionTokens) -> Answer:
    """Sign somebody in who comes back from the provider."""
    from limen.social import Failed  # noqa: PLC0415 - needs the extra `social`

    assert call.provider is not None  # noqa: S101 - for the type checker: the route names one
    outcome = await social.finish(
        call.provider,
        {name: value for name, value in call.query.items() if isinstance(value, str)},
        _binding(call).read(call.request_auth.headers),
        client=call.client,
        presented=call.held(),
    )
    if isinstance(outcome, Failed):
        return call.go(_failure(call, outcome.code))
    if outcome.signed_in is not None:
        issued = outcome.signed_in.issued
        call.request_auth.deliver(issued)
        await known_devices.know(call, outcome.account)
        tokens.issue(call, SignedIn(issued.principal, issued.session, outcome.account))
    return call.go(outcome.target)


def _failure(call: Call, code: str) -> str:
    """Return where a failure leads, by the name that the clients' pages know it under."""
    if code in _REFUSED:
        own = None if call.is_next_auth else call.settings.error_page
        return call.page("error", own, error="AccessDenied", code=code)
    if code == Failure.NOT_LINKED:
        return _sign_in_page(call, "OAuthAccountNotLinked", code)
    return _sign_in_page(call, "OAuthCallback" if call.is_next_auth else "OAuthCallbackError", code)


def _sign_in_page(call: Call, error: str, code: str) -> str:
    return call.page("signin", call.settings.sign_in_page, error=error, code=code)


def _binding(call: Call) -> BindingCookie:
    return BindingCookie(call.auth.settings.cookies, secure=call.secure)
