"""Two runs compared, the one before a change with the one after it: is anything worse, beyond noise? Pure.

verdicts           worse is a regression, however the runs were launched
failing trials     more of them, by Fisher's exact test
seconds of trials  slower beyond noise and tolerance; only of runs that were launched alike
versions, settings what has changed, as a hint at the reason
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final, Literal

from dashboard.evidence import Colour, Counts, Reason, Verdict
from dashboard.latency import latency_of
from dashboard.noise import FEWEST, Shift, chance_of_more, shift_between
from dashboard.record import RunRecord, TrialRecord
from dashboard.report import final_verdict
from dashboard.wording import COLOUR_WORDS, plural

__all__ = ["TOLERANCE", "Comparison", "Difference", "Measure", "NotComparable", "Outcome", "compare"]

Outcome = Literal["worse", "not_worse", "unproven"]

TOLERANCE: Final = 0.1
"""How much slower a run may be before that is a regression, as a share."""

_RANK: Final[Mapping[Colour, int]] = {"green": 0, "inconclusive": 1, "red": 2}
_CHANCE: Final = 0.05
_ALIKE: Final = ("target", "jobs", "variants_per_job", "guard", "restart", "model")
"""Settings that two runs must share for their seconds to be compared."""


class NotComparable(ValueError):
    """One of the runs cannot be compared, as a sentence with the next step."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something named that is not the same in both runs; None where a run does not have it."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Measure:
    """Seconds that each trial took for something: the median of the trials, before and after.

    `shift` is None where one side has no such seconds, or the runs were launched differently.
    """

    code: str
    label: str
    before: float | None
    after: float | None
    shift: Shift | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is different between two runs.

    Attributes:
        outcome: `unproven` where nothing is worse, but the second run proves nothing either.
        regressions: what is worse, the gravest first.
        remarks: what a reader must know beside it.
        trials, failed: how many trials were judged, and went red, before and after.
    """

    before: RunRecord
    after: RunRecord
    verdicts: tuple[Verdict, Verdict]
    outcome: Outcome
    regressions: tuple[Reason, ...]
    remarks: tuple[str, ...]
    trials: tuple[int, int]
    failed: tuple[int, int]
    counts: tuple[Difference, ...]
    measures: tuple[Measure, ...]
    versions: tuple[Difference, ...]
    settings: tuple[Difference, ...]


def compare(before: RunRecord, after: RunRecord, *, tolerance: float = TOLERANCE) -> Comparison:
    """Compare a run with the one after a change.

    Raises:
        NotComparable: one of them has not ended.
    """
    for record in (before, after):
        if record.running:
            raise NotComparable(f"The run {record.run_id} is still under way. Compare it when it has ended.")
    verdicts = _judged(before), _judged(after)
    settings = _changed(asdict(before.settings), asdict(after.settings))
    alike = not any(each.name in _ALIKE for each in settings)
    measures = tuple(_measure(code, before, after, alike=alike) for code in _MEASURES)
    trials, failed = (len(_trials(before)), len(_trials(after))), (_reds(before), _reds(after))
    regressions = (
        *_worse_verdict(verdicts),
        *_fails_more(trials, failed),
        *(_slower(measures, tolerance) if alike else ()),
    )
    outcome: Outcome = "worse" if regressions else "not_worse"
    if not regressions and verdicts[1].verdict == "inconclusive":
        outcome = "unproven"
    return Comparison(
        before,
        after,
        verdicts,
        outcome,
        regressions,
        tuple(_remarks(settings, trials, failed, measures)),
        trials,
        failed,
        _counted(verdicts[0].counts, verdicts[1].counts),
        measures,
        _changed(before.versions, after.versions),
        settings,
    )


def _judged(record: RunRecord) -> Verdict:
    verdict = final_verdict(record)
    assert verdict is not None  # it has ended
    return verdict


def _trials(record: RunRecord) -> list[TrialRecord]:
    return [trial for trial in record.trials if trial.role == "trial" and trial.verdict is not None]


def _reds(record: RunRecord) -> int:
    return sum(trial.verdict is not None and trial.verdict.verdict == "red" for trial in _trials(record))


def _latency(percentile: str) -> Callable[[TrialRecord], float | None]:
    def take(trial: TrialRecord) -> float | None:
        found = latency_of(trial.variants)
        return None if found is None else float(getattr(found, percentile))

    return take


def _load_seconds(trial: TrialRecord) -> float | None:
    """How long the first completed load took: by the worker's own clock, else by its lines' times."""
    ended = next((event for event in trial.events if event.kind == "completed"), None)
    if ended is None:
        return None
    with suppress(KeyError, ValueError):
        return float(ended.fields["seconds"])
    began = next((event for event in trial.events if event.kind == "started"), None)
    return None if began is None else ended.time - began.time


_MEASURES: Final[Mapping[str, tuple[str, Callable[[TrialRecord], float | None]]]] = {
    "load_s": ("Load", _load_seconds),
    "p50_s": ("Latency, median", _latency("p50")),
    "p95_s": ("Latency, p95", _latency("p95")),
    "max_s": ("Latency, longest", _latency("max")),
}


def _measure(code: str, before: RunRecord, after: RunRecord, *, alike: bool) -> Measure:
    label, take = _MEASURES[code]
    one, other = (
        [value for trial in _trials(record) if (value := take(trial)) is not None]
        for record in (before, after)
    )
    shift = shift_between(one, other) if alike else None
    return Measure(code, label, _middle(one), _middle(other), shift)


def _middle(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, before.get(name), after.get(name))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    )


def _worse_verdict(verdicts: tuple[Verdict, Verdict]) -> Iterator[Reason]:
    before, after = verdicts
    if _RANK[after.verdict] > _RANK[before.verdict]:
        words = [COLOUR_WORDS[each.verdict].lower() for each in verdicts]
        yield Reason(
            "verdict_worse", f"The verdict was {words[0]} and is {words[1]} now: {after.reasons[0].text}"
        )


def _fails_more(trials: tuple[int, int], failed: tuple[int, int]) -> Iterator[Reason]:
    """Where both runs are red, whether the second is so more often; else the verdict has told it."""
    if failed[0] and failed[1] and all(trials):
        chance = chance_of_more(failed[0], trials[0], failed[1], trials[1])
        if chance <= _CHANCE:
            yield Reason(
                "fails_more",
                f"{failed[1]:,} of {plural(trials[1], 'trial')} went red, {failed[0]:,} of {trials[0]:,} "
                f"before: so many more by chance happen in {chance:.1%} of all cases.",
            )


def _slower(measures: tuple[Measure, ...], tolerance: float) -> Iterator[Reason]:
    for each in measures:
        shift = each.shift
        if shift is not None and shift.beyond_noise and shift.ratio > 1 + tolerance:
            yield Reason(
                "slower",
                f"{each.label}: {shift.ratio:.2f} times as long as before (95%: {shift.low:.2f} to "
                f"{shift.high:.2f}), which is more than noise.",
            )


def _remarks(
    settings: tuple[Difference, ...],
    trials: tuple[int, int],
    failed: tuple[int, int],
    measures: tuple[Measure, ...],
) -> Iterator[str]:
    apart = [each for each in settings if each.name in _ALIKE]
    if apart:
        told = ", ".join(f"{each.name} {each.before} and {each.after}" for each in apart)
        yield (
            f"The runs were launched differently ({told}): their seconds stand side by side, but which is "
            "slower says nothing of the change."
        )
    elif min(trials) < FEWEST and any(each.shift is not None for each in measures):
        yield (
            f"With {trials[0]:,} and {plural(trials[1], 'trial')} nobody can tell a slower run from noise. "
            f"Launch both with --repeat {FEWEST} or more."
        )
    if all(failed):
        yield "Both runs are red: what is no worse is not good for that."


def _counted(before: Counts, after: Counts) -> tuple[Difference, ...]:
    """Every count of the trial that decided, equal ones too: a row that is missing tells nothing."""
    sides = asdict(before), asdict(after)
    return tuple(Difference(name, sides[0][name], sides[1][name]) for name in sides[0])
