"""Reports of a run: the JSON of the command line, and files for CI systems and for people.

RunRecord --run_json------> .json          the contract's object, and the whole record
          --junit---------> .xml           a test case per trial
          --page----------> .html          one page that needs nothing else
          --variants_csv--> .csv           a row per variant; a row per load event in .events.csv
          --bundle--------> .zip           all of these, the logs, and a manifest of their hashes
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dashboard.diagnosis import Finding, diagnose_trial
from dashboard.evidence import Control, Counts, LogLine, Reason, Verdict
from dashboard.language import ENGLISH, speaking
from dashboard.memory import steps_of
from dashboard.record import RunRecord, TrialRecord, to_json
from dashboard.wording import contention_words, control_words, failures, memory_words

if TYPE_CHECKING:
    from dashboard.store import Store

__all__ = [
    "ENDINGS",
    "Logs",
    "ReportError",
    "check_report_path",
    "final_verdict",
    "findings",
    "iso",
    "judgement",
    "kept_logs",
    "report_bytes",
    "run_json",
    "write_report",
    "write_whole",
]

ENDINGS: Final = (".html", ".json", ".xml", ".csv", ".zip")
Logs = Callable[[], Iterable[tuple[str, Iterable[LogLine]]]]
"""Gives the logs of a run by their sources, when they are wanted."""
_EVENTS: Final = ".events.csv"
_BUNDLED: Final = {
    "report.html": "report.html",
    "run.json": "run.json",
    "junit.xml": "junit.xml",
    "variants.csv": "variants.csv",
    "events.csv": f"run{_EVENTS}",
}
"""Files of a bundle, with names that ask for what is in them."""


class ReportError(Exception):
    """A report cannot be written there: one sentence that names the path, and the next step."""


def run_json(record: RunRecord) -> dict[str, Any]:
    """Return the JSON object of `run` for a record.

    `verdict` is None only while the run goes on. With more than one repeat, `trials` holds an object for
    each; the run's own `verdict` and `counts` are those of the first worst trial, the control considered.
    """
    verdict = final_verdict(record)
    shown, failed = record.shown_trial, failures(record)
    result = judgement(verdict) | {
        "control": None if record.control is None else _control(record, record.control),
        "contention": None if verdict is None else contention_words(verdict.counts)[1],
        "failures": None if failed is None else asdict(failed) | {"text": failed.text},
        "memory": None if shown is None else _memory(shown),
        "run_id": record.run_id,
        "diagnosis": [asdict(finding) for finding in findings(record)],
        "status": record.status,
        "out_of_reach": record.unreached,
        "skew_ms": None if shown is None else shown.skew_ms,
        "settings": asdict(record.settings),
        "actor": record.actor,
        "created_at": iso(record.created_at),
        "finished_at": iso(record.finished_at),
        "versions": dict(record.versions),
        "warnings": list(record.warnings),
    }
    if record.settings.repeat > 1:
        result["trials"] = [_trial(trial) for trial in record.trials if trial.role == "trial"]
    return result


def final_verdict(record: RunRecord) -> Verdict | None:
    """Return the run's verdict; a run that has ended without one is inconclusive; None while it goes on."""
    if record.verdict is not None or record.running:
        return record.verdict
    why = record.message or "The run ended before anything could be judged. Launch it again."
    return Verdict("inconclusive", (Reason("aborted", why),), Counts())


def findings(record: RunRecord) -> tuple[Finding, ...]:
    """Return what most likely lies behind a verdict that is not green, from the trial that decided it."""
    verdict, shown = final_verdict(record), record.shown_trial
    if verdict is None or shown is None or record.unreached is not None:
        return ()
    return diagnose_trial(record, shown, verdict)


