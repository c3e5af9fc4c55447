"""A script of a page as the wire sees it: what the clients of both versions send."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from live import EMAIL, NAME, PASSWORD, Live

from limen import AuthjsSettings

PATH = "/api/authjs"
SHARED = "tQ9c-Lw2Zx_Vb7nM4kRj0Hs5Gd8Fa1Pe3Yu"
VERSIONS = (5, 4)


def settings(version: int, **options: Any) -> AuthjsSettings:
    return AuthjsSettings(version=version, **options)  # type: ignore[arg-type]


def encrypted(version: int, **options: Any) -> AuthjsSettings:
    return settings(version, session_token="jwe", secret=SHARED, **options)


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Visitor:
    """One browser with a page of ours open."""

    def __init__(self, live: Live, client: httpx.Client | None = None) -> None:
        self.live = live
        self.version: int = live.auth.settings.authjs.version or 0
        self.client = client or live.client()
        self.base = live.url + PATH

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(self.base + path, **options)

    def csrf(self) -> str:
        token: str = self.get("/csrf").json()["csrfToken"]
        return token

    def post(self, path: str, *, token: str | None = None, **fields: str) -> httpx.Response:
        """Post as `signIn` and `signOut` of this version do."""
        stated = {"csrfToken": self.csrf() if token is None else token, **fields}
        headers = {"X-Auth-Return-Redirect": "1"} if self.version == 5 else {}
        if self.version == 4:
            stated["json"] = "true"
        return self.client.post(self.base + path, data=stated, headers=headers)

    def sign_in(
        self, email: str = EMAIL, password: str = PASSWORD, **fields: str
    ) -> httpx.Response:
        fields = {"callbackUrl": f"{self.live.url}/private", **fields}
        return self.post("/callback/credentials", email=email, password=password, **fields)

    def sign_out(self, **fields: str) -> httpx.Response:
        return self.post("/signout", **fields)

    def session(self, **options: Any) -> Any:
        answer = self.get("/session", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def update(self, data: Any = None, *, token: str | None = None) -> httpx.Response:
        """Post as `update(data)` does."""
        body = {"csrfToken": self.csrf() if token is None else token, "data": data}
        headers = {"Content-Type": "application/json"}
        return self.client.post(f"{self.base}/session", content=json.dumps(body), headers=headers)

    @property
    def nobody(self) -> Any:
        return None if self.version == 5 else {}

    @property
    def cookies(self) -> set[str]:
        return {cookie.name for cookie in self.client.cookies.jar}

    @property
    def token_name(self) -> str:
        return "authjs.session-token" if self.version == 5 else "next-auth.session-token"


def person(live: Live, email: str = EMAIL) -> str:
    """Open an account and return its id."""
    account = live.run(live.auth.add_account(email, PASSWORD, NAME))
    return account.id  # type: ignore[union-attr]
