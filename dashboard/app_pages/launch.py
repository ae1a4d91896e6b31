"""Launch: two runs that are one press away, and the form for any other, whose fields stand in the address."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.address_choice import keep_choice, seed_choice
from dashboard.components.field import field_error
from dashboard.language import _
from dashboard.launch_form import PRESETS, draft
from dashboard.printable import as_it_is
from dashboard.retold import told
from dashboard.settings import DEFAULT_VARIANTS, GUARDS
from dashboard.wording import GUARD_CAPTIONS, GUARD_LABELS, running_headline, target_label

st.title(_("Launch"))
st.markdown(
    _(
        ":gray[Many requests arrive at once at a service that has not loaded its model yet. "
        "Is it loaded exactly once?]"
    )
)


@st.fragment(run_every=2)
def under_way() -> None:
    """Say what runs, with the way to it."""
    active = session.console().runner.active()
    if active is not None:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/sync: **{_('A run is under way.')}** {told(running_headline(active))}")
            st.page_link("app_pages/run.py", label=_("Watch it"), query_params={"run": active.run_id})


under_way()
problem = st.empty()
wish = None
for column, preset in zip(st.columns(len(PRESETS)), PRESETS, strict=True):
    with column.container(border=True, height="stretch"):
        if st.button(
            told(preset.label), key=preset.key, icon=preset.icon, width="stretch",
            type="primary" if preset is PRESETS[0] else "secondary",
        ):  # fmt: skip
            wish = preset.settings
        st.markdown(f":gray[{told(preset.caption)}]")

st.header(_("Or set it yourself"))
with st.container(border=True):
    checked = st.container()
    shown = session.shown_containers()
    target = st.selectbox(
        _("Target"), session.target_options(shown), key=session.TARGET_KEY,
        format_func=lambda name: told(target_label(name)), persist_state="session",
    )  # fmt: skip
    if shown.containers and not shown.allowed:
        st.markdown(_(":small[:gray[Containers join the list once they are allowed: see Targets.]]"))
    counts = st.grid(4, min_column_width=150)
    values: dict[str, object] = {"target": target}
    fields = {
        "jobs": (
            _("Jobs"),
            1,
            _("A job is a group of variants. All variants of all jobs are released together."),
        ),
        "variants_per_job": (
            _("Variants per job"),
            DEFAULT_VARIANTS,
            _("A variant is one request that needs the model."),
        ),
        "repeat": (
            _("Repeats"),
            1,
            _("How often the whole trial is made, each time with a new worker process."),
        ),
        "timeout_s": (
            _("Timeout (seconds)"),
            180,
            _("From the release until every variant must be answered."),
        ),
    }
    cells = {name: counts.container() for name in fields}
    for name, (label, value, hint) in fields.items():
        values[name] = cells[name].number_input(
            label, value=value, step=1, help=hint, key=name, bind="query-params"
        )
    unsure = False
    if target == "local":
        strange = seed_choice("guard", GUARDS, GUARD_LABELS, "on")
        values["guard"] = st.radio(
            _("Guard of the loader"), GUARDS, key="guard", on_change=keep_choice, args=("guard", "on"),
            format_func=lambda mode: told(GUARD_LABELS[mode]),
            captions=[told(GUARD_CAPTIONS[mode]) for mode in GUARDS],
        )  # fmt: skip
        cells["guard"] = st.container()
        if strange:
            st.warning(as_it_is(strange), icon=":material/link_off:")
        values["control"] = st.toggle(
            _("Control: then make the same trial with the guard off"), value=True, key="control",
            disabled=values["guard"] != "on", bind="query-params",
            help=_(
                "A green says little unless the same trial can go red. It takes about as long as a trial."
            ),
        )  # fmt: skip
        with st.expander(_("Advanced")):
            values["model"] = st.text_input(
                _("Checkpoint folder"), key="model", bind="query-params",
                placeholder=_("empty: the small demo LLaVA, made when it is first needed"),
            )  # fmt: skip
            cells["model"] = st.container()
    else:
        values["restart"] = st.toggle(
            _("Restart it first"), value=True, key="restart", bind="query-params",
            help=_("A container that has its model already can prove nothing."),
        )  # fmt: skip
        if values["restart"]:
            st.warning(told(session.disturbed(target.removeprefix("container:"))), icon=":material/warning:")
            unsure = not st.checkbox(_("Restart it, and end what it is doing"), key=f"sure-{target}")
    form = draft(values)
    refused = session.refusal(form.settings)
    errors = {**form.errors, **(refused.errors if refused is not None else {})}
    cells["target"] = checked
    for name, cell in cells.items():
        with cell:
            field_error(errors, name)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            _("Launch"), type="primary", icon=":material/rocket_launch:", key="launch", disabled=unsure
        ):
            wish = form.settings
        st.markdown(told(form.sentence) or _(":red[Correct the marked fields first.]"), width="stretch")

run_id = session.launch(wish) if wish is not None else None
if run_id is not None:
    st.switch_page("app_pages/run.py", query_params={"run": run_id})
if wish is not None:
    st.rerun()
whole = session.refusal()
if whole is not None and whole.sentence:
    problem.error(told(whole.sentence), icon=":material/error:")