def check_report_path(path: Path, endings: Collection[str] = ENDINGS) -> None:
    """Make sure, before a run, that its report could be written to `path` afterwards.

    Raises:
        ReportError: the ending is unknown, the folder is missing, or nothing can be written there.
    """
    if path.suffix.lower() not in endings:
        raise ReportError(
            f"The report {path} ends in {path.suffix or 'no extension'!r}. "
            f"Name a file that ends in {', '.join(endings)}."
        )
    if path.is_dir():
        raise ReportError(f"The report {path} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise ReportError(f"The folder {path.parent} of the report does not exist. Make it first.")
    try:
        temporary = _beside(path)
        temporary.touch(exist_ok=False)
        temporary.unlink()
    except OSError as error:
        raise ReportError(
            f"The report {path} cannot be written ({error.strerror}). Name a folder that you can write to."
        ) from error


def report_bytes(record: RunRecord, name: str, logs: Logs = tuple) -> bytes:
    """Return the report of a record as the file `name` asks for it by its ending, in English.

    Raises:
        ReportError: there is none such of a run that is still under way.
    """
    with speaking(ENGLISH):  # who reads a file is not who asked for it
        if Path(name).suffix.lower() == ".zip":
            from dashboard.report_bundle import bundle  # late, as all of them: most runs need none

            reports = {file: _text(record, asked).encode() for file, asked in _BUNDLED.items()}
            return bundle(reports, record, logs())
        return _text(record, name).encode()


def kept_logs(store: Store, run_id: str) -> Logs:
    """Return what gives the logs that the history has of a run; it raises `StoreError` if it cannot."""
    return lambda: ((source, store.log(run_id, source)) for source in store.sources(run_id))


def write_report(record: RunRecord, path: Path, logs: Logs = tuple) -> None:
    """Write the record to `path` in the format of its ending, whole or not at all.

    Raises:
        ReportError: it cannot be written.
    """
    from dashboard.store import StoreError  # late: a verdict on a log must not wait for a database's library

    check_report_path(path)
    try:
        content = report_bytes(record, path.name, logs)
    except StoreError as error:
        raise ReportError(f"The report {path} was not written: {error}") from error
    write_whole(content, path, then=f"history export {record.run_id} --to FILE")


def write_whole(content: bytes, path: Path, *, then: str) -> None:
    """Write a file whole or not at all. `then` is the command that writes it again.

    Raises:
        ReportError: it cannot be written.
    """
    temporary = _beside(path)
    try:
        with temporary.open("xb") as file:
            file.write(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise ReportError(
            f"The report {path} could not be written ({error.strerror}). Free some space or name another "
            f"folder, then: {then}."
        ) from error


def iso(time: float | None) -> str | None:
    """Return Unix seconds as ISO 8601 in UTC, to the millisecond."""
    if time is None:
        return None
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def judgement(verdict: Verdict | None) -> dict[str, Any]:
    """What the contract says of a verdict."""
    if verdict is None:
        verdict = Verdict("inconclusive", (), Counts())
        return judgement(verdict) | {"verdict": None}
    return {
        "verdict": verdict.verdict,
        "reasons": [asdict(reason) for reason in verdict.reasons],
        "counts": asdict(verdict.counts),
        "latency_s": None if verdict.latency_s is None else asdict(verdict.latency_s),
        "witnesses": asdict(verdict.witnesses),
        "not_checked": list(verdict.not_checked),
    }


def _control(record: RunRecord, control: Control) -> dict[str, Any]:
    return {
        "verdict": control.verdict,
        "guard": control.guard,
        "tries": control.tries,
        "red": control.red,
        "text": control_words(record)[1],
        "counts": asdict(control.counts),
        "reasons": [asdict(reason) for reason in control.reasons],
    }


def _memory(trial: TrialRecord) -> dict[str, Any]:
    """What the memory of a trial shows, in bytes; its samples are in the record."""
    steps = steps_of(trial.memory, trial.released_at)
    return {
        "models": None if steps.silent else steps.copies,
        "model_bytes": steps.size or None,
        "before": None if steps.silent else steps.before,
        "settled": None if steps.silent else steps.after,
        "place": steps.place,
        "text": memory_words(trial)[1],
    }


def _trial(trial: TrialRecord) -> dict[str, Any]:
    return judgement(trial.verdict) | {
        "number": trial.number,
        "guard": trial.guard,
        "source": trial.source,
        "released_at": iso(trial.released_at),
        "seconds": None if trial.ended_at is None else round(trial.ended_at - trial.started_at, 3),
        "alive_s": trial.alive_s,
        "skew_ms": trial.skew_ms,
        "memory": _memory(trial),
        "in_short": trial.in_short,
        "notes": list(trial.notes),
    }


def _json_text(record: RunRecord) -> str:
    # The contract's object is a summary; the record beside it lets other tools see each variant and event.
    return json.dumps(run_json(record) | {"record": json.loads(to_json(record))}, indent=2) + "\n"


def _text(record: RunRecord, name: str) -> str:
    from dashboard.report_csv import events_csv, variants_csv
    from dashboard.report_junit import junit
    from dashboard.report_page import page

    if name.lower().endswith(_EVENTS):
        return events_csv(record)
    writers: Mapping[str, Callable[[RunRecord], str]] = {
        ".html": page,
        ".json": _json_text,
        ".xml": junit,
        ".csv": variants_csv,
    }
    return writers[Path(name).suffix.lower()](record)


def _beside(path: Path) -> Path:
    """Return the name of a temporary file in the same folder, so that the rename is one step."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
