"""An engine's counters of one container, read as `docker stats` reads them: CPU, memory, processes.

    the engine's answer --counters_of--> Counters --usage_between (two of them)--> Usage

One answer holds counters that only grow (CPU time); two of them make a share of the time between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.engine.facts import ContainerFacts
from dashboard.engine.stamps import seconds
from dashboard.usage import Usage

__all__ = ["Counters", "counters_of", "usage_between"]


@dataclass(frozen=True, slots=True)
class Counters:
    """What the engine answered about one running container.

    Attributes:
        time: Unix seconds, by the engine's clock.
        cpu_ns: CPU time that it has used since its start, in nanoseconds, over all cores.
        machine_ns: CPU time that the whole machine has had meanwhile, idle time too, over all cores.
        cores: how many CPUs the machine has for it.
        memory: bytes in use, without file cache that gives way; None where the engine keeps no account.
        memory_limit: bytes; without a limit of its own the machine's memory.
        processes: processes and threads; None where the engine keeps no account.
    """

    time: float
    cpu_ns: int
    machine_ns: int
    cores: int
    memory: int | None
    memory_limit: int | None
    processes: int | None


def counters_of(answer: Mapping[str, Any]) -> Counters | None:
    """Read an answer of the engine's `/containers/…/stats`; None for a container that does not run.

    An engine answers for a stopped one too: without a time, without memory.
    """
    time = seconds(answer.get("read") or "")
    cpu = answer.get("cpu_stats") or {}
    machine_ns = cpu.get("system_cpu_usage")
    if time is None or time <= 0 or machine_ns is None:
        return None
    used = cpu.get("cpu_usage") or {}
    memory = answer.get("memory_stats") or {}
    return Counters(
        time=time,
        cpu_ns=used.get("total_usage") or 0,
        machine_ns=machine_ns,
        cores=cpu.get("online_cpus") or len(used.get("percpu_usage") or ()) or 1,
        memory=_memory(memory),
        memory_limit=memory.get("limit") or None,
        processes=(answer.get("pids_stats") or {}).get("current"),
    )


def usage_between(before: Counters | None, now: Counters, container: ContainerFacts) -> Usage:
    """Return what `container` uses `now`; its CPU since `before`, another reading of the same life."""
    return Usage(
        time=now.time,
        cpu=_cpu(before, now),
        cpu_limit=min(container.cpu_limit or now.cores, now.cores),
        memory=now.memory,
        memory_limit=now.memory_limit,
        processes=now.processes,
    )


def _memory(told: Mapping[str, Any]) -> int | None:
    if not isinstance(told.get("usage"), int):
        return None
    detail = told.get("stats") or {}
    # The first name is cgroup v1's sum over the group, the second v2's
    cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))
    usage: int = told["usage"]
    return usage - cache if cache < usage else usage


def _cpu(before: Counters | None, now: Counters) -> float | None:
    if before is None or now.cpu_ns < before.cpu_ns or now.machine_ns <= before.machine_ns:
        return None  # a restart began to count anew, or it is the same reading again
    return (now.cpu_ns - before.cpu_ns) / (now.machine_ns - before.machine_ns) * now.cores
