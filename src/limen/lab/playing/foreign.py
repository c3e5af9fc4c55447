"""A page of another site, open in somebody's browser: what it can cause, and not see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.evidence import Hidden, Public
from limen.lab.recording.exchange import Unsent, kind_of
from limen.lab.recording.observation import CLIENT_HEADER, REQUEST_HEADER
from limen.phase import Phase
from limen.secret import Secret

if TYPE_CHECKING:
    from http.cookiejar import Cookie

    from limen.lab.playing.clients import SimulatedClient

ELSEWHERE: Final = "https://elsewhere.example"
_OF_A_FORM: Final = {
    "Origin": ELSEWHERE,
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


@dataclass(frozen=True, slots=True)
class ForeignPage:
    """A page that submits a form to the application, from the browser of whoever opened it.

    `same_site` is whether that browser heeds the attribute of a cookie (RFC 6265bis section
    5.8.3): then `Lax` and `Strict` keep it at home. What a script of the application keeps is
    out of reach of this page.
    """

    same_site: bool = True

    def submit(self, browser: SimulatedClient, path: str) -> int:
        """Submit a form by `POST`; return the status, which the page itself cannot see."""
        request_id = browser._next()
        cookies = browser.copy_of_jar("")
        kept = [one for one in cookies if self._keeps_back(one)]
        sent = [one for one in cookies if one not in kept]
        given = {
            one.name: Hidden(Secret(one.value or ""), kind_of(one.name, one.value or ""))
            for one in sent
        }
        rule = "heeded" if self.same_site else "not known to this browser"
        outcome = {
            "method": Public("POST"),
            "by": Public("cookie jar rule, for a page of another site"),
            "SameSite": Public(rule),
        }
        browser.record(Phase.CLIENT_ATTACH, given, outcome)
        record = browser._site.wire.record
        unsent = tuple(
            Unsent(
                one.name,
                record(Hidden(Secret(one.value or ""), kind_of(one.name, one.value or ""))),
                f"SameSite{one.get_nonstandard_attr('SameSite')}",
            )
            for one in kept
        )
        browser._site.wire.left_behind(request_id, unsent)
        stated = {CLIENT_HEADER: browser.name, REQUEST_HEADER: request_id, **_OF_A_FORM}
        request = browser._http.build_request("POST", path, data={"item": "1"}, headers=stated)
        request.headers.pop("Cookie", None)
        if sent:
            request.headers["Cookie"] = "; ".join(f"{one.name}={one.value}" for one in sent)
        response = browser._http.send(request)
        browser._site.ledger.read(request_id)
        return response.status_code

    def _keeps_back(self, cookie: Cookie) -> bool:
        return self.same_site and cookie.get_nonstandard_attr("SameSite") in ("Lax", "Strict")
