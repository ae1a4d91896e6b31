"""Live logs, as they are printed: of a run (`?run=`, `&trial=`, `&line=`), or of a `?container=`."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.components.log_view import log_view
from dashboard.listing import run_label
from dashboard.live import CONTAINER
from dashboard.phases import trial_of
from dashboard.shown import Shown


def container_log(shown: Shown, named: str | None) -> None:
    """Follow the log of one container, through its restarts."""
    names = [each.name for each in shown.containers]
    if named is not None and named not in names:
        names.insert(0, named)  # gone, or not yet there: what is said of it is said below
    name = st.selectbox("Container", names, index=names.index(named) if named else 0, key=f"of-{named}")
    session.address(container=name)
    unseen = shown.unseen(name)
    if unseen:
        st.info(unseen, icon=":material/visibility_off:")
        return
    key = f"{CONTAINER}{name}"
    log_view(run_id=key, source=name, token=session.console().tokens.issue(key), key="log", live=True)
    if name in shown.allowed:
        st.page_link(
            "app_pages/launch.py", label="Test it", icon=":material/rocket_launch:",
            query_params={"target": key},
        )  # fmt: skip


SIDE_BY_SIDE = 6
"""More trials than fit side by side are picked from a list."""

st.title("Live logs")
shown, named = session.shown_containers(), st.query_params.get("container")
if shown.containers or named:
    kind = st.segmented_control(
        "Log of", ("A run", "A container"), default="A container" if named else "A run", required=True,
        key=f"kind-{bool(named)}", label_visibility="collapsed",
    )  # fmt: skip
    if kind == "A container":
        container_log(shown, named)
        st.stop()
    st.query_params.pop("container", None)
chosen, (runs, problem) = session.chosen_run(), session.past_runs()
if problem or chosen.problem or chosen.record is None:
    text = problem or chosen.problem or "No run yet. Launch one, and its worker’s log is shown here live."
    st.info(text, icon=":material/info:")
    st.page_link("app_pages/launch.py", label="Go to Launch", icon=":material/rocket_launch:")
    st.stop()

record = chosen.record
labels = {record.run_id: "This run"} | {run.run_id: run_label(run) for run in runs}
st.selectbox(
    "Run", list(labels), format_func=labels.__getitem__, key=session.run_picker_key(record.run_id),
    on_change=session.pick_run,
)  # fmt: skip


@st.fragment(run_every=1 if record.running else None)
def log() -> None:
    """Offer the log of each trial that has begun; a control's joins while the run goes on."""
    now = session.chosen_run().record
    if now is None or not now.trials:
        text = "The worker has not started yet." if record.running else "No worker was started in this run."
        st.info(text, icon=":material/hourglass_top:" if record.running else ":material/info:")
        return
    logs = {f"{trial.role.title()} {trial.number}": trial for trial in now.trials}
    first = trial_of(now, session.address_number("trial")) or now.trials[0]
    at, key = now.trials.index(first), f"log-of-{now.run_id}"
    if len(logs) <= SIDE_BY_SIDE:
        name = st.radio("Log of", list(logs), index=at, horizontal=True, key=key)
    else:
        name = st.selectbox("Log of", list(logs), index=at, key=f"{key}-in-list")
    trial, line = logs[name], session.address_number("line")  # counted from 1, as people and editors do
    log_view(
        run_id=now.run_id,
        source=trial.source,
        token=session.console().tokens.issue(now.run_id),
        key="log",
        live=now.running and trial.ended_at is None,
        since_line=max(line - 1, 0) if line is not None else None,
    )
    if record.running and not now.running:
        st.rerun()


log()
with st.container(horizontal=True):
    for page, label, icon in (("run", "The run", "monitor_heart"), ("timeline", "Timeline", "timeline")):
        st.page_link(
            f"app_pages/{page}.py",
            label=label,
            icon=f":material/{icon}:",
            query_params={"run": record.run_id},
        )
