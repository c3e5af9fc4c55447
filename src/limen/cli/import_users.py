"""`limen import`: users of another library's database, with their hashes and identities."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from limen.cli.examples import example
from limen.cli.faults import ExitCode, give_up
from limen.cli.opening import ConfigOption, DatabaseOption, JsonOption, opened
from limen.cli.output import complain, emit, say, show_table
from limen.clock import SystemClock
from limen.errors import ConfigurationError

if TYPE_CHECKING:
    from limen.cli.importing import Tally
    from limen.elsewhere.users import Layout, Source

MOST_SHOWN = 50
NO_USERNAMES: Final = (
    "{count:,} accounts have a username, and usernames are not enabled here. To let people sign in "
    "with theirs, set LIMEN_USERNAME_ENABLED=true, or usernames=UsernamePolicy(enabled=True)."
)
_KINDS = "better-auth, authjs, django or fastapi-users"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "import",
        epilog=example(
            "limen import better-auth sqlite:///their.db --dry-run",
            "limen import django postgresql://reader@host/shop --role is_superuser=admin",
            "limen import authjs sqlite:///dev.db --column users.password=hash",
        ),
    )(import_users)


def import_users(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"Whose database: {_KINDS}.")],
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE_URL",
            envvar="SOURCE_URL",
            help="Their database, sqlite:///PATH or postgresql://user@host/name. With a "
            "password in it, leave it to the variable: arguments can be seen by others.",
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
    update: Annotated[
        bool,
        typer.Option("--update", help="Let accounts that are here already take what is new there."),
    ] = False,
    role: Annotated[
        list[str] | None,
        typer.Option(
            metavar="THEIRS=OURS",
            help="Give the role OURS to whoever has the flag or the role THEIRS; repeatable.",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OURS=NAME",
            help="What their table of users, identities or emails is called; repeatable.",
            show_default=False,
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE.OURS=NAME",
            help="What a column is called, such as users.password=hash; repeatable.",
            show_default=False,
        ),
    ] = None,
    issuer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROVIDER=URL",
            help="The issuer of a provider that their rows only name; repeatable.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, max=10_000, metavar="N", help="Users that are read at once.")
    ] = 500,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import the users of another library's database.

    Accounts keep their id, their password hash, their username, whether the address is
    verified and what else they sign in with. A password is verified against the old hash at
    the first sign-in and is then hashed anew with Argon2id. The source is only read. An import
    that was broken off is simply begun again: what is here already stays as it is.
    """
    # Imported here: no other command reads the databases of others.
    from limen.cli.importing import Importing  # noqa: PLC0415
    from limen.elsewhere.users import Interpretation, Names, Source  # noqa: PLC0415

    layout = _layout_of(kind)
    roles = _pairs(role, "--role")
    tables, columns = _pairs(table, "--table"), _pairs(column, "--column")
    _check(tables, layout.tables, "--table")
    _check(columns, layout.columns, "--column")
    reading = Interpretation(kind, layout, SystemClock().now(), roles, _pairs(issuer, "--issuer"))
    with (
        _source_faults(),
        opened(ctx, config, database) as auth,
        Source(source, layout, Names(tables, columns), tuple(roles)) as users,
    ):
        _check_roles(users, roles)
        importing = Importing(auth, reading, update, dry_run)
        _check_hashes(importing.unverifiable(users, batch))
        tally = importing.run(users, batch, _silent if as_json else _progress)
        named = auth.settings.usernames.enabled
    if tally.usernames and not named:
        complain(NO_USERNAMES.format(count=tally.usernames))
    if as_json:
        emit(tally.as_json(dry_run=dry_run))
    else:
        _summarise(tally, dry_run=dry_run)
    if tally.refused:
        raise typer.Exit(ExitCode.FAILED)


@contextlib.contextmanager
def _source_faults() -> Iterator[None]:
    """Tell a source that does not answer from a database of ours that does not."""
    from limen.elsewhere.users import SourceUnavailable  # noqa: PLC0415 - as above

    try:
        yield
    except SourceUnavailable as fault:
        complain(f"{fault}. Check that the server in SOURCE_URL runs and lets this user in.")
        raise typer.Exit(ExitCode.STORE) from None


def _check_roles(users: Source, roles: dict[str, str]) -> None:
    for theirs, meant in users.unmet(roles).items():
        hint = f"; did you mean {meant}?" if meant else "."
        raise typer.BadParameter(
            f"{theirs!r} is no column of their users and no role of any of them{hint}",
            param_hint="--role",
        )


def _check_hashes(count: int) -> None:
    if count:
        who = (
            "1 account has a bcrypt hash"
            if count == 1
            else f"{count:,} accounts have bcrypt hashes"
        )
        give_up(
            f"{who}, and the package that verifies those is not installed, so the owners could not "
            "sign in. Nothing was changed. Install limen[bcrypt] here and where Limen serves."
        )


def _layout_of(kind: str) -> Layout:
    from limen.elsewhere.users import LAYOUTS  # noqa: PLC0415 - as above

    if kind not in LAYOUTS:
        raise typer.BadParameter(f"choose {_KINDS}.", param_hint="KIND")
    return LAYOUTS[kind]


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not (name and equals and value):
            raise typer.BadParameter(f"{one!r} is not written as NAME=VALUE.", param_hint=option)
        pairs[name] = value
    return pairs


def _check(given: dict[str, str], known: object, option: str) -> None:
    names = sorted(known) if isinstance(known, dict) else []
    for one in given:
        if one not in names:
            raise ConfigurationError(option, f"{one!r} is unknown.", f"Use {', '.join(names)}.")


def _silent(_: Tally) -> None:
    pass


def _progress(tally: Tally) -> None:
    say(f"{tally.done:,} of {tally.of:,} users")


def _summarise(tally: Tally, *, dry_run: bool) -> None:
    from limen.cli.importing import WORDS  # noqa: PLC0415 - as above

    if tally.refused:
        shown = tally.refused[:MOST_SHOWN]
        show_table(
            ("user", "email", "not imported because"),
            [(id_, email or "-", WORDS[outcome]) for id_, email, outcome in shown],
        )
        if len(tally.refused) > len(shown):
            say(f"and {len(tally.refused) - len(shown):,} more; --json lists them all")
    show_table(
        ("users", "would be" if dry_run else "are"),
        [(f"{count:,}", WORDS[outcome]) for outcome, count in sorted(tally.counts.items())],
    )
    if tally.without_password:
        say(
            f"{tally.without_password:,} of them have no password and sign in by what else they "
            "have, or set one by e-mail."
        )
    if dry_run:
        say("Nothing was changed.")
