"""A judged probe, and its JSON on the command line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dashboard.diagnosis import Finding
from dashboard.evidence import Verdict
from dashboard.probing.report import ProbeReport
from dashboard.report import judgement

__all__ = ["ProbeVerdict"]


@dataclass(frozen=True, slots=True)
class ProbeVerdict:
    """A judged probe. `real_loads` is None where transformers was not used; `lines` were printed."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    report: ProbeReport
    load_lines: int
    real_loads: int | None
    lines: int

    def as_json(self) -> dict[str, Any]:
        """Return the contract's object of `probe`."""
        asked = self.report.asked
        return judgement(self.verdict) | {
            "control": None,
            "run_id": None,
            "diagnosis": [asdict(finding) for finding in self.findings],
            "callable": f"{asked.module}:{asked.name}",
            "python": self.report.python,
            "load_lines": self.load_lines,
            "real_loads": self.real_loads,
            "threads": [
                {
                    "thread": call.thread,
                    "seconds": round(call.returned - call.entered, 6),
                    "model": call.model,
                    "error": call.error,
                }
                for call in sorted(self.report.calls, key=lambda call: call.thread)
            ],
        }
