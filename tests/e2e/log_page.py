"""The one page of `log_app.py`: `?source=` once or several times, `&line=`, `&of=…&at=…`, `&live=no`."""

import streamlit as st
from log_app import CONSOLE

from dashboard.components.log_view import LogSource, log_view

st.set_page_config(layout="wide", page_title="Log")
st.title("Live logs")
query = st.query_params
names = query.get_all("source") or ["Trial 1"]
if len(names) == 1:
    picked = st.segmented_control("Source", sorted({names[0], "Control"}), default=names[0], required=True)
    names = [picked]
span = st.segmented_control("Range", ("All", "Last five minutes"), default="All", required=True)
line, of = query.get("line"), query.get("of")


def token(run_id):
    return CONSOLE.tokens.issue(run_id)


log_view(
    sources=[
        LogSource(
            "run-1",
            name,
            token("run-1"),
            range={"begin": "5m"} if span != "All" else {},
            address={"trial": name},
            download=f"/whole/{name}.log" if query.get("engine") else None,
        )
        for name in names
    ],
    key="log",
    live=query.get("live") != "no",
    since_line=int(line) - 1 if line else None,
    at=(of, float(query["at"])) if of else None,
)
