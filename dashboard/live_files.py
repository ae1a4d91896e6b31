"""A whole log as a file: read while it is sent, at the browser's pace, and never held in memory.

engine --WholeLog--> blocks --send--> browser       (a slow browser makes the reading wait, and nobody else)
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final
from urllib.parse import urlencode

from anyio import create_task_group
from starlette.types import Receive, Scope, Send

from dashboard.engine.faults import EngineError
from dashboard.engine.whole_log import WholeLog
from dashboard.live_feed import LineSource

__all__ = ["LOG_FILE_PATH", "LogDownload", "container_blocks", "line_blocks", "log_file_url"]

LOG_FILE_PATH: Final = "/live/log-file"
_PAGE_LINES: Final = 5000
_PAGE_CHARS: Final = 256 * 1024
_LOOK_S: Final = 0.25


class LogDownload:
    """The answer that sends `blocks` as the text file `name`.log; an ASGI application.

    It ends when the browser goes, and when the server is about to close: an answer under way would hold up
    its shutdown for ever. `close` is called in the end; it must end a wait for the next block.
    """

    def __init__(self, name: str, blocks: Iterator[bytes], close: Callable[[], None]) -> None:
        self._name, self._blocks, self._close = name, blocks, close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        with suppress(OSError):  # the browser went in the middle of it
            async with create_task_group() as group:

                async def listen() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    group.cancel_scope.cancel()

                async def watch_the_server() -> None:
                    while not _server_closes():  # noqa: ASYNC110 - it tells nobody
                        await asyncio.sleep(_LOOK_S)
                    _abort(scope)
                    group.cancel_scope.cancel()

                group.start_soon(listen)
                group.start_soon(watch_the_server)
                try:
                    await self._pour(send)
                finally:
                    self._close()
                    group.cancel_scope.cancel()

    async def _pour(self, send: Send) -> None:
        file = re.sub(r"[^A-Za-z0-9_.-]+", "-", self._name).strip("-.") or "log"
        headers = {
            "content-type": "text/plain; charset=utf-8",
            "content-disposition": f'attachment; filename="{file}.log"',
            "content-encoding": "identity",  # the server's own packing would cost more than the reading
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        while block := await asyncio.to_thread(next, self._blocks, b""):
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def log_file_url(run_id: str, token: str, *, source: str = "") -> str:
    """Return where the whole log of a run's source, or of `container:NAME`, is to be had."""
    pairs = {"run": run_id, "token": token} | ({"source": source} if source else {})
    return f"{LOG_FILE_PATH}?{urlencode(pairs)}"


def container_blocks(log: WholeLog) -> Iterator[bytes]:
    """Yield a container's log as it wrote it; in the end, if it is not whole, a line that says so."""
    try:
        for raws in log.raws():
            if raws:
                yield b"\n".join(log.texts(raws)) + b"\n"
        log.check_end()
    except EngineError as error:
        yield f"\n-- This log is not whole: {error}\n".encode()


def line_blocks(source: LineSource) -> Iterator[bytes]:
    """Yield the lines that a run's log has by now; and, in their place, how many it has lost."""
    since, end = 0, source.next
    while since < end:
        page = source.read(since, _PAGE_LINES, _PAGE_CHARS)
        lost = [f"-- Lines that are no longer kept here: {page.skipped:,}"] if page.skipped else []
        texts: Iterable[str] = (line.text for line in page.lines if line.number < end)
        yield "".join(f"{text}\n" for text in (*lost, *texts)).encode("utf-8", "replace")
        if page.next <= since:
            return
        since = page.next


def _server() -> object:
    """The server that this process runs: it is who hears of SIGTERM, and nothing else knows of it."""
    return getattr(signal.getsignal(signal.SIGTERM), "__self__", None)


def _server_closes() -> bool:
    return bool(getattr(_server(), "should_exit", False))


def _abort(scope: Scope) -> None:
    """Drop the connection: to a browser that has stopped reading it would never close by itself."""
    connections = getattr(getattr(_server(), "server_state", None), "connections", ())
    for connection in list(connections):
        if getattr(connection, "client", None) == scope.get("client"):
            connection.transport.abort()
