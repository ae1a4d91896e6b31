"""The live routes: WebSockets for log lines and for a run's progress, and files beside them.

    LogRing or store --read(since)--> /live/logs --JSON--> log_view      (confirmations come back)
    Runner.record ----board view----> /live/run  --JSON--> run_board     (first all of it, then what changed)
    engine or store ----------------> /live/log-file                     (a whole log, to be kept)
    plotly.js ----------------------> /live/assets/plotly-basic-VERSION.min.js
    components' scripts ------------> /live/code/NAME-HASH.js

A connection costs two coroutines and no thread. It ends at once when the browser or the server goes, so that
an open page never holds up a shutdown.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from anyio import create_task_group
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.component_code import CODE_ROUTE, code_file
from dashboard.engine.faults import EngineError
from dashboard.engine.shelf import OtherNumbers
from dashboard.engine.viewed import OpenLog
from dashboard.engine.whole_log import WholeLog
from dashboard.evidence import LogLine
from dashboard.journal import RunLog
from dashboard.language import speaking
from dashboard.live_access import TokenRedaction
from dashboard.live_assets import PLOTLY_ROUTE, plotly_file
from dashboard.live_feed import TICK_S, Acks, KeptLog, LineSource, feed_lines, feed_view
from dashboard.live_files import LOG_FILE_PATH, LogDownload, container_blocks, line_blocks
from dashboard.log_range import LogRange, RangeError
from dashboard.record import RunRecord
from dashboard.retold import told_all

__all__ = [
    "CONTAINER",
    "LOGS_PATH",
    "RUN_PATH",
    "TOKEN_REFUSED",
    "UNKNOWN_RUN",
    "LiveConsole",
    "LiveRunner",
    "LiveStore",
    "TokenCheck",
    "View",
    "live_routes",
]

LOGS_PATH: Final = "/live/logs"
RUN_PATH: Final = "/live/run"
CONTAINER: Final = "container:"
"""What stands in the place of a run for the log of a container, which belongs to none."""
TOKEN_REFUSED: Final = 4401
UNKNOWN_RUN: Final = 4404
FAILED: Final = 1011
FINISHED: Final = 1000

_LOG: Final = logging.getLogger(__name__)
_REDACTION: Final = TokenRedaction()

View = Callable[[RunRecord, int | None], Mapping[str, Any]]
"""Makes the JSON-able picture of a run, or of one trial by its number; its `rows` are dicts with an `id`."""


class TokenCheck(Protocol):
    """Knows the tokens that pages were given. Threading: any thread."""

    def accepts(self, token: str, run_id: str) -> bool:
        """Whether `token` opens `run_id` now."""


class LiveRunner(Protocol):
    """The runs that this process remembers. Threading: any thread; every method returns at once."""

    def record(self, run_id: str) -> RunRecord | None:
        """The run's newest picture; None when it is not remembered."""

    def version(self, run_id: str) -> int:
        """A number that grows with every change of the record."""

    def rings(self, run_id: str) -> Mapping[str, RunLog]:
        """Its logs by source, while it is remembered."""


class LiveStore(Protocol):
    """The runs that were kept. Threading: any thread; may block on the disk."""

    def load(self, run_id: str) -> RunRecord | None:
        """The run's record; None when there is none."""

    def log(self, run_id: str, source: str) -> tuple[LogLine, ...]:
        """The lines that were kept of one source, oldest first."""

    def sources(self, run_id: str) -> tuple[str, ...]:
        """The sources of which lines were kept."""


class ContainerLogs(Protocol):
    """The logs of containers. Threading: any thread; may block while the engine answers."""

    def log(self, name: str, wanted: LogRange, since: int) -> OpenLog:
        """As `ContainerShelf.log`."""

    def whole_log(self, name: str, begin: float | None, until: float | None) -> WholeLog:
        """As `ContainerShelf.whole_log`."""


