"""`logs`: containers' logs, merged by time, searched, and followed through restarts."""

from __future__ import annotations

import heapq
import queue
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from dashboard.commands import CommandError, OutOfReach

if TYPE_CHECKING:
    from dashboard.engine.connection import Engine
    from dashboard.engine.facts import ContainerFacts
    from dashboard.engine.follower import Following
    from dashboard.evidence import LogLine

__all__ = ["logs"]

_TICK_S: Final = 0.2
_TOGETHER_S: Final = 0.05
"""Lines of several containers that come within so long are put in the order of their times."""
_MOST_TOGETHER: Final = 10_000
_GONE_S: Final = 3.0
"""Compose makes a new container in the place of an old one: for a moment there is none."""
_COLOURS: Final = ("cyan", "yellow", "magenta", "green", "blue")

Wanted = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Part:
    """Which part of a log is wanted, in the engine's clock: its lines are shown with the engine's times."""

    since: float | None
    until: float | None
    tail: int | None


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
            part = _Part(_moment("--since", since, now), _moment("--until", until, now), tail)
            found = [engine.container(name) for name in dict.fromkeys(containers)]
            lines = (_followed if follow else _merged)(engine, found, part)
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


def _merged(engine: Engine, containers: Sequence[ContainerFacts], part: _Part) -> Iterator[LogLine]:
    yield from _by_time(_read(engine, each, part) for each in containers)


def _read(engine: Engine, container: ContainerFacts, part: _Part) -> Iterable[LogLine]:
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


def _by_time(logs: Iterable[Iterable[LogLine]]) -> Iterator[LogLine]:
    """Merge logs by time; each keeps its own order, in which the engine has it."""
    return heapq.merge(*logs, key=lambda line: line.time)


def _followed(engine: Engine, containers: Sequence[ContainerFacts], part: _Part) -> Iterator[LogLine]:
    from dashboard.engine.follower import Follower
    from dashboard.logs import LogRing

    come: queue.SimpleQueue[tuple[LogLine, ...]] = queue.SimpleQueue()
    with ExitStack() as followers:
        following = []
        for each in containers:
            ring = LogRing(each.name, max_lines=1)  # the lines go on from here at once
            following.append(
                Follower(engine, each, ring=ring, since=part.since, tail=part.tail, sink=come.put)
            )
            followers.callback(following[-1].close)
        state = _State()
        while True:
            # Looked at before the lines, so that those of a container that is gone now are still shown
            gone = state.all_gone([follower.following for follower in following])
            try:
                first = come.get(timeout=_TICK_S)  # in slices, so that Ctrl-C is heard
            except queue.Empty:
                if gone:
                    raise OutOfReach(gone) from None
                continue
            yield from first if len(containers) == 1 else _together(first, come)


def _together(first: tuple[LogLine, ...], come: queue.SimpleQueue[tuple[LogLine, ...]]) -> Iterator[LogLine]:
    """Put what comes at about the same time into the order of its times."""
    logs: dict[str, list[LogLine]] = {}
    batch, count = first, 0
    with suppress(queue.Empty):
        while True:
            logs.setdefault(batch[0].source, []).extend(batch)
            count += len(batch)
            if count > _MOST_TOGETHER:
                break
            batch = come.get(timeout=_TOGETHER_S)
    return _by_time(logs.values())


class _State:
    """How the followers fare: tells once what stands in the way, and knows whether to wait any longer."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._gone_at: float | None = None

    def all_gone(self, states: Sequence[Following]) -> str:
        """Return why it makes no sense to wait any longer; nothing while it does."""
        if all(each.state == "gone" for each in states):
            self._gone_at = self._gone_at or time.monotonic()
            long = time.monotonic() - self._gone_at >= _GONE_S
            return " ".join(each.text for each in states) if long else ""
        self._gone_at = None
        troubles = dict.fromkeys(each.text for each in states if each.state in ("away", "gone"))
        for text in troubles:
            if text not in self._told:
                click.echo(text, err=True)
        self._told = set(troubles)  # what is over is told anew when it comes back
        return ""


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
        raise CommandError(
            f"--grep {text!r} is no pattern of RE2 ({error}). Its syntax knows no look-around and no \\1."
        ) from error
    return lambda line: pattern.search(line) is not None
