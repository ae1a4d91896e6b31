"""The matrix of a sweep: a row for each guard and state, a column for each number of variants. Pure.

Every cell has a sign and words; its colour only repeats them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from dashboard.evidence import Colour
from dashboard.language import _
from dashboard.settings import Guard
from dashboard.summary import TERMINAL_COLOURS, badge, wrapped
from dashboard.sweep import Cell, State, SweepPlan, SweepRecord, verdict_of
from dashboard.wording import COLOUR_ICONS, COLOUR_WORDS, guard_words, plural, when

__all__ = [
    "STATE_LABELS",
    "SweepRow",
    "expected",
    "icon",
    "interval",
    "plan_sentence",
    "row_label",
    "sweep_label",
    "sweep_rows",
    "sweep_summary",
    "sweep_view",
]

STATE_LABELS: Final[Mapping[State, str]] = {
    "cold": "Cold: nothing loaded",
    "warm": "Warm: loaded before",
}


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One guard and state, with a cell for each number of variants of the plan, in its order."""

    guard: Guard
    state: State
    cells: tuple[Cell, ...]

    @property
    def must_hold(self) -> bool:
        """Whether the sweep fails when a cell of it does."""
        return self.guard == "on"


def sweep_rows(sweep: SweepRecord) -> tuple[SweepRow, ...]:
    """Return the rows of a sweep's matrix, as its plan has them."""
    return tuple(
        SweepRow(guard, state, tuple(c for c in sweep.cells if (c.guard, c.state) == (guard, state)))
        for state in sweep.plan.states
        for guard in sweep.plan.guards
    )


def row_label(row: SweepRow) -> str:
    """Return what a row is about."""
    state = {"cold": _("Cold"), "warm": _("Warm")}[row.state]
    return f"{state}, {guard_words(row.guard)}"


def expected(row: SweepRow) -> str:
    """Return what should come out in a row."""
    if row.must_hold:
        return "must load once" if row.state == "cold" else "must reuse, no load"
    return "red is expected" if row.state == "cold" else "shown only"


def icon(cell: Cell) -> str:
    """Return the sign of a cell."""
    return "·" if cell.colour is None else COLOUR_ICONS[cell.colour]


def interval(cell: Cell) -> str:
    """Return the bounds of a cell's failures, as short as they can be told; empty before there is any."""
    found = cell.failures
    if not found.trials:
        return ""
    low, high = round(found.low * 100), round(found.high * 100)
    if not found.failed and high == 100:
        return ""  # three trials or fewer bound nothing
    return f"fails in {low}–{high} %" if found.failed else f"fails in at most {high} %"


def sweep_label(sweep: SweepRecord) -> str:
    """Return what to choose a sweep by: its verdict, when it was, what it went through."""
    colour = None if sweep.status == "running" else verdict_of(sweep)[0]
    word = "… Running" if colour is None else f"{COLOUR_ICONS[colour]} {COLOUR_WORDS[colour]}"
    many = ", ".join(map(str, sweep.plan.variants))
    return f"{word} · {when(sweep.created_at)} · {many} variants, {sweep.plan.repeat} times"


def sweep_view(sweep: SweepRecord) -> dict[str, Any]:
    """Return everything that the matrix on the page shows, ready for `json.dumps`."""
    colour, reasons = verdict_of(sweep)
    running = sweep.status == "running"
    made = sum(cell.run_id is not None for cell in sweep.cells)
    return {
        "tone": "running" if running else colour,
        "icon": "…" if running else COLOUR_ICONS[colour],
        "headline": f"Run {made} of {len(sweep.cells)}" if running else _HEADLINES[colour],
        "reasons": [] if running else [reason.text for reason in reasons],
        "message": sweep.message,
        "columns": [plural(count, "variant") for count in sweep.plan.variants],
        "rows": [
            {
                "label": row_label(row),
                "expected": expected(row),
                "must": row.must_hold,
                "cells": [
                    {
                        "tone": cell.colour or "none",
                        "icon": icon(cell),
                        "words": cell.words,
                        "note": interval(cell),
                        "run": cell.run_id or "",
                    }
                    for cell in row.cells
                ],
            }
            for row in sweep_rows(sweep)
        ],
    }


def plan_sentence(plan: SweepPlan) -> str:
    """Return what a sweep makes, before it does."""
    runs = len(plan.cells())
    trials = plural(runs * plan.repeat, "trial")
    return f"{plural(runs, 'run')}, {trials} in all, each in a new process, one after the other."


def sweep_summary(sweep: SweepRecord) -> Iterator[str]:
    """Yield the lines that tell a sweep, for a terminal; colours go where there is none."""
    colour, reasons = verdict_of(sweep)
    yield f"{badge(colour)}  {click.style(_HEADLINES[colour], bold=True)}"
    for number, reason in enumerate(reasons):
        yield from wrapped("" if number else "Why", f"{reason.text} [{reason.code}]")
    rows = sweep_rows(sweep)
    texts = [[_cell_text(cell) for cell in row.cells] for row in rows]
    labels = [f"{row_label(row)} ({expected(row)})" for row in rows]
    first = max(map(len, labels), default=0)
    heads = [f"{count:,} variants" for count in sweep.plan.variants]
    widths = [
        max(map(len, (head, *column))) for head, column in zip(heads, zip(*texts, strict=True), strict=True)
    ]
    yield ""
    yield f"  {''.ljust(first)}  " + "  ".join(h.ljust(w) for h, w in zip(heads, widths, strict=True))
    for row, label, line in zip(rows, labels, texts, strict=True):
        shown = (
            _styled(text.ljust(width), cell)
            for cell, text, width in zip(row.cells, line, widths, strict=True)
        )
        yield f"  {label.ljust(first)}  " + "  ".join(shown)
    yield ""
    yield from wrapped("Sweep", sweep.sweep_id)
    yield from wrapped("", f"{plan_sentence(sweep.plan)} {when(sweep.created_at)}")
    if any(cell.run_id for cell in sweep.cells):
        yield from wrapped("Runs", " ".join(cell.run_id for cell in sweep.cells if cell.run_id))


_HEADLINES: Final[Mapping[Colour, str]] = {
    "green": "Every cell with the guard on held",
    "red": "A cell with the guard on failed",
    "inconclusive": "A cell with the guard on is inconclusive",
}


def _cell_text(cell: Cell) -> str:
    told = interval(cell)
    return f"{icon(cell)} {cell.words}{f' ({told})' if told else ''}"


def _styled(text: str, cell: Cell) -> str:
    return (
        click.style(text, dim=True)
        if cell.colour is None
        else click.style(text, fg=TERMINAL_COLOURS[cell.colour])
    )
