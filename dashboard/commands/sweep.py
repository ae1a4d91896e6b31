"""`sweep`: runs over numbers of variants, guard modes, and cold and warm starts, and a matrix at the end."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dashboard.commands import EXIT_CODES, CommandError, OutOfReach, print_json
from dashboard.commands.restarting import ask_first
from dashboard.commands.stopping import Stop
from dashboard.settings import GUARDS, MAX_REPEAT, MAX_VARIANTS, SettingsError

if TYPE_CHECKING:
    from dashboard.alerts import Alerts
    from dashboard.store import Store
    from dashboard.sweep import Cell, SweepPlan, SweepRecord

__all__ = ["sweep"]

_ACTOR: Final = "local"
_TICK_S: Final = 0.1


class _Listed(click.ParamType[tuple[Any, ...]]):
    """Values with commas between them."""

    def __init__(self, kind: type[int] | type[str]) -> None:
        self._kind = kind
        self.name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self._kind(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers, such as 2,4,8.", param, ctx)


@click.command(
    epilog="Exit codes: 0 every cell with the guard on held, 1 one of them was red, 2 usage, 3 one of them "
    "is inconclusive, 4 target out of reach. A red cell without the guard is expected, and no failure."
)
@click.option(
    "--target", default="local", show_default=True, metavar="local|container:NAME", help="What to test."
)
@click.option(
    "--variants",
    type=_Listed(int),
    default=(2, 4, 8),
    metavar="N,N,…",
    help=f"How many start at the same instant; at most {MAX_VARIANTS:,}. Default: 2,4,8.",
)
@click.option(
    "--guards",
    type=_Listed(str),
    default=("on", "off"),
    metavar="GUARD,…",
    help=f"The worker's protection: of {', '.join(GUARDS)}. Default: on,off.",
)
@click.option(
    "--states",
    type=_Listed(str),
    default=("cold",),
    metavar="cold,warm",
    help="Cold: nothing is loaded yet, and one load must come. Warm: the model is there, and none may. "
    "Default: cold.",
)
@click.option(
    "--repeat",
    default=3,
    show_default=True,
    help=f"Trials of each combination, each in a fresh process; at most {MAX_REPEAT:,}.",
)
@click.option(
    "--timeout", "timeout_s", default=180.0, show_default=True, metavar="SECONDS", help="Of each trial."
)
@click.option("--model", metavar="FOLDER|HUB_ID", help="What the worker loads. Default: the demo checkpoint.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write a report: .html for people, .csv for spreadsheets, .xml (JUnit) for CI, or .json.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@click.option("--yes", is_flag=True, help="Restart a container, for every trial, without asking first.")
def sweep(report: Path | None, as_json: bool, yes: bool, **options: Any) -> int:
    """Make a run for every combination of variants, guards and states, and show what came out as a matrix."""
    from dashboard.commands.alerting import alerting, named_webhook
    from dashboard.home import HomeError, data_home
    from dashboard.report import ReportError, check_report_path
    from dashboard.store import Store, StoreError, store_url
    from dashboard.sweep import SweepPlan
    from dashboard.sweep_report import SWEEP_ENDINGS

    named = named_webhook()
    try:
        plan = SweepPlan(**options).check()
        if plan.target != "local" and not yes and sys.stdin.isatty():
            ask_first(plan.cells()[0])
        if report is not None:
            check_report_path(report, SWEEP_ENDINGS)
        home = data_home()
        store = Store.open(store_url(home))
    except SettingsError as error:
        said = [f"{_flag(name)}: {sentence}" for name, sentence in error.errors.items()]
        raise CommandError("\n       ".join(said)) from error
    except (ReportError, HomeError, StoreError) as error:
        raise CommandError(str(error)) from error
    with closing(store), Stop() as stop, alerting(named, store, stop) as alerts:
        record = _make(plan, store, home, stop, alerts)
        return _tell(record, report, as_json=as_json)


def _flag(field: str) -> str:
    return "--timeout" if field == "timeout_s" else f"--{field}"


def _make(plan: SweepPlan, store: Store, home: Path, stop: Stop, alerts: Alerts | None) -> SweepRecord:
    from dashboard.commands.alerting import tell_interrupted
    from dashboard.runs import PreflightError, open_runner
    from dashboard.store import StoreError
    from dashboard.sweeps import Sweep

    try:
        tell_interrupted(store, alerts)
        on_end = None if alerts is None else alerts.run_ended
        runner = open_runner(store, home, target=plan.target, on_end=on_end)
    except PreflightError as error:
        raise (OutOfReach if error.out_of_reach else CommandError)(str(error)) from error
    except StoreError as error:
        raise CommandError(str(error)) from error
    made = Sweep(plan, runner, store, actor=_ACTOR)
    try:
        made.start()
        told = 0
        while not made.wait(_TICK_S):
            told = _show(made.record, told)
            if stop.asked:
                made.abort()
        _show(made.record, told)
    except StoreError as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:  # the second one: the run under way is ended by the close
        made.abort()
    finally:
        stop.patient = True
        runner.close()
        made.wait(_TICK_S * 100)
    return made.record


def _show(record: SweepRecord, told: int) -> int:
    """Say which cells have come to their end since."""
    done = [cell for cell in record.cells if _is_done(cell, record)]
    for cell in done[told:]:
        from dashboard.sweep_table import icon

        where = f"{cell.variants} variants, guard {cell.guard}, {cell.state}"
        click.echo(f"{icon(cell)} {where}: {cell.words}", err=True)
    return len(done)


def _is_done(cell: Cell, record: SweepRecord) -> bool:
    return cell.run_id is not None and cell.held + cell.red + cell.inconclusive >= record.plan.repeat


def _tell(record: SweepRecord, report: Path | None, *, as_json: bool) -> int:
    from dashboard.report import ReportError
    from dashboard.sweep import sweep_json, verdict_of
    from dashboard.sweep_report import write_sweep_report
    from dashboard.sweep_table import sweep_summary

    for line in sweep_summary(record):
        click.echo(line, err=True)
    if record.message:
        click.echo(f"  {record.message}", err=True)
    if report is not None:
        try:
            write_sweep_report(record, report)
            click.echo(f"  {'Report'.ljust(10)}{report}", err=True)
        except ReportError as error:  # the verdict stands, and so does its exit code
            click.echo(f"Error: {error}", err=True)
    if as_json:
        print_json(sweep_json(record))
    if record.out_of_reach and not any(cell.run_id for cell in record.cells):
        raise OutOfReach(record.message)
    return EXIT_CODES[verdict_of(record)[0]]
