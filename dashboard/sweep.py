"""A sweep: runs over numbers of variants, guard modes, and cold and warm starts: plan and matrix. Pure.

    SweepPlan --cells--> RunSettings, RunSettings, … --runs--> RunRecord, … --outcomes--> Cell --> SweepRecord

A cold cell holds when each trial is green: one load. In a warm cell the model was loaded before the release:
it holds when nothing is loaded and all answers come from that one model. Such a trial alone is inconclusive
(`no_load`), because by itself it proves nothing of loading; here it is what was to be shown.

Cells with the guard on must hold. In the others a red is what should come out: it shows that a green means
something, and is no failure of the sweep.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal

from dashboard.evidence import Colour, Reason
from dashboard.failure_rate import Failures, failures_of
from dashboard.record import RunRecord, TrialRecord
from dashboard.settings import GUARDS, Guard, RunSettings, SettingsError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "STATES",
    "Cell",
    "State",
    "SweepPlan",
    "SweepRecord",
    "SweepStatus",
    "cell_of",
    "outcome",
    "sweep_from_json",
    "sweep_json",
    "verdict_of",
]

State = Literal["cold", "warm"]
STATES: Final[tuple[State, ...]] = ("cold", "warm")
SweepStatus = Literal["running", "finished", "aborted", "failed", "interrupted"]
MOST_CELLS: Final = 100


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What a sweep goes through: every combination of its axes, each `repeat` times in a fresh process."""

    variants: tuple[int, ...] = (2, 4, 8)
    guards: tuple[Guard, ...] = ("on", "off")
    states: tuple[State, ...] = ("cold",)
    repeat: int = 3
    target: str = "local"
    timeout_s: float = 180.0
    model: str | None = None

    def check(self) -> SweepPlan:
        """Return this plan when a sweep can be made of it.

        Raises:
            SettingsError: with a sentence for each field that is wrong.
        """
        errors: dict[str, str] = {}
        for name, values in (("variants", self.variants), ("guards", self.guards), ("states", self.states)):
            if not values:
                errors[name] = f"There is nothing to go through: name at least one of {name}."
            elif len(set(values)) < len(values):
                errors[name] = f"A value stands twice among {', '.join(map(str, values))}. Name each once."
        if unknown := sorted(set(self.guards) - set(GUARDS)):
            errors["guards"] = f"{', '.join(unknown)} is no guard mode. Choose from {', '.join(GUARDS)}."
        if strange := sorted(set(self.states) - set(STATES)):
            errors["states"] = f"{', '.join(strange)} is no state. Choose from {', '.join(STATES)}."
        if not errors and (count := len(self.cells())) > MOST_CELLS:
            errors["variants"] = f"That makes {count} runs; at most {MOST_CELLS} belong to a sweep."
        if not errors:
            for settings in self.cells():
                try:
                    settings.check()
                except SettingsError as error:
                    named = {"variants_per_job": "variants", "guard": "guards"}
                    errors |= {named.get(field, field): text for field, text in error.errors.items()}
        if errors:
            raise SettingsError(errors)
        return self

    def cells(self) -> tuple[RunSettings, ...]:
        """Return the settings of every run, in their order: cold before warm, then by guard."""
        return tuple(
            RunSettings(
                target=self.target,
                variants_per_job=variants,
                repeat=self.repeat,
                guard=guard,
                control=False,  # the cells with the guard off are the control
                timeout_s=self.timeout_s,
                model=self.model,
                warm=state == "warm",
            )
            for state, guard, variants in product(self.states, self.guards, self.variants)
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a sweep, and what its trials came to.

    Attributes:
        run_id: None before it was made.
        contended: the fewest variants that met during the load of any trial; None if unknown.
        held: trials that did what this cell is to do: one load (cold), none (warm). red: those that failed.
    """

    variants: int
    guard: Guard
    state: State
    run_id: str | None = None
    held: int = 0
    red: int = 0
    inconclusive: int = 0
    contended: int | None = None

    @property
    def must_hold(self) -> bool:
        """Whether the sweep fails when this cell does."""
        return self.guard == "on"

    @property
    def failures(self) -> Failures:
        """How often it failed, with bounds."""
        red: list[Colour] = ["red"] * self.red
        return failures_of([*red, *["green"] * self.held, *["inconclusive"] * self.inconclusive])  # type: ignore[list-item]  # each is a Colour

    @property
    def colour(self) -> Colour | None:
        """The worst of its trials; None before there is one."""
        if self.red:
            return "red"
        if self.inconclusive:
            return "inconclusive"
        return "green" if self.held else None

    @property
    def words(self) -> str:
        """What came of it, as short as a cell of a table: `5 of 5 loaded once`."""
        made = self.held + self.red + self.inconclusive
        if not made:
            return "not made"
        did = "loaded once" if self.state == "cold" else "reused, no load"
        parts = [f"{self.held} of {made} {did}"] if self.held or not self.red else []
        if self.red:
            parts.append(f"{self.red} of {made} red")
        if self.inconclusive:
            parts.append(f"{self.inconclusive} inconclusive")
        return " · ".join(parts)  # each is translated


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """A sweep as it stands. `message`: what it does now, or why it broke off."""

    sweep_id: str
    plan: SweepPlan
    actor: str
    created_at: float
    cells: tuple[Cell, ...] = ()
    status: SweepStatus = "running"
    message: str = ""
    finished_at: float | None = None
    out_of_reach: bool = False

    def with_cell(self, cell: Cell) -> SweepRecord:
        """Return it with the result of one more run in the place of what was planned."""
        key = (cell.variants, cell.guard, cell.state)
        return replace(
            self,
            cells=tuple(
                cell if (each.variants, each.guard, each.state) == key else each for each in self.cells
            ),
        )


def cell_of(settings: RunSettings, record: RunRecord | None = None) -> Cell:
    """Return the cell of a run: planned, or with what its trials came to."""
    state: State = "warm" if settings.warm else "cold"
    cell = Cell(settings.variants_per_job, settings.guard, state)
    if record is None:
        return cell
    trials = [trial for trial in record.trials if trial.role == "trial" and trial.verdict is not None]
    seen = [outcome(trial, state) for trial in trials]
    counts = [trial.verdict.counts for trial in trials if trial.verdict is not None]
    met = [each.contended for each in counts if each.contended is not None]
    return replace(
        cell,
        run_id=record.run_id,
        held=seen.count("green"),
        red=seen.count("red"),
        inconclusive=seen.count("inconclusive"),
        contended=min(met, default=None) if state == "cold" else None,
    )


def outcome(trial: TrialRecord, state: State) -> Colour:
    """Tell what a judged trial shows in a cell: green means that it did what the cell is to do."""
    verdict = trial.verdict
    if verdict is None:
        return "inconclusive"
    counts = verdict.counts
    if state == "cold" or verdict.verdict == "red":
        return verdict.verdict
    if counts.load_started or counts.load_completed:
        return "red"  # it had its model, and loaded again
    if {reason.code for reason in verdict.reasons} != {"no_load"} or counts.variants_ok != counts.variants:
        return "inconclusive"
    return "green" if counts.unique_models == 1 else "red" if counts.unique_models else "inconclusive"


def verdict_of(sweep: SweepRecord) -> tuple[Colour, tuple[Reason, ...]]:
    """Return what a sweep shows, by the cells that must hold, and what else its reader should know."""
    must = [cell for cell in sweep.cells if cell.must_hold]
    failed = [cell for cell in must if cell.red]
    open_ = [cell for cell in must if not cell.red and (cell.inconclusive or cell.held < sweep.plan.repeat)]
    notes = tuple(_notes(sweep))
    if failed:
        return "red", (*(Reason("cell_red", f"{_name(cell)}: {cell.words}.") for cell in failed), *notes)
    if not must:
        text = "No cell had to hold: the guard was on in none. What came out is in the matrix."
        return "inconclusive", (Reason("no_guarded_cell", text), *notes)
    if open_:
        reasons = [Reason("cell_open", f"{_name(cell)}: {cell.words}.") for cell in open_]
        if sweep.status != "finished" and sweep.message:
            reasons.insert(0, Reason("aborted", sweep.message))
        return "inconclusive", (*reasons, *notes)
    trials = sum(cell.held for cell in must)
    many = f"{len(must)} cell{'s' if len(must) != 1 else ''}"
    bound = failures_of(["green"] * trials).text
    return "green", (Reason("cells_held", f"All {many} with the guard on held. {bound}"), *notes)


def _notes(sweep: SweepRecord) -> Iterable[Reason]:
    if any(cell.state == "warm" for cell in sweep.cells):
        yield Reason(
            "warm_reuses",
            "A warm cell holds when every answer came from the model that was there before, and none was "
            "loaded. That shows reuse, and not that a load happens once: alone, such a run is inconclusive.",
        )
    cold = [cell for cell in sweep.cells if not cell.must_hold and cell.state == "cold" and cell.run_id]
    red, trials = sum(cell.red for cell in cold), sum(cell.red + cell.held for cell in cold)
    if red:
        yield Reason(
            "control_red",
            f"Without the whole guard {red} of {trials} cold trials went red, as they should, so the green "
            "of the others means something.",
        )
    elif cold:
        yield Reason(
            "control_not_red",
            "Without the whole guard no cold trial went red: this sweep cannot tell a working guard from a "
            "missing one. Release more variants, or take a checkpoint that loads longer.",
        )


def _name(cell: Cell) -> str:
    return f"{cell.variants} variants, guard {cell.guard}, {cell.state}"


def sweep_json(sweep: SweepRecord) -> dict[str, Any]:
    """Return the JSON object of the command line."""
    colour, reasons = verdict_of(sweep)
    return {
        "verdict": None if sweep.status == "running" else colour,
        "reasons": [asdict(reason) for reason in reasons],
        "sweep_id": sweep.sweep_id,
        "status": sweep.status,
        "message": sweep.message,
        "actor": sweep.actor,
        "plan": asdict(sweep.plan),
        "cells": [
            asdict(cell)
            | {
                "must_hold": cell.must_hold,
                "failures": asdict(cell.failures) | {"text": cell.failures.text},
                "text": cell.words,
            }
            for cell in sweep.cells
        ],
    }


def to_document(sweep: SweepRecord) -> str:
    """Return what the history keeps; `sweep_from_json` is its inverse."""
    return json.dumps(asdict(sweep))


def sweep_from_json(document: str) -> SweepRecord:
    """Return the sweep that `to_document` wrote.

    Raises:
        ValueError: it is none, or another version's.
    """
    return _adapter().validate_json(document)


@cache
def _adapter() -> TypeAdapter[SweepRecord]:
    from pydantic import TypeAdapter  # late: a console without sweeps need not make it

    return TypeAdapter(SweepRecord)
