"""`probe`: calls a stranger's callable by N threads at once in a fresh process, and judges it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dashboard.commands import EXIT_CODES, CommandError, CutShort, OutOfReach, print_json
from dashboard.commands.asking import agreed, interruptible

if TYPE_CHECKING:
    from dashboard.engine.facts import ContainerFacts
    from dashboard.probing.report import Asked
    from dashboard.probing.result import ProbeVerdict

__all__ = ["probe"]

_MOST_THREADS: Final = 1000
_ACTOR: Final = "local"


@click.command(epilog="Exit codes: 0 green, 1 red, 2 usage, 3 inconclusive, 4 target out of reach.")
@click.option("--callable", "name", required=True, metavar="MODULE:FUNCTION", help="What loads the model.")
@click.option("--path", "path", metavar="DIR", help="The folder that the module is imported from.")
@click.option("--container", metavar="NAME", help="Or the container; its working directory is that folder.")
@click.option(
    "--threads",
    type=click.IntRange(1, _MOST_THREADS),
    default=3,
    show_default=True,
    help="Calls at the same instant.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 86_400, min_open=True),
    default=180.0,
    show_default=True,
    metavar="SECONDS",
    help="From the release until every thread must have come back.",
)
@click.option("--yes", is_flag=True, help="Probe in a container without asking first.")
@click.option("--force", is_flag=True, help="… and though its memory may not hold a second model.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def probe(
    name: str,
    path: str | None,
    container: str | None,
    threads: int,
    timeout: float,
    yes: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Call a function that loads a model by several threads at once, and judge whether it loads it once.

    It is called in a fresh process, which imports the service as it is: nothing is installed, and a
    container needs no more than its own Python.
    """
    if (path is None) == (container is None):
        raise CommandError("Name one place: --path DIR, or --container NAME.")
    from dashboard.probing.report import CALLABLE_HELP, Asked, callable_named

    parts = callable_named(name)
    if parts is None:
        raise CommandError(f"--callable {name!r} names no callable. {CALLABLE_HELP}")
    from dashboard.summary import summary_of_log

    asked = Asked(*parts, threads, timeout)
    try:
        with interruptible():
            if path is not None:
                judged = _in_folder(asked, path)
            else:
                judged = _in_container(asked, container or "", yes=yes, force=force)
    except KeyboardInterrupt as error:
        raise CutShort("The probe was stopped, and its process ended: nothing is proven.") from error
    if judged.report.stopped == "attribute":
        raise CommandError(f"--callable {name}: {judged.report.error}. Name a function of the module.")
    for said in summary_of_log(judged.verdict, judged.findings, judged.lines):
        click.echo(said, err=True)
    if as_json:
        print_json(judged.as_json())
    return EXIT_CODES[judged.verdict.verdict]


def _in_folder(asked: Asked, path: str) -> ProbeVerdict:
    from dashboard.probing.folder import probe_folder
    from dashboard.probing.judgement import judge_probe
    from dashboard.probing.source import with_source_in_folder

    if not Path(path).is_dir():
        raise CommandError(f"--path {path} is no folder. Name the one that the module is imported from.")
    try:
        return with_source_in_folder(judge_probe(probe_folder(asked, Path(path))), Path(path))
    except OSError as error:
        raise CommandError(f"No process can be started in {path} ({error.strerror}).") from error


def _in_container(asked: Asked, name: str, *, yes: bool, force: bool) -> ProbeVerdict:
    from dashboard.engine.connection import Engine
    from dashboard.engine.faults import EngineError
    from dashboard.engine.occupation import occupation
    from dashboard.home import HomeError, data_home
    from dashboard.probing.container import NoRoom, NotAllowed
    from dashboard.probing.recorded import Declined, probe_as
    from dashboard.store import Store, StoreError, store_url
    from dashboard.target_settings import TargetSettingsError, target_settings

    try:
        home = data_home()
        settings = target_settings(home)
        store = Store.open(store_url(home))
    except (HomeError, TargetSettingsError, StoreError) as error:
        raise CommandError(str(error)) from error
    try:
        with closing(store), closing(Engine.open()) as engine:

            def agree(found: ContainerFacts) -> bool:
                question = "Load the model a second time in it, to probe?"
                return yes or agreed(lambda: occupation(engine, found), question)

            return probe_as(_ACTOR, engine, name, asked, settings, store, force=force, agree=agree)
    except Declined as error:
        raise CommandError("Nothing was probed.") from error
    except NoRoom as error:
        raise CommandError(str(error)) from error
    except (NotAllowed, EngineError) as error:
        raise OutOfReach(str(error)) from error
