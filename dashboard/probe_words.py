"""A judged probe in the words of a page: headline, reasons, likely causes, a row for each thread. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from dashboard.diagnosis import Finding
from dashboard.evidence import Colour
from dashboard.printable import as_it_is
from dashboard.probing.result import ProbeVerdict
from dashboard.wording import COLOUR_ICONS, plural, unchecked

__all__ = ["ProbeWords", "probe_words"]

_HEADLINES: Final[dict[Colour, str]] = {
    "green": "Loaded exactly once",
    "red": "Not loaded exactly once",
    "inconclusive": "No proof either way",
}


@dataclass(frozen=True, slots=True)
class ProbeWords:
    """What a page shows of a probe, as Markdown. `facts` is one line of counts."""

    tone: Colour
    headline: str
    reasons: tuple[str, ...]
    facts: str
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]
    threads: tuple[dict[str, Any], ...]


def probe_words(judged: ProbeVerdict) -> ProbeWords:
    """Return the words for a probe that has been judged."""
    verdict, counts = judged.verdict, judged.verdict.counts
    facts = [
        plural(len({call.model for call in judged.report.calls} - {None}), "model object"),
        plural(judged.load_lines, "start in its output", "starts in its output"),
    ]
    if judged.real_loads is not None:
        facts.append(plural(judged.real_loads, "call of from_pretrained", "calls of from_pretrained"))
    facts.append(plural(counts.meta_tensor_errors, "meta tensor error"))
    if judged.report.python is not None:
        facts.append(f"Python {judged.report.python}")
    return ProbeWords(
        tone=verdict.verdict,
        headline=f"{COLOUR_ICONS[verdict.verdict]} {_HEADLINES[verdict.verdict]}",
        reasons=tuple(as_it_is(reason.text) for reason in verdict.reasons),
        facts=" · ".join(facts),
        findings=judged.findings,
        unchecked=tuple(unchecked(verdict)),
        threads=tuple(
            {
                "Thread": call.thread,
                "Seconds": round(call.returned - call.entered, 3),
                "Model": call.model,
                "Error": call.error,
            }
            for call in sorted(judged.report.calls, key=lambda call: call.thread)
        ),
    )
