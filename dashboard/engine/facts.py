"""What an engine knows of a container, as frozen data, and what of it matters to a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dashboard.engine.stamps import seconds

__all__ = ["ALLOW_LABEL", "SERVICE_LABEL", "ContainerEnd", "ContainerFacts", "ends_in", "facts_of"]

ALLOW_LABEL: Final = "loadonce.target"
"""A container with this label set to `true` may be acted on."""
SERVICE_LABEL: Final = "com.docker.compose.service"

# What drivers keep that nobody has bounded; others than json-file keep a local copy to be read
_OWN_BOUNDS: Final = {"local": "20m", "syslog": "20m", "gelf": "20m", "fluentd": "20m", "awslogs": "20m"}
_ONE_OFF: Final = "com.docker.compose.oneoff"
_PROJECT: Final = "com.docker.compose.project"
_SWARM_TASK: Final = "com.docker.swarm.task.id"


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """A container as it was when it was asked about.

    Attributes:
        state: `running`, `exited`, `paused`, `restarting`, `created`, `dead`.
        health: `healthy`, `unhealthy`, `starting`; None without a health check.
        pid: of its main process, on the engine's own machine; None while it has none.
        started_at, finished_at: Unix seconds; None if it never did.
        image, image_id: as it was named, and the digest that it really is.
        ports: container port (`8000/tcp`) to published (host address, port).
        addresses: its addresses on its networks, in the order of the networks' names.
        log_driver, log_options: how its output is kept. tty: stdout and stderr are one, with terminal codes.
        memory_limit: bytes; None without a limit.
        cpu_limit: cores, be it by a quota or by a set of CPUs; None without a limit.
        oom_killed, exit_code: of its last end.
    """

    id: str
    name: str
    image: str
    image_id: str
    state: str
    health: str | None = None
    started_at: float | None = None
    finished_at: float | None = None
    restarts: int = 0
    exit_code: int | None = None
    oom_killed: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    ports: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    host_network: bool = False
    log_driver: str = "json-file"
    log_options: Mapping[str, str] = field(default_factory=dict)
    tty: bool = False
    memory_limit: int | None = None
    cpu_limit: float | None = None
    pid: int | None = None

    @property
    def running(self) -> bool:
        """Whether its process lives, be it paused."""
        return self.state in ("running", "paused")

    @property
    def log_file_bytes(self) -> int | None:
        """How large one file of its log may grow before the engine begins another; None without a bound."""
        return _bytes(self.log_options.get("max-size") or _OWN_BOUNDS.get(self.log_driver, ""))

    @property
    def log_files(self) -> int:
        """How many files of its log the engine keeps."""
        own = 1 if self.log_driver == "json-file" else 5
        given = self.log_options.get("max-file", "")
        return int(given) if given.isdecimal() else own

    @property
    def begun_at(self) -> float | None:
        """A moment before its first line, and after the last one of the life before.

        The engine notes a start a little after the process has begun: lines may be older than `started_at`.
        """
        if self.started_at is None:
            return None
        floor = self.started_at - 1.0
        if self.finished_at is None or self.finished_at > self.started_at:
            return floor
        if not self.running:  # so short a life that its end was noted before its start
            return self.finished_at - 1.0
        return max(floor, (self.finished_at + self.started_at) / 2)

    @property
    def service(self) -> str | None:
        """Its service's name in compose."""
        return self.labels.get(SERVICE_LABEL)

    @property
    def one_off(self) -> bool:
        """Whether it was made by `compose run`, beside its service's own containers."""
        return self.labels.get(_ONE_OFF, "").lower() == "true"

    @property
    def project(self) -> str | None:
        """Its project's name in compose."""
        return self.labels.get(_PROJECT)

    @property
    def swarm_task(self) -> str | None:
        """The Swarm task that it belongs to: Swarm restarts it, nobody else may."""
        return self.labels.get(_SWARM_TASK)

    @property
    def labelled(self) -> bool:
        """Whether its owner has marked it as a target."""
        return self.labels.get(ALLOW_LABEL, "").strip().lower() == "true"


def _bytes(text: str) -> int | None:
    """Read a size as docker writes it: 200k, 50m, 1g, or plain bytes; None for -1 and for nothing."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", text.strip().lower())
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2] or " ")) if found else None


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """One end of a container's main process.

    Attributes:
        time: Unix seconds, by the engine's clock.
        status: exit status, negative for a signal, as in `subprocess`.
        out_of_memory: the kernel had killed a process of it for want of memory.
        asked: somebody asked the engine to end it (stop, restart, kill).
    """

    time: float
    status: int
    out_of_memory: bool
    asked: bool


def ends_in(events: Iterable[Mapping[str, Any]]) -> tuple[ContainerEnd, ...]:
    """Read the ends of one container out of the engine's events, in their order."""
    ends: list[ContainerEnd] = []
    asked = out_of_memory = False
    for event in events:
        kind = event.get("Action") or event.get("status")
        if kind == "kill":
            asked = True
        elif kind == "oom":
            out_of_memory = True
        elif kind == "die":
            code = int(event["Actor"]["Attributes"].get("exitCode", 0))
            status = 128 - code if code > 128 else code
            ends.append(ContainerEnd(event["timeNano"] / 1e9, status, out_of_memory, asked))
            asked = out_of_memory = False
    return tuple(ends)


def facts_of(found: Mapping[str, Any]) -> ContainerFacts:
    """Read the engine's inspection of a container. What an older engine leaves out has its default."""
    state, config, host = found["State"], found.get("Config") or {}, found.get("HostConfig") or {}
    network = found.get("NetworkSettings") or {}
    networks = network.get("Networks") or {}
    log = host.get("LogConfig") or {}
    variables = (entry.partition("=") for entry in config.get("Env") or ())
    return ContainerFacts(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        image=config.get("Image") or found["Image"],
        image_id=found["Image"],
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status"),
        started_at=seconds(state.get("StartedAt") or ""),
        finished_at=seconds(state.get("FinishedAt") or ""),
        restarts=found.get("RestartCount") or 0,
        exit_code=None if state["Status"] in ("running", "paused", "created") else state.get("ExitCode"),
        oom_killed=bool(state.get("OOMKilled")),
        labels=config.get("Labels") or {},
        environment={name: value for name, _, value in variables},
        command=(found.get("Path") or "", *(found.get("Args") or ())),
        ports={
            port: (published[0]["HostIp"], int(published[0]["HostPort"]))
            for port, published in (network.get("Ports") or {}).items()
            if published
        },
        addresses=tuple(
            networks[name]["IPAddress"] for name in sorted(networks) if networks[name].get("IPAddress")
        ),
        host_network="host" in networks,
        log_driver=log.get("Type") or "json-file",
        log_options=log.get("Config") or {},
        tty=bool(config.get("Tty")),
        memory_limit=host.get("Memory") or None,
        cpu_limit=_cores(host),
        pid=state.get("Pid") or None,
    )


def _cores(host: Mapping[str, Any]) -> float | None:
    """How many cores a container may use: `--cpus`, the older quota of a period, `--cpuset-cpus`."""
    limits: list[float] = []
    if host.get("NanoCpus"):
        limits.append(host["NanoCpus"] / 1e9)
    if (host.get("CpuQuota") or 0) > 0:
        limits.append(host["CpuQuota"] / (host.get("CpuPeriod") or 100_000))
    if host.get("CpusetCpus"):
        spans = (part.partition("-") for part in host["CpusetCpus"].split(","))
        limits.append(sum(int(last or first) - int(first) + 1 for first, _, last in spans))
    return min(limits, default=None)
