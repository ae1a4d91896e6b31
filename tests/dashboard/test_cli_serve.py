"""`serve`: says once where the console is, names what stands in its way, ends when it is told to."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.dashboard.command_line import COMMAND, ROOT, call
from tests.ports import free_port


def test_a_port_in_use_names_it_and_a_free_one(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = call("serve", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(rf"Port {port} on 127\.0\.0\.1 is in use.* --port \d+", done.stderr)


@pytest.mark.parametrize("port", ["0", "-1", "65536", "http"])
def test_a_wrong_port_names_its_flag(port: str, home: Path) -> None:
    done = call("serve", "--port", port)
    assert done.returncode == 2
    assert "--port" in done.stderr


@pytest.mark.parametrize("host", ["not.a.host.invalid", "203.0.113.7"])
def test_an_address_that_is_not_ours_names_its_flag(host: str, home: Path) -> None:
    done = call("serve", "--host", host, "--port", str(free_port()))
    assert done.returncode == 2
    assert "--host" in done.stderr
    assert "Try 127.0.0.1" in done.stderr


def test_a_limit_that_is_no_number_stops_the_console_before_anything_is_deleted(home: Path) -> None:
    done = call("serve", "--port", str(free_port()), env={"LOADONCE_KEEP_DAYS": "a week"})
    assert done.returncode == 2
    assert "LOADONCE_KEEP_DAYS must be a number of days above 0, such as 30; 'a week'" in done.stderr


def test_a_damaged_history_stops_the_console(home: Path) -> None:
    home.mkdir()
    (home / "history.db").write_text("a letter, no database" * 100)
    done = call("serve", "--port", str(free_port()))
    assert done.returncode == 2
    assert "is damaged or no history" in done.stderr


def _serve(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start the console and return it with the first line that it prints."""
    process = subprocess.Popen(
        [*COMMAND, "serve", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_console_says_where_it_is_once_and_ends_with_0(number: signal.Signals, home: Path) -> None:
    port = free_port()
    process, line = _serve("--port", str(port))
    try:
        assert line == f"Loadonce is at http://127.0.0.1:{port}\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=60) as answer:
            assert answer.status == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.slow
def test_an_open_address_is_warned_about(home: Path) -> None:
    port = free_port()
    process, line = _serve("--host", "0.0.0.0", "--port", str(port))
    try:
        assert line == f"Loadonce is at http://127.0.0.1:{port}\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "Warning:" in err
    assert "no login yet" in err
