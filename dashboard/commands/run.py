"""`run`: launches a run, shows it while it goes on, and ends with its verdict as the exit code."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dashboard.commands import (
    EXIT_CODES,
    INCONCLUSIVE,
    CommandError,
    CutShort,
    OutOfReach,
    explain_crash,
    print_json,
)
from dashboard.commands.restarting import ask_first
from dashboard.commands.stopping import Stop
from dashboard.settings import (
    DEFAULT_VARIANTS,
    GUARDS,
    MAX_REPEAT,
    MAX_TIMEOUT_S,
    MAX_VARIANTS,
    RunSettings,
    SettingsError,
)

if TYPE_CHECKING:
    from dashboard.alerts import Alerts
    from dashboard.progress import Progress
    from dashboard.record import RunRecord
    from dashboard.report import Logs
    from dashboard.runs import Runner
    from dashboard.store import Store

__all__ = ["run"]

_ACTOR: Final = "local"
_TICK_S: Final = 0.1
_PATIENCE_S: Final = 1.5
_FLAGS: Final = {
    "target": "--target",
    "jobs": "--jobs",
    "variants_per_job": "--variants-per-job",
    "repeat": "--repeat",
    "guard": "--guard",
    "control": "--control",
    "control_tries": "--control-tries",
    "restart": "--restart",
    "timeout_s": "--timeout",
    "model": "--model",
}


@click.command(
    epilog="Exit codes: 0 green, 1 red, 2 usage, 3 inconclusive, 4 target out of reach. The result in words "
    "goes to standard error: 2>&1 | less to page it, --json for standard output."
)
@click.option(
    "--target", default="local", show_default=True, metavar="local|container:NAME", help="What to test."
)
@click.option("--jobs", default=1, show_default=True, help="Groups of variants.")
@click.option(
    "--variants-per-job",
    default=DEFAULT_VARIANTS,
    show_default=True,
    help=f"Variants in each; all of them, at most {MAX_VARIANTS:,}, start at the same instant.",
)
@click.option(
    "--repeat", default=1, show_default=True, help=f"Trials, each in a fresh process; at most {MAX_REPEAT:,}."
)
@click.option(
    "--guard", type=click.Choice(GUARDS), default="on", show_default=True, help="The worker's protection."
)
@click.option(
    "--control/--no-control",
    default=None,
    help="Show that the same trial fails with the guard off. Default: yes, for the local target.",
)
@click.option(
    "--control-tries",
    type=int,
    metavar="N",
    help="Make the control N times, red or not. Default: up to three times, until it is red once.",
)
@click.option("--restart/--no-restart", default=True, show_default=True, help="Start clean.")
@click.option(
    "--timeout",
    default=180.0,
    show_default=True,
    metavar="SECONDS",
    help=f"From the release until every variant must have answered; at most {MAX_TIMEOUT_S:,.0f}.",
)
@click.option("--model", metavar="FOLDER|HUB_ID", help="What the worker loads. Default: the demo checkpoint.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write a report: .html for people, .xml (JUnit) for CI, .json for programs, .csv with a row "
    "for each variant (.events.csv for each load event), .zip for all of these, the logs and their hashes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@click.option("--yes", is_flag=True, help="Restart a container without asking first.")
def run(timeout: float, report: Path | None, as_json: bool, yes: bool, **options: Any) -> int:
    """Release N variants at a fresh worker at the same instant, and judge whether it loads its model once."""
    settings = RunSettings(timeout_s=timeout, **options)
    try:
        settings.check()
    except SettingsError as error:
        raise _refused(error) from error
    if settings.target != "local" and settings.restart and not yes and sys.stdin.isatty():
        ask_first(settings)
    # The libraries of the console take most of a second; a bad flag is told before that.
    from dashboard.commands.alerting import alerting, named_webhook
    from dashboard.home import HomeError, data_home
    from dashboard.report import ReportError, check_report_path, kept_logs
    from dashboard.store import Store, StoreError, store_url

    named = named_webhook()
    try:
        if report is not None:
            check_report_path(report)
        home = data_home()
        store = Store.open(store_url(home))
    except (ReportError, HomeError, StoreError) as error:
        raise CommandError(str(error)) from error
    with closing(store), Stop() as stop, alerting(named, store, stop) as alerts:
        record = _make(settings, store, home, stop, alerts)
        return _tell(record, report, kept_logs(store, record.run_id), as_json=as_json)


def _make(
    settings: RunSettings, store: Store, home: Path, stop: Stop, alerts: Alerts | None = None
) -> RunRecord:
    from dashboard.commands.alerting import tell_interrupted
    from dashboard.progress import open_progress
    from dashboard.runs import PreflightError, RunInProgress, open_runner
    from dashboard.store import StoreError

    run_id: str | None = None
    runner: Runner | None = None
    try:
        with open_progress() as progress:
            tell_interrupted(store, alerts)
            on_end = None if alerts is None else alerts.run_ended
            runner = open_runner(store, home, target=settings.target, on_end=on_end)
            with _patience(progress):
                run_id = runner.launch(settings, actor=_ACTOR)
            seen = _watch(runner, run_id, progress, stop)
        stop.patient = True
        return _close(runner, run_id) or seen  # closing tries once more to keep what was refused
    except SettingsError as error:
        raise _refused(error) from error
    except PreflightError as error:
        kind = OutOfReach if error.out_of_reach else CommandError
        raise kind("Stopped before the run began." if stop.asked else str(error)) from error
    except (RunInProgress, StoreError) as error:
        raise CommandError("Stopped before the run began." if stop.asked else str(error)) from error
    except KeyboardInterrupt as error:
        record = _close(runner, run_id)
        if record is None:
            raise CommandError("Stopped before the run began.") from error
        return record
    except Exception as error:
        if run_id is None:
            raise  # nothing began: told by the command line's last resort, as usage
        raise CutShort(
            f"{explain_crash(error)} What was seen is kept: python -m dashboard history show {run_id}"
        ) from error
    finally:
        stop.patient = True  # the worker must be ended, whatever else is pressed
        _close(runner, run_id)


def _close(runner: Runner | None, run_id: str | None) -> RunRecord | None:
    """End every worker, and return the run as it was kept."""
    if runner is None:
        return None
    runner.close()
    return None if run_id is None else runner.record(run_id)


@contextmanager
def _patience(progress: Progress) -> Iterator[None]:
    """Say what takes so long, if it does: the very first run makes the demo checkpoint."""
    word = threading.Timer(_PATIENCE_S, progress.say, ("Looking at the checkpoint; a first run makes it.",))
    word.start()
    try:
        yield
    finally:
        word.cancel()
        word.join()  # one thread at a time speaks to the progress


def _watch(runner: Runner, run_id: str, progress: Progress, stop: Stop) -> RunRecord:
    seen = asked = 0
    while True:
        version = runner.version(run_id)
        if version != seen and (record := runner.record(run_id)) is not None:
            seen = version
            progress.show(record)
            if not record.running:
                return runner.wait(run_id)  # it has been kept when this returns
        if stop.asked and not asked:
            asked = stop.asked
            progress.say("Stopping. What was seen is kept; press Ctrl-C again to leave at once.")
            runner.abort(run_id, actor=_ACTOR)
        runner.wait(run_id, _TICK_S)


def _tell(record: RunRecord, report: Path | None, logs: Logs = tuple, *, as_json: bool) -> int:
    from dashboard.report import ReportError, final_verdict, run_json, write_report
    from dashboard.summary import summary

    for line in summary(record) if record.unreached is None else ():
        click.echo(line, err=True)
    if report is not None:
        try:
            write_report(record, report, logs)
            click.echo(f"  {'Report'.ljust(10)}{report}", err=True)
        except ReportError as error:
            # The verdict stands, and so does its exit code.
            click.echo(f"Error: {error}", err=True)
            report = None
    click.echo(f"  {'Next'.ljust(10)}{_next(record, report)}", err=True)
    if as_json:
        print_json(run_json(record))
    if record.unreached is not None:
        raise OutOfReach(record.unreached)
    verdict = final_verdict(record)
    return INCONCLUSIVE if verdict is None else EXIT_CODES[verdict.verdict]


def _next(record: RunRecord, report: Path | None) -> str:
    if record.unkept is None:
        return f"python -m dashboard history show {record.run_id}"
    if report is not None:
        return f"The history does not hold this result; the report {report} does. Keep that."
    return (
        "The history does not hold this result. To keep one, launch it again with --report FILE, a file on "
        "another disk (.html, .json, .xml, .csv or .zip)."
    )


def _refused(error: SettingsError) -> CommandError:
    said = [f"{_FLAGS.get(name, name)}: {sentence}" for name, sentence in error.errors.items()]
    return CommandError("\n       ".join(said))  # each below the other, after `Error: `
