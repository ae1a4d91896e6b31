"""Runs of this console: launches them, one at a time, and remembers the newest.

A run outlives the page that launched it. Nothing here calls Streamlit: pages read `record()`.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.journal import RunLog
from dashboard.record import RunRecord, new_run_id
from dashboard.run import Run
from dashboard.settings import RunSettings, SettingsError
from dashboard.store import Store, StoreError
from dashboard.target_settings import TargetSettingsError, target_settings
from dashboard.targets.base import Target, TargetError, Warmth
from dashboard.targets.container import ContainerTarget
from dashboard.targets.local import LocalTarget

__all__ = ["PreflightError", "RunInProgress", "Runner", "container_target", "open_runner"]

_REMEMBERED: Final = 8
"""Runs whose log rings stay in memory; older ones are read from the store."""
_CLOSE_TIMEOUT_S: Final = 20.0
_LOG: Final = logging.getLogger(__name__)


class RunInProgress(Exception):
    """Another run is under way. Attributes: `run_id`, the one in the way."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Run {run_id} is under way, and two at once would disturb each other's measurements. "
            "Wait for its end, or abort it."
        )
        self.run_id: Final = run_id


class PreflightError(Exception):
    """The run cannot be made; nothing was started. The message is one sentence with the next step.

    Attributes: `out_of_reach`, whether an engine, a container or a service is the reason.
    """

    def __init__(self, text: str, *, out_of_reach: bool = False) -> None:
        super().__init__(text)
        self.out_of_reach: Final = out_of_reach


