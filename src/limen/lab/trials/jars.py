"""A jar with cookies in it that must not go along: a real jar decides, and says why."""

from __future__ import annotations

import time
from http.cookiejar import Cookie
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from limen.lab.playing.stage import carried_out
from limen.lab.run import Plot, Step
from limen.lab.scenarios import LOGIN, SIGN_IN
from limen.lab.servers.site import PROTECTED

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage
    from limen.lab.run import Run
    from limen.lab.setups import Setup

FULL_JAR: Final = Step(
    "read with a full jar", "Read: her browser asks, with other cookies in its jar"
)
PLOT: Final = Plot(
    "jar",
    "what stays in the jar",
    "Alice signs in. Four more cookies are put into her jar, each with another reason to stay "
    "there, and one without. Then her browser asks.",
    (LOGIN, FULL_JAR),
)
ELSEWHERE: Final = "shop.example"


def jar_filled(setup: Setup) -> Run:
    """Sign in, fill the jar, and read. Blocks."""
    return carried_out(PLOT, _script, None, setups=(setup,), store_for=None)


def _script(stage: Stage) -> None:
    owner = stage.owner()
    with stage.step(LOGIN):
        owner.sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)
    host = urlsplit(stage.site.url).hostname or ""
    owner.take(
        [
            cookie("goes_along", host),
            cookie("only_over_https", host, secure=True),
            cookie("of_another_page", host, path="/account"),
            cookie("of_another_shop", ELSEWHERE),
            cookie("of_yesterday", host, expires=round(time.time()) - 86_400),
        ]
    )
    with stage.step(FULL_JAR):
        owner.read(PROTECTED)


def cookie(
    name: str, host: str, *, path: str = "/", secure: bool = False, expires: int | None = None
) -> Cookie:
    """Return a cookie as a browser keeps one; `expires` is in seconds since the epoch."""
    return Cookie(
        version=0,
        name=name,
        value="x",
        port=None,
        port_specified=False,
        domain=host,
        domain_specified=False,
        domain_initial_dot=False,
        path=path,
        path_specified=True,
        secure=secure,
        expires=expires,
        discard=expires is None,
        comment=None,
        comment_url=None,
        rest={},
    )
