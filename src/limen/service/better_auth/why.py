"""Why is this cookie missing? The diagnostic of development, asked from the failing page itself.

In the console of that page:

    document.head.append(Object.assign(document.createElement("script"),
      { src: "http://localhost:8000/api/auth/why.js" }))

A script, because a page may load one of any origin and with cookies, whatever CORS allows. It
tries what the page's own requests would try, sets a cookie of its own with the attributes of
the sign-in cookie, looks whether that comes back, and prints one sentence.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from limen.errors import StoreUnavailable
from limen.service.better_auth import schemas
from limen.service.better_auth.endpoint import Endpoint
from limen.service.better_auth.wire import NOT_FOUND, Answer, json_answer
from limen.transports.origin import origin_of
from limen.verdict import Authenticated
from limen.web.development import from_this_machine, is_development
from limen.web.missing import Cause, Cors, SetCookie, SignedIn, Situation, causes_of

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.service.better_auth.endpoint import Call

PROBE: Final = "_why"
_PROBE_AGE_S: Final = 600
_MOST_PAGES: Final = 64
_SCRIPT: Final = "text/javascript; charset=utf-8"
_FOR_ANY_PAGE: Final = ("Cross-Origin-Resource-Policy", "cross-origin")
_FIRST: Final = (resources.files("limen.service.better_auth") / "why.js").read_text("utf-8")
_ARRIVED: Final = Cause(
    "arrived", "The cookie is here: this browser sends it, and it is accepted.", "Nothing to do."
)
_NOT_ACCEPTED: Final = Cause(
    "not-accepted",
    "The cookie arrives, and is not accepted: it has expired, was revoked or is from another "
    "secret.",
    "Sign in again.",
)
_NOT_JUDGED: Final = Cause(
    "not-judged",
    "The cookie arrives, and the store that has to judge it does not answer.",
    "See what `limen doctor` says of the store.",
)
_NOBODY: Final = Cause(
    "not-signed-in",
    "Nothing keeps the cookie from this page, and nobody has signed in from it since the service "
    "was started.",
    "Sign in, and ask again in the same page.",
)
_GONE: Final = Cause(
    "gone",
    "This page signed in and would have kept the cookie, so it was deleted or has expired.",
    "Sign in, and ask again in the same page.",
)


class Why:
    """Answers for one application, which runs in development.

    It remembers, in this process, which page was last given a cookie.
    """

    def __init__(self) -> None:
        self._given: OrderedDict[str, SignedIn] = OrderedDict()
        self._last = SignedIn.BY_NOBODY

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return what is served besides; none of it is documented as part of the protocol."""
        summary = "Say why a cookie is missing, in development"
        facts, script = (
            Endpoint("GET", path, handler, summary, schemas.OK, needs_store=False)
            for path, handler in (("/why", self.facts), ("/why.js", self.script))
        )
        readable = replace(facts, method="POST", handler=self.readable, anywhere=True)
        return facts, readable, script

    def note(self, call: Call) -> None:
        """Remember who was given cookies with this answer, or lost them."""
        wanted = f"{call.request_auth.cookies.access_name}=".encode()
        outgoing = call.request_auth.outgoing
        lines = [value for _, value in outgoing if value.startswith(wanted)]
        if not lines:
            return
        page = origin_of(call.header(b"origin")) or call.request_auth.own_origin
        if lines[-1].startswith(wanted + b";"):  # withdrawn
            self._given.pop(page, None)
            self._last = SignedIn.BY_NOBODY
            return
        # Node.js sends Sec-Fetch-Mode as well, and only browsers say from which site they ask.
        self._last = SignedIn.BY_A_SERVER
        if call.header(b"sec-fetch-site"):
            self._last = self._given[page] = SignedIn.BY_THIS_PAGE
            self._given.move_to_end(page)
            if len(self._given) > _MOST_PAGES:
                self._given.popitem(last=False)

    async def facts(self, call: Call) -> Answer:
        """Say as JSON what this one request shows."""
        if not from_this_machine(call.request_auth.scope):
            return NOT_FOUND
        page = origin_of(call.header(b"origin")) or call.request_auth.own_origin
        situation = self._seen(call, page, call.request_auth.own_origin)
        told = _told(await self._causes(call, situation))
        itself = {
            "baseUrl": situation.base_url,
            "seen": situation.seen,
            "trusted": situation.trusted,
        }
        return json_answer(told | itself, headers=(self._probe(call),))

    async def readable(self, call: Call) -> Answer:
        """Say nothing: whether the page may read the answer is what its script asks."""
        return Answer(204) if from_this_machine(call.request_auth.scope) else NOT_FOUND

    async def script(self, call: Call) -> Answer:
        """Return the script that asks, and in its second step the one that answers."""
        if not from_this_machine(call.request_auth.scope):
            return NOT_FOUND
        if "page" not in call.query:
            return Answer(200, _FIRST.encode(), _SCRIPT, (self._probe(call), _FOR_ANY_PAGE))
        page, api = (_origin(call, name) for name in ("page", "api"))
        if page is None or api is None:
            return NOT_FOUND
        situation = self._seen(call, page, api, came_back=_sends(call, PROBE))
        causes = await self._causes(call, situation)
        told = json.dumps(_told(causes)).replace("<", "\\u003c")
        answering = f"limenWhy.answer({told});"
        return Answer(200, answering.encode(), _SCRIPT, (_FOR_ANY_PAGE,))

    def _probe(self, call: Call) -> tuple[str, str]:
        _, value = call.request_auth.cookies.probe(PROBE, _PROBE_AGE_S)
        return "Set-Cookie", value.decode("latin-1")

    def _seen(self, call: Call, page: str, api: str, *, came_back: bool | None = None) -> Situation:
        request_auth = call.request_auth
        signed_in = self._given.get(page, self._last)
        if self._last is SignedIn.BY_A_SERVER:
            signed_in = self._last
        return Situation(
            page=page,
            api=api,
            cookies=tuple(
                SetCookie.of(value.decode("latin-1"))
                for _, value in request_auth.cookies.withdraw()
            ),
            base_url=origin_of(call.auth.settings.base_url or ""),
            seen=request_auth.own_origin,
            trusted=request_auth.trusts_target(f"{page}/"),
            cors=_cors(call, page),
            kept=came_back,
            signed_in=signed_in,
        )

    async def _causes(self, call: Call, situation: Situation) -> tuple[Cause, ...]:
        try:
            accepted = isinstance(await call.request_auth.verdict(), Authenticated)
        except StoreUnavailable:
            return (_NOT_JUDGED,)
        if accepted:
            return (_ARRIVED,)
        if _sends(call, ""):
            return (_NOT_ACCEPTED, *causes_of(replace(situation, signed_in=None)))
        found = causes_of(situation)
        if found:
            return found
        signed_in_here = situation.signed_in is SignedIn.BY_THIS_PAGE
        return (_GONE if signed_in_here else _NOBODY,)


