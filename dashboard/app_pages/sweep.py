"""Sweep: the same trial over numbers of variants, guards and states, as a matrix; `?sweep=` names one."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import session
from dashboard.address_choice import keep_choice, seed_choice
from dashboard.components.field import field_error
from dashboard.components.sweep_matrix import sweep_matrix
from dashboard.language import _
from dashboard.printable import as_it_is
from dashboard.retold import told, told_all
from dashboard.settings import GUARDS
from dashboard.sweep import STATES
from dashboard.sweep_desk import sweep_draft
from dashboard.sweep_report import sweep_report_bytes
from dashboard.sweep_table import STATE_LABELS, plan_sentence, sweep_label, sweep_view
from dashboard.wording import GUARD_LABELS

USUAL_GUARDS, USUAL_STATES = ("on", "off"), ("cold",)

st.title(_("Sweep"))
st.markdown(
    _(
        ":gray[The same trial with few and with many variants, with the guard and without, cold and warm: "
        "each cell is a run, made as often as you say.]"
    )
)
desk, console = session.console().sweeps, session.console()
newest = desk.view()
running = newest is not None and newest.status == "running"
with st.container(border=True):
    first, second = st.columns([3, 1])
    with first:
        variants = st.text_input(
            _("Variants"), value="2, 4, 8", key="sweep_variants", bind="query-params",
            help=_("How many are released at the same instant: numbers with commas between them."),
        )  # fmt: skip
        cell_variants = st.container()
    with second:
        repeat = st.number_input(
            _("Repeats"), value=3, step=1, key="sweep_repeat", bind="query-params",
            help=_("How often each combination is tried, each time in a new worker process."),
        )  # fmt: skip
        cell_repeat = st.container()
    strange_guard = seed_choice("sweep_guards", GUARDS, GUARD_LABELS, USUAL_GUARDS)
    guards = st.pills(
        _("Guards"), GUARDS, selection_mode="multi", key="sweep_guards",
        format_func=lambda mode: told(GUARD_LABELS[mode]),
        on_change=keep_choice, args=("sweep_guards", USUAL_GUARDS),
    )  # fmt: skip
    cell_guards = st.container()
    strange_state = seed_choice("sweep_states", STATES, STATE_LABELS, USUAL_STATES)
    states = st.pills(
        _("States"), STATES, selection_mode="multi", key="sweep_states",
        format_func=lambda state: told(STATE_LABELS[state]),
        on_change=keep_choice, args=("sweep_states", USUAL_STATES),
    )  # fmt: skip
    cell_states = st.container()
    for strange in filter(None, (strange_guard, strange_state)):
        st.warning(as_it_is(strange), icon=":material/link_off:")
    form = sweep_draft({"variants": variants, "repeat": repeat, "guards": guards, "states": states})
    for name, cell in {
        "variants": cell_variants, "repeat": cell_repeat, "guards": cell_guards, "states": cell_states,
    }.items():  # fmt: skip
        with cell:
            field_error(form.errors, name)
    with st.container(horizontal=True, vertical_alignment="center"):
        begin = st.button(
            _("Begin the sweep"), type="primary", icon=":material/grid_on:", key="sweep_begin",
            disabled=form.plan is None or running,
        )  # fmt: skip
        if running and st.button(_("Stop it"), icon=":material/stop:", key="sweep_stop"):
            desk.stop(store=console.store, actor=session.actor())
        st.markdown(told(form.sentence) or _(":red[Correct the marked fields first.]"), width="stretch")
if begin and form.plan is not None:
    problem = desk.begin(form.plan, runner=console.runner, store=console.store, actor=session.actor())
    if problem:
        st.error(told(problem), icon=":material/error:")
    else:
        st.query_params.pop("sweep", None)
        st.rerun()

known, unread = desk.known(console.store)
if unread:
    st.warning(told(unread), icon=":material/warning:")
if not known:
    st.info(_("No sweep yet. Begin one, and its matrix is shown here live."), icon=":material/info:")
    st.stop()
ids = [each.sweep_id for each in known]
named = st.query_params.get("sweep", ids[0])
chosen = st.selectbox(
    _("Shown sweep"), ids, index=ids.index(named) if named in ids else 0,
    format_func=lambda sweep_id: told(sweep_label(known[ids.index(sweep_id)])),
)  # fmt: skip
session.address(sweep=chosen)


@st.fragment(run_every=1 if running and chosen == ids[0] else None)
def matrix() -> None:
    """Draw the matrix as far as it is known; when the sweep has ended, the page is drawn for good."""
    now = desk.view()
    shown = now if now is not None and now.sweep_id == chosen else known[ids.index(chosen)]
    pressed = sweep_matrix(told_all(sweep_view(shown)), key="sweep")
    if pressed is not None:
        st.switch_page("app_pages/run.py", query_params={"run": pressed})
    active = desk.active()
    if active is not None and shown is now:
        st.page_link(
            "app_pages/run.py", label=_("Watch the run under way"), icon=":material/monitor_heart:",
            query_params={"run": active},
        )  # fmt: skip
    st.markdown(f":small[:gray[{told(plan_sentence(shown.plan))}]]")
    with st.popover(_("Download"), icon=":material/download:"):
        for ending, label, mime in (
            ("html", _("Page (HTML)"), "text/html"),
            ("csv", _("Cells (CSV)"), "text/csv"),
            ("json", _("Whole record (JSON)"), "application/json"),
            ("xml", _("For CI systems (JUnit XML)"), "application/xml"),
        ):
            file = f"loadonce-sweep-{shown.sweep_id}.{ending}"
            st.download_button(
                label, partial(sweep_report_bytes, shown, file), file, mime, key=f"sweep-{ending}",
                type="tertiary", on_click="ignore", icon=":material/description:",
            )  # fmt: skip
    if running and now is not None and now.status != "running":
        st.rerun()


matrix()