class LiveConsole(Protocol):
    """What the live routes need of the console's process-wide parts."""

    @property
    def runner(self) -> LiveRunner:
        """The runs of this process."""

    @property
    def store(self) -> LiveStore:
        """The runs that were kept."""

    @property
    def tokens(self) -> TokenCheck:
        """The tokens of this process."""

    def container_logs(self, name: str) -> ContainerLogs:
        """What the log of a container is read from; raises `EngineError` if it may not be seen. May block."""


def live_routes(console: Callable[[], LiveConsole], view: View) -> list[BaseRoute]:
    """Return the routes for `streamlit.App(routes=…)`; each asks for a token, `host_guard` for all the rest.

    Args:
        console: returns the process-wide parts; asked at each connection, so that they may be made later.
        view: makes the picture of a run that `/live/run` sends.
    """
    routes = _LiveRoutes(console, view)
    for log in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(log).addFilter(_REDACTION)  # the same one twice counts once
    return [
        WebSocketRoute(LOGS_PATH, routes.logs),
        WebSocketRoute(RUN_PATH, routes.run),
        Route(LOG_FILE_PATH, routes.log_file, methods=["GET"]),
        Route(PLOTLY_ROUTE, plotly_file, methods=["GET"]),
        Route(CODE_ROUTE, code_file, methods=["GET"]),
    ]


