"""Live run: one run on one screen, while it goes on and afterwards; `?run=` names it, `&trial=` a trial."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.components.live_chart import live_chart
from dashboard.components.run_board import run_board
from dashboard.gauge_cards import usage_figures
from dashboard.language import _
from dashboard.latency_desk import OVER, VIEW, VIEWS, latencies, other_runs, pick, seed, view_label
from dashboard.live_assets import PLOTLY_PATH
from dashboard.memory_chart import memory_figure
from dashboard.phases import board_view, trial_of
from dashboard.report_desk import offers
from dashboard.retold import told, told_all
from dashboard.spans import origin
from dashboard.wording import memory_words

chosen = session.chosen_run()
if chosen.record is None:
    st.title(_("Live run"))
    nothing = _("No run yet. Launch one, and it is shown here live.")
    st.info(told(chosen.problem) or nothing, icon=":material/info:")
    st.page_link("app_pages/launch.py", label=_("Go to Launch"), icon=":material/rocket_launch:")
    st.stop()

record, place = chosen.record, session.address_number("trial")
session.address(run=record.run_id)
asked = run_board(
    told_all(board_view(record, place)),
    token=session.console().tokens.issue(record.run_id),
    trial=place,
    key="board",
)
if asked.abort:
    session.abort(record.run_id)
if asked.trial is not None:
    session.address(trial=asked.trial)
    st.rerun()
if asked.again:
    again = session.launch(record.settings)
    st.switch_page("app_pages/run.py", query_params={"run": again}) if again else st.switch_page(
        "app_pages/launch.py"
    )


@st.fragment(run_every=1 if record.running else None)
def latency() -> None:
    """Draw the latencies as far as they are known; when the run has ended, the page is drawn for good."""
    now = session.chosen_run().record
    seed()
    cells = st.container(horizontal=True, vertical_alignment="bottom")
    cells.segmented_control(
        _("Latency as"), VIEWS, format_func=view_label, key=VIEW, required=True, on_change=pick
    )
    labels = other_runs(record, session.past_runs()[0])
    cells.selectbox(
        _("Over another run"),
        list(labels),
        format_func=lambda run_id: told(labels[run_id]),
        key=OVER,
        on_change=pick,
        width=420,
    )
    found = latencies(now or record, trial_of(now, place) if now is not None else None)
    if found.problem:
        st.info(told(found.problem), icon=":material/info:")
    live_chart(found.figure, label=found.words, library=PLOTLY_PATH, key=found.key)
    st.markdown(f":small[:gray[{found.words}]]")
    if found.rows:
        st.dataframe(found.rows, hide_index=True, key="percentiles")
    if record.running and now is not None and not now.running:
        st.rerun()


with st.container(horizontal=True, vertical_alignment="center"):
    for page, label, icon in (
        ("logs", _("Log of this run"), "article"),
        ("timeline", _("Timeline"), "timeline"),
    ):
        st.page_link(
            f"app_pages/{page}.py",
            label=label,
            icon=f":material/{icon}:",
            query_params={"run": record.run_id},
        )
    with st.popover(_("Download"), icon=":material/download:"):
        for offer in offers(record, session.console().store, session.console().runner.record):
            st.download_button(
                offer.label, offer.make, offer.file, offer.mime, key=offer.file, type="tertiary",
                on_click="ignore", disabled=not offer.possible, icon=":material/description:",
            )  # fmt: skip


@st.fragment(run_every=2 if record.running and record.settings.target != "local" else None)
def in_use() -> None:
    """Show what the container uses while the trial goes on, or used; nothing where nobody measures that."""
    now = session.chosen_run().record
    figures = usage_figures(trial_of(now, place) if now is not None else None)
    if figures:
        st.header(_("The container meanwhile"))
        for cell, figure in zip(st.columns(2), figures, strict=False):
            cell.metric(
                told(figure.label), told(figure.value), told(figure.peak),
                delta_color="off", delta_arrow="off", border=True,
                chart_data=figure.series, chart_type="area",
            )  # fmt: skip


@st.fragment(run_every=2 if record.running else None)
def memory() -> None:
    """Draw what the worker's process held, with a line for each model in it; nothing where it shows none."""
    now = session.chosen_run().record
    trial = trial_of(now, place) if now is not None else None
    figure = memory_figure(trial, (origin(trial) or trial.started_at) if trial is not None else 0.0)
    if figure is not None:
        st.header(_("Models in its memory"))
        held = told(memory_words(trial)[1])
        label = _("Memory of the worker's process: {held}", held=held)
        live_chart(figure, label=label, library=PLOTLY_PATH, key="memory")
        st.markdown(f":small[:gray[{held}]]")


in_use()
memory()
st.header(_("Latency of each variant"))
latency()
