"""History: the runs of the past, found again, opened, tagged and deleted; the address keeps the filters."""

from __future__ import annotations

import streamlit as st

from dashboard import runs_desk as desk
from dashboard.language import _, n_, number
from dashboard.listing import verdict_words
from dashboard.printable import as_it_is
from dashboard.retold import told
from dashboard.run_index import RunSummary
from dashboard.wording import when


@st.dialog(_("Delete for good?"))
def ask_before_deleting(chosen: list[RunSummary]) -> None:
    """Name the runs, and what goes with them."""
    st.markdown(_("The record, the log, the tags and the note of each are gone afterwards:"))
    for run in chosen[:MOST_NAMED]:
        st.markdown(f"- `{run.run_id}` · {told(verdict_words(run))} · {when(run.created_at)}")
    if len(chosen) > MOST_NAMED:
        st.markdown(_("… and {count} more.", count=len(chosen) - MOST_NAMED))
    with st.container(horizontal=True):
        if st.button(
            _("Delete"), type="primary", icon=":material/delete_forever:", key="delete_for_good",
            on_click=desk.delete, args=([run.run_id for run in chosen],),
        ):  # fmt: skip
            st.rerun()
        if st.button(_("Keep"), key="delete_not"):
            st.rerun()


def tags_of(chosen: list[RunSummary]) -> None:
    """Change the tags that the ticked runs have in common."""
    common = [tag for tag in chosen[0].tags if all(tag in run.tags for run in chosen)]
    after = st.multiselect(
        _("Tags"), list(dict.fromkeys((*desk.tags(), *common))), default=common, accept_new_options=True,
        key=f"tags-{hash(tuple(run.run_id for run in chosen))}", placeholder=_("Type a tag, then Enter"),
        help=_("A run with a tag is kept, however old it is."),
    )  # fmt: skip
    if st.button(_("Save the tags"), key="save_tags"):
        problem = desk.tag([run.run_id for run in chosen], common, after)
        if not problem:
            st.rerun()
        st.error(as_it_is(told(problem)), icon=":material/error:")


def note_of(run: RunSummary) -> None:
    """Write the note of a run."""
    text = st.text_area(_("Note"), value=run.note, key=f"note-{run.run_id}", height=140)
    if st.button(_("Save the note"), key="save_note"):
        problem = desk.note(run.run_id, text or "")
        if not problem:
            st.rerun()
        st.error(as_it_is(told(problem)), icon=":material/error:")


def about(chosen: list[RunSummary]) -> None:
    """What is known of the ticked runs, and what can be done with them."""
    first = chosen[0]
    if len(chosen) == 1:
        st.markdown(f"**{told(verdict_words(first))}** · {when(first.created_at)} · `{first.run_id}`")
        if first.tags:
            with st.container(horizontal=True, gap="small"):
                for tag in first.tags:
                    st.badge(tag, icon=":material/sell:", color="gray")
        for line in first.note.splitlines():
            st.markdown(as_it_is(line) or " ")
    else:
        st.markdown(n_("**{count} run ticked**", "**{count} runs ticked**", len(chosen)))
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(chosen) == 1:
            if st.button(_("Open in full"), type="primary", key="open"):
                st.switch_page("app_pages/run.py", query_params={"run": first.run_id})
            for page, label in (("timeline", _("Timeline")), ("logs", _("Log"))):
                st.page_link(f"app_pages/{page}.py", label=label, query_params={"run": first.run_id})
        elif len(chosen) == 2:
            after, before = chosen  # the list is newest first
            st.page_link(
                "app_pages/compare.py", label=_("Compare the two"), icon=":material/compare_arrows:",
                query_params={"before": before.run_id, "after": after.run_id},
            )  # fmt: skip
        with st.popover(_("Tags"), icon=":material/sell:"):
            tags_of(chosen)
        if len(chosen) == 1:
            with st.popover(_("Note"), icon=":material/edit_note:"):
                note_of(first)
        if st.button(_("Delete…"), icon=":material/delete:", key="delete"):
            ask_before_deleting(chosen)


def pages() -> None:
    """Turn the pages of the list."""
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        st.button(
            _("Newer"), icon=":material/chevron_left:", disabled=found.number == 1, key="newer",
            on_click=desk.turn_to, args=(found.number - 1,),
        )  # fmt: skip
        st.markdown(_("Page {number} of {last}", number=found.number, last=found.last))
        st.button(
            _("Older"), icon=":material/chevron_right:", disabled=found.number == found.last, key="older",
            on_click=desk.turn_to, args=(found.number + 1,),
        )  # fmt: skip


