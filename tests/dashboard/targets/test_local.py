"""The local target: real workers that are stuck, killed or wrong, and what is said of them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.evidence import LogLine
from dashboard.runs import Runner
from dashboard.settings import RunSettings
from dashboard.targets import fork_server
from dashboard.targets.base import TargetError
from dashboard.targets.local import LocalSession, LocalTarget
from tests.dashboard.targets.processes import CancelledAfter, is_alive, open_files, until


def nothing(_lines: tuple[LogLine, ...]) -> None:
    """Take lines."""


def preloaded_pid(target: LocalTarget) -> int:
    server, _ = target._preloaded._look()
    assert server is not None
    return server.pid


def pid_of(session: LocalSession) -> int:
    assert session._process.pid is not None
    return session._process.pid


@pytest.fixture
def target(local_target: LocalTarget) -> LocalTarget:
    """The shared target, ready again whatever the test before did to it."""
    assert local_target.wait_warm(120).state == "ready"
    return local_target


@pytest.fixture
def session(target: LocalTarget) -> Iterator[LocalSession]:
    """A worker that has just been forked."""
    begun = target.start(RunSettings(), "on", "trial-1", nothing)
    yield begun
    begun.close(force=True)
    assert not is_alive(pid_of(begun))


def test_a_relative_folder_is_seen_from_where_the_user_is(
    local_target: LocalTarget, demo_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demo_checkpoint.parent)
    local_target.preflight(RunSettings(model=demo_checkpoint.name))


def test_a_folder_is_no_option_though_its_name_begins_with_a_dash(
    local_target: LocalTarget, demo_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(demo_checkpoint, tmp_path / "-model")
    monkeypatch.chdir(tmp_path)
    local_target.preflight(RunSettings(model="-model"))


@pytest.mark.parametrize("model", ["--help", "-x/y", "../nowhere", "nowhere"])
def test_what_is_no_folder_and_no_hub_id_is_refused_by_its_whole_path(
    local_target: LocalTarget, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TargetError) as caught:
        local_target.preflight(RunSettings(model=model))
    assert f"There is no checkpoint folder {tmp_path / model}" in str(caught.value)


@pytest.mark.parametrize("model", ["~nobody-of-this-name/model", "a\0b", "x" * 200_000])
def test_a_name_that_no_folder_can_have_is_refused_in_words(local_target: LocalTarget, model: str) -> None:
    with pytest.raises(TargetError, match="cannot be"):
        local_target.preflight(RunSettings(model=model))


def test_a_hub_id_is_left_to_the_worker(local_target: LocalTarget) -> None:
    local_target.preflight(RunSettings(model="llava-hf/llava-1.5-7b-hf"))


def test_a_checkpoint_on_a_disk_that_hangs_is_refused(
    local_target: LocalTarget, demo_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.targets.local._CHECK_TIMEOUT_S", 0.0)
    with pytest.raises(TargetError, match="could not be looked at within 0 s"):
        local_target.preflight(RunSettings(model=str(demo_checkpoint)))


@pytest.mark.model
class TestWorker:
    """With workers."""

    def test_a_wait_for_a_stuck_worker_is_cancelled(self, session: LocalSession) -> None:
        os.kill(pid_of(session), signal.SIGSTOP)
        with pytest.raises(TargetError, match="was cancelled"):
            session.wait_alive(3600, CancelledAfter(1))

    def test_a_report_of_a_stuck_worker_is_cancelled(self, session: LocalSession) -> None:
        session.wait_alive(60)
        os.kill(pid_of(session), signal.SIGSTOP)
        asked = CancelledAfter(1)
        assert session.loader_report(cancelled=asked) is None
        assert asked.left < 0

    def test_a_stuck_worker_is_not_alive_in_time(self, session: LocalSession) -> None:
        os.kill(pid_of(session), signal.SIGSTOP)
        with pytest.raises(TargetError, match=r"not alive after 0\.3 s"):
            session.wait_alive(0.3)

    def test_a_stuck_worker_is_ended(self, session: LocalSession) -> None:
        session.wait_alive(60)
        os.kill(pid_of(session), signal.SIGSTOP)
        session.close(force=True)
        assert not is_alive(pid_of(session))
        assert session.ring.closed
        assert session.end is None

    def test_a_killed_worker_is_an_end_of_its_own(self, session: LocalSession) -> None:
        session.wait_alive(60)
        os.kill(pid_of(session), signal.SIGKILL)
        until(lambda: session.end)
        assert session.end is not None
        assert session.end.status == -signal.SIGKILL
        assert session.fault is None

    def test_a_worker_that_cannot_start_is_quoted(self, target: LocalTarget, tmp_path: Path) -> None:
        session = target.start(RunSettings(model=str(tmp_path / "nowhere")), "on", "trial-1", nothing)
        with pytest.raises(TargetError, match=r"\(exit status 2\).*There is no checkpoint folder"):
            session.wait_alive(60)
        session.close()

    def test_a_cancelled_start_leaves_no_thread_and_no_file(self, target: LocalTarget) -> None:
        before, threads = open_files(), threading.active_count()
        os.kill(preloaded_pid(target), signal.SIGSTOP)
        try:
            with pytest.raises(TargetError, match="was cancelled"):
                target.start(RunSettings(), "on", "trial-1", nothing, CancelledAfter(1))
        finally:
            os.kill(preloaded_pid(target), signal.SIGCONT)
        assert (open_files(), threading.active_count()) == (before, threads)

    def test_no_more_sockets_are_an_error_in_words(
        self, target: LocalTarget, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_arguments: Any, **_options: Any) -> socket.socket:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(socket, "create_server", refuse)
        with pytest.raises(TargetError, match="Too many open files"):
            target.start(RunSettings(), "on", "trial-1", nothing)

    def test_a_worker_of_a_stuck_preloaded_process_is_ended(
        self, target: LocalTarget, session: LocalSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fork_server, "_END_TIMEOUT_S", 0.3)
        session.wait_alive(60)
        stuck = preloaded_pid(target)
        os.kill(stuck, signal.SIGSTOP)
        session.close()
        assert session.ring.closed
        assert session.fault is None  # it had done its work
        until(lambda: not is_alive(pid_of(session)))  # its files are closed a moment before
        until(lambda: not is_alive(stuck))

    def test_the_end_of_the_preloaded_process_is_a_fault_and_no_end_of_the_worker(
        self, target: LocalTarget, session: LocalSession
    ) -> None:
        session.wait_alive(60)
        os.kill(preloaded_pid(target), signal.SIGKILL)
        until(lambda: session.fault)
        assert "The preloaded process ended" in str(session.fault)
        assert session.end is None
        with pytest.raises(TargetError, match="The preloaded process ended"):
            session.wait_alive(60)

    def test_a_run_is_inconclusive_when_the_preloaded_process_is_killed_in_a_load(
        self, target: LocalTarget, runner: Runner
    ) -> None:
        run_id = runner.launch(RunSettings(variants_per_job=5, control=False), actor="test")

        def loading() -> bool:
            record = runner.record(run_id)
            return record is not None and any(
                event.kind == "started" for trial in record.trials for event in trial.events
            )

        until(loading)
        os.kill(preloaded_pid(target), signal.SIGKILL)
        verdict = runner.wait(run_id, 60).verdict
        assert verdict is not None
        assert verdict.verdict == "inconclusive", verdict.reasons
        assert "The preloaded process ended" in verdict.reasons[0].text
