"""`run` on the real thing: fresh worker processes, a real (small) LLaVA, real signals."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "dashboard"]

pytestmark = [pytest.mark.model, pytest.mark.slow]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder for this file: the first run makes the demo checkpoint in it."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def environment(home: Path) -> Iterator[dict[str, str]]:
    """What every process gets, with a mark by which those that are left over can be found."""
    mark = uuid.uuid4().hex
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOADONCE_")}
    yield kept | {"LOADONCE_HOME": str(home), "TEST_MARK_OF_LOADONCE": mark}
    assert _left_over(mark) == []


def _left_over(mark: str) -> list[str]:
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"TEST_MARK_OF_LOADONCE={mark}".encode() in (folder / "environ").read_bytes():
                left.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it ended while we looked, or is not ours to see
    return left


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "run", "--target", "local", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170)


def _one_object(out: str) -> dict[str, Any]:
    """The one JSON object that is all of stdout."""
    found, end = json.JSONDecoder().raw_decode(out)
    assert out[end:] == "\n"
    assert isinstance(found, dict)
    return found


def test_five_variants_load_once_and_green_is_0(environment: dict[str, str]) -> None:
    done = _run(environment, "--variants-per-job", "5", "--json")
    result = _one_object(done.stdout)
    assert done.returncode == 0, done.stderr
    assert result["verdict"] == "green"
    counts = result["counts"]
    assert (counts["load_started"], counts["load_completed"]) == (1, 1)
    assert (counts["meta_tensor_errors"], counts["unique_models"]) == (0, 1)
    assert (counts["variants"], counts["variants_ok"]) == (5, 5)
    assert result["control"]["verdict"] == "red"
    assert "✓ GREEN" in done.stderr
    assert "\x1b" not in done.stderr


def test_without_the_guard_it_is_red_and_1(environment: dict[str, str]) -> None:
    # An unguarded load can pass by luck; three in a row do not.
    done = _run(
        environment, "--variants-per-job", "5", "--guard", "off", "--no-control", "--repeat", "3", "--json"
    )
    result = _one_object(done.stdout)
    assert done.returncode == 1, done.stderr
    assert result["verdict"] == "red"
    assert result["control"] is None
    assert len(result["trials"]) == 3
    worst = next(trial for trial in result["trials"] if trial["verdict"] == "red")
    assert result["counts"] == worst["counts"]


def test_a_run_can_be_shown_and_reported_afterwards(environment: dict[str, str], tmp_path: Path) -> None:
    report = tmp_path / "run.xml"
    done = _run(environment, "--no-control", "--report", str(report))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert 'failures="0"' in report.read_text("utf-8")
    run_id = done.stderr.split("history show ")[1].strip()
    command = [*COMMAND, "history", "show", run_id, "--log"]
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert shown.returncode == 0
    assert shown.stdout.count("Loading LLaVa model") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_keeps_what_was_seen_and_leaves_no_process(
    number: signal.Signals, environment: dict[str, str]
) -> None:
    command = [*COMMAND, "run", "--repeat", "500", "--no-control", "--json"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a group of its own, as a terminal gives it
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "trial 1 of 500: green" in line:
                break
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as the terminal does: everyone in the foreground gets it
        else:
            process.send_signal(number)
        out, err = process.communicate(timeout=60)
    result = _one_object(out)
    assert process.returncode == 3, err
    assert (result["status"], result["verdict"]) == ("aborted", "inconclusive")
    assert result["reasons"][0]["code"] == "aborted"
    assert result["trials"][0]["verdict"] == "green"
    assert "history show" in err
    assert "Traceback" not in err


def test_an_impatient_operator_gets_a_verdict_too(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*COMMAND, "run", "--repeat", "500", "--no-control", "--json"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "trial 1 of 500: green" in line:
                break
        for _ in range(5):
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert _one_object(out)["verdict"] == "inconclusive"
    assert "Traceback" not in err


def test_a_stop_while_the_libraries_are_imported_is_a_verdict_too(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*COMMAND, "run", "--json"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Warming up" in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert _one_object(out)["counts"]["load_started"] == 0


def test_on_a_terminal_the_display_is_live_and_stdout_stays_clean(environment: dict[str, str]) -> None:
    screen, terminal = pty.openpty()
    seen = bytearray()

    def watch() -> None:
        while True:
            try:
                data = os.read(screen, 65_536)
            except OSError:  # the last writer has gone
                return
            if not data:
                return
            seen.extend(data)

    watcher = threading.Thread(target=watch)
    command = [*COMMAND, "run", "--no-control", "--json"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment | {"TERM": "xterm-256color", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    ) as process:
        os.close(terminal)
        watcher.start()
        assert process.stdout is not None
        out = process.stdout.read()
    watcher.join(10)
    os.close(screen)
    text = seen.decode(errors="replace")
    assert _one_object(out)["verdict"] == "green"
    assert "of 3 variants answered" in text
    assert "\x1b[?25l" in text  # the cursor is hidden while it is drawn …
    assert "\x1b[?25h" in text  # … and shown again
    assert re.search(r"\x1b\[[0-9;]*32[0-9;]*m.*✓ GREEN", text)
