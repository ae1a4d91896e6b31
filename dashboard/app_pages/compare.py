"""Compare: the run before a change and the one after it, side by side; `?before=` and `&after=` name them."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.comparison_charts import latencies_figure
from dashboard.comparison_desk import chosen_pair, compared, pick, picker_key
from dashboard.comparison_words import count_rows, difference_rows, measure_rows, outcome_words
from dashboard.components.live_chart import live_chart
from dashboard.components.table import table_height
from dashboard.language import _
from dashboard.listing import run_label
from dashboard.live_assets import PLOTLY_PATH
from dashboard.printable import as_it_is
from dashboard.retold import told, told_rows

st.title(_("Compare"))
st.markdown(_("The run before a change and the one after it: is anything worse, and by more than noise?"))
runs, problem = session.past_runs()
if problem or len(runs) < 2:
    st.info(told(problem) or _("It takes two runs to compare. Launch another one."), icon=":material/info:")
    st.page_link("app_pages/launch.py", label=_("Go to Launch"), icon=":material/rocket_launch:")
    st.stop()

pair = chosen_pair(runs)
labels = {run_id: run_id for run_id in pair} | {run.run_id: run_label(run) for run in runs}
for side, run_id, cell in zip(("before", "after"), pair, st.columns(2), strict=True):
    cell.selectbox(
        {"before": _("Before"), "after": _("After")}[side], list(labels),
        format_func=lambda run_id: told(labels[run_id]), key=picker_key(side, run_id),
        on_change=pick,
    )  # fmt: skip
found = compared(*pair)
if isinstance(found, str):
    st.info(told(found), icon=":material/info:")
    st.stop()

tell = {"worse": st.error, "not_worse": st.success, "unproven": st.warning}[found.outcome]
tell("\n\n".join(map(told, outcome_words(found))))
for remark in found.remarks:
    st.markdown(f":gray[:material/info: {as_it_is(told(remark))}]")
left, right = st.columns(2)
with left:
    st.header(_("What was counted"))
    counts = told_rows(count_rows(found))
    st.dataframe(counts, hide_index=True, placeholder="–", key="counts", height=table_height(counts))
with right:
    st.header(_("How long it took"))
    took = told_rows(measure_rows(found))
    st.dataframe(took, hide_index=True, placeholder="–", key="seconds", height=table_height(took))
    st.header(_("What changed"))
    changed = told_rows(difference_rows(found))
    if changed:
        st.dataframe(changed, hide_index=True, placeholder="–", key="changed", height=table_height(changed))
    else:
        st.markdown(_(":gray[Neither a version nor a setting.]"))
st.header(_("Latency, one run over the other"))
label = _("Share of variants that were answered within so many seconds, before and after")
live_chart(latencies_figure(found.before, found.after), label=label, library=PLOTLY_PATH, key="latencies")
with st.container(horizontal=True):
    for label, record in ((_("The run before"), found.before), (_("The run after"), found.after)):
        st.page_link(
            "app_pages/run.py", label=label, icon=":material/monitor_heart:",
            query_params={"run": record.run_id},
        )  # fmt: skip
