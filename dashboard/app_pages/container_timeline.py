"""The part of the Timeline page that shows what a container loaded of late, from its log alone."""

from __future__ import annotations

import streamlit as st

from dashboard import load_history_desk as desk
from dashboard.components.live_chart import timeline_chart
from dashboard.history_chart import history_figure, history_rows, history_words
from dashboard.language import _, zone, zone_words
from dashboard.live_assets import PLOTLY_PATH
from dashboard.load_history import SPANS, LoadHistory
from dashboard.log_moments import lines_text
from dashboard.printable import as_it_is
from dashboard.shown import Shown


def how_to_ask() -> str:
    """Return what stands where log lines will."""
    return _("Click on the chart, or choose a mark with its buttons: its log lines come here.")


def lines_of_container(history: LoadHistory, at: float | None) -> None:
    """Show the log lines of the moment that was asked for, once they have been fetched."""
    begun = desk.lines_of(history, at)

    @st.fragment(run_every=1 if begun.running else None)
    def lines() -> None:
        near = desk.lines_of(history, at)
        if begun.running and not near.running:
            st.rerun()
        if at is None:
            st.markdown(f":gray[{how_to_ask()}]")
        elif near.running:
            st.markdown(f":gray[:material/hourglass_top: {_('Fetching the lines of this moment …')}]")
        elif near.problem or near.found.line is None:
            st.markdown(f":gray[{as_it_is(near.problem) or _('The log has no lines near this moment.')}]")
        else:
            st.code(
                lines_text(near.found, zone(), numbered=False),
                language=None,
                wrap_lines=True,
                height=300,
            )
        st.page_link(
            "app_pages/logs.py", label=_("Open the log there"), icon=":material/article:",
            query_params=desk.lines_link(history.container, near),
        )  # fmt: skip

    st.markdown(f"**{_('The log at this moment')}** :small[:gray[{zone_words(history.window.end)}]]")
    lines()


def loads_of(history: LoadHistory) -> None:
    """Draw what is known of a container's loads, and list them."""
    key = f"history-{history.container}-{st.session_state[desk.RANGE]}"
    look, words = desk.look_of(history, key), history_words(history)
    for sentence in filter(None, (history.problem, *history.notes)):
        st.warning(as_it_is(sentence), icon=":material/warning:")
    left, right = st.columns([3, 2])
    with left:
        timeline_chart(
            history_figure(history, look.axis, look.window), label=words, library=PLOTLY_PATH, key=key,
            window=look.placed, moment=None if look.at is None else look.axis.of(look.at),
            on_click=lambda: desk.note_click_on(key, look.axis),
        )  # fmt: skip
        st.markdown(f":small[:gray[{as_it_is(words)}]]")
    with right:
        lines_of_container(history, look.at)
    st.subheader(_("Every load"))
    rows = history_rows(history)
    if rows:
        st.dataframe(rows, hide_index=True, placeholder="–", key="loads")
    else:
        st.markdown(f":gray[{_('No load was seen in this range. Choose a longer one, or launch a run.')}]")


def history_of(name: str) -> None:
    """Show what a container loaded, as far as its log has been read."""
    begun = desk.picture_of(name)

    @st.fragment(run_every=1 if begun.running else None)
    def history() -> None:
        now = desk.picture_of(name)
        if begun.running and not now.running:
            st.rerun()
        if now.running:
            lines = 0 if now.history is None else now.history.lines
            far = _("Reading the log: {lines} lines so far.", lines=f"{lines:,}")
            st.markdown(f":gray[:material/hourglass_top: {far}]")
        if now.problem:
            st.error(as_it_is(now.problem), icon=":material/error:")
        if now.history is not None:
            loads_of(now.history)

    history()


def of_container(shown: Shown) -> None:
    """Ask which container and how far back, and show what it loaded."""
    named = desk.named_container() or ""
    names = list(dict.fromkeys((*(each.name for each in shown.containers), named)))
    cells = st.container(horizontal=True, vertical_alignment="bottom")
    cells.selectbox(_("Container"), names, key=desk.CONTAINER, on_change=desk.picked, width=320)
    cells.selectbox(
        _("Range"), list(SPANS), format_func=desk.range_label, key=desk.RANGE,
        on_change=desk.picked, width=200,
    )  # fmt: skip
    cells.button(_("Read it again"), icon=":material/refresh:", on_click=desk.read_again)
    if unseen := shown.unseen(named):
        st.info(as_it_is(unseen), icon=":material/visibility_off:")
    else:
        history_of(named)
