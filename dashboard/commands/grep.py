"""`history grep`: looks for a pattern in the logs of all runs, without opening one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

import click

from dashboard.commands import CommandError, print_json
from dashboard.commands.kept import open_store
from dashboard.commands.which_runs import which_runs, which_runs_options

__all__ = ["grep"]


@click.command()
@click.argument("pattern")
@which_runs_options
@click.option("--fixed", is_flag=True, help="PATTERN is plain text, no pattern of RE2.")
@click.option("--case", is_flag=True, help="Tell small letters from capitals.")
@click.option("--limit", type=click.IntRange(1), metavar="LINES", help="Stop after so many lines.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def grep(
    pattern: str,
    search: str,
    tags: Sequence[str],
    outcome: str | None,
    since: str | None,
    until: str | None,
    fixed: bool,
    case: bool,
    limit: int | None,
    as_json: bool,
) -> int:
    """Print the lines of all runs' logs that match PATTERN, newest run first.

    Its time grows with the logs alone, whatever the pattern, and it holds a small part of them at a time.

    Exit codes: 0 a line was found, 1 none, 2 usage.
    """
    from dashboard.log_search import find_lines
    from dashboard.logpack import LogPattern, PatternError
    from dashboard.printable import printable

    wanted = which_runs(search=search, tags=tags, outcome=outcome, since=since, until=until)
    try:
        looked_for = LogPattern(pattern, plain=fixed, ignore_case=not case)
    except PatternError as error:
        raise CommandError(str(error)) from error
    found = 0
    rows: list[dict[str, object]] = []
    with open_store() as store:
        for hit in islice(find_lines(store, looked_for, wanted), limit):
            found += 1
            line = hit.line
            moment = f"{datetime.fromtimestamp(line.time, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
            if as_json:
                row = {"run_id": hit.run_id, "source": line.source, "number": line.number, "time": moment}
                rows.append(row | {"stream": line.stream, "text": line.text})
                continue
            # Lines are counted from 1, as editors and the console's pages do
            place = click.style(f"{hit.run_id} {line.source}:{line.number + 1}", dim=True)
            click.echo(f"{place} {moment} {printable(line.text)}")
            sys.stdout.flush()
    if as_json:
        print_json({"lines": rows})
    return 0 if found else 1
