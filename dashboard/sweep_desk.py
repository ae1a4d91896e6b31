"""Sweeps that pages ask for: one at a time in a console, on a thread of its own, seen by every tab."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from dashboard.settings import Guard, SettingsError
from dashboard.store import Store, StoreError
from dashboard.sweep import STATES, SweepPlan, SweepRecord, sweep_from_json
from dashboard.sweep_table import plan_sentence
from dashboard.sweeps import Launcher, Sweep

__all__ = ["SweepDesk", "SweepDraft", "sweep_draft"]

_END_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class SweepDraft:
    """What the form holds now: a plan, or what is wrong with each field; never both."""

    plan: SweepPlan | None
    errors: Mapping[str, str]
    sentence: str


def sweep_draft(values: Mapping[str, Any]) -> SweepDraft:
    """Judge what was typed: `variants` as text with commas, lists of guards and of states, repeats."""
    variants: list[int] = []
    for part in str(values.get("variants") or "").replace(" ", ",").split(","):
        if part and not (part.isascii() and part.isdecimal() and len(part) < 6):
            text = f"{part!r} is no whole number. Type numbers with commas between them, such as 2, 4, 8."
            return SweepDraft(None, {"variants": text}, "")
        variants += [int(part)] if part else []
    if values.get("repeat") is None:
        return SweepDraft(None, {"repeat": "Repeats are empty. Type a whole number, 1 or more."}, "")
    plan = SweepPlan(
        variants=tuple(variants),
        # In the order of their list, whatever the order in which they were ticked
        guards=tuple(guard for guard in get_args(Guard) if guard in values["guards"]),
        states=tuple(state for state in STATES if state in values["states"]),
        repeat=int(values["repeat"]),
    )
    try:
        return SweepDraft(plan.check(), {}, plan_sentence(plan))
    except SettingsError as error:
        return SweepDraft(None, error.errors, "")


class SweepDesk:
    """Takes sweeps. Threading: any thread; nothing blocks but `close`."""

    def __init__(self, make: Callable[..., Sweep] = Sweep) -> None:
        self._make = make
        self._lock = threading.Lock()  # guards the newest sweep, and the decision that none is under way
        self._sweep: Sweep | None = None
        self._closed = False

    def view(self) -> SweepRecord | None:
        """Return the newest sweep of this console; None before the first."""
        return None if self._sweep is None else self._sweep.record

    def active(self) -> str | None:
        """Return the run that the sweep under way makes now."""
        return None if self._sweep is None else self._sweep.active

    def begin(self, plan: SweepPlan, *, runner: Launcher, store: Store, actor: str) -> str:
        """Begin a sweep; return what stands against that, or nothing when it began."""
        with self._lock:
            if self._closed:
                return "The console is closing."
            if self._sweep is not None and not self._sweep.wait(0):
                return "A sweep is under way. Wait for its end, or stop it."
            sweep = self._make(plan, runner, store, actor=actor)
            try:
                sweep.start()
                store.note_action(
                    actor=actor,
                    action="sweep",
                    target=plan.target,
                    outcome=f"started {sweep.record.sweep_id}",
                )
            except StoreError as error:
                return str(error)
            self._sweep = sweep
            return ""

    def stop(self, *, store: Store, actor: str) -> None:
        """Ask the sweep under way to end; what was made is kept."""
        sweep = self._sweep
        if sweep is None or sweep.wait(0):
            return
        sweep.abort()
        store.note_action(
            actor=actor, action="stop sweep", target=sweep.record.plan.target, outcome=sweep.record.sweep_id
        )

    def known(self, store: Store) -> tuple[tuple[SweepRecord, ...], str]:
        """Return the sweeps to choose from, newest first, and what stands against reading older ones."""
        newest = self.view()
        try:
            kept = [sweep_from_json(document) for document in store.sweeps()]
        except (StoreError, ValueError) as error:
            return (() if newest is None else (newest,)), f"Older sweeps cannot be read. {error}"
        older = [each for each in kept if newest is None or each.sweep_id != newest.sweep_id]
        return (() if newest is None else (newest,)) + tuple(older), ""

    def close(self) -> None:
        """End the sweep under way, with what was made kept. Idempotent; blocks for some seconds."""
        with self._lock:
            self._closed = True
            sweep = self._sweep
        if sweep is not None:
            sweep.abort()
            sweep.wait(_END_S)
