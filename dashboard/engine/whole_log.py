"""A container's log read once, from one moment to another: line by line, or as the container wrote it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import starmap
from typing import Final

from dashboard.engine.completeness import newest_record
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.records import FrameCutter, LineCutter, Raw, Record
from dashboard.evidence import LogLine, Stream
from dashboard.logs import shown_lines
from dashboard.profiles import Profile
from dashboard.sieve import Sieve, Sifted

__all__ = ["WholeLog", "read_lines", "sift_log"]

_STALL_S: Final = 20.0
"""How long an engine may say nothing in the middle of a log."""
_STAMP_END: Final = slice(29, 31)
_TEXT: Final = slice(31, None)
"""Where docker's own stamps end, and what stands behind them; other engines' are longer or shorter."""
_NEWEST: Final = 1000
"""The last line of a log is among so many of the newest: two streams change places by milliseconds."""


class WholeLog:
    """One reading of a log as it stands now. Memory stays bounded, however long the log is.

    `since` and `until` are Unix seconds, by the engine's clock. Threading: read in one thread; any may close.

    Raises:
        ContainerGone, EngineError: as `Engine.read_log`.
    """

    def __init__(
        self,
        engine: Engine,
        container: ContainerFacts,
        *,
        since: float | None = None,
        until: float | None = None,
        tail: int | None = None,
    ) -> None:
        self._engine, self._container = engine, container
        self._since, self._until = since, until
        self._asked = int((time.time() + engine.clock_ahead_s) * 1e9)
        self._newest: list[Raw] = []
        self._cutter = LineCutter() if container.tty else FrameCutter()
        self._reading = engine.read_log(container, since=since, until=until, tail=tail)
        self._reading.give_up_after(_STALL_S)
        self._reading.gather()

    def __iter__(self) -> Iterator[list[Record]]:
        """Yield its records as they come, many at once.

        Raises:
            EngineError: the engine could not read on, or the log broke off; after what has come.
        """
        for raws in self.raws():
            yield list(starmap(self.read, raws))

    def raws(self) -> Iterator[list[Raw]]:
        """As iterating it, without a look into the records: `read` takes it."""
        name, cutter = self._container.name, self._cutter
        for block in self._reading:
            yield self._noted(cutter.cut(block))
        torn = self._reading.broke_off or cutter.torn
        yield self._noted(cutter.rest())
        if cutter.complaint is not None:
            raise EngineError(
                f"The engine cannot read the log of {name} to its end: {cutter.complaint}. "
                "What comes after that place is lost; restart the container to begin a sound log."
            )
        if torn:
            raise EngineError(f"The log of {name} broke off in the middle. Ask for it again.")

    def read(self, stream: Stream, body: bytes) -> Record:
        """Look into what `raws` yields."""
        return self._cutter.read(stream, body)

    def texts(self, raws: list[Raw]) -> list[bytes]:
        """Return the texts of what `raws` yields, without a look at their stamps where that is safe."""
        return [
            body[_TEXT] if body[_STAMP_END] == b"Z " else self.read(stream, body).text
            for stream, body in raws
        ]

    def check_end(self) -> None:
        """Look whether the last line that was read is the log's; only after the last record.

        Raises:
            ContainerGone, EngineError: it is not, or nobody can tell.
        """
        if self._until is not None:
            return
        last = newest_record(self._engine, self._container)
        if last is None or not (self._since or 0) * 1e9 <= (last.nanos or 0) <= self._asked:
            return
        if all(self.read(*raw).nanos != last.nanos for raw in self._newest):
            raise EngineError(
                f"The engine stopped in the middle of the log of {self._container.name}, before its newest "
                "line: a line of it is damaged. Restart the container to begin a sound log."
            )

    def close(self) -> None:
        """End it; whoever waits for the next records goes on at once. Idempotent."""
        self._reading.close()

    def _noted(self, raws: list[Raw]) -> list[Raw]:
        self._newest = (self._newest + raws)[-_NEWEST:]
        return raws


def read_lines(
    engine: Engine,
    container: ContainerFacts,
    *,
    since: float | None = None,
    until: float | None = None,
    tail: int | None = None,
    engine_time: bool = False,
) -> Iterator[LogLine]:
    """Yield the lines of a log as it stands now, with the engine's stamps in the console's clock.

    Args:
        since, until: Unix seconds, by the engine's clock.
        engine_time: leave the stamps as the engine made them.

    Raises:
        ContainerGone, EngineError: as `WholeLog`; also after the last line, if it was not the log's, and when
            the container was started again meanwhile.
    """
    ahead = 0.0 if engine_time else engine.clock_ahead_s
    number = 0
    with closing(WholeLog(engine, container, since=since, until=until, tail=tail)) as log:
        for records in log:
            for record in records:
                moment = 0.0 if record.nanos is None else record.nanos / 1e9 - ahead
                for text in shown_lines(record.text):
                    yield LogLine(container.name, number, record.stream, moment, text)
                    number += 1
        log.check_end()
    _check_life(engine, container)


def sift_log(
    engine: Engine,
    container: ContainerFacts,
    *,
    since: float | None = None,
    until: float | None = None,
    profile: Profile | str | None = None,
    see: Callable[[WholeLog, list[Raw]], None] = lambda log, raws: None,
) -> Iterator[Sifted]:
    """Yield a log as it stands now, of which only the lines that may tell of a load are read.

    Several times as fast as `read_lines`, whose arguments and errors it shares. `see` is shown all lines, as
    they come.
    """
    sieve = Sieve(container.name, profile)
    with closing(WholeLog(engine, container, since=since, until=until)) as log:
        for raws in log.raws():

            def moment(place: int, raws: list[Raw] = raws) -> float:
                nanos = log.read(*raws[place]).nanos
                return 0.0 if nanos is None else nanos / 1e9 - engine.clock_ahead_s

            if raws:
                see(log, raws)
                yield sieve.sift([stream for stream, _ in raws], log.texts(raws), moment)
        log.check_end()
    _check_life(engine, container)


def _check_life(engine: Engine, container: ContainerFacts) -> None:
    if engine.container(container.id).started_at != container.started_at:
        raise EngineError(f"{container.name} was started again while its log was read. Ask for it again.")
