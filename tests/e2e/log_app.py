"""A console of one page, the live log; its sources are files that a test writes.

A source is a file `NAME.log`, and ends when there is a `NAME.end`. A line may begin with a mark: `[stderr]`
stays in sight; `[at=SECONDS]` is taken off, and is the time of the line.

A restart reads the files again from their first byte, so that a line keeps its number, as it does in the
console for a run that it remembers or has stored.
"""

import os
import re
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from streamlit import App

from dashboard.live import live_routes
from dashboard.live_access import LiveTokens
from dashboard.logs import LineSplitter, LogRing
from dashboard.record import RunRecord
from dashboard.settings import RunSettings

FOLDER = Path(os.environ["LOG_APP_FOLDER"])
TIMED = re.compile(r"\[at=([0-9.]+)\]")


class FileRunner:
    """One run that is always under way; its logs are the folder's files."""

    def __init__(self):
        self.closing = threading.Event()
        self.known = {}

    def record(self, run_id):
        return RunRecord(run_id, RunSettings(), "local", 0.0) if run_id == "run-1" else None

    def version(self, run_id):
        return 1

    def rings(self, run_id):
        return self.known if run_id == "run-1" else {}

    def follow(self):
        files, splitters = {}, {}
        while not self.closing.wait(0.01):
            for path in FOLDER.glob("*.log"):
                name = path.stem
                if name not in files:
                    files[name], splitters[name] = path.open("rb"), LineSplitter()
                    self.known[name] = LogRing(name)
                ended = path.with_suffix(".end").exists()
                lines = splitters[name].feed(files[name].read())
                for line in lines:
                    timed = TIMED.match(line)
                    text = line[timed.end() :] if timed else line
                    stream = "stderr" if text.startswith("[stderr]") else "stdout"
                    self.known[name].append(stream, float(timed[1]) if timed else time.time(), [text])
                if ended:
                    self.known[name].close()


class NoStore:
    def load(self, run_id):
        return None

    def log(self, run_id, source):
        return ()

    def sources(self, run_id):
        return ()


@dataclass
class Console:
    runner: FileRunner
    store: NoStore
    tokens: LiveTokens


CONSOLE = Console(FileRunner(), NoStore(), LiveTokens())


@asynccontextmanager
async def lifespan(_app):
    thread = threading.Thread(target=CONSOLE.runner.follow)
    thread.start()
    yield {}
    CONSOLE.runner.closing.set()
    thread.join()


app = App(
    "log_page.py",
    lifespan=lifespan,
    routes=live_routes(lambda: CONSOLE, lambda record, trial: {"rows": []}),
)
