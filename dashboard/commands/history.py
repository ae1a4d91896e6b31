"""`history`: the runs that were kept, listed, shown, compared and exported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from dashboard.commands import INCONCLUSIVE, CommandError, print_json
from dashboard.commands.curating import delete, note, prune, tag
from dashboard.commands.exporting import export, verify
from dashboard.commands.grep import grep
from dashboard.commands.kept import find_run, open_store
from dashboard.commands.which_runs import which_runs, which_runs_options

if TYPE_CHECKING:
    from dashboard.evidence import LogLine
    from dashboard.store import RunSummary

__all__ = ["history"]

_COMPARED: Final = {"worse": 1, "not_worse": 0, "unproven": INCONCLUSIVE}


@click.group(invoke_without_command=True)
@click.pass_context
def history(context: click.Context) -> None:
    """List, show, compare and export the runs that were kept. Without a command: list."""
    if context.invoked_subcommand is None:
        context.invoke(list_runs)


@history.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many, newest first."
)
@which_runs_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def list_runs(
    limit: int = 50,
    search: str = "",
    tags: Sequence[str] = (),
    outcome: str | None = None,
    since: str | None = None,
    until: str | None = None,
    as_json: bool = False,
) -> None:
    """List the newest runs, or those that the flags describe."""
    wanted = which_runs(search=search, tags=tags, outcome=outcome, since=since, until=until)
    with open_store() as store:
        rows = store.list(wanted, limit=limit)
    if as_json:
        print_json({"runs": [_row(row) for row in rows]})
    elif not rows and not wanted.everything:
        click.echo("No run matches. List all of them: python -m dashboard history list", err=True)
    elif not rows:
        click.echo("No runs yet. Launch one: python -m dashboard run", err=True)
    else:
        for line in _table(rows):
            click.echo(line)


@history.command()
@click.argument("run_id", metavar="ID")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout, as `run --json` does."
)
@click.option("--log", "with_log", is_flag=True, help="Also print what the workers wrote.")
def show(run_id: str, as_json: bool, with_log: bool) -> None:
    """Show one run. ID may be its beginning, if no other run begins so.

    Exits with 0 when the run was found, whatever its verdict: it reports and does not judge.
    """
    from dashboard.report import run_json
    from dashboard.summary import summary, trial_line

    with open_store() as store:
        record = find_run(store, run_id)
        kept = store.summary(record.run_id)
        sources = store.sources(record.run_id) if with_log else ()
        if as_json:
            logs = (
                {
                    "logs": {
                        source: [_line_json(line) for line in store.log(record.run_id, source)]
                        for source in sources
                    }
                }
                if with_log
                else {}
            )
            about = {"tags": list(kept.tags), "note": kept.note} if kept is not None else {}
            print_json(run_json(record) | about | logs)
            return
        for line in summary(record):
            click.echo(line)
        for line in _about(kept):
            click.echo(line)
        if len(record.trials) > 1:
            for trial in record.trials:
                click.echo(f"  {trial_line(trial, record.settings.repeat)}")
        for source in sources:
            click.echo(f"\n--- log of {source}")
            for line in _log_lines(store.log(record.run_id, source)):
                click.echo(line)
        if with_log and not sources:
            click.echo("No log was kept for this run.", err=True)


for command in (export, verify, tag, note, delete, prune, grep):
    history.add_command(command)


@history.command("compare")
@click.argument("before", metavar="ID")
@click.argument("after", metavar="ID")
@click.option(
    "--slower",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0),
    metavar="PERCENT",
    help="How much slower the second run may be; beyond noise, more than that is a regression.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def compare_runs(before: str, after: str, slower: float, as_json: bool) -> int:
    """Compare the run before a change with the one after it.

    Exit codes: 0 nothing is worse, 1 a regression, 2 usage, 3 nothing is worse, but nothing is proven.
    """
    from dashboard.comparison import NotComparable, compare
    from dashboard.comparison_words import comparison_json, comparison_lines

    with open_store() as store:
        records = find_run(store, before), find_run(store, after)
    try:
        comparison = compare(*records, tolerance=slower / 100)
    except NotComparable as error:
        raise CommandError(str(error)) from error
    for line in comparison_lines(comparison):
        click.echo(line, err=as_json)
    if as_json:
        print_json(comparison_json(comparison))
    return _COMPARED[comparison.outcome]


def _about(kept: RunSummary | None) -> Iterator[str]:
    """What operators have said of a run."""
    from dashboard.printable import printable
    from dashboard.summary import wrapped

    if kept is not None and kept.tags:
        yield from wrapped("Tags", " ".join(kept.tags))
    for number, line in enumerate(kept.note.splitlines() if kept is not None else ()):
        yield from wrapped("" if number else "Remark", printable(line))


def _table(rows: tuple[RunSummary, ...]) -> Iterator[str]:
    from dashboard.printable import printable
    from dashboard.summary import badge

    width = max(len(row.run_id) for row in rows)
    yield click.style(
        f"{'RUN'.ljust(width)}  VERDICT         LAUNCHED                VARIANTS  REPEAT  STARTS  GUARD",
        dim=True,
    )
    for row in rows:
        # The id comes first and whole, so that it can be picked up by `cut` and by eye at any width.
        verdict = badge(row.verdict) if row.verdict is not None else f"… {row.status.upper()}"
        shown = verdict + " " * (14 - len(click.unstyle(verdict)))
        launched = datetime.fromtimestamp(row.created_at).astimezone().strftime("%Y-%m-%d %H:%M %z")
        starts = "–" if row.load_started is None else str(row.load_started)
        rest = f"{row.variants:>8}  {row.repeat:>6}  {starts:>6}  {row.guard}"
        extra = "" if row.status in ("finished", "running") else f"  ({row.status})"
        extra += "".join(f"  #{tag}" for tag in row.tags)
        yield f"{row.run_id.ljust(width)}  {shown}  {launched}  {printable(rest)}{extra}"


def _row(row: RunSummary) -> dict[str, object]:
    from dataclasses import asdict

    from dashboard.report import iso

    return asdict(row) | {"created_at": iso(row.created_at), "finished_at": iso(row.finished_at)}


def _line_json(line: LogLine) -> dict[str, object]:
    from dashboard.report import iso

    return {"number": line.number, "time": iso(line.time), "stream": line.stream, "text": line.text}


def _log_lines(lines: tuple[LogLine, ...]) -> Iterator[str]:
    from dashboard.printable import printable

    for line in lines:
        at = datetime.fromtimestamp(line.time).astimezone()
        mark = "!" if line.stream == "stderr" else " "
        yield f"{at:%H:%M:%S}.{at.microsecond // 1000:03d} {at:%z} {mark} {printable(line.text)}"
