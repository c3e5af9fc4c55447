"""Simulated clients: a real cookie jar or a store of their own, and real requests, all recorded."""

from __future__ import annotations

import itertools
import time
from http.cookiejar import Cookie
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from urllib.request import Request

import httpx

from limen.clock import elapsed_ns
from limen.evidence import Check, Count, Duration, Hidden, Public
from limen.lab.recording.exchange import Unsent, kind_of, plain
from limen.lab.recording.observation import CLIENT_HEADER, REQUEST_HEADER
from limen.phase import Phase
from limen.secret import Secret
from limen.trace import traced_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from limen.evidence import Evidence
    from limen.lab.servers.site import Site

TIMEOUT_S = 20.0
BADGES = ("simulated client",)
ACCESS, REFRESH = "session_token", "refresh_token"
COOKIE_PREFIX = "better-auth"
REFRESH_PATH = "/api/auth/refresh"
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_HEADER_RULE, _JAR_RULE = "script, as a header", "cookie jar rule"
_BY_HAND = "hand: no browser decides"
# User agents drop a cookie whose name and value are longer together (RFC 6265bis section 5.7).
MAX_COOKIE_OCTETS = 4_096
UNAUTHENTICATED = 401


class SimulatedClient:
    """Somebody with a cookie jar and, where the setup says so, with tokens that a script keeps.

    What is in the jar decides what is sent, as in a browser. What a script keeps is attached
    as an `Authorization` header to every request.
    """

    def __init__(self, name: str, site: Site, numbers: Iterator[int]) -> None:
        """Open a client; `numbers` counts the requests of the whole run."""
        self.name = name
        self.requests: list[str] = []
        self.kept_by_script: dict[str, str] = {}
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

    def copy_of_script(self, *kinds: str) -> dict[str, str]:
        """Return what a script of the page keeps, of these kinds."""
        return {kind: text for kind, text in self.kept_by_script.items() if kind in kinds}

    def credential(self, kind: str) -> str | None:
        """Return the text of a credential that this client holds, wherever it is kept."""
        texts = [one.value or "" for one in self.copy_of_jar(kind)]
        return next(iter([*texts, *self.copy_of_script(kind).values()]), None)

    def readable_by_script(self, *kinds: str) -> tuple[list[Cookie], dict[str, str]]:
        """Return what any script on the page can read: no HttpOnly cookie is among it."""
        cookies = [
            one for one in self.copy_of_jar(*kinds) if not one.has_nonstandard_attr("HttpOnly")
        ]
        return cookies, self.copy_of_script(*kinds)

    def present(self, kind: str, text: str, path: str, method: str = "GET") -> httpx.Response:
        """Present a made-up credential where the application expects this kind of it."""
        made_up = Hidden(Secret(text), kind_of(kind, text))
        if self._site.setup.by_cookie:
            cookie = {f"{COOKIE_PREFIX}.{kind}": text}
            return self.send(method, path, cookies=cookie, presenting=made_up)
        bearer = {"Authorization": f"Bearer {text}"}
        return self.send(method, path, headers=bearer, presenting=made_up)

    def take(self, cookies: list[Cookie]) -> None:
        """Put cookies into the jar, whoever they were meant for."""
        for one in cookies:
            self._http.cookies.jar.set_cookie(one)

    def share(self, other: SimulatedClient) -> None:
        """Hold what another part of the same browser holds; nothing is copied out of it."""
        self.take(other.copy_of_jar(ACCESS, REFRESH))
        self.kept_by_script.update(other.kept_by_script)

    @property
    def held(self) -> dict[str, Evidence]:
        """What this client holds, as evidence: labels, never values."""
        in_jar = {
            _part(one.name): Hidden(Secret(one.value or ""), kind_of(one.name, one.value or ""))
            for one in self._http.cookies.jar
            if one.name.endswith((ACCESS, REFRESH))
        }
        by_script = {
            kind.replace("session_token", "access token").replace("_", " "): Hidden(
                Secret(text), kind_of(kind, text)
            )
            for kind, text in self.kept_by_script.items()
        }
        return {**in_jar, **by_script}

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        presenting: Evidence | None = None,
    ) -> httpx.Response:
        """Make one request with what is held, and record what went along and what changed.

        `headers` win over those of this client; `cookies` go along instead of the jar's.
        `presenting` is a credential in one of the two that this client does not hold.
        """
        request_id = self._next()
        stated = {CLIENT_HEADER: self.name, REQUEST_HEADER: request_id}
        if method in _UNSAFE:
            stated["Origin"] = self._site.url  # as a browser does on every unsafe request
        token = self.kept_by_script.get(ACCESS)
        if token is not None:
            stated["Authorization"] = f"Bearer {token}"
        if cookies is not None:
            stated["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        before = self.held
        if presenting is not None:
            made = {"method": Public(method), "by": Public(_BY_HAND)}
            self.record(Phase.CLIENT_ATTACH, given={"made up": presenting}, outcome=made)
        elif before and cookies is None:
            by = Public(_JAR_RULE if token is None else _HEADER_RULE)
            self.record(
                Phase.CLIENT_ATTACH, given=before, outcome={"method": Public(method), "by": by}
            )
        self._site.wire.left_behind(request_id, self._unsent(path))
        response = self._http.request(
            method, path, json=json, headers={**stated, **(headers or {})}
        )
        self._keep(response)
        self._record_change(before)
        self._site.ledger.read(request_id)
        return response

    def ask(self, path: str, method: str = "GET", json: Mapping[str, object] | None = None) -> int:
        """Ask for a protected resource, whatever the answer; return its status.

        Where a script holds a refresh token, it trades it after a refusal and asks again.
        """
        status = self.send(method, path, json=json).status_code
        refresh = self.kept_by_script.get(REFRESH)
        if status != UNAUTHENTICATED or refresh is None:
            return status
        traded = self.send("POST", REFRESH_PATH, json={"refreshToken": refresh})
        return self.send(method, path, json=json).status_code if traded.is_success else status

    def record(
        self,
        phase: Phase,
        given: Mapping[str, Evidence] | None = None,
        outcome: Mapping[str, Evidence] | None = None,
        checks: tuple[Check, ...] = (),
    ) -> None:
        """Record a step of this client under its newest request."""
        assembly = self._site.limen.assembly
        request_id = self.requests[-1] if self.requests else "-"
        with traced_as(run=self._site.run, client=self.name, actor="client", request_id=request_id):
            assembly.tracer.record(
                assembly.parts.primary.name, phase, given, outcome, checks, badges=BADGES
            )

    def _next(self) -> str:
        """Return a number for what this client does next."""
        self.requests.append(f"r{next(self._numbers)}")
        return self.requests[-1]

    def _keep(self, response: httpx.Response) -> None:
        """Keep what the body hands to a script; cookies went into the jar already."""
        for one in list(self._http.cookies.jar):
            if len(one.name) + len(one.value or "") > MAX_COOKIE_OCTETS:
                self._http.cookies.jar.clear(one.domain, one.path, one.name)
        if self._site.setup.by_cookie or not response.is_success:
            return
        answered: Any = response.json() if response.content else None
        if isinstance(answered, dict):
            for member, kind in (("token", ACCESS), ("refreshToken", REFRESH)):
                if isinstance(answered.get(member), str):
                    self.kept_by_script[kind] = answered[member]

    def _record_change(self, before: Mapping[str, Evidence]) -> None:
        """Record what came into the client's keeping and what left it."""
        now = self.held
        gained = {part: value for part, value in now.items() if before.get(part) != value}
        lost = {part: value for part, value in before.items() if part not in now}
        if gained:
            storage = self._site.setup.storage
            where = {
                "holder": Public(storage.value),
                "script access": Public(not self._site.setup.by_cookie or not self._http_only()),
            }
            self.record(Phase.CLIENT_STORE, outcome={**gained, **where})
        if lost:
            outcome = {"dropped": Count(len(lost)), "left": Count(len(now))}
            self.record(Phase.CLIENT_FORGET, given=lost, outcome=outcome)

    def _http_only(self) -> bool:
        cookies = self.copy_of_jar(ACCESS, REFRESH)
        return all(one.has_nonstandard_attr("HttpOnly") for one in cookies)

    def _unsent(self, path: str) -> tuple[Unsent, ...]:
        """Return the cookies of the jar that do not go along with a request, and why."""
        jar = list(self._http.cookies.jar)  # asking it drops what has expired
        asked = Request(self._site.url + path)  # noqa: S310 - it is never opened
        self._http.cookies.jar.add_cookie_header(asked)
        sent = set((asked.get_header("Cookie") or "").split("; "))
        return tuple(
            Unsent(
                plain(one.name),
                self._site.wire.record(_credential_in(one)),
                _why_unsent(one, self._site.url, path),
            )
            for one in jar
            if f"{one.name}={one.value}" not in sent
        )


class Owner(SimulatedClient):
    """A person at a device of their own: signs in, reads, signs out."""

    def sign_in(self, path: str, email: str, passphrase: str) -> None:
        """Sign in and keep what the answer gives."""
        self.try_to_sign_in(path, email, passphrase).raise_for_status()

    def try_to_sign_in(self, path: str, email: str, passphrase: str) -> httpx.Response:
        """Sign in with what may be wrong."""
        headers = {} if self._site.setup.by_cookie else {"x-limen-carrier": "bearer"}
        stated = {"email": email, "password": passphrase}
        return self.send("POST", path, json=stated, headers=headers)

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
        held = self.kept_by_script.get(REFRESH)
        response = self.send("POST", path, json={} if held is None else {"refreshToken": held})
        answered_ns = elapsed_ns()
        response.raise_for_status()
        self.forget(*self.kept_by_script)
        return answered_ns

    def change_password(self, path: str, current: str, new: str) -> int:
        """Replace the passphrase and end every other sign-in; return when that was answered."""
        stated = {"currentPassword": current, "newPassword": new, "revokeOtherSessions": True}
        carrier = {} if self._site.setup.by_cookie else {"x-limen-carrier": "bearer"}
        response = self.send("POST", path, json=stated, headers=carrier)
        answered_ns = elapsed_ns()
        response.raise_for_status()
        return answered_ns

    def forget(self, *kinds: str) -> None:
        """Drop what this client holds of these kinds, and tell nobody."""
        before = self.held
        if before:
            self._next()
        for one in self.copy_of_jar(*kinds) if kinds else ():
            self._http.cookies.jar.clear(one.domain, one.path, one.name)
        for kind in kinds:
            self.kept_by_script.pop(kind, None)
        if before:
            self._record_change(before)


class Thief(SimulatedClient):
    """Somebody who copied what another client holds, before its sign-in was ended."""

    def steal(self, victim: SimulatedClient, *kinds: str) -> None:
        """Copy what the victim holds of these kinds; the victim keeps it, and nothing is sent."""
        self._next()
        self.take(victim.copy_of_jar(*kinds))
        self.kept_by_script.update(victim.copy_of_script(*kinds))
        if self.held:
            self.record(
                Phase.CLIENT_STORE,
                outcome={**self.held, "holder": Public(f"copy of {victim.name}")},
            )

    def read_as_script(self, victim: SimulatedClient, *kinds: str) -> None:
        """Take what a script on the victim's page can read, and send it home."""
        self._next()
        cookies, kept = victim.readable_by_script(*kinds)
        self.take(cookies)
        self.kept_by_script.update(kept)
        found = {"found by the script": Count(len(cookies) + len(kept))}
        self.record(Phase.CLIENT_STORE, outcome={**self.held, **found})

    def replay(self, method: str, path: str, ended_ns: int) -> bool:
        """Use the copy once; tell whether it was accepted.

        `ended_ns` is when the answer to what ended the sign-in had arrived.
        """
        held = self.held
        started_ns = elapsed_ns()
        if not self._site.setup.by_cookie and ACCESS not in self.kept_by_script:
            refresh = {"refreshToken": self.kept_by_script[REFRESH]}
            response = self.send("POST", REFRESH_PATH, json=refresh)
        else:
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


def _part(name: str) -> str:
    return "refresh cookie" if name.endswith(REFRESH) else "access cookie"


def _credential_in(cookie: Cookie) -> Evidence:
    """Return what a cookie holds as evidence; what is no credential of Limen's gets no label."""
    if not cookie.name.endswith((ACCESS, REFRESH)):
        return Public("not a credential")
    value = cookie.value or ""
    return Hidden(Secret(value), kind_of(cookie.name, value))


def _covers(scope: str, path: str) -> bool:
    """Tell whether a cookie's path covers a path (RFC 6265bis section 5.1.4)."""
    return path == scope or path.startswith(scope if scope.endswith("/") else f"{scope}/")


def _why_unsent(cookie: Cookie, url: str, path: str) -> str:
    """Return the rule of RFC 6265bis that keeps a cookie in the jar."""
    asked = urlsplit(url)
    if cookie.is_expired(round(time.time())):
        return "Expired"
    if cookie.secure and asked.scheme != "https":
        return "SecureOnly"
    if not _covers(cookie.path, path):
        return "NotOnPath"
    return "DomainMismatch"
