"""Exit codes, and expected faults as one line on stderr instead of a traceback."""

from __future__ import annotations

from enum import IntEnum, unique
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from limen.cli.output import complain
from limen.cli.variables import with_variable
from limen.errors import ConfigurationError, LimenError, StoreUnavailable

if TYPE_CHECKING:
    from typing import NoReturn


@unique
class ExitCode(IntEnum):
    """What `limen` returns to the shell."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    STORE = 4
    LEFT = 5


EXIT_CODES = (
    "\b\n"
    "Exit codes:\n"
    "  0  done\n"
    "  1  not done, or there are findings\n"
    "  2  the command line is wrong\n"
    "  3  a setting is missing, unsafe or contradicts another\n"
    "  4  the database does not answer\n"
    "  5  sessions are left that have not moved to the strategy (migrate-strategy)"
)
UNAVAILABLE_REMEDY = (
    "Check that the servers in LIMEN_DATABASE (or --database) and, if it is set, LIMEN_REDIS run "
    "and let this user in, or that the file's folder exists."
)


class FaultGroup(TyperGroup):
    """The top command: whatever fails below it ends in a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; expected faults become exit codes."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as fault:
            complain(sentence_of(fault))
            raise typer.Exit(ExitCode.CONFIGURATION) from None
        except StoreUnavailable as fault:
            complain(f"{fault}. {UNAVAILABLE_REMEDY}")
            raise typer.Exit(ExitCode.STORE) from None
        except LimenError as fault:
            complain(str(fault))
            raise typer.Exit(ExitCode.FAILED) from None


def sentence_of(fault: ConfigurationError) -> str:
    """Return a fault as `setting (its variable): problem remedy`."""
    return f"{with_variable(fault.setting)}: {fault.problem} {fault.remedy}"


def give_up(text: str) -> NoReturn:
    """Say on stderr why the thing asked for was not done, and exit with 1."""
    complain(text)
    raise typer.Exit(ExitCode.FAILED)
