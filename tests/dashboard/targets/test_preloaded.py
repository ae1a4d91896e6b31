"""The preloaded process that is kept at hand: replaced when it dies, and honest when it cannot be."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.targets import fork_server
from dashboard.targets.base import TargetError, Warmth
from dashboard.targets.fork_server import ForkServer
from dashboard.targets.preloaded import Preloaded
from tests.dashboard.targets.processes import CancelledAfter, is_alive, until, worker_files


@pytest.fixture
def preloaded() -> Iterator[Preloaded]:
    """One that has only begun to import."""
    kept = Preloaded()
    yield kept
    kept.close()


def pid_of(kept: Preloaded) -> int:
    server, _ = kept._look()
    assert server is not None
    return server.pid


def kill(kept: Preloaded) -> None:
    server, _ = kept._look()
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    assert server.ended.wait(30)


def broken_torch(folder: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a torch before the real one whose import does `line`."""
    (folder / "torch.py").write_text(line)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_one_that_is_killed_while_it_imports_is_replaced(preloaded: Preloaded) -> None:
    first = pid_of(preloaded)
    kill(preloaded)
    warmth = preloaded.warmth()
    assert warmth.state == "importing"
    assert "signal SIGKILL" in warmth.text
    assert pid_of(preloaded) != first


def test_the_second_that_is_killed_in_a_row_is_not_replaced(preloaded: Preloaded) -> None:
    kill(preloaded)
    kill(preloaded)
    warmth = preloaded.warmth()
    assert warmth.state == "failed"
    assert "signal SIGKILL" in warmth.text
    assert "second in a row" in warmth.text
    assert "make install" not in warmth.text


def test_a_launch_tries_again_what_has_failed(preloaded: Preloaded) -> None:
    kill(preloaded)
    kill(preloaded)
    assert preloaded.warmth().state == "failed"
    preloaded.renew()
    assert preloaded.warmth().state == "importing"


def test_a_launch_leaves_alone_what_goes_well(preloaded: Preloaded) -> None:
    before = pid_of(preloaded)
    preloaded.renew()
    assert pid_of(preloaded) == before


def test_a_library_that_is_missing_asks_for_make_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_torch(tmp_path, "raise ImportError('libtorch.so is missing')", monkeypatch)
    kept = Preloaded()
    warmth = kept.wait_warm(60)
    kept.close()
    assert warmth.state == "failed"
    assert "ImportError: libtorch.so is missing" in warmth.text
    assert "Run `make install`" in warmth.text


def test_another_failure_of_the_import_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_torch(tmp_path, "raise OSError('the disk is on fire')", monkeypatch)
    kept = Preloaded()
    warmth = kept.wait_warm(60)
    kept.close()
    assert warmth.state == "failed"
    assert "the disk is on fire" in warmth.text
    assert "make install" not in warmth.text


def test_what_has_failed_stays_failed_however_often_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_torch(tmp_path, "raise ImportError('no')", monkeypatch)
    kept = Preloaded()
    kept.wait_warm(60)
    states = {kept.warmth().state for _ in range(5)}
    kept.close()
    assert states == {"failed"}


def test_a_failed_import_is_the_error_of_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_torch(tmp_path, "raise ImportError('no')", monkeypatch)
    kept = Preloaded()
    kept.wait_warm(60)
    with worker_files() as fds, pytest.raises(TargetError, match="make install"):
        kept.start(fds, {})
    kept.close()


def test_no_process_at_all_is_a_failure_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    warmth = Preloaded().warmth()
    assert warmth.state == "failed"
    assert "could not be started (No such file or directory)" in warmth.text


def test_a_start_is_cancelled_while_it_waits_for_the_imports(preloaded: Preloaded) -> None:
    with worker_files() as fds, pytest.raises(TargetError, match="was cancelled"):
        preloaded.start(fds, {}, CancelledAfter(1))


def test_an_import_without_end_is_an_error(preloaded: Preloaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.targets.preloaded._IMPORT_TIMEOUT_S", 0.2)
    os.kill(pid_of(preloaded), signal.SIGSTOP)
    with worker_files() as fds, pytest.raises(TargetError, match=r"did not end in 0\.2 s"):
        preloaded.start(fds, {})


def test_after_its_close_nothing_starts(preloaded: Preloaded) -> None:
    preloaded.close()
    with worker_files() as fds, pytest.raises(TargetError, match="The console is closing"):
        preloaded.start(fds, {})


def test_closing_ends_a_process_that_imports(preloaded: Preloaded) -> None:
    pid = pid_of(preloaded)
    preloaded.close()
    preloaded.close()
    assert not is_alive(pid)


def stick(kept: Preloaded) -> int:
    """Have the current process stuck as if it had imported everything: the seconds are the same later."""
    server, _ = kept._look()
    assert server is not None
    os.kill(server.pid, signal.SIGSTOP)
    server.warmth = Warmth("ready", "")
    return server.pid


@pytest.mark.model
@pytest.mark.slow
def test_a_worker_comes_out_of_a_new_process_when_the_old_one_is_stuck(
    preloaded: Preloaded, demo_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_server, "_START_TIMEOUT_S", 3.0)
    before = stick(preloaded)
    with worker_files() as fds:
        worker = preloaded.start(fds, {"LOADONCE_MODEL": str(demo_checkpoint)})
    assert pid_of(preloaded) != before
    assert not is_alive(before)
    assert worker.pid is not None
    preloaded.close()
    until(lambda: worker.pid is not None and not is_alive(worker.pid))


def test_two_that_do_not_answer_are_an_error(preloaded: Preloaded, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(ForkServer):
        def __init__(self, text: str = "") -> None:
            super().__init__(text)
            os.kill(self.pid, signal.SIGSTOP)
            self.warmth = Warmth("ready", "")

    monkeypatch.setattr(fork_server, "_START_TIMEOUT_S", 0.2)
    monkeypatch.setattr("dashboard.targets.preloaded.ForkServer", Stuck)
    stick(preloaded)
    with worker_files() as fds, pytest.raises(TargetError, match="So did the one before it"):
        preloaded.start(fds, {})
