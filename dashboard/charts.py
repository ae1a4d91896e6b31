"""The timeline of a trial as a figure: its loads, variants, memory and log over one axis of time. Pure.

    loads, errors, who asked and who waited    lanes, a bar per load, red where loads lie over each other
    variants                                   a lane each, or how many were in each state
    memory                                     what the process held, with a line for each model
    log                                        lines per moment

About a thousand points, however long the trial: bins where events are many, the events themselves in a
window that is small enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly has no types of its own

from dashboard.bins import Moments, Window, moments
from dashboard.chart_style import GREEN, GREY, RED, VIOLET, Panel, say_empty, stack
from dashboard.evidence import LogEvent
from dashboard.language import _, n_
from dashboard.load_spans import LoadSpan, load_spans
from dashboard.memory_chart import add_memory
from dashboard.record import TrialRecord
from dashboard.remembered import Remembered
from dashboard.spans import origin, variant_rows
from dashboard.timeline_marks import Axis, Lane, add_ends, add_load_bars, add_marks, add_volume
from dashboard.variant_panel import MOST_LANES, add_variants
from dashboard.wording import EVENT_WORDS

__all__ = ["timeline_figure", "whole_window"]

MOST_LOADS: Final = 12
_LANE: Final = 26
"""Pixels of a lane of loads and marks."""
_PROGRESS: Final = 40


def whole_window(trial: TrialRecord) -> Window:
    """Return from when to when a trial is drawn, in seconds since its release."""
    zero = origin(trial) or trial.started_at
    samples = trial.memory.samples if trial.memory is not None else ()
    times = moments(
        chain(
            (event.time for event in trial.events),
            (time for each in trial.variants for time in (each.sent, each.answered) if time is not None),
            (end.time for end in trial.ends),
            (sample.time for sample in samples),
        )
    )
    begin, end = (float(times.min()) - zero, float(times.max()) - zero) if len(times) else (0.0, 0.0)
    begin = min(0.0, begin)
    return Window(begin, max(end, begin + 0.01) * 1.01)


def timeline_figure(
    trial: TrialRecord, window: Window | None = None, log_times: Moments | None = None
) -> go.Figure:
    """Return the timeline of a trial, in seconds since the release.

    Args:
        window: what is looked at, and drawn in detail; None is all of it.
        log_times: when each line of its log came, Unix seconds; None where nobody knows.
    """
    return _Timeline(trial, window, log_times).figure()


@dataclass(frozen=True, slots=True)
class _Facts:
    """What every drawing of a trial begins with, however little of it is looked at."""

    whole: Window
    spans: tuple[LoadSpan, ...]
    kinds: Mapping[str, Sequence[LogEvent]]


def _gathered(trial: TrialRecord) -> _Facts:
    kinds: dict[str, list[LogEvent]] = defaultdict(list)
    for event in trial.events:
        kinds[event.kind].append(event)
    return _Facts(whole_window(trial), load_spans(trial.events), kinds)


_facts_of: Final = Remembered(_gathered)  # a hundred thousand events take a tenth of a second to go through


class _Timeline:
    """One drawing. `view` is what is drawn: somewhat more than what is looked at."""

    def __init__(self, trial: TrialRecord, window: Window | None, log_times: Moments | None) -> None:
        self.trial, self.window, self.log_times = trial, window, log_times
        self.zero = origin(trial) or trial.started_at
        self.axis = Axis(self.zero)
        facts = _facts_of(trial)
        self.whole, self.spans, self.kinds = facts.whole, facts.spans, facts.kinds
        self.view = self.whole if window is None else window.widened(0.5)
        self.clock = Window(self.view.begin + self.zero, self.view.end + self.zero)  # in Unix seconds
        self.drawing = go.Figure()

    def figure(self) -> go.Figure:
        figure, trial = self.drawing, self.trial
        crowded = len(trial.variants) > MOST_LANES
        lanes = self._lanes(crowded=crowded)
        panels = [Panel("y", max(60, _LANE * len(lanes)))] if lanes else []
        if trial.variants and any(variant.sent is not None for variant in trial.variants):
            names = add_variants(figure, variant_rows(trial), self.view, self.window, self.whole.end, "y3")
            # As high for a crowd as for the most lanes: nothing moves when a zoom tells variants apart
            height = 300 if crowded else max(60, 22 * len(names))
            panels.append(Panel("y3", height))
            self._name_variants(names)
        if add_memory(figure, trial, self.zero, "y2", self.view):
            panels.append(Panel("y2", 110))
        if self.log_times is not None and len(self.log_times):
            add_volume(figure, self.log_times - self.zero, self.view, axis=Axis(0.0), y_axis="y4")
            panels.append(Panel("y4", 70))
            figure.update_layout(
                yaxis4={"title": {"text": _("log lines")}, "rangemode": "tozero", "nticks": 3}
            )
        stack(figure, panels or [Panel("y", 150)])
        if not panels:
            say_empty(figure, _("Nothing has happened yet"))
        add_ends(figure, [(end.time, _("worker ended")) for end in trial.ends], axis=self.axis)
        if len(panels) > 1 or trial.memory is not None:
            figure.update_layout(margin={"r": 84 if "yaxis2" in figure.layout else 16})
        # What the colours and the patterns of variants mean; a plotly legend hides what is clicked
        figure.update_layout(
            showlegend=True, barmode="overlay", bargap=0.35,
            legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top",
                    "itemclick": False,
                    "itemdoubleclick": False, "traceorder": "normal"},
        )  # fmt: skip
        figure.update_xaxes(
            title_text=_("seconds since the release"), range=[self.whole.begin, self.whole.end]
        )
        figure.update_yaxes(automargin=True, ticks="", ticklabelstandoff=10)
        figure.update_layout(
            yaxis={"categoryorder": "array", "categoryarray": lanes[::-1], "type": "category",
                   "range": [-0.6, max(len(lanes), 1) - 0.4]},
        )  # fmt: skip
        return figure

    def _name_variants(self, names: Sequence[str]) -> None:
        if names:
            self.drawing.update_layout(
                yaxis3={"categoryorder": "array", "categoryarray": list(names)[::-1], "type": "category",
                        "range": [-0.7, len(names) - 0.3], "tickfont": {"size": 11}, "dtick": 1},
            )  # fmt: skip
        else:
            self.drawing.update_layout(yaxis3={"title": {"text": _("variants")}, "rangemode": "tozero"})

    def _lanes(self, *, crowded: bool) -> list[str]:
        """Draw the lanes of loads and marks, and return their names from above."""
        own = {variant.variant_id for variant in self.trial.variants} if not crowded else set()
        lanes: list[str] = []

        asked = [event for event in self._of("requested") if event.thread not in own]
        lanes += self._mark("requested", asked)
        lanes += self._mark("waiting", self._of("waiting"))
        lanes += self._loads()
        for kind in ("failed", "meta_tensor_error", "released"):
            lanes += self._mark(kind, self._of(kind))
        if crowded:
            lanes += self._answers()
        return lanes

    def _mark(self, kind: str, events: Sequence[LogEvent]) -> list[str]:
        lane = _lane(kind)
        times = moments(event.time for event in events)

        def tell(place: int) -> tuple[int | None, str]:
            event = events[place]
            words = EVENT_WORDS[event.kind]
            owner = self._owner(event) if kind == "waiting" else None
            if owner:
                words = _("waits for the load of {owner}", owner=owner)
            return _line(event), f"{event.thread or _('an unnamed thread')} {words}"

        add_marks(self.drawing, lane, times, self.clock, tell, axis=self.axis)
        # A lane that has nothing in this window keeps its place
        return [lane.name] if events else []

    def _of(self, kind: str) -> Sequence[LogEvent]:
        return self.kinds.get(kind, ())

    def _owner(self, event: LogEvent) -> str | None:
        """Return who makes the load that somebody waits for: it has its number, or was under way then."""
        for span in self.spans:
            under_way = span.begin <= event.time and (span.end is None or event.time <= span.end)
            if span.process == event.boot and (span.load == event.load or (event.load is None and under_way)):
                return span.thread
        return None

    def _loads(self) -> list[str]:
        if not self.spans:
            return []
        several = len({span.process for span in self.spans}) > 1
        names = []
        for number, span in enumerate(self.spans, start=1):
            name = _("Load {number}", number=number)
            if number > MOST_LOADS:
                more = len(self.spans) - MOST_LOADS
                name = n_("{count} more load", "{count} more loads", more)
            elif several:
                name = f"{name} · {span.process}"
            names.append(name)
        until = max((event.time for event in self.trial.events), default=self.zero)
        near = [
            (span, name)
            for span, name in zip(self.spans, names, strict=True)
            if span.begin <= self.clock.end and (span.end is None or span.end >= self.clock.begin)
        ]
        add_load_bars(
            self.drawing, [span for span, _name in near], [name for _span, name in near], [until] * len(near),
            axis=self.axis, view=self.clock,
        )  # fmt: skip
        self._progress(dict(zip(((s.process, s.load) for s in self.spans[:MOST_LOADS]), names, strict=False)))
        return list(dict.fromkeys(names))

    def _progress(self, lanes: Mapping[tuple[str, int | None], str]) -> None:
        """Add how far each load said that it was, on its own bar."""
        by_lane: dict[str, list[LogEvent]] = defaultdict(list)
        for event in self._of("progress"):
            lane = lanes.get((event.boot or "", event.load))
            if lane is not None:
                by_lane[lane].append(event)
        for lane, events in by_lane.items():

            def tell(place: int, events: list[LogEvent] = events) -> tuple[int | None, str]:
                return _line(events[place]), _progress_words(events[place])

            add_marks(
                self.drawing, Lane(lane, "#ffffff", "line-ns-open"), moments(each.time for each in events),
                self.clock, tell, axis=self.axis, most=max(_PROGRESS // len(by_lane), 5),
            )  # fmt: skip

    def _answers(self) -> list[str]:
        answered = [each for each in self.trial.variants if each.state == "answered" and each.answered]
        lane = Lane(_("Answers"), GREEN, "circle")
        add_marks(
            self.drawing, lane, moments(each.answered or 0.0 for each in answered), self.clock,
            lambda place: (None, _("{variant} was answered", variant=answered[place].variant_id)),
            axis=self.axis,
        )  # fmt: skip
        return [lane.name] if answered else []


def _lane(kind: str) -> Lane:
    return {
        "requested": Lane(_("Asked"), GREY, "circle"),
        "waiting": Lane(_("Waits"), GREY, "diamond-open"),
        "failed": Lane(_("Failed"), RED, "x"),
        "meta_tensor_error": Lane(_("Meta tensor error"), RED, "x"),
        "released": Lane(_("Given up"), VIOLET, "triangle-down"),
    }[kind]


def _line(event: LogEvent) -> int | None:
    return event.line if event.line >= 0 else None


def _progress_words(event: LogEvent) -> str:
    done, total = event.fields.get("done"), event.fields.get("total")
    if done and total:
        unit = event.fields.get("unit", "")
        return _("{done} of {total} {unit}", done=done, total=total, unit=unit).rstrip()
    return event.text[:80]
