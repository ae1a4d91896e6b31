"""Ten tabs of two operators on one run whose service prints 1,000 lines/s: its cost, and what each sees."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.containers import client, container
from benchmarks.figures import Report, Row
from benchmarks.live_console import Console, LogTab, chromium, console

__all__ = ["NAME", "run"]

NAME: Final = "crowd"

_OPERATORS: Final = 2
_BOARDS: Final = 2  # of each operator: tabs on the run itself
_LOGS: Final = 3  # of each operator: tabs on its log
_RATE: Final = 1_000  # lines a second
_MOST_CPU: Final = 40.0  # per cent of one core
_PATIENCE_S: Final = 120.0
_MARGIN_S: Final = 2.0
"""Left out at both ends of the measurement."""
_IDLE: Final = 0.1
_ABORT, _AGAIN = "button.action.abort:visible", "button.action.primary:visible"
_BOARD: Final = ".board"
# A service that begins to load with its first request, prints when it is told to, and never comes to the end
_SERVICE: Final = """
import http.server, signal, threading, time
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGUSR1}})
lock, begun = threading.Lock(), False

def load():
    print("Loading LLaVa model: crowd on cpu")
    signal.sigwait({{signal.SIGUSR1}})
    begun, n = time.monotonic(), 0
    while n < {total}:
        for _ in range({rate} // 100):
            print(f"INFO {{time.time():.6f}} printed: line {{n:07d}} of what services say of their requests")
            n += 1
        time.sleep(max(0, begun + n / {rate} - time.monotonic()))

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        global begun
        with lock:
            first, begun = not begun, True
        if first:
            load()
        threading.Event().wait()
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer(("", 9000), Handler).serve_forever()
"""
_SETTINGS: Final = """
[targets.crowd]
container = "{name}"
profile = "feedlyai"
ready = {{ http = "/", port = 9000 }}
trigger = {{ kind = "http", path = "/work", port = 9000, body = {{ id = "{{variant_id}}" }} }}
"""


def run(seconds: float = 20.0) -> Report:
    """Measure for `seconds`. About a minute.

    Raises:
        NoEngine, NoBrowser: no container can be run, or no browser opened.
    """
    total = int(_RATE * seconds)
    with (
        container(_SERVICE.format(rate=_RATE, total=total)) as name,
        console(lambda home: _write_settings(home, name)) as served,
        chromium() as browser,
        _tabs(served, browser) as (boards, logs),
    ):
        for log in logs:
            log.begin()
        spent = _Spent(served.pid, _MARGIN_S, seconds - _MARGIN_S)
        client("kill", "--signal", "USR1", name)
        for log in logs:
            log.wait(total, _PATIENCE_S + seconds)
        share = spent.share()
        missed = [
            total - len(seen["late"]) + seen["skipped"] + seen["holes"] for seen in map(LogTab.seen, logs)
        ]
        pictures = _ended(boards)
    tabs = _OPERATORS * (_BOARDS + _LOGS)
    return Report(
        NAME,
        f"{tabs} tabs of {_OPERATORS} operators, one run, {_RATE:,} lines/s",
        (
            Row("CPU of the console", share, "%", target=_MOST_CPU, note="of one core"),
            Row(
                "lines that some tab was not shown", sum(missed), "lines", target=0, note=f"of {total:,} each"
            ),
            Row("pictures of the run beyond the first", len(pictures) - 1, "", target=0),
        ),
        (
            f"{seconds:g} s, of which the first and the last {_MARGIN_S:g} are left out. "
            f"{_OPERATORS * _LOGS} tabs follow the log of the run, {_OPERATORS * _BOARDS} the run itself. "
            "CPU of the console's process and its children, by the kernel, without browsers, engine and "
            "service. One operator launches the run, the other ends it; a picture is all that the page then "
            "says of it.",
        ),
    )


def _write_settings(home: Path, name: str) -> None:
    (home / "targets.toml").write_text(_SETTINGS.format(name=name), "utf-8")


@contextmanager
def _tabs(served: Console, browser: Any) -> Iterator[tuple[list[Any], list[LogTab]]]:
    """Let the first operator launch the run, and both open it; yield the tabs on the run, and on its log."""
    _wait_until_idle(served.pid)
    with ExitStack() as ends:
        operators = [browser.new_context() for _ in range(_OPERATORS)]
        for operator in operators:
            ends.callback(operator.close)
        first = operators[0].new_page()
        first.goto(f"{served.url}/?target=container:crowd&restart=false&timeout_s=600")
        first.locator(".st-key-launch button:enabled").click(timeout=_PATIENCE_S * 1000)
        first.wait_for_url(re.compile(r"/run\?.*run="), timeout=_PATIENCE_S * 1000)
        address, run_id = first.url, first.url.partition("run=")[2].partition("&")[0]
        boards, logs = [first], []
        for operator in operators:
            logs += [
                LogTab(operator.new_page(), f"{served.url}/logs?run={run_id}&trial=1") for _ in range(_LOGS)
            ]
            while len(boards) < _BOARDS * (operators.index(operator) + 1):
                boards.append(operator.new_page())
                boards[-1].goto(address)
        for board in boards:
            board.locator(_ABORT).wait_for(timeout=_PATIENCE_S * 1000)
        yield boards, logs


def _ended(boards: list[Any]) -> set[str]:
    """Let the second operator end the run; return how it then looks, wherever it looks different."""
    boards[-1].locator(_ABORT).click()
    for board in boards:
        board.locator(_AGAIN).wait_for(timeout=_PATIENCE_S * 1000)
    return {re.sub(r"\s+", " ", board.locator(_BOARD).inner_text()) for board in boards}


class _Spent:
    """The CPU that a process and its children spend from `begin` to `end`, in seconds from now."""

    def __init__(self, pid: int, begin: float, end: float) -> None:
        self._pid, self._begin, self._end = pid, begin, end
        self._found = 0.0
        # On a thread of its own: the one that waits for tabs may be late
        self._thread = threading.Thread(target=self._measure)
        self._thread.start()

    def share(self) -> float:
        """Return it in per cent of one core; blocks until the end."""
        self._thread.join()
        return self._found

    def _measure(self) -> None:
        time.sleep(self._begin)
        before, began = _cpu_s(self._pid), time.monotonic()
        time.sleep(self._end - self._begin)
        self._found = 100 * (_cpu_s(self._pid) - before) / (time.monotonic() - began)


def _wait_until_idle(pid: int) -> None:
    """Wait until the console has warmed up: its worker imports torch in the background."""
    for _ in range(int(_PATIENCE_S)):
        before = _cpu_s(pid)
        time.sleep(1.0)
        if _cpu_s(pid) - before < _IDLE:
            return


def _cpu_s(pid: int) -> float:
    """Seconds of CPU of a process, of its children and theirs, those that have ended among them."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    ticks = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text("ascii").split():
            try:
                ticks += _cpu_s(int(child))
            except FileNotFoundError:
                continue  # it has ended since
    return ticks
