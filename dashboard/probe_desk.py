"""Probes that pages ask for: one at a time in a console, on a thread of its own, seen by every tab."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.faults import EngineError
from dashboard.probing.container import NoRoom, NotAllowed
from dashboard.probing.recorded import Stopped, probe_as
from dashboard.probing.report import CALLABLE_HELP, MOST_THREADS, Asked, callable_named
from dashboard.probing.result import ProbeVerdict
from dashboard.probing.watch import Stop
from dashboard.store import Store
from dashboard.target_settings import TargetSettingsError, target_settings

__all__ = ["ProbeDesk", "ProbeView", "asked_for"]

_END_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class ProbeView:
    """The newest probe: while it runs, and what came of it.

    Attributes:
        began: Unix seconds. running: it has not ended yet.
        problem: why nothing came of it, as a sentence with the next step.
        judged: its verdict, where it came to one.
    """

    container: str
    asked: Asked
    began: float
    running: bool = True
    problem: str = ""
    judged: ProbeVerdict | None = None


class ProbeDesk:
    """Takes probes. Threading: any thread; nothing blocks but `close`."""

    def __init__(self, open_engine: Callable[[], Engine] = Engine.open) -> None:
        self._open_engine = open_engine
        self._lock = threading.Lock()  # guards all below, and the decision that no probe is under way
        self._view: ProbeView | None = None
        self._stop = Stop()
        self._thread: threading.Thread | None = None
        self._closed = False

    def view(self) -> ProbeView | None:
        """Return the newest probe of this console; None before the first."""
        return self._view

    def begin(
        self,
        container: str,
        asked: Asked,
        *,
        home: Path | None,
        store: Store,
        actor: str,
        force: bool = False,
    ) -> str:
        """Begin a probe on behalf of `actor`; return what stands against that, or nothing when it began.

        What is found in its way later (no room, nobody's list) is told by `view`.
        """
        if home is None:
            return "This console has no data folder, and so nothing that says who may be probed."
        with self._lock:
            if self._closed:
                return "The console is closing."
            if self._view is not None and self._view.running:
                return (
                    f"A probe in {self._view.container} is under way. Wait for its end, or stop it: two at "
                    "once would disturb each other."
                )
            stop = self._stop = Stop()
            self._view = ProbeView(container, asked, time.time())

            def work() -> None:
                self._work(container, asked, stop, home=home, store=store, actor=actor, force=force)

            self._thread = threading.Thread(target=work, name="probe", daemon=True)
            self._thread.start()
        return ""

    def stop(self) -> None:
        """End the probe under way, and what it has started, soon. Idempotent."""
        threading.Thread(target=self._stop.say, name="probe-stop", daemon=True).start()

    def close(self) -> None:
        """End the probe under way, and take no other. Idempotent; blocks until its process is gone."""
        with self._lock:
            self._closed, thread = True, self._thread
        if thread is not None and thread.is_alive():
            self._stop.say()
            thread.join(_END_S)

    def _work(
        self, container: str, asked: Asked, stop: Stop, *, home: Path, store: Store, actor: str, force: bool
    ) -> None:
        problem, judged = "", None
        try:
            settings = target_settings(home)
            with closing(self._open_engine()) as engine:
                judged = probe_as(actor, engine, container, asked, settings, store, force=force, stop=stop)
        except Stopped:
            problem = "The probe was stopped, and its process ended: nothing is proven."
        except (NotAllowed, NoRoom, EngineError, TargetSettingsError) as error:
            problem = str(error).replace("say --force", "tick that it may load all the same")
        except Exception as error:  # noqa: BLE001 - whatever breaks, the page says so
            problem = f"The console could not go on with it ({type(error).__name__}: {error})."
        if judged is not None and judged.report.stopped == "attribute":
            problem, judged = f"{judged.report.error}. Name a function of the module.", None
        with self._lock:
            assert self._view is not None  # made by begin
            self._view = replace(self._view, running=False, problem=problem, judged=judged)


def asked_for(name: str, threads: int | None, timeout_s: float | None) -> tuple[Asked | None, str]:
    """Return what was typed as a probe; or None, and a sentence on what is wrong with it."""
    parts = callable_named(name)
    if parts is None:
        return None, f"{name.strip() or 'An empty field'} names no callable. {CALLABLE_HELP}"
    if threads is None or not 1 <= threads <= MOST_THREADS:
        return None, f"Type a number of threads from 1 to {MOST_THREADS:,}."
    if timeout_s is None or not 0 < timeout_s <= 86_400:
        return None, "Type a timeout in seconds, such as 180."
    return Asked(*parts, threads, timeout_s), ""
