"""Who takes part: people with browsers, programs, and whoever forges requests line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from arena import ORIGIN, Node
from inspection import API, Watch

if TYPE_CHECKING:
    from collections.abc import Iterable

Line = tuple[str | bytes, str | bytes]
ACCESS, REFRESH = "__Host-better-auth.session_token", "__Host-better-auth.refresh_token"
PASSWORD = "correct horse battery staple"
HOME, ABROAD = "203.0.113.7", "198.51.100.66"


@dataclass(frozen=True, slots=True)
class Copy:
    """What a thief has: the access credential and, where there is one, the refresh token."""

    access: str
    refresh: str | None = None

    @property
    def cookie(self) -> str:
        """Both as one `Cookie` line."""
        parts = {ACCESS: self.access, REFRESH: self.refresh}
        return "; ".join(f"{name}={value}" for name, value in parts.items() if value)


class Client:
    """Sends requests to one process, with a cookie jar and lines of its own."""

    def __init__(
        self, node: Node, watch: Watch, lines: Iterable[Line] = (), address: str = HOME
    ) -> None:
        self.node = node
        self.watch = watch
        self.lines = list(lines)
        transport = httpx.ASGITransport(node.app, client=(address, 40_000))
        self.http = httpx.AsyncClient(transport=transport, base_url=ORIGIN, trust_env=False)

    @property
    def jar(self) -> httpx.Cookies:
        return self.http.cookies

    def send(
        self, method: str, path: str | httpx.URL, *lines: Line, **options: Any
    ) -> httpx.Response:
        """Send one request; nothing is added to the lines but what HTTP needs."""
        headers = [(_octets(name), _octets(value)) for name, value in (*self.lines, *lines)]
        sending = self.http.request(method, path, headers=headers, **options)
        answer = self.node.run(sending)
        self.watch.judge(answer)
        return answer

    def get(self, path: str, *lines: Line) -> httpx.Response:
        return self.send("GET", path, *lines)

    def post(self, path: str, body: object = None, *lines: Line) -> httpx.Response:
        return self.send("POST", path, *lines, json={} if body is None else body)

    def ask(self, path: str) -> httpx.Response:
        """Ask the wire a question."""
        return self.get(API + path)

    def tell(self, path: str, body: object = None, *lines: Line) -> httpx.Response:
        """Send the wire something."""
        return self.post(API + path, body, *lines)

    @property
    def status(self) -> int:
        """What reading the notes is answered with."""
        return self.get("/notes").status_code

    @property
    def who(self) -> str | None:
        """Whose notes are read, if anybody's."""
        answer = self.get("/notes")
        return answer.json()["who"] if answer.status_code == 200 else None


class Person(Client):
    """Somebody with an account, in a browser at a page of the application."""

    def __init__(self, node: Node, watch: Watch, email: str, password: str = PASSWORD) -> None:
        super().__init__(node, watch, [("Origin", ORIGIN)])
        self.email = email
        self.password = password
        watch.keep(password)

    def sign_up(self) -> httpx.Response:
        account = {"name": "Ada", "email": self.email, "password": self.password}
        answer = self.tell("/sign-up/email", account)
        assert answer.status_code == 200, answer.text
        return answer

    def sign_in(self) -> httpx.Response:
        return self.tell("/sign-in/email", {"email": self.email, "password": self.password})

    def other_device(self) -> Person:
        """Return the same person at another browser, signed in."""
        other = Person(self.node, self.watch, self.email, self.password)
        assert other.sign_in().status_code == 200
        return other

    @property
    def subject(self) -> str:
        found: str = self.ask("/get-session").json()["user"]["id"]
        return found

    @property
    def session_id(self) -> str:
        found: str = self.ask("/get-session").json()["session"]["id"]
        return found

    def copy(self) -> Copy:
        """Return a copy of what the jar holds."""
        return Copy(self.jar[ACCESS], self.jar.get(REFRESH))


def by_cookie(node: Node, watch: Watch, copy: Copy, address: str = ABROAD) -> Client:
    """Return whoever presents a copy as the cookies that it was."""
    lines = [("Origin", ORIGIN), ("Cookie", copy.cookie)]
    return Client(node, watch, lines, address)


def by_header(node: Node, watch: Watch, credential: str, address: str = ABROAD) -> Client:
    """Return whoever presents a credential as a bearer."""
    watch.keep(credential)
    return Client(node, watch, [("Authorization", f"Bearer {credential}")], address)


def _octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
