"""Watch: follows containers as they work, whoever looks, and alarms at a second load in one process."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.language import _
from dashboard.printable import as_it_is
from dashboard.retold import told
from dashboard.watch_file import KeptAlarm
from dashboard.watch_words import alarm_rows, alarms_of, badge, facts, state_words, worker_rows
from dashboard.watching import WatchView

st.title(_("Watch"))
st.markdown(
    ":gray[{}]".format(
        _(
            "Reads what containers write while they work, from their last start on, and alarms when a worker "
            "process loads its model a second time without a restart. Nothing is triggered and nothing is "
            "restarted. A watch belongs to the console, not to this tab."
        )
    )
)
console, desk = session.console(), session.console().watches
begun = {each.watched.container for each in desk.view().watches}


def begin() -> None:
    """Ask which container to watch, and how its log is to be read."""
    shown = console.shown()
    names = [each.name for each in shown.containers if each.name not in begun]
    if not names:
        none_left = (
            _("Every container that can be seen is watched.") if begun else _("No container can be seen.")
        )
        st.info(told(shown.problem) or none_left, icon=":material/info:")
        st.page_link("app_pages/targets.py", label=_("Go to Targets"), icon=":material/dns:")
        return
    with st.container(border=True):
        cells = st.grid(3, min_column_width=220)
        named = st.query_params.get("container")
        name = cells.selectbox(
            _("Container"), names, index=names.index(named) if named in names else 0, key="watch_container"
        )
        expected = cells.number_input(
            _("Worker processes"), 1, 1000, value=1, key="watch_expected",
            help=_("How many write into this log, where it does not tell them apart."),
        )  # fmt: skip
        profile = cells.selectbox(
            _("Profile"), (None, *desk.profiles()), key="watch_profile",
            format_func=lambda each: _("Several are tried") if each is None else each,
            help=_("Whose lines to look for."),
        )  # fmt: skip
        if st.button(_("Begin the watch"), type="primary", icon=":material/visibility:", key="watch_begin"):
            refused = desk.begin(
                name, profile=profile, expected_workers=expected, store=console.store, actor=session.actor()
            )
            if refused:
                st.error(told(refused), icon=":material/error:")
            else:
                st.rerun()


def card(view: WatchView, alarms: tuple[KeptAlarm, ...]) -> None:
    """Show one watch: how it stands, what its workers have loaded, and what it alarmed at last."""
    name = view.watched.container
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{as_it_is(name)}** {badge(view).markdown}", width="stretch")
            st.page_link(
                "app_pages/logs.py", label=_("Log"), icon=":material/article:",
                query_params={"container": name},
            )  # fmt: skip
            if st.button(_("End the watch"), icon=":material/visibility_off:", key=f"end-{name}"):
                desk.stop(name, store=console.store, actor=session.actor())
                st.rerun()
        st.markdown(f":small[:gray[{as_it_is(facts(view))}]]")
        if hindrance := state_words(view):
            st.warning(as_it_is(hindrance), icon=":material/info:")
        for alarm in alarms_of(view, alarms):
            show = st.error if alarm.sure else st.warning
            show(as_it_is(told(alarm.text)), icon=":material/notification_important:")
        if view.workers:
            st.dataframe(worker_rows(view.workers), hide_index=True, placeholder="–", key=f"workers-{name}")


@st.fragment(run_every=2)
def watches() -> None:
    """Show all watches and all alarms, as they are now in every tab."""
    now = desk.view()
    if now.problem:
        st.error(as_it_is(told(now.problem)), icon=":material/error:")
    if not now.kept:
        st.info(_("This console has no data folder: its watches end with it."), icon=":material/info:")
    if not now.watches and not now.problem:
        st.info(_("Nothing is watched yet."), icon=":material/visibility:")
    for view in now.watches:
        card(view, now.alarms)
    st.header(_("Alarms"))
    where_to()
    if now.alarms:
        st.dataframe(alarm_rows(now.alarms), hide_index=True, placeholder="–", key="alarms")
    else:
        st.markdown(":gray[{}]".format(_("None so far.")))


def where_to() -> None:
    """Say where alarms and the alerts of runs are sent, and what did not arrive."""
    alerts = console.alerts.state()
    if alerts.host:
        text = _("Alarms, and runs that end red or without proof, are also told to {host}.", host=alerts.host)
        st.markdown(f":small[:gray[{as_it_is(text)}]]")
    elif not alerts.problem:
        text = _("Set LOADONCE_WEBHOOK_URL, and a chat is told of alarms and of runs that end red.")
        st.markdown(f":small[:gray[{as_it_is(text)}]]")
    if alerts.trouble:
        st.warning(as_it_is(told(alerts.trouble)), icon=":material/notifications_off:")


begin()
watches()
