"""`logs`: containers' logs, merged by time, searched, and followed through restarts."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Final

import click

from dashboard.commands import CommandError, OutOfReach
from dashboard.commands.following import Part, by_time, followed

if TYPE_CHECKING:
    from dashboard.engine.connection import Engine
    from dashboard.engine.facts import ContainerFacts
    from dashboard.evidence import LogLine

__all__ = ["logs"]

_COLOURS: Final = ("cyan", "yellow", "magenta", "green", "blue")

Wanted = Callable[[str], bool]


@click.command()
@click.option("--container", "containers", multiple=True, required=True, metavar="NAME", help="Repeatable.")
@click.option("--follow", "-f", is_flag=True, help="Go on as lines come, also after a restart.")
@click.option("--since", metavar="WHEN", help="Begin there: 5m, 1h30m, 2026-11-23T07:10:47Z.")
@click.option("--until", metavar="WHEN", help="End there.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Begin with the newest N lines of each.")
@click.option("--grep", metavar="RE", help="Only lines in which this is found (RE2 syntax, any case).")
@click.option("--context", type=click.IntRange(0), metavar="N", help="With --grep: N lines around each hit.")
@click.option("--timestamps", "-t", is_flag=True, help="Put the engine's time before each line, in UTC.")
def logs(
    containers: tuple[str, ...],
    follow: bool,
    since: str | None,
    until: str | None,
    tail: int | None,
    grep: str | None,
    context: int | None,
    timestamps: bool,
) -> None:
    """Show what containers write. With several, lines are merged by the time at which they were written."""
    from dashboard.commands.looking import container_to_see
    from dashboard.engine.connection import Engine
    from dashboard.engine.faults import EngineError

    if follow and until is not None:
        raise CommandError("--until ends a log, and --follow never does. Leave one of them out.")
    if context is not None and grep is None:
        raise CommandError("--context shows lines around the hits of --grep, and there is no --grep.")
    wanted = _pattern(grep)
    try:
        _moment("--since", since, time.time())
        _moment("--until", until, time.time())  # before an engine is looked for
        with closing(Engine.open()) as engine:
            now = time.time() + engine.clock_ahead_s
            part = Part(_moment("--since", since, now), _moment("--until", until, now), tail)
            found = [container_to_see(engine, name) for name in dict.fromkeys(containers)]
            lines = (
                chain.from_iterable(followed(engine, found, part)) if follow else _merged(engine, found, part)
            )
            _print(_around(lines, wanted, context or 0), [each.name for each in found], timestamps=timestamps)
    except EngineError as error:
        raise OutOfReach(str(error)) from error
    except KeyboardInterrupt:
        return


def _moment(option: str, text: str | None, now: float) -> float | None:
    from dashboard.moments import MomentError, moment

    try:
        return None if text is None else moment(text, now)
    except MomentError as error:
        raise CommandError(f"{option}: {error}") from error


def _merged(engine: Engine, containers: Sequence[ContainerFacts], part: Part) -> Iterator[LogLine]:
    yield from by_time(_read(engine, each, part) for each in containers)


def _read(engine: Engine, container: ContainerFacts, part: Part) -> Iterable[LogLine]:
    from dashboard.engine.whole_log import read_lines

    # The engine itself would take the newest lines first, and then those of them that are old enough
    last = part.tail if part.until is not None else None
    lines = read_lines(
        engine,
        container,
        since=part.since,
        until=part.until,
        tail=part.tail if last is None else None,
        engine_time=True,
    )
    return lines if last is None else deque(lines, maxlen=last)


@dataclass(slots=True)
class _Context:
    """One container's log between two hits: the newest lines before the next one, and how many still go."""

    before: deque[LogLine]
    to_come: int = 0
    left_out: bool = False
    shown: bool = False


def _around(lines: Iterable[LogLine], wanted: Wanted, count: int) -> Iterator[tuple[LogLine, bool]]:
    """Yield the wanted lines with `count` before and after each, and whether a new place of the log begins.

    What the console itself says of a container is always wanted.
    """
    contexts: dict[str, _Context] = {}
    for line in lines:
        context = contexts.setdefault(line.source, _Context(deque(maxlen=count)))
        if line.stream == "engine":
            yield line, False
        elif (hit := wanted(line.text)) or context.to_come:
            context.to_come = count if hit else context.to_come - 1
            apart = count > 0 and context.left_out and context.shown
            for each in (*context.before, line):
                yield each, apart
                apart = False
            context.before.clear()
            context.left_out, context.shown = False, True
        else:
            context.left_out |= len(context.before) == count
            context.before.append(line)


def _print(lines: Iterable[tuple[LogLine, bool]], names: Sequence[str], *, timestamps: bool) -> None:
    from dashboard.printable import printable

    width = max(map(len, names)) if len(names) > 1 else 0
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}
    for line, apart in lines:
        # What a container writes may hold anything, terminal codes that rewrite the screen among it
        text = printable(line.text)
        if line.stream == "engine":
            text = click.style(f"-- {text}", dim=True)
        if timestamps:
            text = f"{datetime.fromtimestamp(line.time, UTC):%Y-%m-%dT%H:%M:%S.%fZ} {text}"
        name = click.style(line.source.ljust(width) + " | ", fg=colours[line.source]) if width else ""
        if apart:
            click.echo(name + "--")
        click.echo(name + text)
        sys.stdout.flush()


def _pattern(text: str | None) -> Wanted:
    if text is None:
        return lambda line: True
    import re2  # type: ignore[import-untyped]  # it ships no types

    options = re2.Options()
    options.case_sensitive, options.log_errors = False, False
    try:
        pattern = re2.compile(text, options)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise CommandError(
            f"--grep {text!r} is no pattern of RE2 ({said}). Its syntax knows no look-around and no \\1; put "
            "\\ before a sign that is to be found as it is."
        ) from error
    return lambda line: pattern.search(line) is not None
