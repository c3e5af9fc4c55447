"""One open connection to a server, and the cookies of one sign-in: no more than a thief needs."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Final, Self

from limen.lab.playing.clients import ACCESS
from limen.lab.scenarios import SIGN_IN, SIGN_OUT
from limen.lab.servers.site import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.lab.servers.site import Person

TIMEOUT_S: Final = 20.0
FIRST_REFUSAL: Final = 400


class Caller:
    """Asks one server, with as little between the clock and the socket as there can be."""

    def __init__(self, port: int, cookies: Mapping[str, str] | None = None) -> None:
        """Prepare a connection to a server of the loopback; it is opened when first used."""
        self._port = port
        self._connection = HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
        self._cookies = dict(cookies or {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._connection.close()

    def robbed_by(self, port: int) -> Caller:
        """Return somebody with a copy of the access cookie, who asks the server of this port."""
        taken = {name: text for name, text in self._cookies.items() if name.endswith(ACCESS)}
        return Caller(port, taken)

    def get(self, path: str) -> int:
        """Ask once and return the status."""
        return self._ask("GET", path)

    def gets(self, path: str) -> bool:
        """Ask once and tell whether it was given."""
        return self.get(path) < FIRST_REFUSAL

    def sign_in(self, person: Person) -> None:
        """Sign in and keep the cookies."""
        self._post(SIGN_IN, {"email": person.email, "password": person.passphrase})

    def sign_out(self) -> None:
        """Sign out; whoever has copied the cookies keeps the copy."""
        self._post(SIGN_OUT, {})

    def _post(self, path: str, body: Mapping[str, str]) -> None:
        status = self._ask("POST", path, json.dumps(body))
        if status >= FIRST_REFUSAL:
            raise RuntimeError(f"{path} was answered with {status}")

    def _ask(self, method: str, path: str, body: str | None = None) -> int:
        headers = {"Cookie": "; ".join(f"{name}={text}" for name, text in self._cookies.items())}
        if body is not None:
            headers |= {
                "Content-Type": "application/json",
                "Origin": f"http://{LOOPBACK}:{self._port}",
            }
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        for line in answer.headers.get_all("Set-Cookie", ()):
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
        return answer.status
