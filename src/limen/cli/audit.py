"""`limen audit`: what happened, for whoever has to find out."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from limen.audit import KINDS, AuditKind
from limen.cli.examples import example
from limen.cli.opening import ConfigOption, DatabaseOption, opened
from limen.cli.output import emit_line, moment, say, show_table
from limen.cli.users import found
from limen.clock import SystemClock

if TYPE_CHECKING:
    from limen.audit import AuditEvent
    from limen.blocking import BlockingLimen

_AGO: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
MAX_LISTED: Final = 100_000
PAGE: Final = 1_000
LOOK_EVERY_S: Final = 1.0
# Events that are written at the same time may appear with a lower number a moment later.
OVERLAP: Final = 1_000

LinesOption = Annotated[
    bool,
    typer.Option("--json", help="Print one line of JSON for each event.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command(
        "list",
        epilog=example(
            "limen audit list --user ada@example.org --since 24h",
            "limen audit list --kind sign_in.refused --kind budget.spent --address 192.0.2.7",
            "limen audit list --since 2026-11-01T08:00:00Z --json",
            "limen audit list --follow",
        ),
    )(list_events)
    group.command("kinds", epilog=example("limen audit kinds"))(list_kinds)
    app.add_typer(
        group,
        name="audit",
        help="Read the audit log.",
        epilog=example("limen audit list --since 24h"),
    )


def list_events(
    ctx: typer.Context,
    user: Annotated[
        str | None,
        typer.Option(
            metavar="EMAIL_OR_ID",
            help="Only of this account; one that was deleted by its id.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Only of this kind; may be given several times. See `limen audit kinds`.",
            show_default=False,
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Only from this address.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only from then on: 90s, 30m, 2h or 7d ago, or 2026-11-01T08:00:00Z.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only before then.", show_default=False),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(min=1, max=MAX_LISTED, help="The newest so many."),
    ] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what happens from now on, until Ctrl-C.")
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: LinesOption = False,
) -> None:
    """List what happened, oldest first.

    Times are UTC. What is recorded, and for how long, is in docs/audit.md.
    """
    now = SystemClock().now()
    wanted: dict[str, Any] = {
        "kinds": _known(kind or []),
        "address": address,
        "since": 0 if since is None else _moment_of(since, now, "--since"),
        "until": None if until is None else _moment_of(until, now, "--until"),
    }
    with opened(ctx, config, database) as auth:
        wanted["subject"] = None if user is None else _subject(auth, user)
        listed = _newest(auth, wanted, limit)
        if follow:
            _show_lines(listed, as_json=as_json)
            _follow(auth, wanted, as_json=as_json)
        elif as_json:
            _show_lines(listed, as_json=True)
        else:
            _show_table(listed)


def list_kinds(as_json: LinesOption = False) -> None:
    """List the kinds of events, and what each means."""
    if as_json:
        for kind in AuditKind:
            emit_line(_as_json(kind))
        return
    show_table(("kind", "what it means"), [(kind.value, KINDS[kind].meaning) for kind in AuditKind])


def _as_json(kind: AuditKind) -> str:
    told = KINDS[kind]
    return json.dumps({"kind": kind.value, "meaning": told.meaning, "details": list(told.details)})


def _known(kinds: list[str]) -> tuple[str, ...]:
    for kind in kinds:
        if kind not in set(AuditKind):
            raise typer.BadParameter(
                f"there is no kind {kind!r}; see `limen audit kinds`.", param_hint="--kind"
            )
    return tuple(kinds)


def _moment_of(text: str, now: int, option: str) -> int:
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither like 2h nor like 2026-11-01T08:00:00Z.", param_hint=option
        ) from None
    aware = read if read.tzinfo is not None else read.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def _subject(auth: BlockingLimen, user: str) -> str:
    return found(auth, user).id if "@" in user else user


def _newest(auth: BlockingLimen, wanted: dict[str, Any], limit: int) -> list[AuditEvent]:
    listed: list[AuditEvent] = []
    before: int | None = None
    while len(listed) < limit:
        page = auth.audit(limit=min(PAGE, limit - len(listed)), before=before, **wanted)
        if not page:
            break
        listed.extend(page)
        before = page[-1].seq
    listed.reverse()
    return listed


def _follow(auth: BlockingLimen, wanted: dict[str, Any], *, as_json: bool) -> None:
    last = next((one.seq for one in auth.audit(limit=1)), 0)
    seen = {one.seq for one in _since(auth, wanted, last)}
    while True:
        time.sleep(LOOK_EVERY_S)
        newer = [one for one in _since(auth, wanted, last) if one.seq not in seen]
        _show_lines(newer, as_json=as_json)
        seen.update(one.seq for one in newer)
        last = max(seen, default=last)
        seen = {seq for seq in seen if seq > last - OVERLAP}


def _since(auth: BlockingLimen, wanted: dict[str, Any], last: int) -> list[AuditEvent]:
    found: list[AuditEvent] = []
    after = max(0, last - OVERLAP)
    while True:
        page = auth.audit(limit=PAGE, after=after, forward=True, **wanted)
        found.extend(page)
        if len(page) < PAGE:
            return found
        after = page[-1].seq


def _show_lines(events: list[AuditEvent], *, as_json: bool) -> None:
    for event in events:
        if as_json:
            emit_line(event.as_line())
        else:
            say("  ".join(one for one in _cells(event) if one != "-"))


def _show_table(events: list[AuditEvent]) -> None:
    show_table(
        ("when", "kind", "reason", "account", "by", "address", "details"),
        [_cells(event) for event in events],
    )
    say(f"Events: {len(events)}")


def _cells(event: AuditEvent) -> tuple[str, ...]:
    details = ", ".join(f"{name}={_shown(value)}" for name, value in event.details.items())
    by = "itself" if event.actor and event.actor == event.subject else event.actor
    return (
        moment(event.at),
        str(event.kind),
        str(event.reason or "-"),
        event.subject or "-",
        by or "-",
        event.address or "-",
        details or "-",
    )


def _shown(value: str | int) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
