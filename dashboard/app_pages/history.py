"""History: the runs of the past, to be found again and opened in full."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.listing import VERDICT_FILTERS, run_rows

st.title("History")
runs, problem = session.past_runs()
if problem or not runs:
    st.info(problem or "No run has been made yet. Launch one, and it is kept here.", icon=":material/info:")
    st.page_link("app_pages/launch.py", label="Go to Launch", icon=":material/rocket_launch:")
    st.stop()

verdict_cell, text_cell = st.columns([1, 3])
verdict = verdict_cell.selectbox("Verdict", VERDICT_FILTERS, key="verdict", persist_state="session")
text = text_cell.text_input(
    "Search", key="search", type="search", persist_state="session",
    placeholder="any words of a row: a run id, a guard mode, a day",
)  # fmt: skip
rows = run_rows(runs, verdict=verdict, text=text or "")
if not rows:
    st.info("No run matches. Choose All and empty the search to see every run.", icon=":material/search_off:")
    st.stop()

actions = st.container(horizontal=True, vertical_alignment="center")
table = st.dataframe(
    rows, hide_index=True, on_select="rerun", selection_mode="single-row", key="runs", placeholder="–",
    column_config={
        "Guard": st.column_config.TextColumn(width=140),
        "Loads": st.column_config.NumberColumn(help="Load starts that were seen; 1 is right."),
        "p95 latency": st.column_config.NumberColumn(
            format="%.2f s", help="95 of 100 variants were answered within this time, the load included."
        ),
        "Took": st.column_config.NumberColumn(format="%.1f s", help="The whole run, its control included."),
    },
)  # fmt: skip
selected = [rows[index] for index in table["selection"]["rows"] if index < len(rows)]
with actions:
    if not selected:
        st.markdown(f":gray[{len(rows):,} of {len(runs):,} runs. Tick a row to open that run.]")
    for row in selected:
        st.markdown(f"**{row['Verdict']}** · {row['When']}")
        if st.button("Open in full", type="primary", key="open"):
            st.switch_page("app_pages/run.py", query_params={"run": row["Run"]})
        for page, label in (("timeline", "Timeline"), ("logs", "Log")):
            st.page_link(f"app_pages/{page}.py", label=label, query_params={"run": row["Run"]})
