"""Simulated clients: a real cookie jar and real requests, each step recorded."""

from __future__ import annotations

import itertools
from http.cookiejar import Cookie
from typing import TYPE_CHECKING, Self

import httpx

from limen.clock import elapsed_ns
from limen.evidence import Check, Count, Duration, Hidden, Public
from limen.guarantees import Format
from limen.lab.observation import CLIENT_HEADER, REQUEST_HEADER
from limen.phase import Phase
from limen.secret import Secret
from limen.trace import traced_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from limen.evidence import CredentialKind, Evidence
    from limen.lab.site import Site

TIMEOUT_S = 20.0
BADGES = ("simulated client",)
ACCESS, REFRESH = "session_token", "refresh_token"
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class SimulatedClient:
    """Somebody with a cookie jar. What is in the jar decides what is sent, as in a browser."""

    def __init__(self, name: str, site: Site, numbers: Iterator[int]) -> None:
        """Open a client; `numbers` counts the requests of the whole run."""
        self.name = name
        self.requests: list[str] = []
        self._site = site
        self._numbers = numbers
        self._http = httpx.Client(
            base_url=site.url, timeout=TIMEOUT_S, trust_env=False, follow_redirects=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._http.close()

    def copy_of_jar(self, *kinds: str) -> list[Cookie]:
        """Return the cookies whose names end in one of `kinds`, as somebody could copy them."""
        return [one for one in self._http.cookies.jar if one.name.endswith(kinds)]

    def take(self, cookies: list[Cookie]) -> None:
        """Put cookies into the jar, whoever they were meant for."""
        for one in cookies:
            self._http.cookies.jar.set_cookie(one)

    @property
    def jar(self) -> dict[str, Evidence]:
        """What is in the jar, as evidence: labels, never values."""
        return {
            _part(one): Hidden(Secret(one.value or ""), self._kind(one))
            for one in self._http.cookies.jar
            if one.name.endswith((ACCESS, REFRESH))
        }

    def send(
        self, method: str, path: str, *, json: Mapping[str, object] | None = None
    ) -> httpx.Response:
        """Make one request with what the jar holds, and record what was attached."""
        request_id = f"r{next(self._numbers)}"
        self.requests.append(request_id)
        headers = {CLIENT_HEADER: self.name, REQUEST_HEADER: request_id}
        if method in _UNSAFE:
            headers["Origin"] = self._site.url  # as a browser does on every unsafe request
        attached = self.jar
        if attached:
            sent = {"method": Public(method), "by": Public("cookie jar rule")}
            self.record(Phase.CLIENT_ATTACH, given=attached, outcome=sent)
        return self._http.request(method, path, json=json, headers=headers)

    def ask(self, path: str) -> None:
        """Ask for a protected resource, whatever the answer."""
        self.send("GET", path)

    def record(
        self,
        phase: Phase,
        given: Mapping[str, Evidence] | None = None,
        outcome: Mapping[str, Evidence] | None = None,
        checks: tuple[Check, ...] = (),
    ) -> None:
        """Record a step of this client under its newest request."""
        tracer, strategy = (
            self._site.limen.assembly.tracer,
            self._site.limen.assembly.parts.primary.name,
        )
        request_id = self.requests[-1] if self.requests else "-"
        with traced_as(run=self._site.run, client=self.name, actor="client", request_id=request_id):
            tracer.record(strategy, phase, given, outcome, checks, badges=BADGES)

    def _kind(self, cookie: Cookie) -> CredentialKind:
        if cookie.name.endswith(REFRESH):
            return "refresh"
        signed = self._site.limen.assembly.parts.primary.guarantees.format is Format.SIGNED
        return "token" if signed else "session"


class Owner(SimulatedClient):
    """A person at a device of their own: signs in, reads, signs out."""

    def sign_in(self, path: str, email: str, passphrase: str) -> None:
        """Sign in and keep what the answer sets."""
        self.send("POST", path, json={"email": email, "password": passphrase}).raise_for_status()
        kept = self.jar
        where = {"holder": Public("cookie jar"), "script access": Public(not self._http_only())}
        self.record(Phase.CLIENT_STORE, outcome={**kept, **where})

    def try_to_sign_in(self, path: str, email: str, passphrase: str) -> None:
        """Sign in with what may be wrong."""
        self.send("POST", path, json={"email": email, "password": passphrase})

    def read(self, path: str) -> None:
        """Read a protected resource, which must succeed."""
        self.send("GET", path).raise_for_status()

    def end_others(self, path: str) -> int:
        """End every other sign-in; return when the answer arrived, in nanoseconds."""
        response = self.send("POST", path, json={})
        answered_ns = elapsed_ns()
        response.raise_for_status()
        return answered_ns

    def sign_out(self, path: str) -> int:
        """Sign out and forget what the answer says; return when it arrived, in nanoseconds."""
        held = self.jar
        response = self.send("POST", path, json={})
        answered_ns = elapsed_ns()
        response.raise_for_status()
        left = self.jar
        dropped = len(held) - len(left)
        outcome = {"cookies dropped": Count(dropped), "cookies left": Count(len(left))}
        self.record(Phase.CLIENT_FORGET, given=held, outcome=outcome)
        return answered_ns

    def _http_only(self) -> bool:
        cookies = self.copy_of_jar(ACCESS, REFRESH)
        return all(one.has_nonstandard_attr("HttpOnly") for one in cookies)


class Thief(SimulatedClient):
    """Somebody who copied a jar before its sign-in was ended."""

    def replay(self, method: str, path: str, ended_ns: int) -> bool:
        """Use the copy once; tell whether it was accepted.

        `ended_ns` is when the answer to what ended the sign-in had arrived.
        """
        held = self.jar
        started_ns = elapsed_ns()
        response = self.send(method, path)
        now_ns = elapsed_ns()
        accepted = response.is_success
        outcome: dict[str, Evidence] = {
            "status": Public(response.status_code),
            "since the end": Duration((now_ns - ended_ns) / 1e9),
            "round trip": Duration((now_ns - started_ns) / 1e9),
        }
        check = Check("accepted", accepted)
        self.record(Phase.REPLAY_BY_THIEF, held, outcome, (check,))
        return accepted


def request_numbers() -> Iterator[int]:
    """Count the requests of one run from 1."""
    return itertools.count(1)


def _part(cookie: Cookie) -> str:
    return "refresh cookie" if cookie.name.endswith(REFRESH) else "access cookie"
