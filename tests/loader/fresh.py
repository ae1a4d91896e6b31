"""Runs a piece of Python in a process of its own, because a load leaves marks on a process."""

from __future__ import annotations

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
