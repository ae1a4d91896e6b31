"""What a timeline shows, in words: for people who cannot see it, and below it for everybody. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dashboard.language import _, n_
from dashboard.load_spans import LoadSpan, load_spans, span_words
from dashboard.record import TrialRecord
from dashboard.wording import seconds

__all__ = ["loads_words", "no_event_words", "trial_words"]

_FEW = 3


def trial_words(trial: TrialRecord) -> str:
    """Return what the timeline of a trial shows."""
    states = Counter(variant.state for variant in trial.variants)
    sentences = [loads_words(load_spans(trial.events))]
    waiting = sum(event.kind == "waiting" for event in trial.events)
    if waiting:
        sentences.append(
            n_("{count} caller waited for a load.", "{count} callers waited for a load.", waiting)
        )
    if states:
        sentences.append(
            _(
                "Of {variants} {answered} answered and {failed} failed.",
                variants=n_("{count} variant", "{count} variants", len(trial.variants)),
                answered=_were(states["answered"]),
                failed=states["failed"],
            )
        )
    if trial.ends:
        sentences.append(n_("{count} worker ended.", "{count} workers ended.", len(trial.ends)))
    return " ".join(sentences)


def no_event_words(trial: TrialRecord) -> str:
    """Return why no load event is listed, and what to do."""
    if trial.events:
        return _("No load event lies in what is looked at. Zoom out to see the others.")
    return _(
        "The worker told of no load in this trial. If it had its model already, restart it and launch again; "
        "if it loads in words of its own, name them in a profile: see Targets."
    )


def loads_words(spans: Sequence[LoadSpan]) -> str:
    """Return how many loads there were, the first few of them one by one, and what was wrong."""
    if not spans:
        return _("No load was seen.")
    told = [n_("{count} load.", "{count} loads.", len(spans))]
    told += [
        _(
            "{who}: {took}, {how}.",
            who=span.thread or span.process,
            took=seconds(span.end - span.start if span.start is not None and span.end is not None else None),
            how=span_words(span),
        )
        for span in spans[:_FEW]
    ]
    bad = sum(span.bad for span in spans)
    if bad:
        told.append(
            n_(
                "{count} of them is one too many, overlaps another or lacks tensors.",
                "{count} of them are one too many, overlap another or lack tensors.",
                bad,
            )
        )
    return " ".join(told)


def _were(count: int) -> str:
    return n_("{count} was", "{count} were", count)
