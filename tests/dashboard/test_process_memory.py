"""What the kernel of this machine says of a process's memory, and of whose process it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.targets import process_memory
from dashboard.targets.process_memory import container_process, pss_of, pss_of_container

SHORT = "4f1c0ffee"
HOLDS = "held = bytearray(b'x' * 80_000_000); print('held', flush=True); input()"


def test_the_memory_of_another_process_is_read_from_the_kernel() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        held = pss_of(process.pid)
        process.communicate("\n")
    assert held is not None
    assert 80_000_000 < held < 160_000_000
    assert pss_of(process.pid) is None


class Processes:
    """A /proc of the test's own."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, pid: int, inner: int, *, container: str = SHORT, children: str = "", pss: int = 0) -> None:
        task = self.root / str(pid) / "task" / str(pid)
        task.mkdir(parents=True)
        (task / "children").write_text(children)
        (self.root / str(pid) / "status").write_text(f"Name:\tpython\nNSpid:\t{pid}\t{inner}\nThreads:\t1\n")
        (self.root / str(pid) / "cgroup").write_text(f"0::/system.slice/docker-{container}.scope\n")
        if pss:
            text = f"00400000-7fff rollup\nRss: {pss * 8} kB\nPss:      {pss} kB\nPss_Dirty: 9 kB\n"
            (self.root / str(pid) / "smaps_rollup").write_text(text)


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Processes:
    monkeypatch.setattr(process_memory, "_PROC", tmp_path)
    return Processes(tmp_path)


def test_a_worker_is_found_among_the_processes_of_its_container(processes: Processes) -> None:
    processes.add(4001, 1, children="4002 4003 ")
    processes.add(4002, 7)
    processes.add(4003, 8)
    assert container_process(4001, SHORT, 8) == 4003


def test_the_same_number_on_another_machine_is_nobody_of_the_container(processes: Processes) -> None:
    processes.add(4001, 1, container="another", pss=10)
    assert container_process(4001, SHORT, 1) is None
    assert pss_of_container(4001, SHORT) is None


def test_a_container_that_has_ended_has_no_process(processes: Processes) -> None:
    assert container_process(None, SHORT, 1) is None
    assert pss_of_container(None, SHORT) is None
    assert container_process(os.getpid(), SHORT, 1) is None


def test_a_service_of_several_processes_holds_what_they_hold_together(processes: Processes) -> None:
    processes.add(4001, 1, children="4002", pss=1000)
    processes.add(4002, 7, pss=500)
    assert pss_of_container(4001, SHORT) == 1500 * 1024


def test_a_service_of_which_one_process_cannot_be_read_is_not_known_by_half(processes: Processes) -> None:
    processes.add(4001, 1, children="4002", pss=1000)
    processes.add(4002, 7)
    assert pss_of_container(4001, SHORT) is None
