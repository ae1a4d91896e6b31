"""`audit`: reads the source of a service, never runs it, and says whether its loading function is guarded."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from dashboard.commands import CommandError, OutOfReach, print_json

__all__ = ["audit"]


@click.command(epilog="Exit codes: 0 no findings, 1 a certain one, 2 usage, 3 doubts only, 4 out of reach.")
@click.option("--path", "path", metavar="FILE.py", help="The source.")
@click.option("--container", metavar="NAME", help="Or a container that has it, be it ended; with --module.")
@click.option("--module", metavar="NAME", help="… as the service imports it: services.llava_service.")
@click.option("--callable", "name", metavar="NAME", help="What loads the model. Default: whatever does.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def audit(
    path: str | None, container: str | None, module: str | None, name: str | None, as_json: bool
) -> int:
    """Read a service's source, and say with line numbers whether its model is loaded under one guard.

    Nothing is run, neither the source nor anything in the container. What the source cannot tell is named
    as a doubt.
    """
    if (path is None) == (container is None):
        raise CommandError("Name one place: --path FILE.py, or --container NAME with --module.")
    if (module is not None) != (container is not None):
        raise CommandError("--container and --module belong together: the module is looked for in it.")
    from dashboard.audit_words import audit_lines
    from dashboard.auditing.reading import NoSuchCallable, SourceError, audit_source

    if path is not None:
        place, source = path, _of_file(path)
    else:
        place, source = _of_container(container or "", module or "")
    # As `probe` takes it, too: services.llava_service:get_llava_model
    wanted = name.rpartition(":")[2] if name is not None else None
    try:
        found = audit_source(source, place, wanted)
    except SourceError as error:
        what = "--path a Python file" if path is not None else "--module a Python module"
        raise CommandError(f"{error} Give {what} whose function loads the model.") from error
    except NoSuchCallable as error:
        raise CommandError(f"--callable {name}: {place} {error}") from error
    for said in audit_lines(found):
        click.echo(said, err=as_json)
    if as_json:
        print_json(found.as_json())
    return found.exit_code


def _of_file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except IsADirectoryError as error:
        raise CommandError(f"--path {path} is a folder. Name the file whose function loads.") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise CommandError(f"--path {path} cannot be read ({why}). Name a file that you can read.") from error


def _of_container(name: str, module: str) -> tuple[str, bytes]:
    from dashboard.auditing.in_container import NoSuchModule, module_source, seen
    from dashboard.engine.connection import Engine
    from dashboard.engine.faults import EngineError
    from dashboard.home import HomeError, data_home
    from dashboard.target_settings import TargetSettingsError, target_settings

    try:
        settings = target_settings(data_home())
    except (HomeError, TargetSettingsError) as error:
        raise CommandError(str(error)) from error
    try:
        with closing(Engine.open()) as engine:
            return module_source(engine, seen(engine.container(name), settings), module)
    except NoSuchModule as error:
        raise CommandError(str(error)) from error
    except EngineError as error:
        raise OutOfReach(str(error)) from error
