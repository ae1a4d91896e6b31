"""Who tells the webhook of a run's end: the runner, the console and the commands; never at its cost."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dashboard import console, runs
from dashboard.alerts import Alerts
from dashboard.commands import sweep as sweep_command
from dashboard.commands.alerting import alerting
from dashboard.commands.stopping import Stop
from dashboard.record import RunRecord
from dashboard.report_bundle import check_bundle
from dashboard.runs import PreflightError, Runner
from dashboard.settings import RunSettings
from dashboard.store import Store, store_url
from dashboard.sweep import SweepPlan
from dashboard.targets.local import LocalTarget
from dashboard.webhook import Webhook
from tests.chat import SECRET, Chat, open_chat
from tests.dashboard import sample_records as sample
from tests.dashboard.command_line import call
from tests.dashboard.hooked import THREE, made
from tests.dashboard.recorded_runner import RecordedRunner


@pytest.fixture
def chat() -> Iterator[Chat]:
    with open_chat() as chat:
        yield chat


# -- a run --------------------------------------------------------------------------------------------------


@pytest.mark.model
def test_the_end_of_a_run_is_told_when_it_has_been_kept(local_target: LocalTarget, store: Store) -> None:
    told: list[tuple[RunRecord, RunRecord | None]] = []
    runner = Runner(
        local_target, store, on_end=lambda record: told.append((record, store.load(record.run_id)))
    )
    ended = made(runner, THREE)
    ((record, kept),) = told
    assert record == ended == kept
    assert record.verdict is not None


@pytest.mark.model
def test_whoever_is_told_of_the_end_may_fail(
    local_target: LocalTarget, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(record: RunRecord) -> None:
        raise OSError("no more threads")

    ended = made(Runner(local_target, store, on_end=fail), THREE)
    assert (ended.status, store.load(ended.run_id)) == ("finished", ended)
    assert f"The end of run {ended.run_id} could not be told" in caplog.text


# -- the console --------------------------------------------------------------------------------------------


def test_a_console_tells_of_the_runs_that_it_makes_and_of_those_that_a_dead_one_left(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADONCE_WEBHOOK_URL", chat.url)
    asked: dict[str, Any] = {}

    def open_runner(store: Store, home: Path, **more: Any) -> RecordedRunner:
        asked.update(more)
        return RecordedRunner()  # type: ignore[no-untyped-call]

    monkeypatch.setattr(console, "open_runner", open_runner)
    with closing(Store.open(store_url(tmp_path))) as store:
        store.save(RunRecord("20261123-084512-000001", RunSettings(), "local", created_at=1.0))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection, connection:
        connection.execute("update runs set owner = ?", (f"{socket.gethostname()}:{dead.pid}:",))
    opened = console.open_parts(tmp_path)
    asked["on_end"](sample.run("red"))
    asked["on_end"](sample.run("green"))
    opened.close()
    first, second = chat.seen  # in this order: what is left from before comes first
    assert "20261123-084512-000001" in str(first)
    assert "20261123-084512-3f9c1a" in str(second)


# -- the commands -------------------------------------------------------------------------------------------


@pytest.mark.model
@pytest.mark.slow
def test_a_run_without_proof_is_told_and_what_does_not_arrive_is_said_without_the_secret(
    chat: Chat, demo_home: Path, tmp_path: Path
) -> None:
    chat.answers = [403]
    env = {"LOADONCE_HOME": str(demo_home), "LOADONCE_WEBHOOK_URL": chat.url}
    proof = tmp_path / "proof.zip"
    alone = ("--no-control", "--variants-per-job", "1")  # nobody to race with
    done = call("run", *alone, "--report", str(proof), env=env)
    assert done.returncode == 3
    assert len(chat.seen) == 1
    assert "Warning: The alert about run " in done.stderr
    assert "did not reach 127.0.0.1: HTTP 403." in done.stderr
    assert SECRET not in done.stderr + done.stdout
    assert check_bundle(proof).faults == ()
    with zipfile.ZipFile(proof) as archive:
        assert archive.read("logs/trial-1.log").count(b"Loading LLaVa model") == 1


def test_a_sweep_tells_of_its_runs(chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refuses(RecordedRunner):
        def launch(self, settings: RunSettings, *, actor: str, sweep: str | None = None) -> str:
            raise PreflightError("There is no worker.")

    def open_runner(store: Store, home: Path, *, target: str, on_end: Any) -> RecordedRunner:
        on_end(sample.run("red"))
        return Refuses()  # type: ignore[no-untyped-call]

    monkeypatch.setattr(runs, "open_runner", open_runner)
    with closing(Store.open(store_url(tmp_path))) as store, Stop() as stop:
        with alerting(Webhook(chat.url), store, stop) as alerts:
            sweep_command._make(SweepPlan(), store, tmp_path, stop, alerts)
        assert [action.outcome for action in store.actions()] == ["sent"]


@pytest.mark.parametrize("command", ["run", "sweep", "watch"])
def test_an_address_that_is_none_is_told_before_anything_begins(command: str, home: Path) -> None:
    env = {"LOADONCE_WEBHOOK_URL": f"chat.example.org/{SECRET}"}
    named = ("--container", "yh") if command == "watch" else ()
    done = call(command, *named, env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert "LOADONCE_WEBHOOK_URL is no address" in done.stderr
    assert SECRET not in done.stderr


def test_a_chat_that_stays_busy_is_waited_for_until_somebody_has_enough(
    chat: Chat, store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.commands.alerting._QUIET_S", 0.01)
    monkeypatch.setattr("dashboard.alerts.Alerts", partial(Alerts, waits=(3.0,)))
    chat.usual = 503
    with Stop() as stop:
        stop.asked = 1  # the run was ended so: that is no reason to drop its alert
        with alerting(Webhook(chat.url), store, stop) as alerts:
            assert alerts is not None
            alerts.run_ended(sample.run("red"))
            waiting = alerts.close

            def close(timeout: float) -> bool:
                if timeout > 0.01:
                    os.kill(os.getpid(), signal.SIGINT)
                return waiting(timeout)

            monkeypatch.setattr(alerts, "close", close)
            stop.patient = True
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "Sending the alert to 127.0.0.1, for a minute at the most.",
        "Warning: An alert has not reached 127.0.0.1, and is not tried any longer.",
    ]
