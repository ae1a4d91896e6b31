"""Guide: the manual steps, each beside what does it here; `?target=` and `&module=` say which service."""

from __future__ import annotations

import streamlit as st

from dashboard import guide_desk, session
from dashboard.examples import ONCE_LOADER
from dashboard.guide import GuideStep, cures, result_rows
from dashboard.guide_steps import guide_steps
from dashboard.language import _
from dashboard.loader_copy import about_the_loader, loader_zip
from dashboard.printable import as_it_is
from dashboard.retold import told
from dashboard.wording import settings_title, target_label

_BADGES = {
    "good": ("green", ":material/check_circle:"),
    "bad": ("red", ":material/error:"),
    "doubt": ("orange", ":material/help:"),
    "busy": ("blue", ":material/sync:"),
    "none": ("gray", ":material/radio_button_unchecked:"),
}

st.title(_("Guide"))
st.markdown(
    _(
        ":gray[Is the model loaded exactly once when several variants start at the same time? "
        "What was done by hand to find out, step by step, and the button that does it here. "
        "The lines work as they stand, pasted one after the other.]"
    )
)
shown = session.shown_containers()
fields = st.grid(2, min_column_width=260)
target = fields.selectbox(
    _("Target"), guide_desk.targets(shown), key=guide_desk.TARGET_KEY,
    format_func=lambda name: told(target_label(name)), on_change=guide_desk.choose, persist_state="session",
)  # fmt: skip
name = target.removeprefix("container:")
if target == "local":
    if shown.problem:
        st.info(told(shown.problem), icon=":material/info:")
    elif not shown.allowed:
        st.info(_("No container may be tested yet: see Targets. Until then, walk through it here."),
                icon=":material/info:")  # fmt: skip
else:
    fields.text_input(
        _("Module and function that load the model"), key=guide_desk.MODULE_KEY, on_change=guide_desk.choose,
        persist_state="session",
    )  # fmt: skip


def draw(step: GuideStep, number: int, *, free: bool) -> None:
    """Draw one step: by hand on the left, here on the right."""
    colour, icon = _BADGES[step.tone]
    with st.container(border=True):
        st.header(f"{number}. {step.title}", anchor=False)
        by_hand, here = st.columns(2)
        with by_hand:
            st.markdown(f":small[:gray[{_('By hand')}]]")
            if step.shell:
                st.code(step.shell, language=None, wrap_lines=True)
            else:
                st.markdown(_("By statements in its database: `targets.toml` holds them."))
        with here:
            st.markdown(f":small[:gray[{_('Here')}]]  \n{step.here}")
            with st.container(horizontal=True):
                for action in step.actions:
                    if action.page is not None:
                        st.page_link(
                            f"app_pages/{action.page}.py", label=action.label, icon=action.icon,
                            query_params=dict(action.query),
                        )  # fmt: skip
                    else:
                        st.button(
                            action.label, key=f"guide-{action.key}", icon=action.icon,
                            type="primary" if action.primary else "secondary",
                            disabled=step.key == "release" and not free,
                            on_click=guide_desk.press, args=(action.key,),
                        )  # fmt: skip
            st.markdown(f":{colour}[{icon} {as_it_is(step.state)}]")


@st.fragment(run_every=2)
def walk() -> None:
    """Draw the steps as far as they have come; a run is shown while it goes on."""
    known, active = guide_desk.facts(), session.console().runner.active()
    free = active is None
    if known.name is not None:
        disturbs = told(session.disturbed(known.name))
        if known.allowed:
            st.warning(as_it_is(disturbs), icon=":material/warning:")
            sure = st.checkbox(_("Restart it, and end what it is doing"), key=f"guide-sure-{known.name}")
            free = free and sure
        else:
            st.info(as_it_is(disturbs), icon=":material/visibility_off:")
            free = False
    refused = session.refusal()
    if refused is not None and refused.settings.target == known.target:
        st.error(
            as_it_is(told(refused.sentence or " ".join(refused.errors.values()))), icon=":material/error:"
        )
    if active is not None and (known.record is None or known.record.run_id != active.run_id):
        other = told(settings_title(active.settings))
        st.info(_("Another run is under way: {run}. Release when it has ended.", run=as_it_is(other)),
                icon=":material/sync:")  # fmt: skip
    for number, step in enumerate(guide_steps(known), start=1):
        draw(step, number, free=free)
    st.header(_("What should come out"), anchor=False)
    st.dataframe(result_rows(known), hide_index=True, key="guide_results")
    st.header(_("If it is not so"), anchor=False)
    found = cures(known)
    if not found:
        st.markdown(_("It is so: the newest run was green, and there is nothing to cure."))
    for finding in found:
        st.markdown(f"**{as_it_is(finding.cause)}**  \n{as_it_is(finding.cure)}")
        if finding.example is not None:
            st.code(finding.example, language=None, wrap_lines=True)


def loader() -> None:
    """Hand out the loader, and say what it does."""
    st.header(_("Put the loader into your service"), anchor=False)
    st.markdown(
        _(
            "Put the folder `loader/` beside your service's code. It needs torch, transformers and "
            "accelerate, which the service has, and nothing of this console. Then these lines load the model "
            "once in each process, however many ask for it:"
        )
    )
    st.code(ONCE_LOADER, language=None, wrap_lines=True)
    st.download_button(
        _("The folder loader/ (zip)"), loader_zip, "loader.zip", "application/zip", key="guide-loader",
        on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    with st.expander(_("What it guarantees, which test holds it, and what it does not do (in English)")):
        st.markdown(about_the_loader())


# A cure leads here by `?about=loader`: what it is about stands first then
parts = (loader, walk) if st.query_params.get("about") == "loader" else (walk, loader)
for part in parts:
    part()
