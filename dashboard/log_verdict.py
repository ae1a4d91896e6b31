"""The verdict on a log alone: what was loaded, how often, and whether it came to its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from dashboard.diagnosis import Finding, diagnose
from dashboard.error_lines import ErrorLines
from dashboard.evidence import Counts, Evidence, Gap, Verdict, WorkerEnd
from dashboard.profiles import Profile
from dashboard.report import judgement
from dashboard.sieve import Sifted
from dashboard.timeline import Timeline
from dashboard.verdict import judge
from loader.events import EventKind

__all__ = ["MOST_EVENTS", "LogVerdict", "judge_log"]

MOST_EVENTS: Final = 50_000
"""Load events of one log that are judged one by one; of more, only the number is kept."""


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
    profile: Profile | str | None = None,
    expected_workers: int = 1,
    gaps: Iterable[Gap] = (),
    ends: Iterable[WorkerEnd] = (),
) -> LogVerdict:
    """Read a log to its end and judge it by starts, ends and errors; nothing else is known of it.

    `gaps` and `ends` are asked for after the last of `log`: what is missing is only known then. Memory stays
    bounded, however many load events there are.

    Raises:
        UnknownProfile: there is no such profile built in.
    """
    timeline = Timeline(profile, most=MOST_EVENTS)
    errors = ErrorLines()
    count = 0
    for sifted in log:
        count += sifted.count
        for line, before in sifted.telling:
            timeline.feed(line, before=before)
            errors.see(line.text)
    beyond = timeline.beyond()
    evidence = Evidence(
        events=timeline.events(),
        gaps=(*timeline.gaps(), *_too_many(beyond), *gaps),
        ends=tuple(ends),
        expected_workers=expected_workers,
        strays=timeline.strays(),
        errors=errors.seen,
    )
    verdict = judge(evidence)
    verdict = replace(verdict, counts=_with(beyond, verdict.counts))
    return LogVerdict(verdict, diagnose(evidence, verdict), count)


def _too_many(beyond: Mapping[EventKind, int]) -> Iterator[Gap]:
    """Say that not all of a log was judged; a bar's states that were only counted prove nothing anyway."""
    left = sum(number for kind, number in beyond.items() if kind != "progress")
    if left:
        yield Gap(
            "the log",
            f"The log tells more than {MOST_EVENTS:,} load events: {left:,} were counted and not judged. "
            "Judge a part of it, from one start of the service to the next.",
        )


def _with(beyond: Mapping[EventKind, int], counts: Counts) -> Counts:
    """Add the events that were only counted."""
    return replace(
        counts,
        load_started=counts.load_started + beyond.get("started", 0),
        load_completed=counts.load_completed + beyond.get("completed", 0),
        load_failed=counts.load_failed + beyond.get("failed", 0),
        progress_messages=counts.progress_messages + beyond.get("progress", 0),
        meta_tensor_errors=counts.meta_tensor_errors + beyond.get("meta_tensor_error", 0),
    )
