"""The process-wide console: the parts that all tabs share, how they are opened, and how they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from dashboard.alert_desk import AlertDesk, open_alerts, take_interrupted
from dashboard.engine.faults import EngineError
from dashboard.engine.gauges import Gauges
from dashboard.engine.shelf import ContainerShelf
from dashboard.history_reader import HistoryReader
from dashboard.journal import RunLog
from dashboard.language import n_
from dashboard.live_access import LiveTokens
from dashboard.opened import OpenedRuns
from dashboard.probe_desk import ProbeDesk
from dashboard.record import RunRecord
from dashboard.retention import retention
from dashboard.retold import told
from dashboard.runs import open_runner
from dashboard.settings import RunSettings
from dashboard.shown import Shown, shown_of
from dashboard.store import Store, store_url
from dashboard.sweep_desk import SweepDesk
from dashboard.targets.base import Warmth
from dashboard.upkeep import Upkeep
from dashboard.watch_desk import WatchDesk

__all__ = ["Console", "ConsoleRunner", "open_parts"]

_LAST_ALERTS_S: Final = 10.0
"""How long a console that ends still tries to send: a supervisor's patience is often thirty seconds."""


class ConsoleRunner(Protocol):
    """What pages and live routes need of `dashboard.runs.Runner`. Threading: as there."""

    def launch(self, settings: RunSettings, *, actor: str, sweep: str | None = None) -> str:
        """Begin a run and return its id."""

    def abort(self, run_id: str, *, actor: str) -> bool:
        """Ask a run to end."""

    def record(self, run_id: str) -> RunRecord | None:
        """A remembered run."""

    def active(self) -> RunRecord | None:
        """The run under way."""

    def version(self, run_id: str) -> int:
        """Grows with the record."""

    def rings(self, run_id: str) -> Mapping[str, RunLog]:
        """A remembered run's logs."""

    def warmth(self) -> Warmth:
        """Whether a trial could begin at once."""

    def close(self) -> None:
        """End everything."""


@dataclass(frozen=True, slots=True)
class Console:
    """The parts that all tabs share. Threading: any thread may use any of them."""

    runner: ConsoleRunner
    store: Store
    tokens: LiveTokens
    containers: ContainerShelf = field(default_factory=ContainerShelf)
    home: Path | None = None
    gauges: Gauges = field(default_factory=Gauges)
    probes: ProbeDesk = field(default_factory=ProbeDesk)
    sweeps: SweepDesk = field(default_factory=SweepDesk)
    alerts: AlertDesk = field(default_factory=AlertDesk)
    watches: WatchDesk = field(default_factory=WatchDesk)
    opened: OpenedRuns = field(default_factory=OpenedRuns)
    histories: HistoryReader = field(default_factory=HistoryReader)
    upkeep: Upkeep | None = None

    def record(self, run_id: str) -> RunRecord | None:
        """Return the record of a run, remembered or kept; None when there is none.

        Raises:
            StoreError: the history cannot be read.
        """
        return self.runner.record(run_id) or self.opened.record(self.store, run_id)

    def shown(self) -> Shown:
        """Return the containers of this machine's engine, as targets.toml lets them be seen."""
        return shown_of(self.containers.listing(), self.home)

    def container_logs(self, name: str) -> ContainerShelf:
        """Return what the log of the container `name` is read from.

        Raises:
            EngineError: it may not be seen.
        """
        unseen = self.shown().unseen(name)
        if unseen:
            raise EngineError(unseen)
        return self.containers

    def alarming(self) -> tuple[str, ...]:
        """Return what an operator must know on whatever page, as sentences in the viewer's language."""
        wrong = sum(any(worker.wrong for worker in each.workers) for each in self.watches.view().watches)
        watched = n_(
            "{count} watched container is in alarm.", "{count} watched containers are in alarm.", wrong
        )
        trouble = told(self.alerts.state().trouble)
        return tuple(filter(None, (watched if wrong else "", trouble)))

    def close(self) -> None:
        """End the run under way and all that was started. Idempotent; blocks for seconds at the most."""
        if self.upkeep is not None:
            self.upkeep.close()
        for part in (self.sweeps, self.runner, self.watches, self.containers, self.gauges, self.probes):
            part.close()
        self.histories.close()
        self.alerts.close(_LAST_ALERTS_S)  # after the run under way, whose end it may have to tell of
        self.store.close()


def open_parts(home: Path) -> Console:
    """Open the history and begin to warm up. Blocks for a fraction of a second.

    Raises:
        StoreError: the history cannot be used, or a limit on what is kept is no number.
    """
    limits = retention()
    store = Store.open(store_url(home))
    try:
        interrupted = take_interrupted(store)
        alerts = open_alerts(store)
        runner = open_runner(store, home, on_end=alerts.run_ended)
    except BaseException:
        store.close()
        raise
    for record in interrupted:
        alerts.run_ended(record)
    shelf = ContainerShelf(folder=home)
    watches = WatchDesk(
        home,
        sight=lambda: shown_of(shelf.listing(), home).unseen,
        alarmed=alerts.alarm,
    )
    watches.resume()

    def see_to_interrupted() -> None:
        for record in take_interrupted(store):
            alerts.run_ended(record)

    upkeep = Upkeep(store, limits, see_to_interrupted)
    return Console(
        runner, store, LiveTokens(), shelf, home, alerts=alerts, watches=watches, upkeep=upkeep,
        histories=HistoryReader(home),
    )  # fmt: skip
