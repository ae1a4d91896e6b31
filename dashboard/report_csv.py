"""A run as CSV: a row for each variant of each trial, or for each load event; for spreadsheets and scripts.

What a worker wrote may begin like a formula, which a spreadsheet would carry out: such a cell gets a leading
apostrophe, which spreadsheets take for "this is text". Times are ISO 8601 in UTC, durations are seconds.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from dashboard.evidence import LogEvent, Variant
from dashboard.printable import printable
from dashboard.record import RunRecord, TrialRecord
from dashboard.report import iso

__all__ = ["EVENT_COLUMNS", "VARIANT_COLUMNS", "CsvCell", "csv_table", "events_csv", "variants_csv"]

_TRIAL: Final = ("run_id", "role", "trial", "guard")
VARIANT_COLUMNS: Final = (
    *_TRIAL,
    *("job_id", "variant_id", "state", "sent_at", "sent_after_s", "latency_s", "waited_s", "load_s"),
    *("infer_s", "status", "boot", "pid", "host", "load", "model", "answer", "error"),
)
EVENT_COLUMNS: Final = (
    *_TRIAL,
    *("source", "line", "time", "after_release_s", "kind", "profile", "boot", "seq", "load", "model"),
    *("pid", "thread", "text"),
)
_FORMULA: Final = ("=", "+", "-", "@", "\t")

CsvCell = str | int | float | None


def variants_csv(record: RunRecord) -> str:
    """Return a row for each variant, in the order of the trials. Of trials kept in short there are none."""
    rows = (
        (*_of(record, trial), *_variant(variant, trial.released_at))
        for trial in record.trials
        for variant in trial.variants
    )
    return csv_table(VARIANT_COLUMNS, rows)


def events_csv(record: RunRecord) -> str:
    """Return a row for each load event, in the order of the trials and their logs."""
    rows = (
        (*_of(record, trial), *_event(event, trial.released_at))
        for trial in record.trials
        for event in trial.events
    )
    return csv_table(EVENT_COLUMNS, rows)


def _of(record: RunRecord, trial: TrialRecord) -> Sequence[CsvCell]:
    return record.run_id, trial.role, trial.number, trial.guard


def _variant(variant: Variant, released: float | None) -> Sequence[CsvCell]:
    return (
        variant.job_id,
        variant.variant_id,
        variant.state,
        iso(variant.sent),
        _after(variant.sent, released),
        _rounded(variant.latency_s),
        _seconds(variant.waited_ms),
        _seconds(variant.load_ms),
        _seconds(variant.infer_ms),
        variant.status,
        variant.boot,
        variant.pid,
        variant.host,
        variant.load_id,
        variant.model_id,
        variant.answer,
        variant.error,
    )


def _event(event: LogEvent, released: float | None) -> Sequence[CsvCell]:
    return (
        event.source,
        # As people and editors count; empty for what the worker itself told, and no line showed
        event.line + 1 if event.line >= 0 else None,
        iso(event.time),
        _after(event.time, released),
        event.kind,
        event.profile,
        event.boot,
        event.seq,
        event.load,
        event.model,
        event.pid,
        event.thread,
        event.text,
    )


def _after(time: float | None, released: float | None) -> float | None:
    return None if time is None or released is None else round(time - released, 6)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds / 1000, 6)


def csv_table(columns: Sequence[str], rows: Iterable[Sequence[CsvCell]]) -> str:
    """Return a table for spreadsheets, in which no cell begins like a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(tuple(map(_cell, row)) for row in rows)
    return text.getvalue()


def _cell(value: CsvCell) -> str | int | float:
    if isinstance(value, str):
        shown = printable(value)
        return f"'{shown}" if shown.startswith(_FORMULA) else shown
    return "" if value is None else value
