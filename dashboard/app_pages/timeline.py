"""Timeline: the load events of one trial on the time axis of its log, as a chart and as a table."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.charts import timeline_figure
from dashboard.components.live_chart import live_chart
from dashboard.listing import event_rows, run_label, trial_label
from dashboard.live_assets import PLOTLY_PATH
from dashboard.phases import trial_of

st.title("Timeline")
chosen, (runs, problem) = session.chosen_run(), session.past_runs()
if problem or chosen.problem or chosen.record is None:
    text = problem or chosen.problem or "No run yet. Launch one, and its load events are shown here."
    st.info(text, icon=":material/info:")
    st.page_link("app_pages/launch.py", label="Go to Launch", icon=":material/rocket_launch:")
    st.stop()

record = chosen.record
labels = {record.run_id: "This run"} | {run.run_id: run_label(run) for run in runs}
picker, of_trial = st.columns([3, 2])
picker.selectbox(
    "Run", list(labels), format_func=labels.__getitem__, key=session.run_picker_key(record.run_id),
    on_change=session.pick_run,
)  # fmt: skip
places = list(range(1, len(record.trials) + 1))
shown = trial_of(record, session.address_number("trial"))
place = of_trial.selectbox(
    "Trial", places, index=record.trials.index(shown) if shown is not None else None,
    format_func=lambda number: trial_label(record, number), key=f"trial-{record.run_id}",
    placeholder="None yet",
)  # fmt: skip


def show_line(ticked: list[int]) -> None:
    """Lead to the line of the log that showed the ticked event."""
    st.markdown(":gray[Tick an event to see its line in the log.]") if not ticked else st.page_link(
        "app_pages/logs.py", label=f"Show line {ticked[0]:,} of the log", icon=":material/article:",
        query_params={"run": record.run_id, "trial": str(place), "line": str(ticked[0])},
    )  # fmt: skip


@st.fragment(run_every=1 if record.running else None)
def events() -> None:
    """Draw the events as far as they are known; when the run has ended, the page is drawn for good."""
    now = session.chosen_run().record
    trial = trial_of(now, place) if now is not None else None
    if trial is None:
        st.info("The worker has not started yet.", icon=":material/hourglass_top:")
    else:
        label = f"{len(trial.events)} load events in seconds since the release"
        live_chart(timeline_figure(trial), label=label, library=PLOTLY_PATH, key="timeline")
        st.subheader("Every load event")
        rows, place_of_link = event_rows(trial), st.container()
        table = st.dataframe(
            rows, hide_index=True, placeholder="–", height=420, key="events",
            on_select="rerun", selection_mode="single-row",
            column_config={"Since release (s)": st.column_config.NumberColumn(format="%.3f")},
        )  # fmt: skip
        ticked = [rows[index] for index in table["selection"]["rows"] if index < len(rows)]
        with place_of_link:
            show_line([row["Log line"] for row in ticked if row["Log line"] is not None])
    if record.running and now is not None and not now.running:
        st.rerun()


events()
with st.container(horizontal=True):
    for page, label, icon in (("run", "The run", "monitor_heart"), ("logs", "Its log", "article")):
        st.page_link(
            f"app_pages/{page}.py",
            label=label,
            icon=f":material/{icon}:",
            query_params={"run": record.run_id},
        )
