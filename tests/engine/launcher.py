"""Launches runs at containers, our worker's or a stranger's service, with a history of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.engine.connection import Engine
from dashboard.record import RunRecord
from dashboard.runs import Runner
from dashboard.settings import RunSettings
from dashboard.store import Store
from dashboard.target_settings import Containers, HttpTrigger, Ready, TargetEntry, TargetSettings
from dashboard.targets.container import ContainerTarget
from tests.engine.private_engine import PrivateEngine

if TYPE_CHECKING:
    from tests.engine.conftest import Containers as Made


class Launcher:
    """Launches runs at containers, with a history of its own."""

    def __init__(self, private: PrivateEngine, store: Store) -> None:
        self._private, self._store = private, store
        self._runners: list[Runner] = []
        self.targets: dict[str, TargetEntry] = {}

    def runner(self, name: str, *allowed: str) -> Runner:
        settings = TargetSettings(containers=Containers(allow=allowed), targets=self.targets)
        target = ContainerTarget(name, lambda: Engine.open(self._private.environment()), settings)
        self._runners.append(Runner(target, self._store))
        return self._runners[-1]

    def run(self, name: str, *, allowed: tuple[str, ...] = (), **settings: object) -> RunRecord:
        runner = self.runner(name, *allowed)
        run_id = runner.launch(RunSettings(target=f"container:{name}", **settings), actor="test")
        return runner.wait(run_id, 150)

    def enter(self, container: str, ready: Ready | None = None) -> None:
        """Name a stranger's service in the settings, as `yh`."""
        self.targets["yh"] = TargetEntry(
            container=container,
            profile="feedlyai",
            ready=ready or Ready(http="/", port=9000),
            trigger=HttpTrigger(path="/work", port=9000, body={"id": "{variant_id}"}),
        )

    def close(self) -> None:
        for runner in self._runners:
            runner.close()


def codes(record: RunRecord) -> list[str]:
    assert record.verdict is not None
    return [reason.code for reason in record.verdict.reasons]


# A stranger's service: it loads at the first request, behind a lock with a second check or without any
STRANGER = """
import contextlib, http.server, threading, time
LOCK = {lock}
model = None

def load():
    global model
    if model is None:
        with LOCK:
            if model is None or not {again}:
                print("Loading LLaVa model: x on cpu", flush=True)
                {work}
                model = object()
                print("LLaVa model loaded successfully on cpu", flush=True)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        load()
        time.sleep(0.2)  # its work
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"done")
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *arguments):
        pass

print("Application startup complete", flush=True)
http.server.ThreadingHTTPServer(("", 9000), Handler).serve_forever()
"""


def service(*, lock: str = "threading.Lock()", again: bool = True, work: str = "time.sleep(0.5)") -> str:
    """A service whose load does `work`, behind `lock`, with or without looking again once it holds it."""
    return STRANGER.format(lock=lock, again=again, work=work)


GUARDED = service()
UNGUARDED = service(lock="contextlib.nullcontext()")
UNCHECKED = service(again=False)
READY = {
    "http": Ready(http="/", port=9000),
    "log": Ready(log="Application startup complete"),
}


def stranger(
    containers: Made, launch: Launcher, script: str, *options: str, ready: Ready | None = READY["http"]
) -> str:
    """Start a service and name it in the settings; return its container's name."""
    container = containers.python(script, *options)
    launch.enter(container.name, ready)
    return container.name


def stranger_run(
    containers: Made, launch: Launcher, script: str, ready: Ready | None = READY["http"]
) -> RunRecord:
    stranger(containers, launch, script, ready=ready)
    return launch.run("yh", variants_per_job=5)
