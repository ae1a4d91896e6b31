"""`logs`: containers' logs, merged by time, searched, and followed through restarts."""

from __future__ import annotations

import heapq
import queue
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
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
_GONE_S: Final = 3.0
"""Compose makes a new container in the place of an old one: for a moment there is none."""
_COLOURS: Final = ("cyan", "yellow", "magenta", "green", "blue")

Wanted = Callable[[str], bool]


@click.command()
@click.option("--container", "containers", multiple=True, required=True, metavar="NAME", help="Repeatable.")
@click.option("--follow", "-f", is_flag=True, help="Go on as lines come, also after a restart.")
@click.option("--since", metavar="WHEN", help="Begin there: 5m, 1h30m, 2026-11-23T07:10:47Z.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Begin with the newest N lines of each.")
@click.option("--grep", metavar="RE", help="Only lines in which this is found (RE2 syntax, any case).")
def logs(
    containers: tuple[str, ...], follow: bool, since: str | None, tail: int | None, grep: str | None
) -> None:
    """Show what containers write. With several, lines are merged by the time at which they were written."""
    from dashboard.engine.connection import Engine
    from dashboard.engine.faults import EngineError
    from dashboard.moments import MomentError, moment

    wanted = _pattern(grep)
    try:
        begin = None if since is None else moment(since, time.time())
    except MomentError as error:
        raise CommandError(f"--since: {error}") from error
    try:
        with closing(Engine.open()) as engine:
            found = [engine.container(name) for name in dict.fromkeys(containers)]
            lines = _followed if follow else _merged
            _print(lines(engine, found, begin, tail), wanted, [each.name for each in found])
    except EngineError as error:
        raise OutOfReach(str(error)) from error
    except KeyboardInterrupt:
        return


def _merged(
    engine: Engine, containers: Sequence[ContainerFacts], since: float | None, tail: int | None
) -> Iterator[LogLine]:
    from dashboard.engine.whole_log import read_lines

    logs = [read_lines(engine, each, since=since, tail=tail) for each in containers]
    yield from heapq.merge(*logs, key=lambda line: line.time)


def _followed(
    engine: Engine, containers: Sequence[ContainerFacts], since: float | None, tail: int | None
) -> Iterator[LogLine]:
    from dashboard.engine.follower import Follower

    come: queue.SimpleQueue[tuple[LogLine, ...]] = queue.SimpleQueue()
    with ExitStack() as followers:
        following = []
        for each in containers:
            following.append(Follower(engine, each, since=since, tail=tail, sink=come.put))
            followers.callback(following[-1].close)
        state = _State()
        while True:
            # Looked at before the lines, so that those of a container that is gone now are still shown
            gone = state.all_gone([follower.following for follower in following])
            try:
                yield from come.get(timeout=_TICK_S)  # in slices, so that Ctrl-C is heard
            except queue.Empty:
                if gone:
                    raise OutOfReach(gone) from None


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


def _print(lines: Iterator[LogLine], wanted: Wanted, names: Sequence[str]) -> None:
    from dashboard.printable import printable

    width = max(map(len, names)) if len(names) > 1 else 0
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}
    for line in lines:
        if line.stream != "engine" and not wanted(line.text):
            continue
        # What a container writes may hold anything, terminal codes that rewrite the screen among it
        text = printable(line.text)
        if line.stream == "engine":
            text = click.style(f"-- {text}", dim=True)
        name = click.style(line.source.ljust(width) + " | ", fg=colours[line.source]) if width else ""
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
