"""What a run asks of a target, whatever kind it is. A kind is one module beside this one.

Target --start()--> Session: one clean start of the service, its log, its address, its end
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from dashboard.evidence import Gap, LogLine, Variant, Worker, WorkerEnd
from dashboard.logs import LogRing
from dashboard.memory import MemorySample, Yardstick
from dashboard.profiles import Profile
from dashboard.settings import Guard, RunSettings
from dashboard.triggers.base import Trigger
from dashboard.usage import Usage
from dashboard.waiting import Cancelled, never

__all__ = ["LineSink", "Session", "Target", "TargetError", "TargetUnreachable", "Warmth"]

LineSink = Callable[[tuple[LogLine, ...]], None]
"""Takes lines as they come in, in their order, on the thread that read them. It must not block."""


class TargetError(Exception):
    """The target cannot be reached, started or asked. The message is one sentence with the next step."""


class TargetUnreachable(TargetError):
    """Nothing answers where the target should be, or it may not be touched: exit code 4."""


@dataclass(frozen=True, slots=True)
class Warmth:
    """Whether a trial could begin at once.

    Attributes:
        seconds: how long the preparation took, once it is `ready`.
        versions: of the libraries that the workers use, once they are known.
    """

    state: Literal["importing", "ready", "failed"]
    text: str
    seconds: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


class Session(Protocol):
    """One clean start of a target. Threading: any thread may call anything; `close` is idempotent."""

    @property
    def ring(self) -> LogRing:
        """The worker's log."""

    @property
    def listens_early(self) -> bool:
        """Whether connections can be opened before it is alive: an early request waits."""

    def open_trigger(
        self, variants: tuple[Variant, ...], *, timeout_s: float, on_change: Callable[[], None]
    ) -> Trigger:
        """Return what releases `variants` at it; not armed yet.

        Raises:
            TriggerError: it cannot be triggered from here.
        """

    def wait_alive(self, timeout: float, cancelled: Cancelled = never) -> Worker | None:
        """Block until the service can be triggered; return who our worker is, None for a stranger's.

        Raises:
            TargetUnreachable: not once did anything answer where it was asked.
            TargetError: it ended, did not answer within `timeout` seconds, or the wait was cancelled.
        """

    def warm_up(self, timeout: float, cancelled: Cancelled = never) -> tuple[str, int]:
        """Have the model loaded before the trial begins; return the baseline that this makes.

        Raises:
            TargetError: it is no worker of ours, it did not load within `timeout` seconds, or `cancelled()`
                became true.
        """

    def loader_report(self, since: int = 0, cancelled: Cancelled = never) -> Mapping[str, Any] | None:
        """Return the worker's own `/loader` report with the events after `since`; None if it gives none
        within a few seconds, or before it was cancelled."""

    @property
    def baseline(self) -> tuple[str, int] | None:
        """A worker that was not started for this trial: its boot, and the number of its newest event then."""

    def gaps(self) -> tuple[Gap, ...]:
        """What is known to be missing of its log, or may be: no green rests on such a log."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What its reader should know of the target though it changes no verdict, as sentences."""

    def usage(self) -> tuple[Usage, ...]:
        """What it has used of its machine since its start, oldest first; empty where nobody measures that."""

    def memory(self) -> MemorySample | None:
        """Read what the worker's process holds now; None where nobody can tell. Blocks for a second or two
        at most, and the worker's own allocations for milliseconds: ask seldom."""

    def yardstick(self, report: Mapping[str, Any] | None) -> Yardstick:
        """Return what its memory is measured by, as the worker's last `/loader` report or the settings tell;
        empty where neither does."""

    @property
    def end(self) -> WorkerEnd | None:
        """How the worker ended, if it did so without being told to."""

    @property
    def fault(self) -> str | None:
        """Why the trial cannot go on though the service did nothing wrong: what ran it has failed. One
        sentence with the next step; None while all is well. The worker's `end` is no evidence then."""

    def close(self, *, force: bool = False) -> None:
        """End the worker, at once with `force`, take what it still wrote, and close the ring.

        Blocks for some seconds at the longest, however stuck the worker is.
        """


class Target(Protocol):
    """A thing under test. Threading: as `Session`."""

    @property
    def name(self) -> str:
        """As in `RunSettings.target`."""

    @property
    def profile(self) -> Profile | str | None:
        """Whose patterns tell its loads; None tries all that are known."""

    def beginning(self, settings: RunSettings) -> str:
        """Say what `start` does."""

    def preflight(self, settings: RunSettings) -> None:
        """Look whether a run can be made, before anything starts.

        Raises:
            TargetError: it cannot; nothing was touched.
        """

    def warmth(self) -> Warmth:
        """Tell how far the preparation is, at once."""

    def wait_warm(self, timeout: float) -> Warmth:
        """Block until the preparation has ended, one way or the other, or `timeout` seconds are over."""

    def start(
        self,
        settings: RunSettings,
        guard: Guard,
        source: str,
        sink: LineSink,
        cancelled: Cancelled = never,
    ) -> Session:
        """Begin a clean start whose log is named `source`.

        Raises:
            TargetUnreachable: what runs it is out of reach, or nobody may touch it.
            TargetError: it could not be started, or `cancelled()` became true; nothing is left running.
        """

    def close(self) -> None:
        """End whatever was started. Idempotent."""
