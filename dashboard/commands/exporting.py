"""`history export` and `history verify`: a run as a file, and whether a bundle of one is whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import click

from dashboard.commands import CommandError
from dashboard.commands.kept import find_run, open_store

__all__ = ["export", "verify"]

_CHANGED: Final = 1


@click.command()
@click.argument("run_id", metavar="ID")
@click.option(
    "--to",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to: .html for people, .xml (JUnit) for CI, .json for programs, .csv with a row for each "
    "variant (.events.csv for each load event), .zip for all of them with the logs and their hashes.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def export(run_id: str, path: Path, force: bool) -> None:
    """Write one run to a file. ID may be its beginning, if no other run begins so."""
    from dashboard.report import ReportError, check_report_path, kept_logs, write_report

    try:
        check_report_path(path)
        if not force and path.is_file() and path.stat().st_size:
            raise CommandError(f"The file {path} is there already. Name another one, or say --force.")
        with open_store() as store:
            record = find_run(store, run_id)
            write_report(record, path, kept_logs(store, record.run_id))
    except ReportError as error:
        raise CommandError(str(error)) from error
    click.echo(f"Run {record.run_id} is in {path}", err=True)
    if path.suffix.lower() == ".zip":
        click.echo(f"Its SHA-256: {hashlib.sha256(path.read_bytes()).hexdigest()}", err=True)


@click.command(epilog="Exit codes: 0 whole, 1 something was changed, 2 it cannot be read.")
@click.argument("path", metavar="FILE.zip", type=click.Path(path_type=Path))
def verify(path: Path) -> int:
    """Hold each file of an exported bundle against its manifest, as `sha256sum -c MANIFEST` does unpacked."""
    from dashboard.report import ReportError
    from dashboard.report_bundle import check_bundle

    try:
        checked = check_bundle(path)
    except ReportError as error:
        raise CommandError(str(error)) from error
    for fault in checked.faults:
        click.echo(f"✕ {fault}")
    if checked.faults:
        return _CHANGED
    click.echo(f"✓ {checked.files} files are as they were exported.")
    return 0
