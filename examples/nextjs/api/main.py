"""The API behind the three Next.js examples: sign-in, and one route that needs a role.

Settings are read from the environment: LIMEN_STRATEGY chooses `hybrid`, `session` or `jwt`,
and nothing else changes, here or in a front end. While you change over, LIMEN_ACCEPT names the
strategies that people are still signed in with, as in `session, jwt`.
"""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI

from limen import AuthjsSettings, Limen
from limen.provider import Provider
from limen.social import github, google, oidc
from limen.throttle import Budget
from limen.web.fastapi import install, requires

# Everybody comes by way of Next.js and so from one address, unless a proxy in front of it says
# more (see docs/nextjs.md). The default is 3 times in 10 s.
SHARED_ADDRESS = Budget("sign-in:address", limit=30, window=10_000)


def providers() -> list[Provider]:
    """Return the identity providers that the environment has a client id for."""
    given = os.environ
    found = [
        preset(given[f"{name}_CLIENT_ID"], given[f"{name}_CLIENT_SECRET"])
        for name, preset in (("GOOGLE", google), ("GITHUB", github))
        if f"{name}_CLIENT_ID" in given
    ]
    if "OIDC_ISSUER" in given:
        client = given["OIDC_CLIENT_ID"], given["OIDC_CLIENT_SECRET"]
        found.append(oidc("work", given["OIDC_ISSUER"], *client))
    return found


def limen() -> Limen:
    """Return the Limen that the environment describes."""
    strategy: Any = os.environ.get("LIMEN_STRATEGY", "hybrid")
    accept: Any = [one.strip() for one in os.environ.get("LIMEN_ACCEPT", "").split(",") if one]
    return Limen(
        strategy,
        accept=accept,
        secret=os.environ.get("LIMEN_SECRET"),
        database=os.environ.get("LIMEN_DATABASE"),
        # The address that people see: where Next.js is, not where this is.
        base_url=os.environ.get("LIMEN_BASE_URL", "http://localhost:3000"),
        access_lifetime=float(os.environ.get("LIMEN_ACCESS_LIFETIME", "300")),
        address_budget=SHARED_ADDRESS,
        # Without a mail server letters are printed here, on standard error.
        smtp=os.environ.get("LIMEN_SMTP"),
        mail_from=os.environ.get("LIMEN_MAIL_FROM"),
        providers=providers(),
        authjs=AuthjsSettings(version=4),  # for examples/nextjs-next-auth
    )


auth = limen()
app = FastAPI(title="The API behind the Next.js examples", openapi_url=None)
install(app, auth)


@app.get("/api/providers")
async def ways_in() -> list[dict[str, str]]:
    """List the identity providers, for the buttons of a page."""
    return [{"id": one.id, "name": one.name or one.id} for one in auth.settings.providers]


@app.get("/api/admin/accounts", dependencies=[requires("admin")])
async def accounts() -> list[dict[str, object]]:
    """List the accounts; a caller without the role gets 403."""
    return [
        {"email": account.email, "roles": sorted(account.roles)}
        for account in await auth.accounts()
    ]
