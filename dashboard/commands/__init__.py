"""The commands of `python -m dashboard`: what they share, exit codes and errors.

    cli.py --> run      launches a run, shows it, ends with its verdict
           --> verdict  judges a log that is there already
           --> probe    calls a stranger's callable by several threads at once
           --> audit    reads its source, and runs nothing
           --> logs     shows and follows containers' logs
           --> watch    follows containers and alarms at a second load
           --> history  lists, shows and exports what was kept
           --> serve    starts the console

Nothing heavy is imported here or at the top of a command, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from dashboard.evidence import Colour

__all__ = [
    "EXIT_CODES",
    "INCONCLUSIVE",
    "UNREACHABLE",
    "USAGE",
    "CommandError",
    "CutShort",
    "OutOfReach",
    "explain_crash",
    "print_json",
]

EXIT_CODES: Final[dict[Colour, int]] = {"green": 0, "red": 1, "inconclusive": 3}
USAGE: Final = 2
"""The command could not start: a bad flag, a full disk, a port in use."""
INCONCLUSIVE: Final = EXIT_CODES["inconclusive"]
UNREACHABLE: Final = 4
"""An engine, a container or a service is out of reach."""


class CommandError(click.ClickException):
    """The command cannot be carried out: one sentence with the next step."""

    exit_code = USAGE


class OutOfReach(CommandError):
    """… because an engine, a container or a service cannot be reached."""

    exit_code = UNREACHABLE


class CutShort(CommandError):
    """… after it had begun: nothing is proven."""

    exit_code = INCONCLUSIVE


def explain_crash(error: BaseException) -> str:
    """Return the sentence for an error that nobody foresaw; the traceback is for those who ask for it."""
    if os.environ.get("LOADONCE_DEBUG", "") not in ("", "0"):
        traceback.print_exception(error, file=sys.stderr)
        return "That was unexpected; please report it with the traceback above."
    said = str(error).strip().splitlines()
    what = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
    return f"Something unexpected went wrong ({what}). Set LOADONCE_DEBUG=1 for the traceback."


def print_json(document: object) -> None:
    """Print one JSON object on stdout: on one line for programs, indented for people."""
    import json

    indent = 2 if sys.stdout.isatty() else None
    try:
        click.echo(json.dumps(document, indent=indent))
        sys.stdout.flush()
    except BrokenPipeError:
        hush_stdout()


def hush_stdout() -> None:
    """Send stdout nowhere, when whoever read it has gone, as in `| head`: it is no fault of the command's."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
