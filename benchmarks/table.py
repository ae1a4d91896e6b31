"""Shows reports: a table for people, JSON for whatever compares one run with another."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.figures import Report, Row
from benchmarks.large_checkpoint import available_memory

__all__ = ["as_json", "machine", "print_report"]

_LIBRARIES: Final = ("torch", "transformers", "accelerate", "streamlit", "cachetools")
_DIGITS: Final = {"ns": 1, "ms": 2, "s": 3, "MB": 0, "kB": 1, "lines": 0}
_COLOURS: Final = {
    "met": "green",
    "missed": "red",
    "within noise": "yellow",
    "too few rounds": "yellow",
    "no target": "",
}


def print_report(report: Report, out: Console) -> None:
    """Print one report as a table, with its notes below."""
    table = Table(
        "what",
        "median",
        "quartiles",
        "compared with",
        "ratio (95 %)",
        "target",
        "",
        title=f"{report.name}: {report.title}",
        title_justify="left",
    )
    for row in report.rows:
        table.add_row(*_cells(row))
    out.print(table)
    for note in (*(f"{row.what}: {row.remark}" for row in report.rows if row.remark), *report.notes):
        out.print(f"  {note}", markup=False, highlight=False, soft_wrap=True)
    out.print()


def as_json(reports: list[Report]) -> dict[str, Any]:
    """Return the reports and the machine that they were made on as one JSON object."""
    return {
        "machine": machine(),
        "reports": [
            {
                **asdict(report),
                "rows": [
                    {**asdict(row), "standing": row.standing, "remark": row.remark} for row in report.rows
                ],
            }
            for report in reports
        ],
    }


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processors, memory, load, versions."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "available_memory": available_memory(),
        "load_average": list(os.getloadavg()),
        "versions": {name: version(name) for name in _LIBRARIES},
    }


def _cells(row: Row) -> tuple[str | Text, ...]:
    digits = _DIGITS.get(row.unit, 3)
    standing = row.standing
    target = (
        "" if row.target is None else f"≤ {row.target:g}" + (f" {row.unit}" if row.peer is None else " ×")
    )
    return (
        row.what,
        "skipped" if row.value is None else f"{row.value:,.{digits}f} {row.unit}",
        "" if row.quartiles is None else " … ".join(f"{value:,.{digits}f}" for value in row.quartiles),
        row.peer or "",
        "" if row.ratio is None else f"{row.ratio.median:.3f} × ({row.ratio.low:.3f} … {row.ratio.high:.3f})",
        target,
        Text("" if standing == "no target" else standing, style=_COLOURS[standing]),
    )
