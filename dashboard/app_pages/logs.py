"""Live logs, as they are printed: of a run (`?run=`, `&trial=`, `&line=`), or of each `?container=`."""

from __future__ import annotations

import streamlit as st

from dashboard import log_choice, session
from dashboard.components.log_view import LogSource, log_view
from dashboard.language import _
from dashboard.listing import run_label
from dashboard.live import CONTAINER
from dashboard.live_files import log_file_url
from dashboard.log_choice import LogChoice
from dashboard.phases import trial_of
from dashboard.retold import told
from dashboard.shown import Shown

FRESH_S = 240
"""How often a page that nobody touches gets new tokens, without which its log can be downloaded no more."""


def container_logs(shown: Shown) -> None:
    """Follow the logs of containers, through their restarts."""
    named = log_choice.named_containers()
    choice = log_choice.seed(shown.containers)
    names = dict.fromkeys((*(each.name for each in shown.containers), *named))
    st.multiselect(
        _("Containers"), list(names), key=log_choice.CONTAINERS, on_change=log_choice.chosen,
        max_selections=log_choice.MOST_CONTAINERS, placeholder=_("Choose up to six"),
    )  # fmt: skip
    which_part(several=len(choice.ranges) > 1)
    for error in choice.errors:
        st.error(told(error), icon=":material/error:")
    if not choice.ranges:
        st.info(_("Choose at least one container."), icon=":material/info:")
    visible = [name for name in choice.ranges if not shown.unseen(name)]
    for name in choice.ranges:
        if name not in visible:
            st.info(told(shown.unseen(name)), icon=":material/visibility_off:")
    if visible:
        following(visible)
        chosen_logs(choice, visible)
    testable = [name for name in visible if name in shown.allowed]
    if len(testable) == 1:
        st.page_link(
            "app_pages/launch.py", label=_("Test {name}", name=testable[0]), icon=":material/rocket_launch:",
            query_params={"target": f"{CONTAINER}{testable[0]}"},
        )  # fmt: skip


@st.fragment(run_every=FRESH_S)
def chosen_logs(choice: LogChoice, names: list[str]) -> None:
    """Show them, merged or side by side."""
    logs = log_choice.sources(choice, names)
    if not choice.side_by_side:
        log_view(sources=tuple(logs.values()), key="log", live=choice.live, at=choice.at)
        return
    grid = st.grid(min(len(logs), 3), min_column_width=420)
    for name, log in logs.items():
        with grid.container():
            st.markdown(f"**{name}**")
            own = choice.at if choice.at is not None and choice.at[0] == name else None
            log_view(sources=(log,), key=f"log-{name}", live=choice.live, at=own)


def which_time(label: str, key: str, example: str) -> None:
    """Ask for one moment."""
    st.text_input(label, key=key, on_change=log_choice.chosen, width=240, placeholder=example)


def which_part(*, several: bool) -> None:
    """Ask from when to when, and how several logs are to stand."""
    with st.container(horizontal=True, vertical_alignment="top"):
        begin = st.selectbox(
            _("From"), list(log_choice.BEGINNINGS), width=210,
            format_func=lambda name: told(log_choice.BEGINNINGS[name]),
            key=log_choice.FROM, on_change=log_choice.chosen,
        )  # fmt: skip
        if begin == log_choice.NEWEST_LINES:
            st.number_input(
                _("Lines"), 1, log_choice.MOST_LINES, step=1000, key=log_choice.LINES,
                on_change=log_choice.chosen, width=150,
            )  # fmt: skip
        elif begin == log_choice.A_TIME:
            which_time(_("From when"), log_choice.FROM_TIME, _("30m, or 2026-11-23 16:10"))
        end = st.selectbox(
            _("Until"), list(log_choice.ENDS), width=150,
            format_func=lambda name: told(log_choice.ENDS[name]),
            key=log_choice.UNTIL, on_change=log_choice.chosen,
        )  # fmt: skip
        if end == log_choice.A_TIME:
            which_time(_("Until when"), log_choice.UNTIL_TIME, _("5m, or 2026-11-23 16:15"))
        if several:
            st.segmented_control(
                _("View"), list(log_choice.VIEWS), required=True,
                format_func=lambda name: told(log_choice.VIEWS[name]),
                key=log_choice.VIEW, on_change=log_choice.chosen,
            )  # fmt: skip


