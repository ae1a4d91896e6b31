"""The container target: a service in a Docker container, restarted for every trial."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from dashboard.engine.addresses import address_of
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ALLOW_LABEL, ContainerEnd, ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.follower import Follower
from dashboard.engine.occupation import occupation
from dashboard.evidence import Gap, Worker, WorkerEnd
from dashboard.logs import LogRing
from dashboard.settings import Guard, RunSettings
from dashboard.targets.base import SLICE_S, Cancelled, LineSink, TargetError, Warmth, never
from dashboard.targets.worker_http import WorkerHttp

__all__ = ["ContainerSession", "ContainerTarget", "may_act_on"]

_WORKER_PORT: Final = 8000
_HEALTH_S: Final = 2.0
_REPORT_S: Final = 5.0
_AWAY_S: Final = 20.0
"""How long an engine may be away in the middle of a trial before the trial is given up."""
_UNREADABLE: Final = (
    "none",
    "syslog",
    "gelf",
    "fluentd",
    "awslogs",
    "splunk",
    "etwlogs",
    "gcplogs",
    "logentries",
)


def may_act_on(container: ContainerFacts, allowed: frozenset[str]) -> bool:
    """Whether this console may restart a container and give it work: by its label, or by the settings."""
    names = {container.name, container.id, container.service}
    return container.labelled or bool(names & allowed)


class ContainerTarget:
    """One container, named as on docker's own command line. Threading: as `Target`."""

    def __init__(
        self, container: str, open_engine: Callable[[], Engine], allowed: frozenset[str] = frozenset()
    ) -> None:
        self.name: Final = f"container:{container}"
        self._container, self._open_engine, self._allowed = container, open_engine, allowed
        self._engine: Engine | None = None
        self._lock = threading.Lock()  # guards the opening of the engine: once, by whoever needs it first

    def beginning(self, settings: RunSettings) -> str:
        """Say what `start` does."""
        return f"Restarting {self._container}." if settings.restart else f"Looking at {self._container}."

    def look(self) -> ContainerFacts:
        """Return the container as it is now.

        Raises:
            TargetError: the engine or the container is out of reach.
        """
        try:
            return self._connected().container(self._container)
        except EngineError as error:
            raise TargetError(str(error)) from error

    def disturbs(self) -> str:
        """Return what a restart would disturb, as a sentence.

        Raises:
            TargetError: as `look`.
        """
        return occupation(self._connected(), self.look())

    def preflight(self, settings: RunSettings) -> None:
        """Look whether the container may be acted on, can be reached, and has a log that can be read.

        Raises:
            TargetError: it cannot be tested; nothing was touched.
        """
        found = self.look()
        if not may_act_on(found, self._allowed):
            raise TargetError(
                f"The container {found.name} may only be looked at: it is on nobody's list. Give it the "
                f"label {ALLOW_LABEL}=true, or name it under [containers] allow in targets.toml."
            )
        if found.log_driver in _UNREADABLE:
            raise TargetError(
                f"The log of {found.name} goes to the driver {found.log_driver!r}, which keeps nothing that "
                "could be read back. Run it with --log-driver json-file or local."
            )
        if settings.restart and found.swarm_task is not None:
            raise TargetError(
                f"{found.name} is a task of a Swarm service, which would start another in its place. "
                "Launch without a restart, or update the service with `docker service update --force`."
            )
        if not settings.restart and not found.running:
            raise TargetError(f"{found.name} is {found.state}. Start it, or launch with a restart.")

    def warmth(self) -> Warmth:
        """A container needs no preparation here; its versions are those of its image."""
        try:
            found = self.look()
        except TargetError as error:
            return Warmth("failed", str(error))
        versions = {"image": found.image, "image digest": found.image_id.removeprefix("sha256:")[:12]}
        return Warmth("ready", f"{found.name} is {found.state}.", 0.0, versions)

    def wait_warm(self, timeout: float) -> Warmth:
        """As `warmth`: there is nothing to wait for."""
        return self.warmth()

    def start(
        self,
        settings: RunSettings,
        guard: Guard,
        source: str,
        sink: LineSink,
        cancelled: Cancelled = never,
    ) -> ContainerSession:
        """Restart the container, unless the settings say not to, and follow its log from that start on.

        Raises:
            TargetError: the engine would not, the container is gone, or `cancelled()` became true.
        """
        engine = self._connected()
        try:
            found = engine.container(self._container)
            if settings.restart:
                _restart(engine, found, cancelled)
                found = engine.container(self._container)
        except EngineError as error:
            raise TargetError(str(error)) from error
        return ContainerSession(engine, found, source, sink, fresh=settings.restart)

    def close(self) -> None:
        """Close the connection to the engine; the container goes on. Idempotent."""
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None

    def _connected(self) -> Engine:
        with self._lock:
            if self._engine is None:
                try:
                    self._engine = self._open_engine()
                except EngineError as error:
                    raise TargetError(str(error)) from error
            return self._engine


