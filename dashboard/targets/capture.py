"""What a worker writes on its stdout and stderr: two pipes, read into a ring on a thread of their own."""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
import time
from collections.abc import Mapping
from typing import Final

from dashboard.evidence import Stream
from dashboard.logs import LineSplitter, LogRing
from dashboard.targets.base import LineSink
from dashboard.waiting import SLICE_S

__all__ = ["Capture"]

_READ: Final = 1024 * 1024


class Capture:
    """Reads until every holder of the writing ends has closed them, or until `close` gives up on that.

    The reader owns the reading ends, and closes the ring when it ends, however it does. Threading: any thread
    may call anything.
    """

    def __init__(self, ring: LogRing, sink: LineSink) -> None:
        """Make the pipes and begin to read.

        Raises:
            OSError, RuntimeError: the system gives no more pipes or threads.
        """
        self._ring, self._sink = ring, sink
        self._enough = threading.Event()
        with contextlib.ExitStack() as undo:
            ends = []
            for _ in range(2):
                ends.append(os.pipe())
                undo.callback(os.close, ends[-1][0])
                undo.callback(os.close, ends[-1][1])
            self._writing = [writing for _, writing in ends]
            (out, _), (err, _) = ends
            self._thread = threading.Thread(
                target=self._read, args=({out: "stdout", err: "stderr"},), name=f"log-{ring.source}"
            )
            self._thread.start()
            undo.pop_all()

    @property
    def writing(self) -> tuple[int, ...]:
        """The writing ends for the worker, stdout and stderr; empty once they were let go."""
        return tuple(self._writing)

    def let_go(self) -> None:
        """Close our copies of the writing ends: the worker has its own. Idempotent."""
        while self._writing:
            os.close(self._writing.pop())

    def wait(self, timeout: float) -> bool:
        """Block until all was read; False after `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def close(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for the worker's last words, then stop reading. Idempotent."""
        self.let_go()
        if not self.wait(timeout):
            # Somebody holds a writing end and lives on: a process that cannot be killed, or is stopped.
            self._enough.set()
            self._thread.join()

    def _read(self, streams: Mapping[int, Stream]) -> None:
        splitters = {fd: LineSplitter() for fd in streams}
        try:
            with selectors.DefaultSelector() as selector:
                for fd in streams:
                    selector.register(fd, selectors.EVENT_READ)
                while selector.get_map():
                    ready = selector.select(SLICE_S)
                    if not ready and self._enough.is_set():
                        break
                    for key, _ in ready:
                        data = os.read(key.fd, _READ)
                        splitter = splitters[key.fd]
                        self._take(streams[key.fd], splitter.feed(data) if data else splitter.finish())
                        if not data:
                            selector.unregister(key.fd)
        finally:
            for fd in streams:
                os.close(fd)
            self._ring.close()

    def _take(self, stream: Stream, texts: list[str]) -> None:
        if texts:
            self._sink(self._ring.append(stream, time.time(), texts))
