"""Audits that pages ask for: the source of a module, read out of a container and judged, at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dashboard.audit_words import audit_headline
from dashboard.auditing.findings import Audit, Finding
from dashboard.auditing.in_container import MODULE_HELP, NoSuchModule, module_source, seen
from dashboard.auditing.reading import NoSuchCallable, SourceError, audit_source
from dashboard.engine.connection import Engine
from dashboard.engine.faults import EngineError
from dashboard.target_settings import TargetSettingsError, target_settings

__all__ = ["AuditView", "SourceLine", "audit_in_container"]

_AROUND: Final = 3


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One finding, with the lines of the source round it, numbered, its own marked."""

    finding: Finding
    excerpt: str


@dataclass(frozen=True, slots=True)
class AuditView:
    """What a page shows of an audit; without one, `problem` says why, as a sentence with the next step."""

    audit: Audit | None = None
    problem: str = ""

    @property
    def headline(self) -> str:
        """What came of it, in one sentence."""
        return "" if self.audit is None else audit_headline(self.audit)

    @property
    def findings(self) -> tuple[SourceLine, ...]:
        """The findings, each with its place in the source."""
        audit = self.audit
        if audit is None:
            return ()
        return tuple(SourceLine(finding, _excerpt(audit, finding)) for finding in audit.findings)


def audit_in_container(
    container: str, asked: str, home: Path | None, open_engine: Callable[[], Engine] = Engine.open
) -> AuditView:
    """Audit `MODULE` or `MODULE:NAME` of a container. Blocks for some tenths of a second; nothing is run."""
    module, _, name = asked.strip().partition(":")
    if not module:
        return AuditView(problem=f"An empty field names no module. {MODULE_HELP}")
    if home is None:
        return AuditView(problem="This console has no data folder, and so no rule of who may be seen.")
    try:
        settings = target_settings(home)
        with closing(open_engine()) as engine:
            path, source = module_source(engine, seen(engine.container(container), settings), module)
        return AuditView(audit_source(source, path, name or None))
    except NoSuchCallable as error:
        return AuditView(problem=f"{module} {error}")
    except (NoSuchModule, SourceError, EngineError, TargetSettingsError) as error:
        return AuditView(problem=str(error))


def _excerpt(audit: Audit, finding: Finding) -> str:
    begin = max(1, finding.line - _AROUND)
    end = min(len(audit.lines), finding.line + _AROUND)
    width = len(str(end))
    return "\n".join(
        f"{'▶' if number == finding.line else ' '} {number:>{width}}  {audit.lines[number - 1]}"
        for number in range(begin, end + 1)
    )
