"""Runs a piece of Python in a process of its own, because a load leaves marks on a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from loader.events import LoadEvent, parse_line

ROOT = Path(__file__).resolve().parents[2]


def run_python(code: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `code` from the project's root; its exit status must be 0."""
    done = run_module("-c", textwrap.dedent(code), env=env)
    assert done.returncode == 0, done.stderr
    return done


def run_module(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the interpreter with `arguments`, whatever its exit status."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **(env or {})},
        check=False,
    )


def events_in(text: str) -> list[LoadEvent]:
    """The load events among the lines of an output."""
    return [event for line in text.splitlines() if (event := parse_line(line)) is not None]


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that the process printed."""
    return done.stdout.strip().splitlines()[-1]


class WarmProcess:
    """The test's end of `tests.loader.warm_process`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.loader.warm_process"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, code: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `code` in a forked child; its exit status must be 0."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"code": textwrap.dedent(code), "env": dict(env or {})}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer["status"] == 0, answer["stderr"]
        return subprocess.CompletedProcess([], 0, answer["stdout"], answer["stderr"])

    def close(self) -> None:
        """End it."""
        self._process.communicate()
