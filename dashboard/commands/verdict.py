"""`verdict`: judges a log that is there already, in a file, on standard input or of a container."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashboard.commands import EXIT_CODES, CommandError, OutOfReach, print_json
from dashboard.commands.profile_choice import chosen_profile, reading_options

if TYPE_CHECKING:
    from dashboard.evidence import Gap, WorkerEnd
    from dashboard.log_verdict import LogVerdict
    from dashboard.profiles import Profile
    from dashboard.sieve import Sifted

__all__ = ["verdict"]


@click.command(
    epilog="Exit codes: 0 green, 1 red, 2 usage, 3 inconclusive, 4 target out of reach. The result in words "
    "goes to standard error: 2>&1 | less to page it, --json for standard output."
)
@click.option("--file", "file", metavar="PATH|-", help="A log file; - is standard input.")
@click.option("--container", metavar="NAME", help="A container's log, from its last start on.")
@click.option("--since", metavar="WHEN", help="Begin there instead: 5m, 1h30m, 2026-11-23T07:10:47Z.")
@click.option("--until", metavar="WHEN", help="End there.")
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def verdict(
    file: str | None,
    container: str | None,
    since: str | None,
    until: str | None,
    profile: str | None,
    expected_workers: int,
    as_json: bool,
) -> int:
    """Judge by a log alone whether each worker loaded its model exactly once.

    A log knows neither what was answered nor who asked at the same time: where it matters, launch a run.
    """
    if (file is None) == (container is None):
        raise CommandError("Name one log: --file PATH (- is standard input), or --container NAME.")
    if file is not None and (since or until):
        raise CommandError("--since and --until are for --container: the lines of a file have no known time.")
    from dashboard.diagnosis import finding
    from dashboard.log_verdict import judge_log
    from dashboard.printable import printable

    found = chosen_profile(profile)
    beside = _Beside()
    if file is not None:
        log = _of_file(file, found, beside)
    else:
        log = _of_container(container or "", since, until, found, beside)
    judged = judge_log(
        log, profile=found, expected_workers=expected_workers, gaps=beside.gaps, ends=beside.ends
    )
    if beside.no_text and {reason.code for reason in judged.verdict.reasons} == {"no_load"}:
        judged = replace(judged, findings=(finding("no_text"),))
    for said in (*_summary(judged), *(f"Note: {printable(note)}" for note in beside.notes)):
        click.echo(said, err=True)
    if as_json:
        print_json(judged.as_json())
    return EXIT_CODES[judged.verdict.verdict]


@dataclass
class _Beside:
    """What is known of a log beside its lines, once they have been read."""

    gaps: list[Gap] = field(default_factory=list)
    ends: list[WorkerEnd] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    no_text: bool = False


def _of_file(name: str, profile: Profile | str | None, beside: _Beside) -> Iterator[Sifted]:
    from dashboard.log_files import UnreadableLog, blocks_of, is_no_text
    from dashboard.sieve import Sieve
    from dashboard.torn_records import mended

    def noted(blocks: Iterable[bytes]) -> Iterator[bytes]:
        for number, block in enumerate(blocks):
            beside.no_text |= number == 0 and is_no_text(block)
            yield block

    sieve = Sieve(name, profile)
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as log:
            yield from sieve.sift_blocks(mended(noted(blocks_of(log, name))))
    except UnreadableLog as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"The log {name} cannot be read ({error.strerror}). Name a file that you can read."
        ) from error


def _of_container(
    name: str, since: str | None, until: str | None, profile: Profile | str | None, beside: _Beside
) -> Iterator[Sifted]:
    from dashboard.commands.looking import container_to_see
    from dashboard.engine.completeness import gaps_of, may_have_lost, remarks_on
    from dashboard.engine.connection import Engine
    from dashboard.engine.ends import ends_of
    from dashboard.engine.faults import EngineError
    from dashboard.engine.whole_log import sift_log
    from dashboard.evidence import Gap
    from dashboard.moments import MomentError, moment

    try:
        begin = None if since is None else moment(since, time.time())
        end = None if until is None else moment(until, time.time())
    except MomentError as error:
        raise CommandError(f"--since or --until: {error}") from error
    begun = False
    try:
        with closing(Engine.open()) as engine:
            found = container_to_see(engine, name)
            ahead, size = engine.clock_ahead_s, 0
            start = found.begun_at if begin is None else begin + ahead
            until_then = None if end is None else end + ahead
            for sifted in sift_log(engine, found, since=start, until=until_then, profile=profile):
                begun, size = begun or sifted.count > 0, size + sifted.size
                yield sifted
            beside.gaps += (*gaps_of(found), *may_have_lost(engine, found, start, size))
            beside.ends += ends_of(found)
            beside.notes += remarks_on(found)
    except EngineError as error:
        if not begun:
            raise OutOfReach(str(error)) from error
        beside.gaps.append(Gap(name, str(error)))  # what was read still counts: a red fact stays one


def _summary(judged: LogVerdict) -> Iterator[str]:
    from dashboard.summary import summary_of_log

    return summary_of_log(judged.verdict, judged.findings, judged.lines)
