"""The service as an ASGI application over each store, with clients at any address."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from limens import QUICK

from limen import Limen
from limen.audit import AuditEvent, AuditKind
from limen.effects import ReadAudit, ask
from limen.letter import Letter
from limen.service.app import create_app
from limen.testing import FrozenClock

BASE = "https://app.example"
ADA, PASSWORD = "ada@example.org", "correct horse battery"
WRONG = "wrong horse battery"


@dataclass
class Place:
    """One service: its clock, its clients, and how often each kind of answer was given."""

    auth: Limen
    clock: FrozenClock
    app: Any
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def browser(self, address: str = "192.0.2.1", **headers: str) -> httpx.AsyncClient:
        """Give a client with a cookie jar of its own, at an address of the network."""
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, client=(address, 50_000)),
            base_url=f"{BASE}/api/auth",
            headers={"Origin": BASE, **headers},
        )
        self.clients.append(made)
        return made

    async def sign_up(self, email: str = ADA) -> httpx.AsyncClient:
        """Open an account in a browser of its own."""
        browser = self.browser("198.51.100.1")
        body = {"name": "Ada", "email": email, "password": PASSWORD}
        assert (await browser.post("/sign-up/email", json=body)).status_code == 200
        return browser

    async def try_at(
        self, browser: httpx.AsyncClient, password: str = WRONG, email: str = ADA
    ) -> httpx.Response:
        """Try a password in a browser."""
        return await browser.post("/sign-in/email", json={"email": email, "password": password})

    async def told(self, kind: AuditKind) -> list[AuditEvent]:
        """Return what the audit log has of one kind."""
        return list(await self.auth.run(ask(ReadAudit(kinds=(kind,)))))

    async def tries(self, count: int, password: str = WRONG, email: str = ADA) -> list[int]:
        """Try a password so many times as strangers, each at an address of its own."""
        told = []
        for number in range(count):
            stranger = self.browser(f"203.0.113.{number % 250}")
            told.append((await self.try_at(stranger, password, email)).status_code)
        return told


class Mailbox:
    """Keeps letters."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> None:
        self.letters.append(letter)

    async def one(self, purpose: str) -> Letter:
        """Wait until a letter has come."""
        while True:
            for letter in self.letters:
                if letter.purpose == purpose:
                    return letter
            await asyncio.sleep(0.01)


Play = Callable[..., None]


def player(**given: str) -> Play:
    def play(scene: Callable[[Place], Awaitable[None]], **options: Any) -> None:
        async def played() -> None:
            clock = FrozenClock()
            # The budgets of addresses are not what most scenes are about.
            settings = QUICK | {"base_url": BASE, "hashing_workers": 8} | options
            settings.setdefault("address_budget", QUICK["account_budget"])
            async with Limen("session", clock=clock, **given, **settings) as auth:
                place = Place(auth, clock, create_app(auth))
                try:
                    await scene(place)
                finally:
                    for client in place.clients:
                        await client.aclose()

        asyncio.run(played())

    return play
