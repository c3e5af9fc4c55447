"""What no run measures, and why: said in every result, so that nobody takes silence for zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.systems import LIMEN, SETTINGS, left_out

if TYPE_CHECKING:
    from bench.run import Run

JWT: Final = (
    "jwt asks nobody, so a copy is accepted until it expires, up to 300 s after a revocation"
)
PEERS: Final = "peers"
OTHERS: Final = {
    "SuperTokens, Ory Kratos, Keycloak": "They need a server of their own beside the application, "
    "so that a row would measure the way to it.",
    "Auth.js": "It has no server for Python and none for plain Node that could be asked alike.",
}


def state_what_is_never_measured(run: Run) -> None:
    """Add what was asked for and can have no row."""
    for measure in ("revocation_lag_ms", "revocation_lag_cut_ms"):
        if not run.asks(measure):
            continue
        run.miss(measure, LIMEN, JWT, strategy="jwt")
        run.miss(
            measure,
            PEERS,
            "none of them has a check that is both local and revocable: their stores are "
            "asked on each request, or their tokens live to their end",
        )
    if run.asks("revocation_lag_cut_ms"):
        for name, setting in SETTINGS.items():
            if name.startswith("hybrid") and setting.store == "sqlite":
                run.miss(
                    "revocation_lag_cut_ms",
                    LIMEN,
                    "SQLite is a file: there is no connection to cut",
                    strategy=setting.title,
                    store=setting.store,
                )
        run.miss(
            "revocation_lag_cut_ms",
            LIMEN,
            "it follows the same feed by the same lease as hybrid",
            strategy="session, check=feed",
        )
        run.miss(
            "revocation_lag_cut_ms",
            LIMEN,
            "every check asks the store, so one that is cut off answers 503 at once",
            strategy="session, check=store",
        )
    for measure, why in {
        "warm_check_us": "they offer no check that can be called apart from their framework; "
        "compare protected_over_open",
        "check_cost_by_rows": "their schemas would have to be filled one by one",
        "memory_mb_per_million_revocations": "none of them keeps a log of revocations in memory",
    }.items():
        if run.asks(measure):
            run.miss(measure, PEERS, why)
    if run.asks("check_cost_by_rows"):
        run.miss(
            "check_cost_by_rows",
            LIMEN,
            "10^7 sessions: filling PostgreSQL would take most of the run; SQLite has the row",
            store="postgresql",
        )
        run.miss("check_cost_by_rows", LIMEN, "a key of Redis is a hash lookup", store="redis")
    for name, why in (OTHERS | left_out()).items():
        run.miss(None, name, why)