class Runner:
    """Launches runs, one at a time, and remembers the newest. Threading: any thread may call anything.

    Args:
        target: what is tested when nothing else is named; `warmth()` is about it.
        others: makes the target of a name, `container:NAME`; they are kept until `close`.
        on_end: is told of each run that has ended, on that run's thread.
    """

    def __init__(
        self,
        target: Target,
        store: Store,
        *,
        others: Callable[[str], Target] | None = None,
        on_end: Callable[[RunRecord], object] | None = None,
    ) -> None:
        self._target, self._store, self._make_other, self._on_end = target, store, others, on_end
        self._targets = {target.name: target}
        self._lock = threading.Lock()  # guards both tables and the decision that no run is active
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._closed = False

    def launch(self, settings: RunSettings, *, actor: str, sweep: str | None = None) -> str:
        """Check, begin a run and return its id. Blocks for the preflight, a fraction of a second.

        Args:
            sweep: id of the sweep that it belongs to.

        Raises:
            SettingsError: a setting is wrong, with the field's name.
            PreflightError: the target cannot be tested.
            RunInProgress: another run is under way.
            StoreError: the history cannot be written.
        """
        settings.check()
        for run in self._known():
            run.keep()  # what the history refused before: the disk may have room again
        self._store.check_writable()
        target = self._target_of(settings)
        self._preflight(target, settings)
        run_id = new_run_id(datetime.now(UTC), secrets.token_hex(3))
        with self._lock:
            if self._closed:
                raise PreflightError("The console is closing. Start it again to launch a run.")
            active = self._active()
            if active is not None:
                raise RunInProgress(active.record().run_id)
            run = Run(run_id, settings, actor, target, self._store, sweep=sweep, on_end=self._on_end)
            run.start()
            self._runs[run_id] = run
            while len(self._runs) > _REMEMBERED:
                self._runs.popitem(last=False)
        self._note(actor, "launch", settings.target, "started", run_id)
        if settings.restart and target.name != "local":
            self._note(actor, "restart", settings.target, "asked", run_id)
        return run_id

    def abort(self, run_id: str, *, actor: str) -> bool:
        """Ask a run to end now, even one of another process with this history; False if it has ended."""
        run = self._runs.get(run_id)
        if run is None:
            return self._abort_elsewhere(run_id, actor)
        if not run.record().running:
            return False
        run.abort()
        self._note(actor, "abort", run.record().settings.target, "asked", run_id)
        return True

    def _abort_elsewhere(self, run_id: str, actor: str) -> bool:
        try:
            record = self._store.load(run_id)
            if record is None or not self._store.ask_abort(run_id, actor=actor):
                return False
        except StoreError:
            return False  # nobody could be asked: the run goes on, and says so
        self._note(actor, "abort", record.settings.target, "asked of its own console", run_id)
        return True

    def record(self, run_id: str) -> RunRecord | None:
        """Return a run of this process that is remembered; older ones are in the store."""
        run = self._runs.get(run_id)
        return None if run is None else run.record()

    def version(self, run_id: str) -> int:
        """Return a number that grows with every change of the run's record; 0 for a run not remembered."""
        run = self._runs.get(run_id)
        return 0 if run is None else run.version

    def rings(self, run_id: str) -> Mapping[str, RunLog]:
        """Return the logs of a remembered run, by source."""
        run = self._runs.get(run_id)
        return {} if run is None else run.rings()

    def active(self) -> RunRecord | None:
        """Return the run that is under way."""
        with self._lock:
            run = self._active()
        return None if run is None else run.record()

    def wait(self, run_id: str, timeout: float | None = None) -> RunRecord:
        """Block until a remembered run has ended, and return its record.

        Raises:
            KeyError: there is no such run.
        """
        run = self._runs[run_id]
        run.wait(timeout)
        return run.record()

    def warmth(self) -> Warmth:
        """Tell whether a trial could begin at once."""
        return self._target.warmth()

    def close(self) -> None:
        """End the run under way, kept as interrupted, and every worker. Idempotent; blocks for seconds.

        What the history has refused so far is tried once more.
        """
        with self._lock:
            self._closed = True
        runs = self._known()
        for run in runs:
            if run.record().running:
                run.abort("interrupted")
                run.wait(_CLOSE_TIMEOUT_S)
        for target in self._targets.values():
            target.close()
        for run in runs:
            # Whoever waited for a worker that would not end is free now, and has its record to keep.
            if run.wait(_CLOSE_TIMEOUT_S):
                run.keep()
            else:
                _LOG.error("Run %s did not end with the console; its record may be cut.", run.record().run_id)

    def _known(self) -> list[Run]:
        with self._lock:
            return list(self._runs.values())

    def _active(self) -> Run | None:
        return next((run for run in reversed(self._runs.values()) if run.record().running), None)

    def _target_of(self, settings: RunSettings) -> Target:
        with self._lock:
            found = self._targets.get(settings.target)
            if found is None:
                if self._make_other is None:
                    raise PreflightError(f"Only {self._target.name} can be tested here.")
                found = self._targets[settings.target] = self._make_other(settings.target)
            return found

    def _preflight(self, target: Target, settings: RunSettings) -> None:
        try:
            target.preflight(settings)
        except TargetError as error:
            if settings.model is not None:
                raise SettingsError({"model": str(error)}) from error
            raise PreflightError(str(error), out_of_reach=settings.target != "local") from error

    def _note(self, actor: str, action: str, target: str, outcome: str, run_id: str) -> None:
        try:
            self._store.note_action(actor=actor, action=action, target=target, outcome=outcome, run_id=run_id)
        except StoreError:
            return  # the run itself says when the history cannot be written


def open_runner(
    store: Store,
    home: Path,
    *,
    target: str = "local",
    on_end: Callable[[RunRecord], object] | None = None,
) -> Runner:
    """Return a runner. A local target starts to warm up at once, in the background; it can do the others too.

    With a container named, it tests that one alone, and prepares nothing for local workers. `on_end` is told
    of each run that has ended.
    """
    if target != "local":
        return Runner(container_target(target, home), store, on_end=on_end)
    return Runner(LocalTarget(home), store, others=partial(container_target, home=home), on_end=on_end)


def container_target(name: str, home: Path) -> ContainerTarget:
    """Return the target that `container:NAME` names; nothing is asked of the engine yet.

    Raises:
        PreflightError: `targets.toml` cannot be read, or something in it is wrong.
    """
    try:
        settings = target_settings(home)
    except TargetSettingsError as error:
        raise PreflightError(str(error)) from error
    return ContainerTarget(name.removeprefix("container:"), Engine.open, settings)
