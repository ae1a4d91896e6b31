"""Probe: calls a service's own function by several threads at once in a container that the address names."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.components.field import field_error
from dashboard.printable import as_it_is
from dashboard.probe_desk import asked_for
from dashboard.probe_words import probe_words

st.title("Probe")
st.markdown(
    ":gray[Calls the function that loads a service's model by several threads at once, in a fresh process in "
    "its container: is it loaded once? Nothing is installed there; the container's own Python is enough.]"
)
console, shown = session.console(), session.shown_containers()
running = [each.name for each in shown.containers if each.name in shown.allowed and each.state == "running"]
named = st.query_params.get("container")
if named is not None and named not in running:
    st.info(session.disturbed(named), icon=":material/info:")
if not running:
    st.info(
        f"{shown.problem} No container runs that may be tested. See Targets for who may be.".strip(),
        icon=":material/info:",
    )
    st.page_link("app_pages/targets.py", label="Go to Targets", icon=":material/dns:")
else:
    with st.container(border=True):
        cells = st.grid(2, min_column_width=260)
        name = cells.selectbox(
            "Container", running, index=running.index(named) if named in running else 0, key="probe_container"
        )
        place = cells.container()
        typed = place.text_input(
            "Callable", placeholder="services.llava_service:get_llava_model", key="callable"
        )
        threads = cells.number_input("Threads", value=3, step=1, key="probe_threads")
        timeout = cells.number_input("Timeout (seconds)", value=180, step=1, key="probe_timeout")
        asked, wrong = asked_for(typed, threads, timeout)
        sure = force = False
        if asked is not None:
            st.warning(session.disturbed(name), icon=":material/warning:")
            sure = st.checkbox("Load the model a second time in it", key=f"probe-{name}")
            force = st.checkbox("… and though its memory may not hold a second one", key=f"force-{name}")
        elif typed:
            field_error({"callable": wrong}, "callable")
        if st.button("Probe", type="primary", icon=":material/science:", disabled=not sure, key="probe"):
            assert asked is not None  # nobody could be sure otherwise
            refused = console.probes.begin(
                name, asked, home=console.home, store=console.store, actor=session.actor(), force=force
            )
            if refused:
                st.error(refused, icon=":material/error:")

view = console.probes.view()
going_on = view is not None and view.running


@st.fragment(run_every=1 if going_on else None)
def newest() -> None:
    """Show the newest probe of this console: that it goes on, or what came of it."""
    now = console.probes.view()
    if now is None:
        return
    if going_on and not now.running:
        st.rerun()
    what = f"`{now.asked.module}:{now.asked.name}` in {now.container}, by {now.asked.threads:,} threads"
    if now.running:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/sync: **A probe is under way.** {what}", width="stretch")
            if st.button("Stop", key="probe_stop"):
                console.probes.stop()
        return
    st.subheader("Result")
    st.markdown(f":gray[{what}]")
    if now.judged is None:
        st.error(as_it_is(now.problem), icon=":material/error:")
        return
    words = probe_words(now.judged)
    show = {"green": st.success, "red": st.error, "inconclusive": st.warning}[words.tone]
    show("  \n".join((f"**{words.headline}**", *words.reasons)))
    for finding in words.findings[:2]:  # the likeliest
        st.markdown(f"**{finding.cause}** {finding.cure}")
    st.markdown(f":gray[{words.facts}]")
    st.dataframe(list(words.threads), hide_index=True, placeholder="–")
    for clause in words.unchecked:
        st.markdown(f":small[:gray[Not looked at. {clause}]]")


newest()
