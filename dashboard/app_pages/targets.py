"""Targets: the containers of this machine's engine, and the settings that say what may be done with them."""

from __future__ import annotations

import time

import streamlit as st

from dashboard import session
from dashboard.components.table import table_height
from dashboard.gauge_cards import gauge_cards
from dashboard.language import _
from dashboard.listing import container_rows
from dashboard.retold import told, told_rows
from dashboard.timeline import PROFILE_NAMES

st.title(_("Targets"))
st.markdown(_(":gray[What can be tested: this machine itself, and the containers that their owner allows.]"))


@st.fragment(run_every=3)
def containers() -> None:
    """List the containers as they are now, with the way to each one's log and to a run at it."""
    shown = session.shown_containers()
    if shown.faults:
        st.warning(
            _("Only labelled containers are shown, and may be tested, now. {why}", why=told(shown.faults)),
            icon=":material/warning:",
        )
    if shown.problem:
        why = _("{problem} Until then the local target can be tested.", problem=told(shown.problem))
        st.info(why, icon=":material/info:")
        return
    if not shown.containers:
        st.info(_("The engine has no container that may be seen here."), icon=":material/info:")
        return
    actions = st.container(horizontal=True, vertical_alignment="center")
    rows = container_rows(shown.containers, shown.allowed, time.time())
    table = st.dataframe(
        told_rows(rows), hide_index=True, on_select="rerun", selection_mode="single-row", key="containers",
        placeholder="–", height=table_height(rows), column_config={
            told("May be tested"): st.column_config.TextColumn(
                help=_("Allowed by the label loadonce.target=true, or by the settings below.")
            ),
        },
    )  # fmt: skip
    picked = [rows[index]["Name"] for index in table["selection"]["rows"] if index < len(rows)]
    with actions:
        if not picked:
            st.markdown(_(":gray[Tick a container to see its log or to test it.]"))
        for name in picked:
            st.page_link(
                "app_pages/logs.py", label=_("Log of {name}", name=name), icon=":material/article:",
                query_params={"container": name},
            )  # fmt: skip
            st.page_link(
                "app_pages/watch.py", label=_("Watch"), icon=":material/visibility:",
                query_params={"container": name},
            )  # fmt: skip
            if name in shown.allowed:
                st.page_link(
                    "app_pages/launch.py", label=_("Test it"), icon=":material/rocket_launch:",
                    query_params={"target": f"container:{name}"},
                )  # fmt: skip
                st.page_link(
                    "app_pages/probe.py", label=_("Probe it"), icon=":material/science:",
                    query_params={"container": name},
                )  # fmt: skip


@st.fragment(run_every=2)
def in_use() -> None:
    """Show what each running container uses now. One reading serves every tab, and none waits for it."""
    listed = session.shown_containers().containers
    cards, left_out = gauge_cards(listed, session.console().gauges.look(listed))
    if not cards:
        return
    st.header(_("In use now"))
    grid = st.grid(3, min_column_width=260)
    for card in cards:
        with grid.container(border=True, height="stretch"):
            st.markdown(f"**{card.name}** :small[:gray[{told(card.processes)}]]")
            for bar in card.bars:
                st.progress(bar.share, text=told(bar.text))
            if card.note:
                st.markdown(f":small[:gray[{told(card.note)}]]")
    if left_out:
        st.markdown(f":gray[{told(left_out)}]")


containers()
in_use()
st.header(_("Settings"))
before, unreadable = session.settings_text()
if before is None:
    st.error(told(unreadable), icon=":material/error:")
    st.stop()
st.markdown(
    _(
        ":gray[`{path}`: who may be tested, when it is ready, what triggers it. "
        "Every key, with an example: docs/targets.md. Built-in profiles: {profiles}.]",
        path=before.path,
        profiles=", ".join(PROFILE_NAMES),
    )
)
text = st.text_area(
    "targets.toml", height=280, key=session.SETTINGS_KEY,
    placeholder="[containers]\nallow = [\"feedlyai-work-yh\"]",
)  # fmt: skip
if st.button(_("Save"), icon=":material/save:", type="primary", disabled=text == before.text):
    refused = session.save_settings(before, text)
    if refused:
        st.error(told(refused), icon=":material/error:")
    else:
        st.toast(_("Saved."), icon=":material/check:")
        st.rerun()
