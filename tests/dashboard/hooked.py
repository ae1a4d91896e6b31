"""A target and a history in which a test gets a word in, and what tests of whole runs ask of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dashboard.evidence import LogLine, Verdict
from dashboard.record import RunRecord
from dashboard.runs import Runner
from dashboard.settings import Guard, RunSettings
from dashboard.store import Store
from dashboard.targets.base import LineSink, Session
from dashboard.targets.local import LocalTarget

THREE = RunSettings(variants_per_job=3, control=False)
Before = Callable[[str, RunSettings], RunSettings]


class HookedTarget:
    """The local target; the test gets a word in before each start, and may change that start's settings."""

    def __init__(self, target: LocalTarget) -> None:
        self._target = target
        self.before: Before = lambda source, settings: settings

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def start(self, settings: RunSettings, guard: Guard, source: str, sink: LineSink, **more: Any) -> Session:
        return self._target.start(self.before(source, settings), guard, source, sink, **more)

    def close(self) -> None:
        """Leave the shared target as it is."""


class HookedStore(Store):
    """A history; the test gets a word in between two trials, when the log of one has been kept."""

    after: Callable[[str], object] = staticmethod(lambda source: None)

    def save_log(self, run_id: str, source: str, lines: Iterable[LogLine]) -> None:
        super().save_log(run_id, source, lines)
        self.after(source)


def abort(runner: Runner) -> None:
    active = runner.active()
    assert active is not None
    runner.abort(active.run_id, actor="test")


def made(runner: Runner, settings: RunSettings) -> RunRecord:
    return runner.wait(runner.launch(settings, actor="test"), 120)


def verdict_of(record: RunRecord) -> Verdict:
    assert record.verdict is not None
    return record.verdict


def outcome(record: RunRecord) -> tuple[str, str]:
    return verdict_of(record).verdict, verdict_of(record).reasons[0].code
