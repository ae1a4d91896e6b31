"""What stands in the source of a callable that a probe found wrong: the lines join its likely causes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dashboard.auditing.findings import Audit
from dashboard.auditing.in_container import NoSuchModule, module_source
from dashboard.auditing.reading import NoSuchCallable, SourceError, audit_source
from dashboard.diagnosis import Finding
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.probing.report import Asked
from dashboard.probing.result import ProbeVerdict

__all__ = ["with_source_in_container", "with_source_in_folder"]


def with_source_in_folder(judged: ProbeVerdict, folder: Path) -> ProbeVerdict:
    """Return a verdict whose likely causes begin with the lines of the source that explain it."""
    inner = Path(*judged.report.asked.module.split("."))
    for path in (folder / inner / "__init__.py", folder / inner.with_suffix(".py")):
        if judged.verdict.verdict == "red" and path.is_file():
            try:
                return _joined(judged, path.read_bytes(), str(path))
            except OSError:
                break  # the verdict stands without its lines
    return judged


def with_source_in_container(judged: ProbeVerdict, engine: Engine, container: ContainerFacts) -> ProbeVerdict:
    """… read out of the container by its engine. Blocks for the length of a few questions."""
    if judged.verdict.verdict != "red":
        return judged
    try:
        path, source = module_source(engine, container, judged.report.asked.module)
    except (NoSuchModule, EngineError):
        return judged
    return _joined(judged, source, path)


def _joined(judged: ProbeVerdict, source: bytes, path: str) -> ProbeVerdict:
    asked = judged.report.asked
    try:
        audit = audit_source(source, path, asked.name)
    except (SourceError, NoSuchCallable):
        return judged
    return replace(judged, findings=(*_causes(audit, asked), *judged.findings))


def _causes(audit: Audit, asked: Asked) -> Iterator[Finding]:
    """The certain findings: what is only doubted explains no red verdict."""
    for finding in audit.findings:
        if finding.certain:
            where = f"{audit.place}, line {finding.line}"
            cure = f"`audit` shows the line (--callable {asked.name})."
            yield Finding(finding.code, f"{where}: {finding.text}", cure)
