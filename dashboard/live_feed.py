"""What flows through an open live connection: log lines at the browser's own pace, and a run's changes.

Each feed is a coroutine that sends until its source has ended. It knows no WebSocket: it is handed `send`.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from dashboard.evidence import LogLine
from dashboard.logs import LogPage

__all__ = ["Acks", "KeptLog", "LineSource", "changes", "feed_lines", "feed_view", "line_batch"]

Send = Callable[[str], Awaitable[None]]

TICK_S: Final = 0.05
"""How often a feed looks for new lines: twenty batches a second are as smooth as the eye can tell."""
BATCH_LINES: Final = 5000
BATCH_CHARS: Final = 128 * 1024
WINDOW: Final = 2
"""Batches under way that the browser has not confirmed. With the batch's size this bounds what the server and
the network hold for a slow browser; the lines that the ring drops meanwhile are counted, not sent."""
VIEW_TICK_S: Final = 0.1
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode  # ASCII only: safe for lone surrogates


class LineSource(Protocol):
    """Lines with absolute numbers: a `LogRing`, a `KeptLog`, or a container's `JoinedLog`."""

    @property
    def next(self) -> int:
        """Number that the next line will get."""

    @property
    def closed(self) -> bool:
        """Whether no more lines will come."""

    def in_memory(self, since: int) -> bool:
        """Whether `read(since)` returns at once, and does not wait for a disk."""

    def read(self, since: int, limit: int, max_chars: int) -> LogPage:
        """As `LogRing.read`."""


class KeptLog:
    """The lines of an ended source as the store kept them, read like a ring that has closed."""

    def __init__(self, lines: tuple[LogLine, ...]) -> None:
        self._lines = lines
        self.closed: Final = True
        self.next: Final = lines[-1].number + 1 if lines else 0

    def in_memory(self, since: int) -> bool:
        """Always."""
        return True

    def read(self, since: int, limit: int, max_chars: int) -> LogPage:
        """Return up to `limit` lines from number `since` on, and one at least, whatever its length."""
        start = bisect.bisect_left(self._lines, since, key=lambda line: line.number)
        chosen: list[LogLine] = []
        chars = 0
        for line in self._lines[start : start + limit]:
            chars += len(line.text)
            if chars > max_chars and chosen:
                break
            chosen.append(line)
        first = chosen[0].number if chosen else since
        end = chosen[-1].number + 1 if chosen else max(since, self.next)
        return LogPage(tuple(chosen), end, max(0, first - since), end >= self.next)


class Acks:
    """How many batches the browser has confirmed. Threading: for one event loop."""

    def __init__(self) -> None:
        self._confirmed = 0
        self._changed = asyncio.Event()

    def confirm(self) -> None:
        """Note that the browser is through with one more batch."""
        self._confirmed += 1
        self._changed.set()

    async def reach(self, count: int) -> None:
        """Wait until `count` batches are confirmed."""
        while self._confirmed < count:
            self._changed.clear()
            await self._changed.wait()


async def feed_lines(source: LineSource, since: int, send: Send, acks: Acks) -> None:
    """Send the lines from number `since` on: big batches while there is much, then one a tick at the most.

    Returns when the source has ended and its last line is sent.
    """
    sent = 0
    while True:
        await acks.reach(sent - WINDOW + 1)
        if source.in_memory(since):
            page = source.read(since, BATCH_LINES, BATCH_CHARS)
        else:
            page = await asyncio.to_thread(source.read, since, BATCH_LINES, BATCH_CHARS)
        if page.lines or page.skipped or page.closed:
            await send(line_batch(page))
            sent += 1
        since = page.next
        if page.closed:
            return
        behind = source.next > since
        # A sleep even while catching up, if only for a moment: other browsers share this event loop.
        await asyncio.sleep(0 if behind and len(page.lines) > 1 else TICK_S)


def line_batch(page: LogPage) -> str:
    """Return the JSON of one batch of lines."""
    return _encode(
        {
            "lines": [[line.number, line.stream, line.time, line.text] for line in page.lines],
            "next": page.next,
            "skipped": page.skipped,
            "closed": page.closed,
        }
    )


async def feed_view(
    version: Callable[[], int], view: Callable[[], tuple[Mapping[str, Any], bool]], send: Send
) -> None:
    """Send a run's view, then what changes in it, until it has ended.

    `version` tells cheaply whether anything changed. `view` returns the picture and whether it is the last;
    it is called on a thread, because it may read the disk and grows with the number of variants.
    """
    shown: Mapping[str, Any] | None = None
    seen: int | None = None
    while True:
        pause = VIEW_TICK_S
        if (newest := version()) != seen:
            # The version is read before the view: a change in between is sent twice rather than never.
            seen, started = newest, time.monotonic()
            picture, last = await asyncio.to_thread(view)
            message = changes(shown, picture)
            if message is not None:
                await send(_encode(message))
            shown = picture
            if last:
                await send(_encode({"type": "end"}))
                return
            # A big view gets at most a quarter of a core.
            pause = max(VIEW_TICK_S, 3 * (time.monotonic() - started))
        await asyncio.sleep(pause)


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the message that turns the view `before` into `after`; None when there is nothing to tell.

    An update holds the top-level fields that differ, and the rows (dicts with an `id`) that differ. When a
    field or a row went away, or the rows' order changed, it is a whole snapshot instead.
    """
    if before is None or before.keys() - after.keys():
        return {"type": "snapshot", "view": after}
    old_rows = {row["id"]: row for row in before.get("rows", ())}
    new_rows = after.get("rows", ())
    kept = [row["id"] for row in new_rows[: len(old_rows)]]
    if kept != list(old_rows):
        return {"type": "snapshot", "view": after}
    fields = {
        key: value
        for key, value in after.items()
        if key != "rows" and (key not in before or before[key] != value)
    }
    rows = [row for row in new_rows if old_rows.get(row["id"]) != row]
    if not fields and not rows:
        return None
    return {"type": "update", "view": fields, "rows": rows}
