"""What an audit finds, and how sure it is: certain, or a doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["Audit", "Code", "Finding"]

Code = Literal[
    "no-lock",
    "lock-per-call",
    "no-second-check",
    "early-publication",
    "several-locks",
    "not-shared",
    "unknown",
]
_CLEAN: Final = 0
_CERTAIN: Final = 1
_DOUBTFUL: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or that cannot be told. `text` says what, and what to change."""

    code: Code
    line: int
    certain: bool
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the contract's object of a finding."""
        return {"code": self.code, "line": self.line, "certain": self.certain, "text": self.text}


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in one source.

    Attributes:
        place: the file, as it was named. functions: those that were audited.
        lines: the source, to quote from.
    """

    place: str
    functions: tuple[str, ...]
    findings: tuple[Finding, ...]
    lines: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 without findings, 1 with a certain one, 3 with doubts only."""
        if not self.findings:
            return _CLEAN
        return _CERTAIN if any(finding.certain for finding in self.findings) else _DOUBTFUL

    def quoted(self, finding: Finding) -> str:
        """Return the line of the source that a finding is about."""
        return self.lines[finding.line - 1] if 0 < finding.line <= len(self.lines) else ""

    def as_json(self) -> dict[str, Any]:
        """Return the contract's object of an audit."""
        return {
            "file": self.place,
            "functions": list(self.functions),
            "findings": [finding.as_json() for finding in self.findings],
        }
