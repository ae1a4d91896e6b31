"""What becomes of the record of a run, and of its sweep, whose process has ended in the middle."""

from __future__ import annotations

import json
from dataclasses import replace

from dashboard.evidence import Counts, Reason, Verdict
from dashboard.record import RunRecord

__all__ = ["interrupted", "interrupted_sweep"]


def interrupted(record: RunRecord) -> RunRecord:
    """Return the record as it stands when its process has ended in the middle: red if a trial was red."""
    judged = [trial.verdict for trial in record.trials if trial.role == "trial" and trial.verdict is not None]
    why = (
        "The console's process ended before it had kept the end of this run: in the middle of it, or because "
        "the history could not be written. Launch it again."
    )
    reason = Reason("aborted", why)
    red = next((verdict for verdict in judged if verdict.verdict == "red"), None)
    if red is not None:
        verdict = replace(red, reasons=(*red.reasons, reason))
    elif judged:
        verdict = replace(judged[0], verdict="inconclusive", reasons=(reason,))
    else:
        verdict = Verdict("inconclusive", (reason,), Counts())
    return replace(record, status="interrupted", message=reason.text, verdict=verdict)


def interrupted_sweep(document: str) -> str:
    """Return what is kept of a sweep whose run was interrupted: it goes on no more, and says why.

    Raises:
        ValueError: it is no sweep's document.
    """
    sweep = json.loads(document)
    if not isinstance(sweep, dict):
        raise ValueError(sweep)
    if sweep.get("status") == "running":
        sweep |= {
            "status": "failed",
            "message": "The console's process ended in the middle of this sweep. Begin it again.",
        }
    return json.dumps(sweep)
