"""A container for as long as a trial lasts: its log, whether it is ready, its trigger, its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from dashboard.engine.addresses import NoAddress, reachable_address
from dashboard.engine.completeness import gaps_of, remarks_on
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerEnd, ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.follower import Follower
from dashboard.engine.usage_record import UsageRecord
from dashboard.engine.whole_log import read_lines
from dashboard.evidence import Gap, LogLine, Variant, Worker, WorkerEnd
from dashboard.logs import LogRing
from dashboard.memory import MemorySample, Yardstick
from dashboard.target_settings import TargetEntry, WorkerTrigger
from dashboard.targets.base import LineSink, TargetError, TargetUnreachable
from dashboard.targets.process_memory import container_process, pss_of, pss_of_container
from dashboard.targets.warming import warmed
from dashboard.targets.worker_http import WorkerHttp
from dashboard.targets.worker_memory import sampled, told_yardstick
from dashboard.triggers.base import Trigger
from dashboard.triggers.opening import open_trigger
from dashboard.usage import Usage
from dashboard.waiting import SLICE_S, Cancelled, never

__all__ = ["ContainerSession"]

_WORKER_PORT: Final = 8000
_HEALTH_S: Final = 2.0
_REPORT_S: Final = 5.0
_LAST_WORDS_S: Final = 0.5
_ASKS: Final = 20
_AWAY_S: Final = 20.0
"""How long an engine may be away in the middle of a trial before the trial is given up."""


class ContainerSession:
    """A container for as long as a trial lasts. See `targets.base.Session`.

    With `fresh` its log counts from its start on, else from now: what it did before is no part of the trial.
    """

    listens_early: Final = False

    def __init__(
        self,
        engine: Engine,
        container: ContainerFacts,
        entry: TargetEntry,
        source: str,
        sink: LineSink,
        *,
        fresh: bool,
    ) -> None:
        self._engine, self._container, self._entry, self._source = engine, container, entry, source
        self._fresh = fresh
        self.baseline: tuple[str, int] | None = None
        self._boot: str | None = None
        self._pid: int | None = None
        self._away_since: float | None = None
        self._end: WorkerEnd | None = None
        self._doors: dict[int, WorkerHttp] = {}
        since = container.begun_at if fresh else time.time() + engine.clock_ahead_s
        self._follower = Follower(engine, container, source=source, since=since, sink=sink)
        self._used = UsageRecord(engine, container)

    @property
    def ring(self) -> LogRing:
        """The container's log since its start."""
        return self._follower.ring

    def gaps(self) -> tuple[Gap, ...]:
        """What is known to be missing of the log, or may be."""
        return (*self._follower.gaps(), *gaps_of(self._container))

    @property
    def notes(self) -> tuple[str, ...]:
        """Why its lines may come late."""
        return remarks_on(self._container)

    def open_trigger(
        self, variants: tuple[Variant, ...], *, timeout_s: float, on_change: Callable[[], None]
    ) -> Trigger:
        """Return what releases `variants` at it, as `targets.toml` says; our worker's way without an entry.

        Raises:
            TriggerError: its port cannot be reached, a secret is not set, or a limit of the system is met.
        """
        return open_trigger(
            self._entry.trigger,
            variants,
            engine=self._engine,
            container=self._container,
            timeout_s=timeout_s,
            on_change=on_change,
        )

    def wait_alive(self, timeout: float, cancelled: Cancelled = never) -> Worker | None:
        """Block until our worker answers `/healthz`, or a stranger's service is ready as its entry says.

        Raises:
            TargetUnreachable: it cannot be connected to, or not once did anything answer.
            TargetError: the container ended, it was not ready within `timeout` seconds (or the entry's own
                time), or `cancelled()` became true.
        """
        ours = isinstance(self._entry.trigger, WorkerTrigger)
        patience = self._entry.ready.timeout_s if self._entry.ready is not None else timeout
        deadline = time.monotonic() + patience
        tick = threading.Event()
        while time.monotonic() < deadline:
            try:
                if self._follower.following.state != "stopped":
                    if ours:
                        worker = self._worker(cancelled)
                        if worker is not None:
                            return worker
                    elif self._is_ready(cancelled):
                        return None
            except TargetUnreachable:
                if self._lives():
                    raise  # else it has ended, and its address with it: the follower is about to say so
            if cancelled():
                raise TargetError("The wait for the container was cancelled before it was alive.")
            if self._follower.following.state in ("stopped", "gone"):
                # An engine tells an end a moment before it has written down the last words
                tick.wait(_LAST_WORDS_S)
                self._follower.close(complete=True)
                raise TargetError(
                    f"{self._container.name} ended before it was ready. Its last words: {self._last_words()}"
                )
            tick.wait(SLICE_S)
        door = self._door(ours=ours)
        if door is not None and not door.heard:
            raise TargetUnreachable(
                f"{self._container.name} is out of reach: nothing answered at {door.host}:{door.port} within "
                f"{patience:g} s. Look whether its service is up and listens on that port for others too "
                "(0.0.0.0), or correct the port in targets.toml."
            )
        raise TargetError(
            f"{self._container.name} was not ready within {patience:g} s: {self._missed(ours=ours)}. Look at "
            "its log, or correct how it shows that it is ready, and how it is triggered, in targets.toml."
        )

    def warm_up(self, timeout: float, cancelled: Cancelled = never) -> tuple[str, int]:
        """Have our worker load its model by a request that is no part of the trial.

        Raises:
            TargetError: it is a stranger's service, it did not, not in time, or `cancelled()` became true.
        """
        if self._boot is None:
            raise TargetError(
                f"{self._container.name} is no worker of ours, and cannot be told to load its model first. "
                "Test it cold."
            )
        return warmed(self._http(_port_of(self._entry)), timeout, cancelled)

    def loader_report(self, since: int = 0, cancelled: Cancelled = never) -> Mapping[str, Any] | None:
        """Return the worker's `/loader` report, or None when it does not answer or is none of ours."""
        if self._boot is None:
            return None
        return self._http(_port_of(self._entry)).ask(f"/loader?seq={since}", _REPORT_S, cancelled)

    def usage(self) -> tuple[Usage, ...]:
        """CPU, memory and processes of the container, every second since the trial began."""
        return self._used.series()

    def memory(self) -> MemorySample | None:
        """Read the PSS from the kernel where the engine's machine is this one, else as our worker tells it.

        The engine's own account of a container is no PSS: it counts the pages of files that others map too.
        """
        if self._boot is None:
            pss = pss_of_container(self._container.pid, self._container.id)
            return None if pss is None else MemorySample(time.time(), pss)
        here = container_process(self._container.pid, self._container.id, self._pid)
        try:
            return sampled(None if here is None else pss_of(here), self._http(_port_of(self._entry)))
        except (TargetUnreachable, EngineError):
            return None

    def yardstick(self, report: Mapping[str, Any] | None) -> Yardstick:
        """As our worker has counted its tensors, or as targets.toml says of a stranger's."""
        if self._boot is not None:
            return told_yardstick(report)
        named = self._entry.model_mb
        return Yardstick() if named is None else Yardstick({"cpu": int(named * 1_000_000)})

    @property
    def end(self) -> WorkerEnd | None:
        """How the container ended, if it did so in the middle of the trial."""
        now = self._follower.container
        if self._end is None and (not now.running or now.started_at != self._container.started_at):
            self._end = self._seen_end()
        return self._end

    @property
    def fault(self) -> str | None:
        """Why the trial cannot go on: the engine is away, or the container was removed."""
        following = self._follower.following
        if following.state == "gone":
            return f"{following.text} Whoever removed it ended the trial with it."
        if following.state != "away":
            self._away_since = None
            return None
        self._away_since = self._away_since or time.monotonic()
        return following.text if time.monotonic() - self._away_since > _AWAY_S else None

    def close(self, *, force: bool = False) -> None:
        """Stop following, with what was written until now; the container goes on. Idempotent."""
        self._used.close()
        self._follower.close(complete=not force)

    def _worker(self, cancelled: Cancelled) -> Worker | None:
        health = self._http(_port_of(self._entry)).ask("/healthz", _HEALTH_S, cancelled)
        if health is None or not isinstance(health.get("boot"), str):
            return None
        self._boot, self._pid = health["boot"], health.get("pid")
        if not self._fresh:
            self.baseline = self._told_so_far(health["boot"], cancelled)
        return Worker(health["boot"], health.get("pid"), self._source, "healthz")

    def _lives(self) -> bool:
        try:
            return self._engine.container(self._container.id).running
        except EngineError:
            return False  # the follower tells what became of it

    def _is_ready(self, cancelled: Cancelled) -> bool:
        ready = self._entry.ready
        if ready is not None and ready.http is not None:
            status = self._http(ready.port).status(ready.http, _HEALTH_S, cancelled)
            return status is not None and 200 <= status < 300
        if ready is not None and ready.log is not None:
            return ready.log in self._said()
        try:
            found = self._engine.container(self._container.id)
        except EngineError:
            return False  # the follower tells what became of it
        if found.health is None and ready is None:
            return found.running
        return found.health == "healthy"

    def _said(self) -> str:
        """All that the container has written since its start."""
        if self._fresh:
            lines: Iterable[LogLine] = self.ring.read(0, limit=self.ring.next).lines
        else:  # it was ready long ago, perhaps
            lines = read_lines(self._engine, self._container, since=self._container.begun_at)
        try:
            return "\n".join(line.text for line in lines if line.stream != "engine")
        except EngineError:
            return ""  # the follower tells what became of it

    def _missed(self, *, ours: bool) -> str:
        ready = self._entry.ready
        if ours:
            return f"nothing of ours answered /healthz at port {_port_of(self._entry)}"
        if ready is not None and ready.http is not None:
            return f"{ready.http} at port {ready.port} did not answer with 2xx"
        if ready is not None and ready.log is not None:
            return f"no line of its log holds {ready.log!r}"
        return "its health check did not turn healthy"

    def _door(self, *, ours: bool) -> WorkerHttp | None:
        """Where it was asked whether it is ready, if that was over HTTP."""
        ready = self._entry.ready
        if ours:
            return self._http(_port_of(self._entry))
        return self._http(ready.port) if ready is not None and ready.http is not None else None

    def _http(self, port: int) -> WorkerHttp:
        if port not in self._doors:
            try:
                found = reachable_address(self._engine, self._container, port)
            except NoAddress as error:
                raise TargetUnreachable(str(error)) from error
            self._doors[port] = WorkerHttp(*found)
        return self._doors[port]

    def _told_so_far(self, boot: str, cancelled: Cancelled) -> tuple[str, int]:
        for _ in range(_ASKS):  # another process at the same address may answer first
            report = self.loader_report(cancelled=cancelled)
            if report is None or not isinstance(report.get("seq"), int):
                break
            if report.get("boot") == boot:
                return boot, report["seq"]
        raise TargetError(
            f"{self._container.name} does not tell which loads it has behind it (/loader), so that old "
            "ones could be taken for new. Launch with a restart."
        )

    def _seen_end(self) -> WorkerEnd:
        last = ContainerEnd(time.time(), 0, out_of_memory=False, asked=False)
        try:
            ends = self._engine.ends(self._container, self._container.started_at or 0.0)
        except EngineError:
            ends = ()
        seen = ends[0] if ends else last
        # Somebody asked the engine to end it: that is no death, though SIGKILL was the means
        status = -15 if seen.asked and not seen.out_of_memory else seen.status if ends else None
        killed = seen.out_of_memory or self._follower.container.oom_killed
        return WorkerEnd(self._source, seen.time, status, killed, self._boot)

    def _last_words(self) -> str:
        lines = self.ring.read(max(0, self.ring.next - 50)).lines
        said = [line.text for line in lines if line.text.strip() and line.stream != "engine"]
        return said[-1] if said else "none."


def _port_of(entry: TargetEntry) -> int:
    return entry.trigger.port if isinstance(entry.trigger, WorkerTrigger) else _WORKER_PORT
