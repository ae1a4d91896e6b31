"""The source of a module in a container, as its Python would find it: read by the engine, nothing is run.

Works on containers that have ended, too, and needs nothing in them.
"""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
from collections.abc import Iterator
from typing import Final

import docker.errors

from dashboard.auditing.reading import MOST_BYTES
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ALLOW_LABEL, ContainerFacts
from dashboard.engine.faults import EngineError, said_by_engine
from dashboard.target_settings import TargetSettings

__all__ = ["MODULE_HELP", "NoSuchModule", "module_source", "places", "seen"]

_MODULE: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_MOST_LINKS: Final = 8
MODULE_HELP: Final = "Write it as in an import: services.llava_service."


class NoSuchModule(Exception):
    """The container has no such module where its Python would look: one sentence with the places."""


def seen(container: ContainerFacts, settings: TargetSettings) -> ContainerFacts:
    """Return the container, if it may be looked at.

    Raises:
        EngineError: the settings hide it.
    """
    if not settings.shows(container):
        raise EngineError(
            f'targets.toml hides the container {container.name} ([containers] show = "allowed"). Give it the '
            f"label {ALLOW_LABEL}=true, or name it under [containers] allow."
        )
    return container


def module_source(engine: Engine, container: ContainerFacts, module: str) -> tuple[str, bytes]:
    """Return the path of a module in a container, and its source. Blocks for the length of a few questions.

    Raises:
        NoSuchModule: it is not there, or is no source. EngineError: the engine does not answer.
    """
    if _MODULE.fullmatch(module) is None:
        raise NoSuchModule(f"{module!r} names no module. {MODULE_HELP}")
    with said_by_engine(engine.host, f"{container.name} was asked for its working folder"):
        config = engine.api().inspect_container(container.id).get("Config") or {}
    folders = tuple(dict.fromkeys(places(container, config.get("WorkingDir") or "/")))
    inner = module.replace(".", "/")
    for folder in folders:
        for name in (f"{inner}/__init__.py", f"{inner}.py"):
            path = posixpath.join(folder, name)
            source = _file(engine, container, path)
            if source is not None:
                return path, source
    raise NoSuchModule(
        f"{container.name} has no module {module} in {', '.join(folders)}. Copy it out with `docker cp` and "
        "audit it with --path, or give its name as the service imports it."
    )


def places(container: ContainerFacts, working_folder: str) -> Iterator[str]:
    """Yield the folders that the container's Python looks into, in their order, as far as that is known."""
    environment = container.environment
    yield working_folder
    for word in container.command:
        if word.endswith(".py"):
            yield posixpath.dirname(posixpath.join(working_folder, word))
            break
    for folder in environment.get("PYTHONPATH", "").split(":"):
        if folder:
            yield posixpath.normpath(posixpath.join(working_folder, folder))
    version = ".".join(environment.get("PYTHON_VERSION", "").split(".")[:2])
    if version:
        for prefix in (environment.get("VIRTUAL_ENV"), "/usr/local"):
            if prefix:
                yield f"{prefix}/lib/python{version}/site-packages"


def _file(engine: Engine, container: ContainerFacts, path: str) -> bytes | None:
    """Return what is in a file; None where there is none. Links are followed."""
    for _ in range(_MOST_LINKS):
        packed = _archive(engine, container, path)
        if packed is None:
            return None
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            entry = archive.next()
            if entry is None or entry.isdir():
                return None
            if entry.issym():
                path = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.linkname))
                continue
            found = archive.extractfile(entry)
            return None if found is None else found.read()
    return None


def _archive(engine: Engine, container: ContainerFacts, path: str) -> bytes | None:
    with said_by_engine(engine.host, f"Reading {path} of {container.name} failed"):
        try:
            parts, about = engine.api().get_archive(container.id, path)
        except docker.errors.NotFound as error:
            if "such container" in str(error).lower():
                raise
            return None
        # A folder of that name would come whole, and a file may be of any size
        limit, packed = 2 * MOST_BYTES, bytearray()
        if about.get("size", 0) > limit:
            parts.close()
            raise EngineError(f"{path} of {container.name} is larger than {limit:,} bytes: no source is.")
        for part in parts:
            packed += part
            if len(packed) > limit + 64 * 1024:
                parts.close()
                return None
        return bytes(packed)
