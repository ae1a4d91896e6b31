"""The verdict on a log alone: what was loaded, how often, and whether it came to its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from dashboard.diagnosis import Finding, diagnose
from dashboard.evidence import Evidence, Gap, Verdict, WorkerEnd
from dashboard.report import judgement
from dashboard.sieve import Sifted
from dashboard.timeline import Timeline
from dashboard.verdict import judge

__all__ = ["LogVerdict", "judge_log"]


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """A judged log: the verdict, what likely lies behind it, and how many lines it rests on."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    lines: int

    def as_json(self) -> dict[str, Any]:
        """Return the contract's object of `verdict`."""
        return judgement(self.verdict) | {
            "control": None,
            "run_id": None,
            "lines": self.lines,
            "diagnosis": [asdict(finding) for finding in self.findings],
        }


def judge_log(
    log: Iterable[Sifted],
    *,
    profile: str | None = None,
    expected_workers: int = 1,
    gaps: Iterable[Gap] = (),
    ends: Iterable[WorkerEnd] = (),
) -> LogVerdict:
    """Read a log to its end and judge it by starts, ends and errors; nothing else is known of it.

    `gaps` and `ends` are asked for after the last of `log`: what is missing is only known then.

    Raises:
        UnknownProfile: there is no such profile.
    """
    timeline = Timeline(profile)
    count = 0
    for sifted in log:
        count += sifted.count
        for line, before in sifted.telling:
            timeline.feed(line, before=before)
    evidence = Evidence(
        events=timeline.events(),
        gaps=(*timeline.gaps(), *gaps),
        ends=tuple(ends),
        expected_workers=expected_workers,
    )
    verdict = judge(evidence)
    return LogVerdict(verdict, diagnose(evidence, verdict), count)
