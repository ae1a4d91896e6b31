"""The one page of `log_app.py`."""

import streamlit as st
from log_app import CONSOLE

from dashboard.components.log_view import log_view

st.set_page_config(layout="wide", page_title="Log")
st.title("Live logs")
line = st.query_params.get("line")
named = st.query_params.get("source", "Trial 1")
source = st.segmented_control("Source", sorted({named, "Control"}), default=named, required=True)
log_view(
    run_id="run-1",
    source=source,
    token=CONSOLE.tokens.issue("run-1"),
    key="log",
    live=True,
    since_line=int(line) if line else None,
)