def why_of(auth: Limen) -> Why | None:
    """Return the diagnostic of an application, `None` unless it runs in development."""
    return Why() if is_development(auth.settings) else None


def _told(causes: tuple[Cause, ...]) -> dict[str, Any]:
    first, *others = causes
    told = {"cause": first.name, "sentence": first.sentence, "remedy": first.remedy}
    return told | {"also": [one.sentence for one in others]}


def _sends(call: Call, suffix: str) -> bool:
    """Tell whether the browser sent the access cookie, or one beside it."""
    wanted = f"{call.request_auth.cookies.access_name}{suffix}="
    lines = (value for name, value in call.request_auth.headers if name == b"cookie")
    pairs = (pair.strip() for line in lines for pair in line.decode("latin-1").split(";"))
    return any(pair.startswith(wanted) and pair != wanted for pair in pairs)


def _origin(call: Call, name: str) -> str | None:
    stated = call.query.get(name)
    found = origin_of(stated) if isinstance(stated, str) else None
    return found if found is not None and found.startswith(("http://", "https://")) else None


def _cors(call: Call, page: str) -> Cors | None:
    """Return what the script found that its page may read; `None` if it did not try."""
    with_cookies, without = call.query.get("with"), call.query.get("without")
    if with_cookies is None:
        return None
    if with_cookies == "true":
        return Cors(page, "true")
    return Cors(None) if without == "true" else Cors("")
