"""The preloaded process: what it forks is fresh, and nothing outlives it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loader.worker_processes import ROOT, PreloadedProcess, wait_until_gone

pytestmark = pytest.mark.model


@pytest.fixture
def mortal(demo_checkpoint: Path) -> Iterator[PreloadedProcess]:
    """A preloaded process that the test may end."""
    process = PreloadedProcess(demo_checkpoint)
    yield process
    if process.process.poll() is None:
        process.close()
    else:
        process._reader.join()
        process._replies.close()
        process.socket.close()


def test_it_tells_the_versions_of_what_it_imported(preloaded: PreloadedProcess) -> None:
    assert {"torch", "transformers", "accelerate", "python"} <= preloaded.ready["versions"].keys()


def test_a_request_that_makes_no_sense_is_answered_with_an_error(preloaded: PreloadedProcess) -> None:
    preloaded.say({"op": "dance", "id": "w0"})
    assert preloaded.next("error")["text"]


def test_files_of_a_request_that_fails_go_to_no_other_worker(preloaded: PreloadedProcess) -> None:
    before = len(list(Path(f"/proc/{preloaded.process.pid}/fd").iterdir()))
    with Path(os.devnull).open("rb") as nowhere:
        fds = [nowhere.fileno()] * 3
        for request in ({"op": "start", "id": "w0"}, {"op": "dance", "id": "w0"}):
            preloaded.say(request, fds[: 2 if request["op"] == "start" else 3])
            assert preloaded.next("error")["id"] == "w0"
    with preloaded.worker() as running:  # which listens on its own socket, not on what was left over
        assert running.wait_alive()["pid"] == running.pid
    assert len(list(Path(f"/proc/{preloaded.process.pid}/fd").iterdir())) == before


@pytest.mark.parametrize("module", ["loader.preload", "loader.worker"])
@pytest.mark.parametrize("number", ["0", "-1"])
def test_a_descriptor_that_is_no_socket_is_a_usage_error(module: str, number: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, f"--fd={number}"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"--fd {number} is no socket" in done.stderr
    assert "Traceback" not in done.stderr


def test_its_workers_go_when_the_console_goes(mortal: PreloadedProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Path(os.devnull).open("wb") as sink:
        fds = [listener.fileno(), sink.fileno(), sink.fileno()]
        mortal.say({"op": "start", "id": "w1", "env": {"LOADONCE_MODEL": str(mortal._checkpoint)}}, fds)
        pid = mortal.next("started")["pid"]
    mortal.socket.shutdown(socket.SHUT_RDWR)  # what the kernel does for a console that was killed
    assert mortal.process.wait(30) is not None
    wait_until_gone(pid)


def test_its_workers_go_when_it_is_killed(mortal: PreloadedProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Path(os.devnull).open("wb") as sink:
        fds = [listener.fileno(), sink.fileno(), sink.fileno()]
        mortal.say({"op": "start", "id": "w1", "env": {"LOADONCE_MODEL": str(mortal._checkpoint)}}, fds)
        pid = mortal.next("started")["pid"]
    os.kill(mortal.process.pid, signal.SIGKILL)
    mortal.process.wait(30)
    wait_until_gone(pid)


def test_the_end_of_a_worker_is_told_with_its_signal(preloaded: PreloadedProcess) -> None:
    with preloaded.worker() as running:
        running.wait_alive()
        os.kill(running.pid, signal.SIGKILL)
        assert preloaded.exit_status(running.name) == -signal.SIGKILL  # type: ignore[attr-defined]
