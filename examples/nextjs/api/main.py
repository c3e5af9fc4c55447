"""The API behind the three Next.js examples: sign-in, and one route that needs a role.

Settings are read from the environment: LIMEN_STRATEGY chooses `hybrid`, `session` or `jwt`,
and nothing else changes, here or in a front end. While you change over, LIMEN_ACCEPT names the
strategy that people are still signed in with.
"""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI

from limen import AuthjsSettings, Limen
from limen.throttle import Budget
from limen.web.fastapi import install, requires

# Everybody comes by way of Next.js and so from one address, unless a proxy in front of it says
# more (see docs/nextjs.md). The default is 3 times in 10 s.
SHARED_ADDRESS = Budget("sign-in:address", limit=30, window=10_000)


def limen() -> Limen:
    """Return the Limen that the environment describes."""
    strategy: Any = os.environ.get("LIMEN_STRATEGY", "hybrid")
    accept: Any = os.environ.get("LIMEN_ACCEPT", "").split()
    return Limen(
        strategy,
        accept=accept,
        secret=os.environ.get("LIMEN_SECRET"),
        database=os.environ.get("LIMEN_DATABASE"),
        # The address that people see: where Next.js is, not where this is.
        base_url=os.environ.get("LIMEN_BASE_URL", "http://localhost:3000"),
        access_lifetime=float(os.environ.get("LIMEN_ACCESS_LIFETIME", "300")),
        address_budget=SHARED_ADDRESS,
        authjs=AuthjsSettings(version=4),  # for examples/nextjs-next-auth
    )


auth = limen()
app = FastAPI(title="The API behind the Next.js examples", openapi_url=None)
install(app, auth)


@app.get("/api/admin/accounts", dependencies=[requires("admin")])
async def accounts() -> list[dict[str, object]]:
    """List the accounts; a caller without the role gets 403."""
    return [
        {"email": account.email, "roles": sorted(account.roles)}
        for account in await auth.accounts()
    ]
