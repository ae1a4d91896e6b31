"""Whose run it is: a process is known by its start too, so that a pid used again misleads nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.owner import is_gone, this_process


def test_a_pid_that_was_given_to_another_process_does_not_count_as_alive() -> None:
    host, pid, _ = this_process().rsplit(":", 2)
    assert not is_gone(this_process())
    if Path("/proc/self/stat").exists():
        assert is_gone(f"{host}:{pid}:1")
    assert not is_gone(f"{host}:{pid}:")


def test_a_zombie_counts_as_gone() -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("the kernel tells no process states here")
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    host = this_process().rsplit(":", 2)[0]
    start = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    owner = f"{host}:{process.pid}:{start}"
    assert not is_gone(owner)
    assert process.stdin is not None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet asked for
    assert is_gone(owner)
    process.wait()


@pytest.mark.parametrize("owner", ["", "nonsense", "a:b:c", "host:0:1", "h:-1:1"])
def test_an_owner_that_says_nothing_is_never_gone(owner: str) -> None:
    assert not is_gone(owner)