class ContainerSession:
    """A container for as long as a trial lasts. See `targets.base.Session`.

    With `fresh` its log counts from its start on, else from now: what it did before is no part of the trial.
    """

    listens_early: Final = False

    def __init__(
        self, engine: Engine, container: ContainerFacts, source: str, sink: LineSink, *, fresh: bool
    ) -> None:
        self._fresh = fresh
        self.baseline: tuple[str, int] | None = None
        self._engine, self._container, self._source = engine, container, source
        address = address_of(container, _WORKER_PORT, engine.host)
        if address is None:
            raise TargetError(
                f"{container.name} cannot be reached: it publishes no port {_WORKER_PORT} and has no "
                f"network. Publish it (-p 127.0.0.1:{_WORKER_PORT}:{_WORKER_PORT})."
            )
        self.host, self.port = address
        self._http = WorkerHttp(*address)
        self._boot: str | None = None
        self._closing = False
        self._away_since: float | None = None
        self._end: WorkerEnd | None = None
        since = container.started_at if fresh else time.time() + engine.clock_ahead_s
        self._follower = Follower(engine, container, source=source, since=since, sink=sink)

    @property
    def ring(self) -> LogRing:
        """The container's log since its start."""
        return self._follower.ring

    def gaps(self) -> tuple[Gap, ...]:
        """What is known to be missing of the log, or may be."""
        found = self._follower.gaps()
        if self._container.log_options.get("mode") == "non-blocking":
            text = (
                f"{self._container.name} logs in the mode non-blocking, which drops lines when they come too "
                "fast: none may be missing for a green. Run it with --log-opt mode=blocking."
            )
            found = (*found, Gap(self._source, text))
        return found

    def wait_alive(self, timeout: float, cancelled: Cancelled = never) -> Worker:
        """Block until the worker answers `/healthz`.

        Raises:
            TargetError: the container ended, nothing of ours answered within `timeout` seconds, or
                `cancelled()` became true.
        """
        deadline = time.monotonic() + timeout
        tick = threading.Event()
        while (left := deadline - time.monotonic()) > 0:
            health = self._http.ask("/healthz", min(left, _HEALTH_S), cancelled)
            if health is not None and isinstance(health.get("boot"), str):
                self._boot = health["boot"]
                if not self._fresh:
                    self.baseline = self._told_so_far(health["boot"], cancelled)
                return Worker(health["boot"], health.get("pid"), self._source, "healthz")
            if cancelled():
                raise TargetError("The wait for the container was cancelled before it was alive.")
            if self._follower.following.state in ("stopped", "gone"):
                raise TargetError(
                    f"{self._container.name} ended before it was alive. Its last words: {self._last_words()}"
                )
            tick.wait(SLICE_S)
        raise TargetError(
            f"{self._container.name} was restarted, but nothing answered /healthz at {self.host}:{self.port} "
            f"within {timeout:g} s. Look at its log, or describe how to trigger it in targets.toml."
        )

    def loader_report(self, since: int = 0, cancelled: Cancelled = never) -> Mapping[str, Any] | None:
        """Return the worker's `/loader` report, or None when it does not answer."""
        return self._http.ask(f"/loader?seq={since}", _REPORT_S, cancelled)

    @property
    def end(self) -> WorkerEnd | None:
        """How the container ended, if it did so in the middle of the trial."""
        following = self._follower.following
        if self._end is None and not self._closing and (following.state == "stopped" or following.restarts):
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
        self._closing = True
        self._follower.close(complete=not force)

    def _told_so_far(self, boot: str, cancelled: Cancelled) -> tuple[str, int]:
        report = self.loader_report(cancelled=cancelled)
        if report is None or report.get("boot") != boot or not isinstance(report.get("seq"), int):
            raise TargetError(
                f"{self._container.name} does not tell which loads it has behind it (/loader), so that old "
                "ones could be taken for new. Launch with a restart."
            )
        return boot, report["seq"]

    def _seen_end(self) -> WorkerEnd:
        last = ContainerEnd(time.time(), 0, out_of_memory=False, asked=False)
        try:
            ends = self._engine.ends(self._container, self._container.started_at or 0.0)
        except EngineError:
            ends = ()
        seen = ends[0] if ends else last
        # Somebody asked the engine to end it: that is no death, though SIGKILL was the means
        status = -15 if seen.asked and not seen.out_of_memory else seen.status if ends else None
        return WorkerEnd(self._source, seen.time, status, seen.out_of_memory, self._boot)

    def _last_words(self) -> str:
        lines = self.ring.read(max(0, self.ring.next - 50)).lines
        said = [line.text for line in lines if line.text.strip() and line.stream != "engine"]
        return said[-1] if said else "none."


def _restart(engine: Engine, container: ContainerFacts, cancelled: Cancelled) -> None:
    """Restart, and come back soon after `cancelled()` is true; the engine then finishes it by itself."""
    failed: list[EngineError] = []

    def work() -> None:
        try:
            engine.restart(container)
        except EngineError as error:
            failed.append(error)

    thread = threading.Thread(target=work, name=f"restart-{container.name}", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(SLICE_S)
        if cancelled():
            raise TargetError(f"The restart of {container.name} was asked for, and its end not waited for.")
    if failed:
        raise failed[0]