class _Refused(Exception):
    """The connection is closed with `code`; `reason` is for people, and cut to what fits."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code: Final = code
        self.reason: Final = reason.encode()[:120].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class _LiveRoutes:
    console: Callable[[], LiveConsole]
    view: View

    async def logs(self, socket: WebSocket) -> None:
        """Stream one source's lines."""
        acks = Acks()

        async def feed(run_id: str) -> None:
            since = _number(socket, "since") or 0
            if run_id.startswith(CONTAINER):
                # The container that the token was given for, whatever source is asked
                opened = await self._container_log(socket, run_id.removeprefix(CONTAINER), since)
                try:
                    # It is known on another thread, which tells nobody
                    while (start := await asyncio.to_thread(opened.start)) is None:  # noqa: ASYNC110
                        await asyncio.sleep(TICK_S)
                    await feed_lines(opened.source, start, socket.send_text, acks)
                finally:
                    opened.release()
                return
            source = await self._lines(run_id, socket.query_params.get("source", ""))
            await feed_lines(source, since, socket.send_text, acks)

        await self._serve(socket, feed, acks.confirm)

    async def log_file(self, request: Request) -> LogDownload | PlainTextResponse:
        """Send a log as a file: of a container from `begin` to `until`, or what is kept of a run's source."""
        try:
            run_id = self._check(request)
            if not run_id.startswith(CONTAINER):
                name = request.query_params.get("source", "")
                lines = line_blocks(await self._lines(run_id, name))
                return LogDownload(f"{run_id}-{name}", lines, lambda: None)
            name, asked = run_id.removeprefix(CONTAINER), LogRange.read(request.query_params)
            log = await asyncio.to_thread(
                lambda: self.console().container_logs(name).whole_log(name, asked.begin, asked.until)
            )
            return LogDownload(name, container_blocks(log), log.close)
        except _Refused as refused:
            status = 401 if refused.code == TOKEN_REFUSED else 404
            return PlainTextResponse(f"{refused} Reload the page, and ask for the log again.\n", status)
        except RangeError as error:
            return PlainTextResponse(f"{error}\n", 400)
        except EngineError as error:
            return PlainTextResponse(f"{error}\n", 404)

    async def run(self, socket: WebSocket) -> None:
        """Stream one run's picture."""

        async def feed(run_id: str) -> None:
            console, trial = self.console(), _number(socket, "trial")
            spoken = socket.query_params.get("language")
            if await asyncio.to_thread(self._record, run_id) is None:
                raise _Refused(UNKNOWN_RUN, "This run is not known here.")

            def picture() -> tuple[Mapping[str, Any], bool]:
                record = self._record(run_id)
                if record is None:
                    raise _Refused(UNKNOWN_RUN, "This run was deleted.")
                with speaking(spoken):
                    return told_all(self.view(record, trial)), not record.running

            def version() -> int:
                # A run of another process has no version here: what is kept of it is read each second
                return console.runner.version(run_id) or int(time.monotonic())

            await feed_view(version, picture, socket.send_text)

        await self._serve(socket, feed, lambda: None)

    def _record(self, run_id: str) -> RunRecord | None:
        return self.console().runner.record(run_id) or self.console().store.load(run_id)

    async def _container_log(self, socket: WebSocket, name: str, since: int) -> OpenLog:
        try:
            wanted = LogRange.read(socket.query_params)
            opening = asyncio.ensure_future(
                asyncio.to_thread(lambda: self.console().container_logs(name).log(name, wanted, since))
            )
            try:
                return await asyncio.shield(opening)
            except asyncio.CancelledError:
                opening.add_done_callback(_let_go)  # the browser went before it was open
                raise
        except OtherNumbers as error:
            raise _Refused(TOKEN_REFUSED, str(error)) from error  # the page knows the new ones
        except (EngineError, RangeError) as error:
            raise _Refused(UNKNOWN_RUN, str(error)) from error

    async def _lines(self, run_id: str, name: str) -> LineSource:
        """The run's source `name`, waited for while the run goes on: a control's log begins late."""
        runner, store = self.console().runner, self.console().store
        while (ring := runner.rings(run_id).get(name)) is None:
            record = await asyncio.to_thread(runner.record, run_id)  # it writes what it shows first
            if record is None or not record.running:
                break
            await asyncio.sleep(TICK_S)
        if ring is not None:
            return ring
        if name in await asyncio.to_thread(store.sources, run_id):
            return KeptLog(await asyncio.to_thread(store.log, run_id, name))
        raise _Refused(UNKNOWN_RUN, "No log of this run and source was kept.")

    def _check(self, asked: HTTPConnection) -> str:
        run_id = asked.query_params.get("run", "")
        if not self.console().tokens.accepts(asked.query_params.get("token", ""), run_id):
            raise _Refused(TOKEN_REFUSED, "The token has ended or is of another console: ask for a new one.")
        return run_id

    async def _serve(
        self, socket: WebSocket, feed: Callable[[str], Awaitable[None]], heard: Callable[[], None]
    ) -> None:
        async def listen() -> None:
            while (await socket.receive())["type"] != "websocket.disconnect":
                heard()
            # A feed that waits for a stalled browser would wait for ever, and the server's shutdown with it.
            group.cancel_scope.cancel()

        with contextlib.suppress(WebSocketDisconnect):
            # Accepted before it is checked: a browser shows a page the close code of an open socket only.
            await socket.accept()
            async with create_task_group() as group:
                group.start_soon(listen)
                with contextlib.suppress(WebSocketDisconnect):
                    await socket.close(*await self._outcome(socket, feed))
                group.cancel_scope.cancel()

    async def _outcome(
        self, socket: WebSocket, feed: Callable[[str], Awaitable[None]]
    ) -> tuple[int, str | None]:
        """Feed the socket until there is no more, and return the code and the words to close it with."""
        try:
            await feed(self._check(socket))
        except _Refused as refused:
            return refused.code, refused.reason
        except WebSocketDisconnect:
            raise
        except Exception:  # noqa: BLE001 - whatever failed, the browser needs an answer; it is logged in full
            _LOG.exception("A live connection to %s failed", socket.url.path)
            return FAILED, "The console failed here; its own log says why."
        return FINISHED, None


def _let_go(opening: asyncio.Future[OpenLog]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().release()


def _number(socket: WebSocket, name: str) -> int | None:
    """The query's number `name`; None when it is missing or no number."""
    text = socket.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
