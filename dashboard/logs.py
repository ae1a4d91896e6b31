"""Captured log lines: one bounded ring per source, read by any number of followers that resume without loss.

    reader thread --feed(bytes)--> LineSplitter --> LogRing --read(since)--> pages, WebSocket routes, runs
                                                      |
                                                      +--oldest lines--> Spool, where one is given

Threading: each ring has one lock, which guards its lines and numbers and is held for a copy at the longest.
`append` never waits for a reader: a slow reader is told how many lines it missed.
"""

from __future__ import annotations

import codecs
import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from dashboard.evidence import LogLine, Stream
from dashboard.spool import Spool

__all__ = ["LineSplitter", "LogPage", "LogRing", "shown_lines"]

MAX_LINES: Final = 200_000
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_LINE: Final = 1024 * 1024
"""Longer lines are cut into pieces of this many characters, so that one line cannot fill the memory."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """What a reader gets: `lines` from `since` on, where to go on, and how many were gone already.

    `closed` says that the source has ended and `next` is its end.
    """

    lines: tuple[LogLine, ...]
    next: int
    skipped: int
    closed: bool


class LogRing:
    """The newest lines of one source, bounded by lines and by characters, with absolute numbers.

    Args:
        first: number of its first line. spool: takes the lines that the ring has no room for, and gives them
            back to who reads them; without one they are gone.

    Threading: every method may be called from any thread and returns at once, but for `wait`. With a spool
    one thread adds lines, and waits for the disk; so does `read`, unless `in_memory` says otherwise.
    """

    def __init__(
        self,
        source: str,
        *,
        max_lines: int = MAX_LINES,
        max_bytes: int = MAX_BYTES,
        first: int = 0,
        spool: Spool | None = None,
    ) -> None:
        self.source: Final = source
        self.first: Final = first
        self._max_lines, self._max_bytes = max_lines, max_bytes
        self._spool = spool
        # A list, not a deque: a reader at the newest of 200,000 lines would walk past all the others, under
        # the lock, twenty times a second. The first `_gone` places are empty and are given back in bulk.
        self._lines: list[LogLine | None] = []
        self._gone = 0
        self._bytes = 0
        self._next = first
        self._closed = False
        self._changed = threading.Condition()

    @property
    def next(self) -> int:
        """Number that the next line will get: how many lines the source has shown so far."""
        return self._next

    @property
    def closed(self) -> bool:
        """Whether the source has ended."""
        return self._closed

    def append(self, stream: Stream, time: float, texts: Iterable[str]) -> tuple[LogLine, ...]:
        """Add lines that came in together and return them with their numbers."""
        return self.extend((stream, time, text) for text in texts)

    def extend(self, entries: Iterable[tuple[Stream, float, str]]) -> tuple[LogLine, ...]:
        """Add lines, each with its stream and time, and return them with their numbers."""
        trouble = self._make_room() if self._spool is not None else ()
        with self._changed:
            numbers = itertools.count(self._next)
            added = tuple(
                LogLine(self.source, next(numbers), *entry) for entry in itertools.chain(trouble, entries)
            )
            self._lines.extend(added)
            self._bytes += sum(len(line.text) for line in added)
            self._next += len(added)
            if self._spool is None:
                self._drop_oldest()
            self._changed.notify_all()
            return added[len(trouble) :]

    def close(self) -> None:
        """Say that no more lines will come. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def discard(self) -> None:
        """Close it and give back what it holds of the disk. Idempotent."""
        self.close()
        if self._spool is not None:
            self._spool.close()

    def in_memory(self, since: int) -> bool:
        """Whether `read(since)` needs no disk."""
        return self._spool is None or since >= self._next - len(self._lines) + self._gone

    def read(self, since: int = 0, limit: int = 5000, max_chars: int | None = None) -> LogPage:
        """Return up to `limit` lines, the first of them number `since` or the oldest that is still here.

        With `max_chars` the page also ends before the line that would pass it, but holds one line at least.
        """
        since = max(since, self.first)
        if self._spool is not None and not self.in_memory(since):
            older = self._spool.read(since, limit)
            if older and max_chars is not None:
                older = older[: _fitting(older, max_chars)]
            if older:
                # Lines may be missing among them, too: what the disk refused is skipped by who reads past it
                older = list(itertools.takewhile(_contiguous_from(older[0].number), older))
                return LogPage(tuple(older), older[-1].number + 1, older[0].number - since, closed=False)
        with self._changed:
            first = self._next - (len(self._lines) - self._gone)
            start = max(since, first)
            offset = start - first + self._gone
            # Whatever is past the empty places is a line.
            lines = [line for line in self._lines[offset : offset + limit] if line is not None]
            if max_chars is not None:
                lines = lines[: _fitting(lines, max_chars)]
            end = start + len(lines)
            return LogPage(tuple(lines), end, max(0, start - since), self._closed and end >= self._next)

    def wait(self, since: int, timeout: float) -> bool:
        """Block until there is a line `since` or later, or the source has ended; False after `timeout` s."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed or self._next > since, timeout)

    def _make_room(self) -> tuple[tuple[Stream, float, str], ...]:
        """Move the older half to the spool when the ring is full; return what is to be told of it.

        Before they are added to, so that a line is always to be found in one of the two.
        """
        with self._changed:
            lines = [line for line in self._lines[self._gone :] if line is not None]
            if len(lines) <= self._max_lines and self._bytes <= self._max_bytes:
                return ()
        half = lines[: max(1, len(lines) // 2)]
        trouble: tuple[tuple[Stream, float, str], ...] = ()
        try:
            assert self._spool is not None  # the caller's promise
            self._spool.write(half)
        except OSError as error:
            words = _spool_words(error)
            if all(line.text != words for line in lines[len(half) :]):  # so that late readers see it, too
                trouble = (("engine", lines[-1].time, words),)
        with self._changed:
            del self._lines[: self._gone + len(half)]
            self._gone = 0
            self._bytes -= sum(len(line.text) for line in half)
        return trouble

    def _drop_oldest(self) -> None:
        while len(self._lines) - self._gone > self._max_lines or self._bytes > self._max_bytes:
            oldest = self._lines[self._gone]
            assert oldest is not None  # only places before `_gone` are empty
            self._bytes -= len(oldest.text)
            self._lines[self._gone] = None
            self._gone += 1
        if self._gone > max(1024, len(self._lines) // 4):
            del self._lines[: self._gone]
            self._gone = 0


def _spool_words(error: OSError) -> str:
    return (
        f"Older lines of this log are lost to this console from here on: they cannot be kept on its disk "
        f"({error.strerror or error}). Make room in its data folder; new lines go on."
    )


def _contiguous_from(number: int) -> Callable[[LogLine], bool]:
    expected = itertools.count(number)
    return lambda line: line.number == next(expected)


def _fitting(lines: list[LogLine], max_chars: int) -> int:
    """How many of `lines` fit in `max_chars`, one at least."""
    total = 0
    for count, line in enumerate(lines):
        total += len(line.text)
        if total > max_chars and count:
            return count
    return len(lines)


class LineSplitter:
    """Cuts one stream's bytes into lines, at newlines and at the carriage returns of progress bars.

    A character may be cut in two between reads, and so may a `\\r\\n`: both are joined again. Bytes that are
    no UTF-8 become U+FFFD. Threading: for one reader.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that `data` completes."""
        return self._cut(self._decoder.decode(data))

    def finish(self) -> list[str]:
        """Return what is left when the stream has ended: a last line without a newline."""
        lines = self._cut(self._decoder.decode(b"", final=True))
        rest, self._rest = self._rest.rstrip("\r"), ""
        return [*lines, rest] if rest else lines

    def _cut(self, text: str) -> list[str]:
        text = self._rest + text
        # A carriage return at the very end may be the first half of a line end: wait for what follows.
        held = "\r" if text.endswith("\r") else ""
        *whole, rest = text[: len(text) - len(held)].replace("\r\n", "\n").split("\n")
        lines = [line for text in whole for line in _steps(text)]
        *steps, rest = rest.split("\r")
        lines += filter(None, steps)
        while len(rest) > MAX_LINE:
            lines.append(rest[:MAX_LINE])
            rest = rest[MAX_LINE:]
        self._rest = rest + held
        return lines


def shown_lines(text: bytes) -> list[str]:
    """Return what one line of a log is shown as: a progress bar's states one by one, the endless in parts."""
    steps = _steps(text.decode("utf-8", "replace").removesuffix("\r"))
    return [step[at : at + MAX_LINE] for step in steps for at in range(0, max(1, len(step)), MAX_LINE)]


def _steps(line: str) -> list[str]:
    # A progress bar rewrites its line: each state is shown, the empty ones between them are not.
    return [step for step in line.split("\r") if step] if "\r" in line else [line]
