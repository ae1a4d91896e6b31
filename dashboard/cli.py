"""The command line: `python -m dashboard run | verdict | probe | audit | logs | watch | history | serve`.

Exit codes: 0 green, 1 red, 2 usage, 3 inconclusive, 4 target out of reach. `--json` prints one object on
stdout and nothing else there; progress and prose go to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import click
from click.exceptions import NoArgsIsHelpError

from dashboard.commands import USAGE, explain_crash, hush_stdout

__all__ = ["cli", "main"]

_NAME: Final = "python -m dashboard"
_COMMANDS: Final = ("run", "sweep", "verdict", "probe", "audit", "logs", "watch", "history", "serve")
"""Each is what its module in `dashboard.commands` calls so. In the order of `--help`."""


class _Commands(click.Group):
    """… each imported only when it is asked for; none minds when whoever reads its output leaves early."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(f"dashboard.commands.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            hush_stdout()
            return 0


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 green, 1 red, 2 usage, 3 inconclusive, 4 target out of reach. What run, verdict, "
    "sweep and probe say to people goes to standard error, so that --json has standard output to itself.",
)
def cli() -> None:
    """Loadonce proves that a model service loads its big model exactly once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code; never raises, never shows a traceback unasked."""
    # What is printed may hold any character; a terminal that cannot show one gets a sign in its place.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    colour = False if os.environ.get("NO_COLOR") else None
    try:
        code = cli.main(arguments, prog_name=_NAME, standalone_mode=False, color=colour)
    except NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        _complain(error)
        return error.exit_code
    except click.Abort:
        click.echo("Stopped before anything began.", err=True)
        return USAGE
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence instead of a traceback
        click.echo(f"Error: {explain_crash(error)}", err=True)
        return USAGE
    return code if isinstance(code, int) else 0


def _complain(error: click.ClickException) -> None:
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {error.format_message()}", err=True)
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(f"Try: {error.ctx.command_path} --help", err=True)
