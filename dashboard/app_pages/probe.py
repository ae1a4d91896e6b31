"""Probe: calls a service's own function by several threads at once in a container, or reads its source."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.audit_desk import audit_in_container
from dashboard.components.field import field_error
from dashboard.components.words import keyed
from dashboard.language import _, n_
from dashboard.printable import as_it_is, printable
from dashboard.probe_desk import asked_for
from dashboard.probe_words import probe_words
from dashboard.retold import told, told_rows

st.title(_("Probe"))
calling, reading = st.tabs(
    [_("Call it"), _("Read its source")],
    default=_("Read its source") if "source" in st.query_params else None,  # a link to a result shows it
    key=keyed("probe_way"),
    on_change="rerun",
)
console, shown = session.console(), session.shown_containers()
with calling:
    st.markdown(
        _(
            ":gray[Calls the function that loads a service's model by several threads at once, in a fresh "
            "process in its container: is it loaded once? Nothing is installed there; the container's own "
            "Python is enough.]"
        )
    )
    running = [
        each.name for each in shown.containers if each.name in shown.allowed and each.state == "running"
    ]
    named = st.query_params.get("container")
    if named is not None and named not in running:
        st.info(told(session.disturbed(named)), icon=":material/info:")
    if not running:
        st.info(
            _(
                "{problem} No container runs that may be tested. See Targets for who may be.",
                problem=told(shown.problem),
            ).strip(),
            icon=":material/info:",
        )
        st.page_link("app_pages/targets.py", label=_("Go to Targets"), icon=":material/dns:")
    else:
        with st.container(border=True):
            cells = st.grid(2, min_column_width=260)
            name = cells.selectbox(
                _("Container"),
                running,
                index=running.index(named) if named in running else 0,
                key="probe_container",
                on_change=lambda: session.address(container=st.session_state["probe_container"]),
            )
            place = cells.container()
            typed = place.text_input(
                _("Callable"), placeholder="services.llava_service:get_llava_model", key="callable",
                bind="query-params",
            )  # fmt: skip
            threads = cells.number_input(
                _("Threads"), value=3, step=1, key="probe_threads", bind="query-params"
            )
            timeout = cells.number_input(
                _("Timeout (seconds)"), value=180, step=1, key="probe_timeout", bind="query-params"
            )
            asked, wrong = asked_for(typed, threads, timeout)
            sure = force = False
            if asked is not None:
                st.warning(told(session.disturbed(name)), icon=":material/warning:")
                sure = st.checkbox(_("Load the model a second time in it"), key=f"probe-{name}")
                force = st.checkbox(
                    _("… and though its memory may not hold a second one"), key=f"force-{name}"
                )
            elif typed:
                field_error({"callable": wrong}, "callable")
            if st.button(
                _("Probe"), type="primary", icon=":material/science:", disabled=not sure, key="probe"
            ):
                assert asked is not None  # nobody could be sure otherwise
                refused = console.probes.begin(
                    name, asked, home=console.home, store=console.store, actor=session.actor(), force=force
                )
                if refused:
                    st.error(told(refused), icon=":material/error:")

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
    what = n_(
        "`{callable}` in {container}, by {count} thread",
        "`{callable}` in {container}, by {count} threads",
        now.asked.threads,
        callable=f"{now.asked.module}:{now.asked.name}",
        container=now.container,
    )
    if now.running:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/sync: **{_('A probe is under way.')}** {what}", width="stretch")
            if st.button(_("Stop"), key="probe_stop"):
                console.probes.stop()
        return
    st.header(_("Result"))
    st.markdown(f":gray[{what}]")
    only = _(
        "Only the newest probe of this console is kept, until it ends: no link brings an older one back."
    )
    st.markdown(f":small[:gray[{only}]]")
    if now.judged is None:
        st.error(as_it_is(told(now.problem)), icon=":material/error:")
        return
    words = probe_words(now.judged)
    show = {"green": st.success, "red": st.error, "inconclusive": st.warning}[words.tone]
    show("  \n".join((f"**{told(words.headline)}**", *map(told, words.reasons))))
    for finding in words.findings[:2]:  # the likeliest
        st.markdown(f"**{told(finding.cause)}** {told(finding.cure)}")
        if finding.example is not None:
            st.code(finding.example, language=None, wrap_lines=True)
    st.markdown(f":gray[{told(words.facts)}]")
    st.dataframe(told_rows(words.threads), hide_index=True, placeholder="–")
    for clause in words.unchecked:
        st.markdown(f":small[:gray[{_('Not looked at.')} {told(clause)}]]")


with calling:
    newest()


def read_source() -> None:
    """Show what stands in the source of the module that the address names."""
    chosen, module = st.query_params.get("source"), st.query_params.get("module", "")
    if chosen is None:
        return
    seen = audit_in_container(chosen, module, console.home)
    st.header(_("Result"))
    place = _("`{module}` in {container}", module=module.replace("`", ""), container=as_it_is(chosen))
    st.markdown(f":gray[{place}]")
    if seen.audit is None:
        st.error(as_it_is(told(seen.problem)), icon=":material/error:")
        return
    tone = {0: st.success, 1: st.error}.get(seen.audit.exit_code, st.warning)
    tone(as_it_is(told(seen.headline)))
    st.markdown(f":small[:gray[{as_it_is(told(seen.audit.place))}]]")
    for found in seen.findings:
        finding = found.finding
        with st.container(border=True):
            sure = _(":red-badge[certain]") if finding.certain else _(":orange-badge[doubt]")
            line = _("Line {number}", number=finding.line)
            st.markdown(f"{sure} **{line}** :gray[{finding.code}]  \n{as_it_is(told(finding.text))}")
            st.code("\n".join(map(printable, found.excerpt.splitlines())), language=None)


with reading:
    st.markdown(
        _(
            ":gray[Reads a module as the container's Python would find it, and says with line numbers "
            "whether its load is guarded. Nothing is run, so it works on a container that has ended, too.]"
        )
    )
    names = [each.name for each in shown.containers]
    if not names:
        unseen = _("{problem} No container can be seen.", problem=told(shown.problem))
        st.info(unseen.strip(), icon=":material/info:")
    else:
        with st.form("read", border=True):
            cells = st.grid(2, min_column_width=260)
            source = st.query_params.get("source")
            chosen = cells.selectbox(
                _("Container"),
                names,
                index=names.index(source) if source in names else 0,
                key="audit_container",
            )
            module = cells.text_input(
                _("Module, and the function in it if you know it"),
                value=st.query_params.get("module", ""),
                placeholder="services.llava_service:get_llava_model",
                key="audit_module",
            )
            if st.form_submit_button(_("Read the source"), type="primary", icon=":material/code:"):
                session.address(source=chosen, module=module)
        read_source()
