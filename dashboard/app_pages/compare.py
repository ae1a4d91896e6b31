"""Compare: the run before a change and the one after it, side by side; `?before=` and `&after=` name them."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.comparison_charts import latencies_figure
from dashboard.comparison_desk import chosen_pair, compared, pick, picker_key
from dashboard.comparison_words import count_rows, difference_rows, measure_rows, outcome_words
from dashboard.components.live_chart import live_chart
from dashboard.listing import run_label
from dashboard.live_assets import PLOTLY_PATH
from dashboard.printable import as_it_is

st.title("Compare")
st.markdown("The run before a change and the one after it: is anything worse, and by more than noise?")
runs, problem = session.past_runs()
if problem or len(runs) < 2:
    st.info(problem or "It takes two runs to compare. Launch another one.", icon=":material/info:")
    st.page_link("app_pages/launch.py", label="Go to Launch", icon=":material/rocket_launch:")
    st.stop()

pair = chosen_pair(runs)
labels = {run_id: run_id for run_id in pair} | {run.run_id: run_label(run) for run in runs}
for side, run_id, cell in zip(("before", "after"), pair, st.columns(2), strict=True):
    cell.selectbox(
        side.capitalize(), list(labels), format_func=labels.__getitem__, key=picker_key(side, run_id),
        on_change=pick,
    )  # fmt: skip
found = compared(*pair)
if isinstance(found, str):
    st.info(found, icon=":material/info:")
    st.stop()

tell = {"worse": st.error, "not_worse": st.success, "unproven": st.warning}[found.outcome]
tell("\n\n".join(outcome_words(found)))
for remark in found.remarks:
    st.markdown(f":gray[:material/info: {as_it_is(remark)}]")
left, right = st.columns(2)
with left:
    st.subheader("What was counted")
    st.dataframe(count_rows(found), hide_index=True, placeholder="–", key="counts")
with right:
    st.subheader("How long it took")
    st.dataframe(measure_rows(found), hide_index=True, placeholder="–", key="seconds")
    st.subheader("What changed")
    changed = difference_rows(found)
    if changed:
        st.dataframe(changed, hide_index=True, placeholder="–", key="changed")
    else:
        st.markdown(":gray[Neither a version nor a setting.]")
st.subheader("Latency, one run over the other")
label = "Share of variants that were answered within so many seconds, before and after"
live_chart(latencies_figure(found.before, found.after), label=label, library=PLOTLY_PATH, key="latencies")
with st.container(horizontal=True):
    for side, record in (("before", found.before), ("after", found.after)):
        st.page_link(
            "app_pages/run.py", label=f"The run {side}", icon=":material/monitor_heart:",
            query_params={"run": record.run_id},
        )  # fmt: skip
