"""The mount for Auth.js clients, whose cookies prove no key, asked by somebody who proves one."""

from pathlib import Path

import pytest
from holders import Holder, Proving
from live import EMAIL, NAME, PASSWORD, serve

from limen import AuthjsSettings
from limen.stores.sql import migrate

SHARED = "tQ9c-Lw2Zx_Vb7nM4kRj0Hs5Gd8Fa1Pe3Yu"
PERSON = {"name": NAME, "email": EMAIL, "password": PASSWORD}


@pytest.mark.proves("dpop:14")
def test_a_bound_session_gets_no_token_that_works_without_the_key(
    tmp_path: Path, holder: Holder
) -> None:
    template = tmp_path / "limen.db"
    migrate(f"sqlite+aiosqlite:///{template}")
    authjs = AuthjsSettings(version=5, session_token="jwe", secret=SHARED)
    with serve(template, tmp_path, "hybrid", dpop="accept", authjs=authjs) as live:
        session = live.url + "/api/authjs/session"
        browser = live.browser("grace@example.org").get(session)
        assert "authjs.session-token=" in browser.headers["set-cookie"]
        app, proving = live.client(origin=False), Proving(holder, live.auth.assembly.clock)
        kept = app.post("/sign-up/email", json=PERSON, auth=proving).json()
        assert app.get(session, headers={"Authorization": f"Bearer {kept['token']}"}).json() is None
        proving.access = kept["token"]
        answer = app.get(session, auth=proving)
        assert answer.json()["user"]["email"] == EMAIL
        assert "set-cookie" not in answer.headers
