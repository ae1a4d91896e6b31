"""Journals: what is shown of a run is written to a file first, and what was written outlives its process.

    Run --picture, lines--> Journal --write(2)--> journals/RUN.journal ... and only then: tabs, terminals
                                                        |  a process that was killed
    history, up to half a second older -----------------+--> cut_runs --> the run as it was last seen

What the kernel was given stays, however a process ends; nothing waits for the disk. So a machine that loses
its power may lose the newest seconds, as it does of any file that is not synced; the history holds the rest.
A journal holds changes only, and is written anew, short, as the history catches up with it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from dashboard.journal_entries import (
    Head,
    Journaled,
    head_entry,
    lines_entry,
    picture_entries,
    read_head,
    read_journal,
)
from dashboard.logs import LogPage, LogRing
from dashboard.owner import this_process
from dashboard.record import RunRecord

__all__ = ["Journal", "Journals", "RunLog", "ShownLog"]

_ENDING: Final = ".journal"
_PAGE: Final = 2000
_LARGE: Final = 4 * 1024 * 1024
"""What a journal may take before it is written anew in the middle of a trial."""
_HEAD_BYTES: Final = 4096


class RunLog(Protocol):
    """The log of a run's trial, as those who show it read it: as `LogRing`, whose words count."""

    @property
    def next(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def in_memory(self, since: int) -> bool: ...
    def read(self, since: int = 0, limit: int = 5000, max_chars: int | None = None) -> LogPage: ...


class Journals:
    """The journals of one history that this machine keeps, a file for each run. Threading: any thread.

    Args:
        folder: where they lie; made when the first one begins. history: the name of the history.
    """

    def __init__(self, folder: Path, history: str) -> None:
        self._folder, self._history = folder, history

    def begin(self, record: RunRecord, rings: Callable[[], Mapping[str, LogRing]]) -> Journal:
        """Begin the journal of a run that the history holds as `record`; `rings` gives its logs by source."""
        head = Head(record.run_id, self._history, this_process())
        return Journal(self._path(record.run_id), head, record, rings)

    def heads(self) -> Iterator[tuple[str, Head | None]]:
        """Return the runs of which there is a journal, and what its first line says, if it says anything."""
        with suppress(OSError):
            for path in sorted(self._folder.glob(f"*{_ENDING}")):
                with suppress(OSError), path.open("rb") as file:
                    first = file.readline(_HEAD_BYTES)
                    head = read_head(first) if first.endswith(b"\n") else None
                    if head is None or head.history == self._history:
                        yield path.name.removesuffix(_ENDING), head

    def read(self, run_id: str) -> Journaled:
        """Return what a journal holds; nothing where there is none, or none of this history."""
        try:
            data = self._path(run_id).read_bytes()
        except OSError:
            return Journaled()
        head = read_head(data.partition(b"\n")[0])
        return Journaled() if head is None or head.history != self._history else read_journal(data)

    def drop(self, run_id: str) -> None:
        """Delete a journal."""
        with suppress(OSError):
            self._path(run_id).unlink(missing_ok=True)

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}{_ENDING}"


