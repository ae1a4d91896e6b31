"""Timeline: a trial, or what a container loaded, over one axis of time; a click shows the log of a moment."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dashboard import load_history_desk, session
from dashboard.app_pages.container_timeline import how_to_ask, of_container
from dashboard.bins import Window
from dashboard.charts import timeline_figure
from dashboard.components.live_chart import timeline_chart
from dashboard.language import _, zone, zone_words
from dashboard.listing import event_rows, run_label, trial_label
from dashboard.live_assets import PLOTLY_PATH
from dashboard.load_history_desk import HISTORY, KIND, KINDS
from dashboard.log_moments import lines_text
from dashboard.phases import trial_of
from dashboard.printable import as_it_is
from dashboard.record import TrialRecord
from dashboard.retold import told, told_rows
from dashboard.timeline_desk import (
    TABLE,
    TrialLog,
    keep_window,
    moment_in_address,
    note_click,
    note_tick,
    shown_events,
    trial_lines,
    trial_log,
    window_of,
)
from dashboard.timeline_words import no_event_words, trial_words

st.title(_("Timeline"))
around = session.shown_containers()
if around.containers or load_history_desk.named_container():
    load_history_desk.seed()
    st.segmented_control(
        _("Timeline of"), KINDS, format_func=load_history_desk.kind_label, key=KIND, required=True,
        on_change=lambda: load_history_desk.turn_to(around), label_visibility="collapsed",
    )  # fmt: skip
    if st.session_state[KIND] == HISTORY:
        of_container(around)
        st.stop()
chosen, (runs, problem) = session.chosen_run(), session.past_runs()
if problem or chosen.problem or chosen.record is None:
    text = problem or chosen.problem or _("No run yet. Launch one, and its load events are shown here.")
    st.info(as_it_is(told(text)), icon=":material/info:")
    st.page_link("app_pages/launch.py", label=_("Go to Launch"), icon=":material/rocket_launch:")
    st.stop()

record = chosen.record
labels = {record.run_id: _("This run")} | {run.run_id: run_label(run) for run in runs}
picker, of_trial = st.columns([3, 2])
picker.selectbox(
    _("Run"), list(labels), format_func=labels.__getitem__, key=session.run_picker_key(record.run_id),
    on_change=session.pick_run,
)  # fmt: skip
places = list(range(1, len(record.trials) + 1))
shown = trial_of(record, session.address_number("trial"))
place = of_trial.selectbox(
    _("Trial"), places, index=record.trials.index(shown) if shown is not None else None,
    format_func=lambda number: trial_label(record, number), key=f"trial-{record.run_id}",
    placeholder=_("None yet"),
)  # fmt: skip
if place is not None and shown is not record.trials[place - 1]:
    session.turn_to_trial(place)
chart = f"timeline-{record.run_id}-{place}"


def lines_beside(trial: TrialRecord, log: TrialLog | None) -> None:
    """Show the log lines of the moment that was asked for, with the way to its place in the log."""
    st.markdown(f"**{_('The log at this moment')}** :small[:gray[{zone_words(trial.started_at)}]]")
    moment = moment_in_address()
    if moment is None:
        st.markdown(f":gray[{how_to_ask()}]")
        return
    found = trial_lines(trial, log, moment)
    if found.line is None:
        st.markdown(f":gray[{_('No log lines of this moment were kept.')}]")
        return
    st.code(lines_text(found, zone()), language=None, wrap_lines=True, height=300)
    line = found.line.number + 1
    st.page_link(
        "app_pages/logs.py", label=_("Open the log at line {line}", line=f"{line:,}"),
        icon=":material/article:",
        query_params={"run": record.run_id, "trial": str(place), "line": str(line)},
    )  # fmt: skip


def table_of_events(trial: TrialRecord, window: Window | None) -> None:
    """List the events of what is looked at."""
    st.header(_("Every load event"))
    if record.running:  # a table would be sent anew each second
        so_far = _("{count} so far. They are listed when the run has ended.", count=f"{len(trial.events):,}")
        st.markdown(f":gray[{so_far}]")
        return
    listed, count = shown_events(trial, window)
    if not listed:
        st.markdown(f":gray[{no_event_words(trial)}]")
        return
    if len(listed) < count:
        few = _(
            "{shown} of {count} are listed. Zoom in to see others.",
            shown=f"{len(listed):,}",
            count=f"{count:,}",
        )
        st.markdown(f":gray[{few}]")
    st.dataframe(
        told_rows(event_rows(replace(trial, events=listed))),
        hide_index=True, placeholder="–", height=420, key=TABLE,
        selection_mode="single-row", on_select=lambda: note_tick(trial, listed),
        column_config={told("Since release (s)"): st.column_config.NumberColumn(format="%.3f")},
    )  # fmt: skip


@st.fragment(run_every=1 if record.running else None)
def events() -> None:
    """Draw the events as far as they are known; when the run has ended, the page is drawn for good."""
    now = session.chosen_run().record
    trial = trial_of(now, place) if now is not None else None
    if now is None or trial is None:
        st.info(_("The worker has not started yet."), icon=":material/hourglass_top:")
    else:
        window, log, moment = window_of(chart), trial_log(now, trial), moment_in_address()
        words = trial_words(trial)
        left, right = st.columns([3, 2])
        with left:
            timeline_chart(
                timeline_figure(trial, window, None if log is None else log.times), label=words,
                library=PLOTLY_PATH, key=chart, window=window, moment=None if moment is None else moment[0],
                on_click=lambda: note_click(chart),
            )  # fmt: skip
            st.markdown(f":small[:gray[{words}]]")
        with right:
            lines_beside(trial, log)
        keep_window(window)
        table_of_events(trial, window)
    if record.running and now is not None and not now.running:
        st.rerun()


events()
with st.container(horizontal=True):
    for page, label, icon in (("run", _("The run"), "monitor_heart"), ("logs", _("Its log"), "article")):
        st.page_link(
            f"app_pages/{page}.py",
            label=label,
            icon=f":material/{icon}:",
            query_params={"run": record.run_id},
        )
