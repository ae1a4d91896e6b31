"""The proof of a run as one zip file: its reports, its rows, its logs, and a manifest of hashes.

    report.html run.json junit.xml variants.csv events.csv versions.txt logs/SOURCE.log README.txt
                                    └--sha256 of each--> MANIFEST      (`sha256sum -c MANIFEST`)

The same run gives the same bytes, whoever exports it and when: so a bundle that came by mail can be held
against one that is made anew from the history.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from dashboard.evidence import LogLine
from dashboard.printable import printable
from dashboard.record import RunRecord
from dashboard.report import ReportError

__all__ = ["MANIFEST", "Checked", "bundle", "check_bundle"]

MANIFEST: Final = "MANIFEST"
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([^\n]+)")
_BLOCK: Final = 1024 * 1024
_README: Final = """\
This is the proof of run {run_id} of Loadonce.

report.html    for people: the verdict, why, charts, tables; opens in any browser, fetches nothing
run.json       for programs: the whole record
junit.xml      for CI systems
variants.csv   a row for each variant; events.csv: a row for each load event
logs/          what each worker wrote, line by line; judge one anew with
               python -m dashboard verdict --file logs/NAME.log
versions.txt   of what ran

MANIFEST holds the SHA-256 of each file. To check them, unpack this and call

    sha256sum -c MANIFEST

or, without unpacking, `python -m dashboard history verify FILE.zip`. The hashes tell that nothing was changed
by accident. Who could have changed something on purpose could have changed the hashes, too: export the run
anew from the history (`history export {run_id} --to FILE.zip`) and compare; it gives the same bytes.
{missing}"""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of a bundle has shown: how many files it names, and a sentence for each fault."""

    files: int
    faults: tuple[str, ...]


def bundle(
    reports: Mapping[str, bytes], record: RunRecord, logs: Iterable[tuple[str, Iterable[LogLine]]]
) -> bytes:
    """Return the bundle of a run that has ended: its reports by their file names, its logs by their sources.

    Raises:
        ReportError: the run is still under way.
    """
    if record.running:
        raise ReportError(
            f"Run {record.run_id} is still under way, and a proof is made of a run that has ended. Wait for "
            "its end, or abort it."
        )
    versions = sorted(f"{printable(name)} {printable(version)}" for name, version in record.versions.items())
    files = {**reports, "versions.txt": "".join(f"{line}\n" for line in versions).encode()}
    missing = {trial.source: None for trial in record.trials if not trial.in_short}
    for source, lines in logs:
        missing.pop(source, None)
        text = "".join(f"{line.text}\n" for line in lines)
        files[_log_name(source, files)] = text.encode("utf-8", "replace")
    without = f"\nNo log was kept of: {printable(', '.join(missing))}.\n" if missing else ""
    files["README.txt"] = _README.format(run_id=record.run_id, missing=without).encode()
    files[MANIFEST] = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())
    ).encode()
    packed = io.BytesIO()
    # Of the run, not of now: the same run gives the same bytes. A zip file counts from 1980 on
    moment = max(datetime.fromtimestamp(record.created_at, UTC).timetuple()[:6], (1980, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # a file of Unix that all may read
            archive.writestr(entry, data)
    return packed.getvalue()


def check_bundle(path: Path) -> Checked:
    """Hold each file of a bundle against its manifest. Reads it block by block: it may hold anything.

    Raises:
        ReportError: it cannot be read, or is no bundle.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if MANIFEST not in names:
                raise ReportError(f"{path} holds no {MANIFEST}: it is no bundle of a run. Name another file.")
            with archive.open(MANIFEST) as file:
                told = _read_manifest(path, file)
            twice = (name for name, count in sorted(Counter(names).items()) if count > 1)
            faults = [f"{printable(name)} is there more than once." for name in twice]
            for name in sorted(set(names) - {MANIFEST} | set(told)):
                fault = _fault_of(archive, name, told.get(name))
                faults += [f"{printable(name)} {fault}"] if fault else []
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ReportError(f"{path} cannot be read as a bundle ({why}). Name another file.") from error
    return Checked(len(told), tuple(faults))


def _fault_of(archive: zipfile.ZipFile, name: str, hash_told: str | None) -> str:
    if hash_told is None:
        return "is not in the manifest."
    digest = hashlib.sha256()
    try:
        with archive.open(name) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except KeyError:
        return "is missing."
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        return f"is damaged ({error})."
    return "" if digest.hexdigest() == hash_told else "was changed: its SHA-256 is another one."


def _read_manifest(path: Path, file: IO[bytes]) -> Mapping[str, str]:
    text = file.read(_BLOCK).decode("utf-8", "replace")
    told: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            raise ReportError(
                f"The {MANIFEST} of {path} is damaged, at {printable(line)[:80]!r}. Export it anew."
            )
        told[found[2]] = found[1]
    return told


def _log_name(source: str, taken: Iterable[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", source).strip("-.") or "log"
    name, number = f"logs/{plain}.log", 1
    while name in taken:
        number += 1
        name = f"logs/{plain}-{number}.log"
    return name
