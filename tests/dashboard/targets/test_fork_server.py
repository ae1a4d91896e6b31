"""One real preloaded process: whatever happens to it, nothing is left over and the right one is blamed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from dashboard.targets import fork_server
from dashboard.targets.base import TargetError, Warmth
from dashboard.targets.fork_server import ForkServer, ForkServerGone, WorkerProcess, how_ended
from dashboard.waiting import never, wait_for
from loader.settings import VARIABLES
from tests.dashboard.targets.processes import (
    CancelledAfter,
    children,
    is_alive,
    open_files,
    until,
    worker_files,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def shared() -> Iterator[list[ForkServer]]:
    """Room for a process that several tests use, until one of them ends it."""
    box: list[ForkServer] = []
    yield box
    for server in box:
        server.close()


@pytest.fixture
def server(shared: list[ForkServer]) -> ForkServer:
    """A preloaded process that is ready."""
    if not shared or shared[-1].ended.is_set():
        shared.append(ForkServer())
    assert shared[-1].settled.wait(120)
    assert shared[-1].warmth.state == "ready"
    return shared[-1]


@pytest.fixture
def environment(demo_checkpoint: Path) -> dict[str, str]:
    return {"LOADONCE_MODEL": str(demo_checkpoint)}


def forked(server: ForkServer, environment: dict[str, str]) -> WorkerProcess:
    with worker_files() as fds:
        return server.fork(fds, environment)


def test_a_wait_ends_soon_after_it_is_cancelled() -> None:
    asked = CancelledAfter(2)
    assert not wait_for(threading.Event(), 3600, asked)
    assert asked.left == -1


def test_a_wait_that_nobody_cancels_ends_by_its_timeout() -> None:
    assert not wait_for(threading.Event(), 0, never)


@pytest.mark.parametrize(
    ("status", "words"),
    [(None, "its end was not seen"), (3, "exit status 3"), (-9, "signal SIGKILL"), (-40, "signal 40")],
)
def test_an_end_is_told_in_words(status: int | None, words: str) -> None:
    assert how_ended(status) == words


def test_no_variable_that_the_loader_reads_comes_from_the_users_shell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = {
        name
        for path in (ROOT / "loader").glob("*.py")
        for name in re.findall(r"[\"'](LOADONCE_\w+)[\"']", path.read_text("utf-8"))
    }
    read |= set(VARIABLES)  # by name, however the loader comes to spell them
    assert len(read) > len(VARIABLES)
    for name in read:
        monkeypatch.setenv(name, "from the shell")
    server = ForkServer()
    try:
        told = Path(f"/proc/{server.pid}/environ").read_bytes().decode().split("\0")
        assert read & {pair.partition("=")[0] for pair in told} == set()
        assert "PYTHONUNBUFFERED=1" in told
    finally:
        server.close()


def test_a_killed_import_names_the_signal() -> None:
    server = ForkServer()
    os.kill(server.pid, signal.SIGKILL)
    assert server.ended.wait(30)
    assert server.killed
    assert server.fate == (
        "The preloaded process ended while the workers' libraries were imported (signal SIGKILL)."
    )


def test_a_process_that_cannot_be_started_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_files()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(FileNotFoundError):
        ForkServer()
    assert open_files() == before


def test_without_a_thread_no_process_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    before, alive = open_files(), children(os.getpid())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        ForkServer()
    assert (open_files(), children(os.getpid())) == (before, alive)


def test_a_closed_process_leaves_no_file() -> None:
    before = open_files()
    server = ForkServer()
    server.close()
    server.close()
    assert server.ended.is_set()
    assert open_files() == before


def test_a_process_that_is_gone_says_so() -> None:
    server = ForkServer()
    os.kill(server.pid, signal.SIGKILL)
    with pytest.raises(ForkServerGone, match="SIGKILL"):  # whether its end was noticed already or not
        forked(server, {})
    server.close()


def test_the_end_of_a_process_is_noticed_though_somebody_holds_its_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[socket.socket] = []

    def launch(theirs: socket.socket, said: IO[bytes]) -> subprocess.Popen[bytes]:
        held.append(theirs.dup())
        return real(theirs, said)

    real = fork_server._launch
    monkeypatch.setattr(fork_server, "_launch", launch)
    server = ForkServer()
    os.kill(server.pid, signal.SIGKILL)
    assert server.ended.wait(30)
    server.close()
    held[0].close()


def test_a_process_that_does_not_answer_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_server, "_START_TIMEOUT_S", 0.2)
    server = ForkServer()
    os.kill(server.pid, signal.SIGSTOP)
    with pytest.raises(ForkServerGone, match=r"gave no answer for 0\.2 s and was ended"):
        forked(server, {})
    assert not is_alive(server.pid)
    server.close()


def test_a_process_that_takes_no_more_messages_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_server, "_END_TIMEOUT_S", 1.0)
    server = ForkServer()
    os.kill(server.pid, signal.SIGSTOP)
    with pytest.raises(ForkServerGone, match="took no more messages and was ended"):
        forked(server, {"LOADONCE_MODEL": "x" * 4_000_000})
    server.close()
    assert not is_alive(server.pid)


def test_a_stuck_process_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_server, "_END_TIMEOUT_S", 0.3)
    server = ForkServer()
    server.warmth = Warmth("ready", "as if it had got stuck later")
    os.kill(server.pid, signal.SIGSTOP)
    server.close()
    assert not is_alive(server.pid)


@pytest.mark.model
class TestReady:
    """With a process that has imported everything."""

    def test_a_cancelled_start_leaves_no_worker(
        self, server: ForkServer, environment: dict[str, str]
    ) -> None:
        os.kill(server.pid, signal.SIGSTOP)
        try:
            with worker_files() as fds, pytest.raises(TargetError, match="was cancelled"):
                server.fork(fds, environment, CancelledAfter(1))
        finally:
            os.kill(server.pid, signal.SIGCONT)
        next_one = forked(server, environment)  # told after all that came before
        assert next_one.pid is not None
        until(lambda: children(server.pid) == {next_one.pid})
        next_one.kill()
        assert next_one.status == -signal.SIGKILL

    def test_a_start_without_enough_files_is_refused_and_spoils_no_other(
        self, server: ForkServer, environment: dict[str, str]
    ) -> None:
        with worker_files() as fds, pytest.raises(TargetError, match="three file descriptors"):
            server.fork(fds[:2], environment)
        worker = forked(server, environment)
        assert worker.pid is not None
        own = [Path(f"/proc/{worker.pid}/fd/{number}") for number in (1, 2)]
        until(lambda: [str(link.readlink()) for link in own] == [os.devnull, os.devnull])
        worker.kill()

    def test_a_signal_to_a_worker_that_has_ended_is_none(
        self, server: ForkServer, environment: dict[str, str]
    ) -> None:
        worker = forked(server, environment)
        worker.kill()
        worker.signal(signal.SIGTERM)
        assert worker.status == -signal.SIGKILL

    def test_a_killed_process_is_to_blame_for_the_end_of_its_worker(
        self, server: ForkServer, environment: dict[str, str]
    ) -> None:
        worker = forked(server, environment)
        os.kill(server.pid, signal.SIGKILL)
        assert worker.ended.wait(30)
        assert worker.status is None
        assert worker.fault is not None
        assert "The preloaded process ended while it was needed (signal SIGKILL)" in worker.fault
        assert "nothing about the service" in worker.fault
        until(lambda: worker.pid is not None and not is_alive(worker.pid))
