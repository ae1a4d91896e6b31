"""The console over recorded runs for tests of its charts: one that has ended, one of a hundred thousand
events, and one that goes on: each look at it shows a little more.

TIMELINE_HOME   a folder for its history
"""

import os
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from streamlit import App

from dashboard import session
from dashboard.evidence import LogLine
from dashboard.live import live_routes
from dashboard.live_access import LiveTokens
from dashboard.logs import LogRing
from dashboard.memory import Memory, MemorySample, Yardstick
from dashboard.phases import board_view
from dashboard.store import Store, store_url
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.records import ZERO, event, green_run, red_run, running_run

HOME = Path(os.environ["TIMELINE_HOME"])
FRAME = Path(session.__file__).with_name("frame.py")
CROWD, LIVE = "20261123-090000-c0ffee", "20261123-091500-beefed"
EVENTS = 100_000


def log_of(trial):
    """A line of the log for each line that an event names, and some between."""
    said = {each.line: each for each in trial.events if each.line >= 0}
    for number in range(max(said) + 6):
        seen = said.get(number)
        time = seen.time if seen is not None else ZERO + 0.02 * number
        yield LogLine(
            trial.source, number, "stdout", time, f"event={seen.kind}" if seen else f"line {number}"
        )


def weighed(trial):
    """The same trial with what its worker's process held."""
    held = [(-0.1, 250), (0.1, 380), (0.25, 520), (0.4, 655), (0.55, 655)]
    samples = tuple(MemorySample(ZERO + at, pss=megabytes * 1_000_000) for at, megabytes in held)
    return replace(trial, memory=Memory(samples, Yardstick({"cpu": 400_000_000}, 250_000_000), settled=True))


def crowded():
    """A thousand variants and a hundred thousand load events."""
    run = green_run(1000, CROWD)
    trial = run.trials[0]
    name = trial.variants[0].variant_id
    more = [event("progress", 0.005 + 0.39 * n / EVENTS, name, load=1, line=3000 + n) for n in range(EVENTS)]
    events = tuple(sorted((*trial.events, *more), key=lambda each: each.time))
    return replace(run, trials=(replace(trial, events=events), *run.trials[1:]))


class GrowingRunner(RecordedRunner):
    """A run that has come a little further each time somebody looks."""

    def __init__(self):
        super().__init__()
        self.looks, self.ring = 0, LogRing("trial-1")

    def record(self, run_id):
        if run_id != LIVE:
            return None
        self.looks += 1
        self.ring.append("stdout", ZERO + 0.001 * self.looks, [f"line {self.looks}"])
        return running_run(8, until=0.2 + 0.002 * self.looks, run_id=LIVE)

    def active(self):
        return None

    def version(self, run_id):
        return self.looks

    def rings(self, run_id):
        return {"trial-1": self.ring} if run_id == LIVE else {}


@asynccontextmanager
async def lifespan(_app):
    store = Store.open(store_url(HOME))
    green = green_run()
    crowd = crowded()
    for run in (replace(green, trials=(weighed(green.trials[0]), *green.trials[1:])), red_run(), crowd):
        store.save(run)
        store.save_log(run.run_id, run.trials[0].source, log_of(run.trials[0]))
    session.install(session.Console(GrowingRunner(), store, LiveTokens(), RecordedShelf(), HOME))
    try:
        yield
    finally:
        session.install(None)
        store.close()


app = App(FRAME, routes=live_routes(session.console, board_view), lifespan=lifespan)