MOST_NAMED = 10
"""A dialog of more names than these is not read."""

st.title(_("History"))
desk.seed()
found = desk.page()
done, refused = desk.told_once()
if done:
    st.toast(done, icon=":material/check_circle:")  # a box would move the table under the hand
if refused:
    st.error(as_it_is(told(refused)), icon=":material/error:")
if not found.all:
    text = told(found.problem) or _("No run has been made yet. Launch one, and it is kept here.")
    st.info(as_it_is(text), icon=":material/info:")
    st.page_link("app_pages/launch.py", label=_("Go to Launch"), icon=":material/rocket_launch:")
    st.stop()

with st.grid(5, min_column_width=170):
    st.text_input(
        _("Search"), key=desk.SEARCH, type="search", on_change=desk.chosen,
        placeholder=_("id, day, version, note"),
        help=_("All of these words: of the id, day, target, guard, model, versions, tags or note."),
    )  # fmt: skip
    st.text_input(
        _("Its log says"), key=desk.LOG, type="search", on_change=desk.chosen, placeholder="meta tensor|OOM",
        help=_("Words or a pattern that some line of the run’s log has."),
    )  # fmt: skip
    st.selectbox(
        _("Verdict"), list(desk.OUTCOME_LABELS), key=desk.OUTCOME, on_change=desk.chosen,
        format_func=lambda each: desk.OUTCOME_LABELS[each](),
    )  # fmt: skip
    st.multiselect(
        _("Tags"), desk.tags(), key=desk.TAGS, on_change=desk.chosen, placeholder=_("Any"),
    )  # fmt: skip
    st.selectbox(
        _("Launched"), list(desk.PERIOD_LABELS), key=desk.PERIOD, on_change=desk.chosen,
        format_func=lambda each: desk.PERIOD_LABELS[each](),
    )  # fmt: skip
if found.problem:
    st.error(as_it_is(told(found.problem)), icon=":material/error:")
    st.stop()
if found.partly is not None:
    st.warning(
        _(
            "Only the logs of the newest {count} runs were read in time. Narrow the search, or look through "
            "all of them with `python -m dashboard history grep`.",
            count=found.partly,
        ),
        icon=":material/hourglass_bottom:",
    )
if not found.runs:
    st.info(_("No run matches. Empty the filters to see every run."), icon=":material/search_off:")
    st.stop()

with st.container(horizontal=True, vertical_alignment="center"):  # the table has its own tools at the right
    st.markdown(
        _(
            ":gray[{matching} of {all} runs. Tick a row to open, tag or delete that run; tick two to "
            "compare them.]",
            matching=number(found.matching),
            all=number(found.all),
        )
    )
    if found.last > 1:
        pages()
table = st.dataframe(
    desk.rows(found),
    hide_index=True, on_select="rerun", selection_mode="multi-row", placeholder="–",
    key=desk.table_key([run.run_id for run in found.runs]),
    column_config={
        "When": st.column_config.TextColumn(_("When")),
        "Verdict": st.column_config.TextColumn(_("Verdict")),
        "Tags": st.column_config.MultiselectColumn(_("Tags"), width=120),
        "Loads": st.column_config.NumberColumn(
            _("Loads"), help=_("Load starts that were seen; 1 is right.")
        ),
        "p95 latency": st.column_config.NumberColumn(
            _("p95 latency"), format=_("%.2f s"),
            help=_("95 of 100 variants were answered within this time, the load included."),
        ),
        "Variants": st.column_config.TextColumn(_("Variants")),
        "Guard": st.column_config.TextColumn(_("Guard"), width=140),
        "Repeats": st.column_config.NumberColumn(_("Repeats")),
        "Took": st.column_config.NumberColumn(
            _("Took"), format=_("%.1f s"), help=_("The whole run, its control included.")
        ),
        "Target": st.column_config.TextColumn(_("Target")),
        "By": st.column_config.TextColumn(_("By")),
        "Note": st.column_config.TextColumn(_("Note"), width=220),
        "Run": st.column_config.TextColumn(_("Run")),
        "Its log says": st.column_config.TextColumn(_("Its log says"), width=360),
    },
)  # fmt: skip
ticked = [found.runs[place] for place in table["selection"]["rows"] if place < len(found.runs)]
if ticked:  # below the table, which must not move under the hand that ticks a second row
    with st.container(border=True):
        about(ticked)
