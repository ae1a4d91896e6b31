"""A log that is followed over a network that is cut: nothing lost and nothing twice when it is back."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.follower import Follower
from tests.engine.conftest import Containers
from tests.engine.private_engine import PrivateEngine, until

LINES = 4000
COUNTER = f"""
import time
for n in range({LINES}):
    print(f"line {{n:07d}}", flush=n % 10 == 9)
    if n % 10 == 9:
        time.sleep(0.01)
print("the end", flush=True)
time.sleep(600)
"""


class Wire:
    """A network between a client and the engine's socket, which can be cut and mended."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._whole = threading.Event()
        self._whole.set()
        self._links: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Reset every connection, and every new one."""
        self._whole.clear()
        with self._lock:
            links = list(self._links)
        for link in links:
            _reset(link)

    def mend(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                if not self._whole.is_set():
                    _reset(near)
                    near.close()
                    continue
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with near, far, suppress(OSError), selectors.DefaultSelector() as ready:
            far.connect(self._path)
            with self._lock:
                self._links |= {near, far}
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while self._whole.is_set():
                for key, _ in ready.select(0.1):
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    key.data.sendall(data)
        with self._lock:
            self._links -= {near, far}


def _reset(link: socket.socket) -> None:
    with suppress(OSError):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        link.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(private: PrivateEngine) -> Iterator[Wire]:
    between = Wire(private.environment()["DOCKER_HOST"].removeprefix("unix://"))
    yield between
    between.close()


def test_each_line_is_shown_once_over_three_cuts(containers: Containers, wire: Wire) -> None:
    engine = Engine.open({"DOCKER_HOST": wire.address})
    follower = Follower(engine, containers.run("python3", "-c", COUNTER))
    try:
        for milestone in (500, 1500, 2500):
            until(lambda at=milestone: follower.ring.next > at, 30)
            wire.cut()
            until(lambda: follower.following.state == "away", 30)
            wire.mend()
        until(lambda: follower.ring.read(max(0, follower.ring.next - 1)).lines[-1].text == "the end", 60)
        shown = [line.text for line in follower.ring.read(limit=100_000).lines if line.stream != "engine"]
        assert shown == [*(f"line {n:07d}" for n in range(LINES)), "the end"]
        assert follower.gaps() == ()
    finally:
        follower.close()
        engine.close()


def test_while_it_is_cut_the_state_says_that_nothing_answers(containers: Containers, wire: Wire) -> None:
    engine = Engine.open({"DOCKER_HOST": wire.address})
    follower = Follower(engine, containers.run("python3", "-c", COUNTER))
    try:
        until(lambda: follower.ring.next > 100, 30)
        wire.cut()
        until(lambda: follower.following.state == "away", 30)
        assert wire.address in follower.following.text
    finally:
        follower.close()
        engine.close()
