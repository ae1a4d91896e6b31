"""The whole console over what was recorded: every page with content, without a worker or an engine.

RECORDED=full   runs of each verdict and one under way, containers with logs, a sweep, a probe
RECORDED=empty  the first morning: nothing was run, and no engine answers
RECORDED_HOME   a folder for its history and settings
"""

import os
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from starlette.middleware import Middleware
from streamlit import App

from dashboard import session
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.gauges import Gauge
from dashboard.engine.viewed import OpenLog
from dashboard.evidence import LogLine
from dashboard.live import live_routes
from dashboard.live_access import LiveTokens
from dashboard.logs import LogRing
from dashboard.page_policy import PagePolicy
from dashboard.phases import board_view
from dashboard.probe_desk import ProbeView
from dashboard.probing.report import Asked
from dashboard.store import Store, store_url
from dashboard.sweep import to_document
from dashboard.usage import Usage
from dashboard.vigil import WorkerSeen
from dashboard.watch_desk import WatchesView
from dashboard.watch_file import KeptAlarm, Watched
from dashboard.watching import WatchView
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.records import ZERO, green_run, red_run, running_run, unproven_run
from tests.dashboard.test_sweep import WHOLE

HOME = Path(os.environ["RECORDED_HOME"])
FULL = os.environ["RECORDED"] == "full"
FRAME = Path(session.__file__).with_name("frame.py")
MIB = 1024 * 1024
NO_ENGINE = "No Docker engine answers at unix:///var/run/docker.sock. Start Docker."


class Shelf(RecordedShelf):
    """Recorded containers, the log of each of which grows by a line now and then."""

    def __init__(self, *containers, problem=""):
        super().__init__(*containers, problem=problem)
        self.rings = {each.name: LogRing(each.name) for each in containers}
        self.closing = threading.Event()
        self.writer = threading.Thread(target=self.write)
        self.writer.start()

    def write(self):
        said = (
            "INFO:     Application startup complete.",
            "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cpu",
            "WARNING  the tokenizer is slow, a fast one is there",
            "ERROR    Cannot copy out of meta tensor; no data!",
            '{"level": "info", "message": "answered", "seconds": 1.25}',
        )
        for turn in range(10_000):
            for ring in self.rings.values():
                ring.append("stderr" if turn % 5 == 3 else "stdout", time.time(), [said[turn % len(said)]])
            if turn > 40 and self.closing.wait(0.5):
                return

    def log(self, name, wanted, since):
        return OpenLog(self.rings[name], lambda: since, lambda: None)

    def close(self):
        self.closing.set()
        self.writer.join()


class Gauges:
    """What the running containers used."""

    def __init__(self, **gauges):
        self.gauges = gauges

    def look(self, containers):
        return self.gauges

    def close(self):
        pass


class Probes:
    """The newest probe, which came to nothing."""

    def view(self):
        problem = "services.llava_service cannot be imported there: No module named 'services'."
        asked = Asked("services.llava_service", "get_llava_model", 3, 180.0)
        return ProbeView("yh", asked, ZERO, running=False, problem=problem) if FULL else None

    def close(self):
        pass


class Watches:
    """Two watched containers: one in alarm, and one that has gone."""

    def view(self):
        if not FULL:
            return WatchesView()
        watched = [Watched(name, None, 1, "local", ZERO) for name in ("yh", "nightly")]
        text = "The model was loaded 2 times in yh (loads 1 and 2, one after the other); exactly 1 is right."
        worker = WorkerSeen(None, 11, 1, starts=2, completions=2, wrong=True, newest=ZERO + 90)
        return WatchesView(
            (
                WatchView(watched[0], "following", "", "feedlyai/work:3", ZERO, 1, 4210, (worker,)),
                WatchView(watched[1], "gone", "There is no container nightly any more."),
            ),
            (KeptAlarm(ZERO + 90, "yh", "loaded_twice", text, True, ZERO),),
        )

    def profiles(self):
        return ("feedlyai",)

    def close(self):
        pass


def container(name, **facts):
    known = {"state": "running", "started_at": time.time() - 7300, "image": "feedlyai/work:3"}
    return ContainerFacts(id=name * 4, name=name, image_id="sha256:1", **(known | facts))


def filled(store):
    """Keep some runs of each verdict, with a log, and a sweep; return the run that is under way."""
    runs = [red_run(), unproven_run(), replace(red_run(run_id="20261123-084900-1"), status="interrupted")]
    for hour in range(10):
        older = green_run(run_id=f"20261122-0{hour}4512-3f9c1a")
        runs.append(replace(older, created_at=ZERO - 86_400 + 3600 * hour))
    for run in (green_run(), *runs):
        store.save(run)
    words = "2026-11-23T08:00:00.004000Z INFO loader Loading LLaVa model event=started boot=3f9c1a load=1"
    lines = [LogLine("trial-1", place, "stdout", ZERO + place / 100, words) for place in range(60)]
    store.save_log(green_run().run_id, "trial-1", lines)
    store.save_sweep(WHOLE.sweep_id, WHOLE.created_at, to_document(WHOLE))
    return running_run()


def opened():
    """The console as the environment asks for it."""
    store = Store.open(store_url(HOME))
    if not FULL:
        shelf = Shelf(problem=NO_ENGINE)
        parts = (RecordedRunner(), store, LiveTokens(), shelf, HOME, Gauges(), Probes())
        return session.Console(*parts, watches=Watches())
    shelf = Shelf(
        container("yh", labels={"loadonce.target": "true"}, memory_limit=2048 * MIB),
        container("postgres", image="postgres:16", health="healthy"),
        container("nightly", state="exited", exit_code=137, oom_killed=True),
    )
    used = Usage(1.0, 1.5, 2.0, 512 * MIB, 2048 * MIB, 7)
    gauges = Gauges(yh=Gauge(used), postgres=Gauge(None, "The engine gives no account of it."))
    parts = (RecordedRunner(filled(store)), store, LiveTokens(), shelf, HOME, gauges, Probes())
    return session.Console(*parts, watches=Watches())


@asynccontextmanager
async def lifespan(_app):
    session.install(opened())
    yield
    session.close_console()


app = App(
    FRAME,
    routes=live_routes(session.console, board_view),
    middleware=[Middleware(PagePolicy)],  # without it things would jump that do not
    lifespan=lifespan,
)
