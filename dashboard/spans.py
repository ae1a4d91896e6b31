"""What each variant of a trial was doing when: its state and its spans, in seconds since the release. Pure.

LogEvent (thread = variant) --+
                              +--> VariantRow: waiting ▨▨▨ loading ███ answering ▒▒▒ | answered
Variant (sent, answered) -----+
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.evidence import LogEvent, Variant
from dashboard.language import _
from dashboard.record import TrialRecord
from dashboard.remembered import Remembered
from dashboard.wording import seconds

__all__ = ["RowState", "Span", "SpanKind", "VariantRow", "origin", "planned_row", "variant_rows"]

RowState = Literal["planned", "waiting", "loading", "ready", "answered", "failed"]
SpanKind = Literal["waiting", "loading", "answering"]
_LOAD_ENDS: Final = frozenset({"completed", "failed", "meta_tensor_error"})


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of a variant's time, in seconds since the release; `end` is None while it goes on."""

    kind: SpanKind
    start: float
    end: float | None

    @property
    def length(self) -> float:
        """Seconds from start to end; 0 while it goes on."""
        return 0.0 if self.end is None else self.end - self.start


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One variant as a line of the board.

    Attributes:
        state: where it stands; `ready` means that its model is there and its answer is not.
        words: the same for people, with the latency or the error.
    """

    id: str
    job: str
    state: RowState
    spans: tuple[Span, ...]
    words: str
    latency_s: float | None = None

    def total(self, kind: SpanKind) -> float:
        """Seconds spent in spans of `kind`."""
        return sum(span.length for span in self.spans if span.kind == kind)


@dataclass(frozen=True, slots=True)
class _Moments:
    """The Unix times that split one variant's life."""

    loads: tuple[tuple[float, float | None], ...]
    ready: float | None


def origin(trial: TrialRecord) -> float | None:
    """Return the moment that seconds are counted from: the release, else the first request; None before."""
    if trial.released_at is not None:
        return trial.released_at
    return min((variant.sent for variant in trial.variants if variant.sent is not None), default=None)


def planned_row(variant: Variant) -> VariantRow:
    """Return the row of a variant that has not been released."""
    return VariantRow(variant.variant_id, variant.job_id, "planned", (), _("planned"))


def variant_rows(trial: TrialRecord) -> tuple[VariantRow, ...]:
    """Return a row for each variant, in the order in which they were planned."""
    return _remembered(trial)


def _rows(trial: TrialRecord) -> tuple[VariantRow, ...]:
    start = origin(trial)
    if start is None:
        return tuple(planned_row(variant) for variant in trial.variants)
    own: dict[str, list[LogEvent]] = defaultdict(list)
    completed: list[LogEvent] = []
    for event in trial.events:
        if event.thread is not None:
            own[event.thread].append(event)
        if event.kind == "completed":
            completed.append(event)
    ends = _load_ends(trial.events)
    return tuple(
        _row(variant, _moments(variant, own[variant.variant_id], completed, ends), start, trial.ended_at)
        for variant in trial.variants
    )


_remembered: Final = Remembered(_rows)  # one page asks for them several times


def _load_ends(events: Iterable[LogEvent]) -> Mapping[tuple[str | None, int | None], float]:
    ends: dict[tuple[str | None, int | None], float] = {}
    for event in events:
        if event.kind in _LOAD_ENDS and event.load is not None:
            ends.setdefault((event.boot, event.load), event.time)
    return ends


def _moments(
    variant: Variant,
    own: Sequence[LogEvent],
    completed: Sequence[LogEvent],
    ends: Mapping[tuple[str | None, int | None], float],
) -> _Moments:
    loads = tuple(
        (event.time, ends.get((event.boot, event.load))) for event in own if event.kind == "started"
    )
    if loads:
        served = [event.time for event in own if event.kind == "completed"]
        return _Moments(loads, served[-1] if served else None)
    asked = [event for event in own if event.kind in ("requested", "waiting")]
    if asked:
        first = asked[0]
        for event in completed:
            if (
                event.boot == first.boot
                and event.time >= first.time
                and variant.load_id in (None, event.load)
            ):
                return _Moments((), event.time)
        return _Moments((), None)
    # The log does not name this variant: it found the model ready, or the service is not ours.
    for event in completed:
        if variant.sent is not None and (event.boot, event.load) == (variant.boot, variant.load_id):
            return _Moments((), max(event.time, variant.sent))
    if variant.answered is not None and variant.infer_ms is not None:
        return _Moments((), variant.answered - variant.infer_ms / 1000)
    return _Moments((), None)


def _row(variant: Variant, moments: _Moments, start: float, trial_end: float | None) -> VariantRow:
    over = variant.state in ("answered", "failed")
    if variant.sent is None:
        state: RowState = "failed" if variant.state == "failed" else "planned"
        words = variant.error or (_("not sent") if trial_end is not None else _("planned"))
        return VariantRow(variant.variant_id, variant.job_id, state, (), words)
    end = variant.answered if variant.answered is not None else trial_end
    spans = _spans(variant.sent, moments, end, start)
    if over:
        state = "answered" if variant.state == "answered" else "failed"
    elif moments.ready is not None:
        state = "ready"
    else:
        state = "loading" if moments.loads else "waiting"
    return VariantRow(
        variant.variant_id,
        variant.job_id,
        state,
        spans,
        _words(variant, state, trial_end is not None),
        variant.latency_s,
    )


def _spans(sent: float, moments: _Moments, end: float | None, start: float) -> tuple[Span, ...]:
    cuts: list[tuple[SpanKind, float]] = [("waiting", sent)]
    for began, ended in moments.loads:
        cuts.append(("loading", began))
        if ended is not None:
            cuts.append(("waiting", ended))
    if moments.ready is not None:
        cuts.append(("answering", moments.ready))
    spans: list[Span] = []
    for (kind, at), following in zip(cuts, [*[at for _kind, at in cuts[1:]], end], strict=True):
        # Two clocks may differ by a little: nothing begins before the request, ends before it begins, or
        # outlives the answer.
        begin = max(at, sent) if end is None else min(max(at, sent), end)
        close = following if following is None or end is None else min(following, end)
        if close is None or close > begin:
            spans.append(
                Span(kind, round(begin - start, 4), None if close is None else round(close - start, 4))
            )
    return tuple(spans)


def _short(error: str) -> str:
    """The name alone of an error that the worker named: the whole of it stands below, once for all rows."""
    status, _colon, rest = error.partition(": ")
    name = rest.partition(": ")[0]
    if not status.startswith("HTTP ") or not rest:
        return error
    return name if name.isidentifier() else rest


def _words(variant: Variant, state: RowState, trial_over: bool) -> str:
    match state:
        case "answered":
            return f"✓ {seconds(variant.latency_s)}"
        case "failed":
            return f"✕ {_short(variant.error or _('failed'))}"
        case _ if trial_over:
            return _("never answered")
        case "ready":
            return _("answering")
        case "loading":
            return _("loading")
        case _unsaid:
            return _("waiting") if state == "waiting" else _("planned")
