"""Runs a function in a fresh process that has torch and transformers imported, and watches its memory.

    benchmark ──> fork server (imports once, runs no torch operation) ──fork──> one child a measurement

A load leaves marks on a process, so each is measured in one of its own; a fork makes that cheap.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

__all__ = ["BenchmarkFailed", "Outcome", "pss_bytes", "run_fresh"]

T = TypeVar("T")

_LONGEST_S: Final = 900.0
_PAUSE_S: Final = 0.02  # between two looks at a child's memory; a look at 1.3 GB takes it some milliseconds
_PSS: Final = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["benchmarks.preloaded"])


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What the function returned, and the most proportional memory that the process was seen to have."""

    value: T
    peak_pss: int | None


class BenchmarkFailed(Exception):
    """A measured process failed. The message holds its traceback and the end of its output."""


def run_fresh(function: Callable[..., T], *arguments: Any, watch: bool = False) -> Outcome[T]:
    """Run `function(*arguments)` in a process of its own. It and they must be picklable.

    What it prints goes to a file, as a service's log does. With `watch` its memory is looked at every 20 ms
    from outside, which slows it a little: time and memory are better measured in runs of their own.

    Raises:
        BenchmarkFailed: it raised, or ended without an answer.
    """
    ours, theirs = _context.Pipe()
    with tempfile.NamedTemporaryFile(prefix="loadonce-bench-", suffix=".log") as log:
        process = _context.Process(target=_answer, args=(theirs, log.name, function, arguments))
        process.start()
        theirs.close()
        try:
            assert process.pid is not None
            peak = _watch(ours, process.pid) if watch else None
            if not ours.poll(_LONGEST_S):
                raise BenchmarkFailed(f"{function.__name__} gave no answer in {_LONGEST_S:g} s.")
            fine, value = ours.recv()
        except EOFError:
            process.join(10)
            raise BenchmarkFailed(
                f"{function.__name__} ended with {process.exitcode} and no answer. "
                f"It printed:\n{_tail(log.name)}"
            ) from None
        finally:
            ours.close()
            if process.is_alive():
                process.join(10)
            if process.exitcode is None:
                process.kill()
                process.join()
            process.close()
        if not fine:
            raise BenchmarkFailed(f"{function.__name__} failed:\n{value}\nIt printed:\n{_tail(log.name)}")
        return Outcome(value, peak)


def pss_bytes(pid: int | None = None) -> int | None:
    """Return the proportional memory of a process, this one by default; None where nobody tells."""
    try:
        text = Path(f"/proc/{pid or 'self'}/smaps_rollup").read_bytes()
    except OSError:  # not Linux, or it has just ended
        return None
    found = _PSS.search(text)
    return int(found[1]) * 1024 if found else None


def _watch(answer: Connection, pid: int) -> int | None:
    peak: int | None = None
    deadline = time.monotonic() + _LONGEST_S
    while not answer.poll(_PAUSE_S) and time.monotonic() < deadline:
        seen = pss_bytes(pid)
        peak = seen if peak is None else max(peak, seen or 0)
    return peak


def _tail(path: str) -> str:
    return "\n".join(Path(path).read_text("utf-8", "replace").splitlines()[-20:])


def _answer(
    connection: Connection, log: str, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    try:
        answer = (True, function(*arguments))
    except BaseException:  # noqa: BLE001 - whatever it is, the benchmark shall show it
        answer = (False, traceback.format_exc())
    connection.send(answer)
    connection.close()
