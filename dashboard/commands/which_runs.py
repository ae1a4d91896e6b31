"""The flags that describe runs: those of `history list` and of `history grep`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from dashboard.commands import CommandError

if TYPE_CHECKING:
    from dashboard.run_index import RunFilter

__all__ = ["which_runs", "which_runs_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
# As `run_index.OUTCOMES`, which a command that is only asked for its `--help` need not import
_OUTCOMES: Final = ("green", "red", "inconclusive", "running", "interrupted", "failed", "aborted")


def which_runs_options(command: _Command) -> _Command:
    """Add the flags that say which runs are meant; `which_runs` reads them."""
    options = (
        click.option("--search", default="", metavar="WORDS", help="Id, day, target, versions, tags, note."),
        click.option("--tag", "tags", multiple=True, metavar="TAG", help="Runs with this tag; repeatable."),
        click.option("--verdict", "outcome", type=click.Choice(_OUTCOMES), help="How they ended."),
        click.option("--since", metavar="WHEN", help="Launched since: 2d, 1h30m, or 2026-11-23T07:10."),
        click.option("--until", metavar="WHEN", help="Launched before that."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def which_runs(
    *, search: str, tags: Sequence[str], outcome: str | None, since: str | None, until: str | None
) -> RunFilter:
    """Return which runs the flags mean.

    Raises:
        CommandError: a moment is none.
    """
    from dashboard.run_index import RunFilter

    now = time.time()
    return RunFilter(
        search,
        outcome,  # type: ignore[arg-type]  # one of the choices
        tuple(tag.casefold() for tag in tags),
        _moment("--since", since, now),
        _moment("--until", until, now),
    )


def _moment(option: str, text: str | None, now: float) -> float | None:
    from dashboard.moments import MomentError, moment

    try:
        return None if text is None else moment(text, now)
    except MomentError as error:
        raise CommandError(f"{option}: {error}") from error
