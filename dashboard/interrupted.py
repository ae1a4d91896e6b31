"""What becomes of the record of a run whose process has ended in the middle. Pure."""

from __future__ import annotations

from dataclasses import replace

from dashboard.evidence import Counts, Reason, Verdict
from dashboard.record import RunRecord

__all__ = ["interrupted"]


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