@st.fragment(run_every=2)
def following(names: list[str]) -> None:
    """Say which of the logs is not followed right now, and why."""
    for text in log_choice.troubles(names):
        st.markdown(f":orange[:material/pause_circle: {told(text)}]")


SIDE_BY_SIDE = 6
"""More trials than fit side by side are picked from a list."""

st.title(_("Live logs"))
shown, named = session.shown_containers(), log_choice.named_containers()
if shown.containers or named:
    kind = st.segmented_control(
        _("Log of"), ("run", "containers"), default="containers" if named else "run", required=True,
        format_func={"run": _("A run"), "containers": _("Containers")}.__getitem__,
        key=f"kind-{bool(named)}", label_visibility="collapsed",
    )  # fmt: skip
    if kind == "containers":
        container_logs(shown)
        st.stop()
    log_choice.forget()
chosen, (runs, problem) = session.chosen_run(), session.past_runs()
if problem or chosen.problem or chosen.record is None:
    text = _("No run yet. Launch one, and its worker’s log is shown here live.")
    st.info(told(problem or chosen.problem) or text, icon=":material/info:")
    st.page_link("app_pages/launch.py", label=_("Go to Launch"), icon=":material/rocket_launch:")
    st.stop()

record = chosen.record
labels = {record.run_id: _("This run")} | {run.run_id: run_label(run) for run in runs}
st.selectbox(
    _("Run"), list(labels), format_func=lambda run_id: told(labels[run_id]),
    key=session.run_picker_key(record.run_id), on_change=session.pick_run,
)  # fmt: skip


@st.fragment(run_every=1 if record.running else FRESH_S)
def log() -> None:
    """Offer the log of each trial that has begun; a control's joins while the run goes on."""
    now = session.chosen_run().record
    if now is None or not now.trials:
        text = (
            _("The worker has not started yet.")
            if record.running
            else _("No worker was started in this run.")
        )
        st.info(text, icon=":material/hourglass_top:" if record.running else ":material/info:")
        return
    logs = {
        _("Control {number}", number=trial.number)
        if trial.role == "control"
        else _("Trial {number}", number=trial.number): trial
        for trial in now.trials
    }
    first = trial_of(now, session.address_number("trial")) or now.trials[0]
    at, key = now.trials.index(first), f"log-of-{now.run_id}"
    if len(logs) <= SIDE_BY_SIDE:
        name = st.radio(_("Log of"), list(logs), index=at, horizontal=True, key=key)
    else:
        name = st.selectbox(_("Log of"), list(logs), index=at, key=f"{key}-in-list")
    trial = logs[name]
    if trial is not first:
        session.turn_to_trial(now.trials.index(trial) + 1)
    line = session.address_number("line")  # counted from 1, as people and editors do
    token = session.console().tokens.issue(now.run_id)
    whole = log_file_url(now.run_id, token, source=trial.source)
    address = {"run": now.run_id, "trial": str(now.trials.index(trial) + 1)}
    log_view(
        sources=(LogSource(now.run_id, trial.source, token, address=address, download=whole),),
        key="log",
        live=now.running and trial.ended_at is None,
        since_line=max(line - 1, 0) if line is not None else None,
    )
    if record.running and not now.running:
        st.rerun()


log()
with st.container(horizontal=True):
    for page, label, icon in (
        ("run", _("The run"), "monitor_heart"),
        ("timeline", _("Timeline"), "timeline"),
    ):
        st.page_link(
            f"app_pages/{page}.py",
            label=label,
            icon=f":material/{icon}:",
            query_params={"run": record.run_id},
        )
