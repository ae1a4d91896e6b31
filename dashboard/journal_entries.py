"""What stands in a journal: entries of what changed in a run's picture, and of the lines of its logs. Pure.

    before, after --picture_entries--> one line for each trial that changed: {what} TAB {the changed parts}
    lines --------lines_entry--------> one line
    all of them --read_journal-------> Journaled --onto(what the history holds)--> the newest picture

Each entry holds what is so, not how much was added, so that entries may be read again over a picture that has
some of them already: it ends at the newest all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dashboard.evidence import LogLine
from dashboard.record import RunRecord, TrialRecord, from_json, to_json

__all__ = ["Head", "Journaled", "head_entry", "lines_entry", "picture_entries", "read_head", "read_journal"]

_TAB: Final = b"\t"  # JSON escapes it, and the end of a line, wherever they stand in a text
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode  # ASCII only: safe for lone surrogates
_Rows = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Head:
    """Whose journal it is: the run's, in which history, and which process wrote it (`dashboard.owner`)."""

    run_id: str
    history: str
    owner: str


@dataclass(frozen=True, slots=True)
class Journaled:
    """What a journal holds. `pictures` come in the order in which they were shown, `lines` by source."""

    pictures: tuple[tuple[Mapping[str, Any], RunRecord], ...] = ()
    lines: Mapping[str, tuple[LogLine, ...]] = field(default_factory=dict)

    def onto(self, record: RunRecord) -> RunRecord:
        """Return the record of the history as it was last shown; as far as the journal goes with it."""
        for head, piece in self.pictures:
            trials = {_name(trial): trial for trial in record.trials}
            try:
                for cut in piece.trials:
                    trials[_name(cut)] = _joined(trials.get(_name(cut)), head["rows"], cut)
            except (KeyError, TypeError, ValueError):
                return record  # damaged: what stands behind it builds on it
            record = replace(piece, trials=tuple(trials[name] for name in sorted(trials)))
        return record


def head_entry(head: Head) -> bytes:
    """Return the first line of a journal."""
    return _entry({"run_id": head.run_id, "history": head.history, "owner": head.owner}, b"")


def read_head(first: bytes) -> Head | None:
    """Return what the first line says; None where it is none, or was not written to its end."""
    try:
        told = json.loads(first.partition(_TAB)[0])
        return Head(str(told["run_id"]), str(told["history"]), str(told["owner"]))
    except (ValueError, KeyError, TypeError):
        return None


def picture_entries(before: RunRecord, after: RunRecord) -> bytes:
    """Return what turns one picture of a run into the next; nothing where they are the same."""
    bare = replace(after, trials=())
    entries = []
    for place, trial in enumerate(after.trials):
        old = before.trials[place] if place < len(before.trials) else None
        found = None if trial is old else _changed(old, trial)
        if found is not None:
            rows, cut = found
            entries.append(_entry({"rows": rows}, to_json(replace(bare, trials=(cut,)))))
    if not entries and bare != replace(before, trials=()):
        entries.append(_entry({}, to_json(bare)))
    return b"".join(entries)


def lines_entry(source: str, lines: Sequence[LogLine]) -> bytes:
    """Return an entry of lines of one log."""
    rows = [(line.number, line.stream, line.time, line.text) for line in lines]
    return _entry({"log": source}, _encode(rows).encode("ascii"))


def read_journal(data: bytes) -> Journaled:
    """Return what a journal holds, up to the first entry that is damaged or was not written to its end."""
    pictures: list[tuple[Mapping[str, Any], RunRecord]] = []
    lines: dict[str, dict[int, LogLine]] = {}
    for head, body in _entries(data):
        try:
            if "log" in head:
                log = lines.setdefault(str(head["log"]), {})
                log |= {row[0]: LogLine(str(head["log"]), *row) for row in json.loads(body)}
            else:
                pictures.append((head, from_json(body)))
        except (ValueError, TypeError, IndexError):
            break
    ordered = {source: tuple(log[number] for number in sorted(log)) for source, log in lines.items()}
    return Journaled(tuple(pictures), ordered)


def _entry(head: Mapping[str, Any], body: bytes) -> bytes:
    return _encode(head).encode("ascii") + _TAB + body + b"\n"


def _entries(data: bytes) -> Iterator[tuple[Mapping[str, Any], bytes]]:
    *whole, _cut_off = data.split(b"\n")
    for line in whole[1:]:
        head, _, body = line.partition(_TAB)
        try:
            told = json.loads(head)
        except ValueError:
            return
        if not isinstance(told, dict):
            return
        yield told, body


# -- a trial, without the rows that have not changed ---------------------------------------------------------


def _name(trial: TrialRecord) -> tuple[bool, int]:
    """By what trials are told apart, and in which order they are made: the controls come last."""
    return trial.role == "control", trial.number


def _rows(trial: TrialRecord | None) -> _Rows:
    """The parts of a trial that grow: of these only what is new is written."""
    if trial is None:
        return {}
    return {
        "variants": trial.variants,
        "events": trial.events,
        "usage": trial.usage,
        "samples": () if trial.memory is None else trial.memory.samples,
    }


def _with_rows(trial: TrialRecord, rows: _Rows) -> TrialRecord:
    memory = None if trial.memory is None else replace(trial.memory, samples=rows.get("samples", ()))
    return replace(
        trial,
        variants=rows.get("variants", ()),
        events=rows.get("events", ()),
        usage=rows.get("usage", ()),
        memory=memory,
    )


def _changed(old: TrialRecord | None, new: TrialRecord) -> tuple[dict[str, Any], TrialRecord] | None:
    """Return how many rows there are of each kind and the places of those that changed, and these alone."""
    known, rows = _rows(old), _rows(new)
    places = {name: _places(known.get(name, ()), rows[name]) for name in rows}
    same_lengths = all(len(known.get(name, ())) == len(rows[name]) for name in rows)
    same_rows = same_lengths and not any(places.values())
    if old is not None and same_rows and _with_rows(old, {}) == _with_rows(new, {}):
        return None
    cut = _with_rows(new, {name: tuple(rows[name][place] for place in places[name]) for name in rows})
    return {name: [len(rows[name]), places[name]] for name in rows}, cut


def _places(known: tuple[Any, ...], rows: tuple[Any, ...]) -> list[int]:
    if rows is known:
        return []
    # Identity first: pictures share what has not changed, and a thousand comparisons of rows cost more
    both = zip(rows, known, strict=False)
    changed = [at for at, (row, other) in enumerate(both) if row is not other and row != other]
    return [*changed, *range(len(known), len(rows))]


def _joined(old: TrialRecord | None, told: Mapping[str, Any], cut: TrialRecord) -> TrialRecord:
    """Return a trial with its rows: those of `old`, and in their places those of `cut`."""
    known, new = _rows(old), _rows(cut)
    joined: dict[str, tuple[Any, ...]] = {}
    for name, (length, places) in told.items():
        rows = list(known.get(name, ()))[:length]
        for place, row in zip(places, new[name], strict=True):
            rows[place : place + 1] = [row]
        if len(rows) != length:
            raise ValueError(name)
        joined[name] = tuple(rows)
    return _with_rows(cut, joined)