class Journal:
    """The journal of one run. Threading: any thread; writes go to the kernel and wait for no disk.

    A disk that takes nothing stops no run: `trouble` says so, and the next picture that the history keeps is
    where it tries again.
    """

    def __init__(
        self, path: Path, head: Head, kept: RunRecord, rings: Callable[[], Mapping[str, LogRing]]
    ) -> None:
        self._path, self._head, self._rings = path, head, rings
        # Guards all below. Held while a picture is taken and written, so that pictures are shown in the order
        # in which they were taken; whoever comes meanwhile waits for one small write.
        self._lock = threading.Lock()
        self._base = self._shown = kept
        self._written: dict[str, int] = {}  # source -> the next line to write
        self._kept: dict[str, int] = {}  # source -> the next line that the history does not hold
        self._file: int | None = None
        self._size = 0
        self._ended = False
        self.trouble: str | None = None
        with self._lock:
            self._write_anew()

    def show(self, take: Callable[[], RunRecord]) -> RunRecord:
        """Take a picture, write what is new in it, and return it: it may be shown now.

        While variants are released it is the picture from before: nothing may take time from them.
        """
        with self._lock:
            if self._ended:
                return take()
            record = take()
            if _in_one_release(self._shown, record):
                return self._shown
            changed = picture_entries(self._shown, record)
            if changed:
                self._write_lines_of_events(record)
                self._append(changed)
                self._shown = record
            return self._shown  # the same one for every tab, so that what is made of it is made once

    def show_lines(self, ring: LogRing, end: int) -> None:
        """Write the lines of a log before number `end`, as far as they are not written: they may be shown."""
        if self._written.get(ring.source, 0) < end:
            with self._lock:
                self._write_lines(ring, end)

    def has_lines(self, source: str, end: int) -> bool:
        """Whether all lines before number `end` are written, so that `show_lines` does nothing."""
        return self._ended or self._file is None or self._written.get(source, 0) >= end

    def lines_kept(self, source: str, end: int) -> None:
        """Note that the history holds the lines of a log before number `end`, or nobody wants them."""
        with self._lock:
            self._kept[source] = max(end, self._kept.get(source, 0))

    def record_kept(self, kept: RunRecord) -> None:
        """Write only what comes after `kept`, a picture that the history now holds as the run's document."""
        with self._lock:
            self._base = kept
            if not self._ended:
                self._write_anew()

    def shrink(self) -> None:
        """Leave out what the history holds, if the journal has grown large; try again if it was given up."""
        with self._lock:
            if not self._ended and (self._file is None or self._size > _LARGE):
                self._write_anew()

    def end(self) -> None:
        """Delete it: the history holds everything. Idempotent."""
        with self._lock:
            self._ended = True
            self._let_go()

    # -- under the lock -----------------------------------------------------------------------------------

    def _write_lines_of_events(self, record: RunRecord) -> None:
        """No event shall be told whose line is lost."""
        trial = record.trials[-1] if record.trials else None
        before = self._shown.trials[-1].events if self._shown.trials else ()
        if trial is None or not trial.events or trial.events is before:
            return
        ring = self._rings().get(trial.source)
        if ring is not None:
            self._write_lines(ring, max(event.line for event in trial.events) + 1)

    def _write_lines(self, ring: LogRing, end: int) -> None:
        since = self._written.get(ring.source, 0)
        while since < end and self._file is not None and not self._ended:
            page = ring.read(since, min(_PAGE, end - since))
            if page.lines:
                self._append(lines_entry(ring.source, page.lines))
            if page.next <= since:
                break
            since = self._written[ring.source] = page.next

    def _append(self, data: bytes) -> None:
        if self._file is None or not data:
            return
        try:
            _write(self._file, data)
        except OSError as error:
            self._give_up(error)
        else:
            self._size += len(data)

    def _write_anew(self) -> None:
        new = self._path.with_name(f".{self._path.name}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        except OSError as error:
            self._give_up(error)
            return
        old, self._file, self._size = self._file, file, 0
        if old is not None:
            os.close(old)
        written, self._written = self._written, dict(self._kept)
        self.trouble = None
        self._append(head_entry(self._head) + picture_entries(self._base, self._shown))
        for source, ring in self._rings().items():
            self._write_lines(ring, written.get(source, 0))
        try:
            if self._file is not None:
                new.replace(self._path)  # at once: the old one or the new one, whole
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.trouble = (
            f"What is seen of this run cannot be written to {self._path.parent} at once "
            f"({error.strerror or error}): a console that is killed now would lose its newest seconds. Make "
            "room there, or let this user write there."
        )
        self._let_go()

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
        for path in (self._path, self._path.with_name(f".{self._path.name}")):
            with suppress(OSError):
                path.unlink(missing_ok=True)


class ShownLog:
    """A ring whose lines are in the journal before anybody gets them. Threading: as the ring."""

    def __init__(self, ring: LogRing, journal: Journal) -> None:
        self._ring, self._journal = ring, journal

    @property
    def next(self) -> int:
        """As the ring's."""
        return self._ring.next

    @property
    def closed(self) -> bool:
        """As the ring's."""
        return self._ring.closed

    def in_memory(self, since: int) -> bool:
        """Whether `read` returns at once: else lines are to be written first."""
        return self._ring.in_memory(since) and self._journal.has_lines(self._ring.source, self._ring.next)

    def read(self, since: int = 0, limit: int = 5000, max_chars: int | None = None) -> LogPage:
        """As the ring's; they are written when it returns."""
        page = self._ring.read(since, limit, max_chars)
        self._journal.show_lines(self._ring, page.next)
        return page


def _in_one_release(shown: RunRecord, record: RunRecord) -> bool:
    return (
        shown.step == record.step == "release"
        and record.running
        and len(shown.trials) == len(record.trials)
        and shown.trials[-1:] != ()
        and shown.trials[-1].started_at == record.trials[-1].started_at
    )


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
